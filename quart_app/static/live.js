// One connection to the server for all tabs: browsers allow six to a host, and ten tabs shall all
// be live. A shared worker holds it; this is what it looks like to the page, an EventSource.
"use strict";

class SharedSource extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.readyState = EventSource.CONNECTING;
    this.onopen = this.onerror = this.onmessage = null;
    this.names = new Set();
    this.opened = false;
    this.port = new SharedWorker("/static/live-worker.js", { name: "millrace" }).port;
    this.port.onmessage = ({ data }) => this.receive(data);
    // The worker keeps a tab until this lock is free: then the tab is gone, however it went.
    const lock = `millrace-${crypto.randomUUID()}`;
    navigator.locks.request(lock, () => {
      if (this.readyState === EventSource.CLOSED) return null;
      this.port.postMessage({ kind: "open", url: new URL(url, location.href).href, lock });
      for (const name of this.names) this.port.postMessage({ kind: "listen", name });
      this.opened = true;
      return new Promise((release) => { this.release = release; });
    });
  }

  receive(message) {
    this.readyState = message.state;
    if (message.kind === "message") {
      const event = new MessageEvent(message.name, { data: message.data, lastEventId: message.id });
      this.dispatchEvent(event);
    } else {
      const event = new Event(message.kind);
      const handler = message.kind === "open" ? this.onopen : this.onerror;
      if (handler) handler.call(this, event);
      this.dispatchEvent(event);
    }
  }

  addEventListener(name, listener) {
    super.addEventListener(name, listener);
    if (this.names.has(name)) return;
    this.names.add(name);
    if (this.opened) this.port.postMessage({ kind: "listen", name });
  }

  close() {
    this.readyState = EventSource.CLOSED;
    this.port.postMessage({ kind: "close" });
    this.port.close();
    if (this.release) this.release();
  }
}

// Without shared workers each tab has a connection of its own, and reconnects by itself.
if (window.SharedWorker && navigator.locks) {
  htmx.createEventSource = (url) => new SharedSource(url);
}
