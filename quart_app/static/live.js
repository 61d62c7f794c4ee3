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
    // The worker holds on to a tab until this lock is free: then the tab is gone, however it went.
    this.lock = `millrace-${crypto.randomUUID()}`;
    navigator.locks.request(this.lock, () => new Promise((release) => { this.release = release; }));
    this.port = new SharedWorker("/static/live-worker.js", { name: "millrace" }).port;
    this.port.onmessage = ({ data }) => this.receive(data);
    this.port.postMessage({ kind: "open", url: new URL(url, location.href).href, lock: this.lock });
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
    this.port.postMessage({ kind: "listen", name });
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
