/** Shows whether the page receives live updates. */
import { byId, find } from "../dom.js";

/** Follows the event stream and the browser's network state. */
export function startConnectionStatus() {
  document.body.addEventListener("htmx:sseOpen", () => showConnection("live"));
  document.body.addEventListener("htmx:sseError", () => {
    showConnection(navigator.onLine ? "reconnecting" : "offline");
  });
  window.addEventListener("offline", () => showConnection("offline"));
  window.addEventListener("online", () => showConnection("reconnecting"));
  // A page from the back/forward cache has lost its connection.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

/** @param {"live" | "reconnecting" | "offline"} state */
function showConnection(state) {
  const status = byId("connection", HTMLElement);
  if (status.dataset.state === state) return;
  status.dataset.state = state;
  find(status, "span", HTMLElement).textContent = state;
}
