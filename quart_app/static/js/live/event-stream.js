/** One event stream of the server, shared by all tabs that show the same view; it reconnects forever. */

/**
 * What the worker sends to a tab.
 *
 * @typedef {{ kind: "open" | "error", readyState: number }} StateMessage
 * @typedef {{ kind: "event", name: string, data: string, id: string, readyState: number }} EventMessage
 * @typedef {StateMessage | EventMessage} WorkerMessage
 */

/**
 * What a tab sends to the worker: which stream it wants, the events it listens to, that it is done.
 * The tab holds the Web Lock `lock` for as long as it exists.
 *
 * @typedef {{ kind: "open", url: string, lock: string }} OpenRequest
 * @typedef {{ kind: "listen", name: string }} ListenRequest
 * @typedef {OpenRequest | ListenRequest | { kind: "close" }} TabMessage
 */

const MIN_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;

export class EventStream {
  /** @type {Map<MessagePort, Set<string>>} each tab's port and the names of the events it wants */
  #tabs = new Map();
  /** @type {Set<string>} */
  #names = new Set();
  /** @type {EventSource | null} */
  #source = null;
  #url;
  #lastId = "";
  #delayMs = MIN_DELAY_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} url absolute address of the stream */
  constructor(url) {
    this.#url = url;
  }

  /** Whether no tab uses this stream any more. */
  get unused() {
    return this.#tabs.size === 0;
  }

  /** @param {MessagePort} port */
  addTab(port) {
    this.#tabs.set(port, new Set());
    // A new tab needs the current state, not only what changes from now on.
    this.#connect("");
  }

  /** @param {MessagePort} port */
  removeTab(port) {
    this.#tabs.delete(port);
  }

  /**
   * Sends a tab the events with this name from now on.
   *
   * @param {MessagePort} port
   * @param {string} name
   */
  subscribe(port, name) {
    this.#tabs.get(port)?.add(name);
    if (this.#names.has(name)) return;
    this.#names.add(name);
    if (this.#source) this.#forward(this.#source, name);
  }

  /** Connects again and asks for the events since the last one received. */
  resume() {
    this.#connect(this.#lastId);
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  /** @param {string} lastId of the event to continue after; empty for the state as it is now */
  #connect(lastId) {
    this.close();
    const url = new URL(this.#url);
    if (lastId) url.searchParams.set("last_event_id", lastId);
    const source = new EventSource(url);
    this.#source = source;
    source.onopen = () => {
      this.#delayMs = MIN_DELAY_MS;
      this.#broadcast("open");
    };
    source.onerror = () => {
      this.#broadcast("error");
      // The browser gives up after an answer such as 503.
      if (source.readyState === EventSource.CLOSED && source === this.#source) this.#resumeLater();
    };
    for (const name of this.#names) this.#forward(source, name);
  }

  #resumeLater() {
    const jitter = 0.5 + Math.random();
    this.#timer = setTimeout(() => this.resume(), this.#delayMs * jitter);
    this.#delayMs = Math.min(MAX_DELAY_MS, this.#delayMs * 2);
  }

  /**
   * @param {EventSource} source
   * @param {string} name
   */
  #forward(source, name) {
    source.addEventListener(name, ({ data, lastEventId }) => {
      if (lastEventId) this.#lastId = lastEventId;
      for (const [port, names] of this.#tabs) {
        if (names.has(name)) {
          post(port, { kind: "event", name, data, id: lastEventId, readyState: this.#readyState });
        }
      }
    });
  }

  /** @param {"open" | "error"} kind */
  #broadcast(kind) {
    for (const port of this.#tabs.keys()) post(port, { kind, readyState: this.#readyState });
  }

  /** What tabs see: this stream reconnects by itself, so it is never closed to them. */
  get #readyState() {
    const open = this.#source?.readyState === EventSource.OPEN;
    return open ? EventSource.OPEN : EventSource.CONNECTING;
  }
}

/**
 * @param {MessagePort} port
 * @param {WorkerMessage} message
 */
function post(port, message) {
  port.postMessage(message);
}
