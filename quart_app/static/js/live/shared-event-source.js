/**
 * One connection to the server for all tabs. Browsers allow six connections to a host, and each tab
 * would need one for its live updates, so a shared worker holds it for all of them.
 */

/** @typedef {import("./event-stream.js").TabMessage} TabMessage */
/** @typedef {import("./event-stream.js").WorkerMessage} WorkerMessage */

const WORKER_URL = new URL("./worker.js", import.meta.url);

/** Makes htmx's sse extension use the shared connection where the browser can have one. */
export function useSharedEventSource() {
  // Otherwise each tab has a connection of its own.
  if ("locks" in navigator && supportsModuleWorkers()) {
    htmx.createEventSource = (url) => new SharedEventSource(url);
  }
}

/**
 * A browser that knows module workers reads the option `type`, even for an address that it refuses.
 *
 * @returns {boolean}
 */
function supportsModuleWorkers() {
  let supported = false;
  const options = {
    /** @returns {"module"} */
    get type() {
      supported = true;
      return "module";
    },
  };
  try {
    new SharedWorker("https://", options);
  } catch {
    // No shared workers at all, or the invalid address, which keeps a worker from being started.
  }
  return supported;
}

/** What htmx's sse extension needs of an EventSource, over the worker's connection. */
class SharedEventSource extends EventTarget {
  /** @type {number} */
  readyState = EventSource.CONNECTING;
  /** @type {((event: Event) => void) | null} */
  onopen = null;
  /** @type {((event: Event) => void) | null} */
  onerror = null;
  /** @type {Set<string>} */
  #names = new Set();
  #joined = false;
  /** @type {() => void} */
  #releaseLock = () => {};
  #port;

  /** @param {string} url address of the stream, may be relative to the page */
  constructor(url) {
    super();
    const worker = new SharedWorker(WORKER_URL, { name: "millrace", type: "module" });
    // The worker's files could not be loaded; the extension opens a new source later.
    worker.onerror = () => {
      this.close();
      this.#emit(new Event("error"), this.onerror);
    };
    this.#port = worker.port;
    /** @param {MessageEvent<WorkerMessage>} event */
    this.#port.onmessage = ({ data }) => this.#receive(data);
    this.#join(new URL(url, location.href).href);
  }

  /**
   * @override
   * @param {string} name
   * @param {EventListenerOrEventListenerObject | null} listener
   */
  addEventListener(name, listener) {
    super.addEventListener(name, listener);
    if (this.#names.has(name)) return;
    this.#names.add(name);
    if (this.#joined) this.#post({ kind: "listen", name });
  }

  close() {
    this.readyState = EventSource.CLOSED;
    this.#post({ kind: "close" });
    this.#port.close();
    this.#releaseLock();
  }

  /**
   * Holds a lock for as long as this tab uses the stream: the worker waits for it to learn that the
   * tab is gone, which it would not be told if the tab crashed.
   *
   * @param {string} url
   */
  #join(url) {
    const lock = `millrace-${crypto.randomUUID()}`;
    navigator.locks.request(lock, () => {
      if (this.readyState === EventSource.CLOSED) return null;
      this.#post({ kind: "open", url, lock });
      for (const name of this.#names) this.#post({ kind: "listen", name });
      this.#joined = true;
      return new Promise((resolve) => {
        this.#releaseLock = () => resolve(null);
      });
    });
  }

  /** @param {WorkerMessage} message */
  #receive(message) {
    this.readyState = message.readyState;
    if (message.kind === "event") {
      const { name, data, id } = message;
      this.dispatchEvent(new MessageEvent(name, { data, lastEventId: id }));
    } else {
      this.#emit(new Event(message.kind), message.kind === "open" ? this.onopen : this.onerror);
    }
  }

  /**
   * @param {Event} event
   * @param {((event: Event) => void) | null} handler
   */
  #emit(event, handler) {
    handler?.call(this, event);
    this.dispatchEvent(event);
  }

  /** @param {TabMessage} message */
  #post(message) {
    this.#port.postMessage(message);
  }
}
