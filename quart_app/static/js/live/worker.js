/** The shared worker: holds one event stream for each view that is open in a tab. */
import { EventStream } from "./event-stream.js";

const scope = /** @type {SharedWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** @type {Map<string, EventStream>} streams by their address */
const streams = new Map();

scope.onconnect = ({ ports: [port] }) => {
  if (port) serveTab(port);
};
scope.addEventListener("online", () => {
  for (const stream of streams.values()) stream.resume();
});

/**
 * Does what the tab at the other end of the port asks for, until it closes its stream or is gone.
 *
 * @param {MessagePort} port
 */
function serveTab(port) {
  /** @type {string | null} */
  let url = null;
  const leave = () => {
    if (url !== null) leaveStream(url, port);
    url = null;
  };
  /** @param {MessageEvent<import("./event-stream.js").TabMessage>} event */
  port.onmessage = ({ data }) => {
    if (data.kind === "open") {
      url = data.url;
      joinStream(url, port);
      // The lock becomes free when the tab is gone, even if it crashed.
      navigator.locks.request(data.lock, leave);
    } else if (data.kind === "listen") {
      if (url !== null) streams.get(url)?.subscribe(port, data.name);
    } else {
      leave();
    }
  };
}

/**
 * @param {string} url
 * @param {MessagePort} port
 */
function joinStream(url, port) {
  const stream = streams.get(url) ?? new EventStream(url);
  streams.set(url, stream);
  stream.addTab(port);
}

/**
 * @param {string} url
 * @param {MessagePort} port
 */
function leaveStream(url, port) {
  const stream = streams.get(url);
  stream?.removeTab(port);
  if (!stream?.unused) return;
  stream.close();
  streams.delete(url);
}
