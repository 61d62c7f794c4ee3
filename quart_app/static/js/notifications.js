/** Messages at the top of the page: what the scripts have to say, and errors of requests. */
import { byId, closestTarget } from "./dom.js";
import { DISMISS, TIMED_OUT, UNREACHABLE } from "./messages.js";

/**
 * Shows that something worked; the message goes away by itself.
 *
 * @param {string} text
 */
export function notifySuccess(text) {
  show(createMessage(text, "success", "8s"));
}

/**
 * Shows that something failed; the message stays longer and can be dismissed.
 *
 * @param {string} text
 */
export function notifyError(text) {
  const message = createMessage(text, "dismiss", "20s");
  message.setAttribute("role", "alert");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.dismiss = "";
  button.setAttribute("aria-label", DISMISS);
  button.textContent = "×";
  message.append(button);
  show(message);
}

/** Shows failed requests as messages and lets messages be dismissed. */
export function startNotifications() {
  document.body.addEventListener("htmx:sendError", () => notifyError(UNREACHABLE));
  document.body.addEventListener("htmx:timeout", () => notifyError(TIMED_OUT));
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    // An error is a message, whatever the target of the request was.
    if (!detail.isError) return;
    detail.target = byId("messages", HTMLElement);
    detail.swapOverride = "afterbegin";
    detail.selectOverride = "unset";
  });
  document.addEventListener("click", (event) => {
    const message = closestTarget(event, "[data-dismiss]")?.closest(".message");
    if (message instanceof HTMLElement) message.hidden = true;
  });
}

/**
 * @param {string} text
 * @param {"success" | "dismiss"} kind
 * @param {string} lifetime an interval as htmx writes it
 * @returns {HTMLElement}
 */
function createMessage(text, kind, lifetime) {
  const message = document.createElement("div");
  message.className = `message message-${kind}`;
  message.setAttribute("remove-me", lifetime);
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  message.append(paragraph);
  return message;
}

/** @param {HTMLElement} message */
function show(message) {
  byId("messages", HTMLElement).prepend(message);
  htmx.process(message);
}
