// Holds one event stream for each view that a tab looks at, and gives each tab what it asked for.
"use strict";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
const streams = new Map(); // address → Stream

class Stream {
  constructor(url) {
    this.url = url;
    this.ports = new Map(); // port → names it listens for
    this.names = new Set();
    this.lastId = "";
    this.pause = FIRST_PAUSE;
    this.timer = null;
    this.source = null;
  }

  // With `fresh` the server sends the state as it is; otherwise what came after the last event.
  connect(fresh) {
    clearTimeout(this.timer);
    if (this.source) this.source.close();
    const address = new URL(this.url);
    if (!fresh && this.lastId) address.searchParams.set("last_event_id", this.lastId);
    const source = this.source = new EventSource(address);
    source.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.tell({ kind: "open" });
    };
    source.onerror = () => {
      this.tell({ kind: "error" });
      // The browser gives up after an answer such as 503; we do not.
      if (source.readyState === EventSource.CLOSED && source === this.source) this.later();
    };
    for (const name of this.names) this.listen(name);
  }

  later() {
    const jitter = 0.5 + Math.random();
    this.timer = setTimeout(() => this.connect(false), this.pause * jitter);
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
  }

  listen(name) {
    this.source.addEventListener(name, (event) => {
      if (event.lastEventId) this.lastId = event.lastEventId;
      this.tell({ kind: "message", name, data: event.data, id: event.lastEventId }, name);
    });
  }

  tell(message, name) {
    for (const [port, names] of this.ports) {
      if (!name || names.has(name)) port.postMessage({ ...message, state: EventSource.CONNECTING + this.ready() });
    }
  }

  // A stream that reconnects is never closed to its tabs.
  ready() {
    return this.source.readyState === EventSource.OPEN ? 1 : 0;
  }

  add(port) {
    this.ports.set(port, new Set());
    // Who joins has to get the state as it is now, not the last picture that others got.
    this.connect(true);
  }

  want(port, name) {
    this.ports.get(port)?.add(name);
    if (this.names.has(name)) return;
    this.names.add(name);
    this.listen(name);
  }

  drop(port) {
    this.ports.delete(port);
    if (this.ports.size > 0) return;
    clearTimeout(this.timer);
    this.source.close();
    streams.delete(this.url);
  }
}

self.onconnect = ({ ports: [port] }) => {
  let stream = null;
  const leave = () => {
    if (stream) stream.drop(port);
    stream = null;
  };
  port.onmessage = ({ data }) => {
    if (data.kind === "open") {
      if (!streams.has(data.url)) streams.set(data.url, new Stream(data.url));
      stream = streams.get(data.url);
      stream.add(port);
      navigator.locks.request(data.lock, leave);
    } else if (data.kind === "listen") {
      stream?.want(port, data.name);
    } else {
      leave();
    }
  };
};

self.addEventListener("online", () => {
  for (const stream of streams.values()) stream.connect(false);
});
