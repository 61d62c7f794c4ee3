// Messages, running clocks, chosen rows, and saying whether the page is live. The rest is htmx.
"use strict";

const $ = (id) => document.getElementById(id);
document.documentElement.classList.add("scripted");

// --- Messages ----------------------------------------------------------------------------

function say(text, kind = "dismiss") {
  const message = document.createElement("div");
  message.className = `message message-${kind}`;
  if (kind === "dismiss") message.setAttribute("role", "alert");
  message.setAttribute("remove-me", kind === "dismiss" ? "20s" : "8s");
  const words = document.createElement("p");
  words.textContent = text;
  message.append(words);
  if (kind === "dismiss") {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.dismiss = "";
    button.setAttribute("aria-label", "Dismiss");
    button.textContent = "×";
    message.append(button);
  }
  $("messages").prepend(message);
  htmx.process(message);
}
document.body.addEventListener("htmx:sendError", () => say("The server cannot be reached. Nothing was sent; please try again."));
document.body.addEventListener("htmx:timeout", () => say("The server took too long to answer."));
document.body.addEventListener("htmx:beforeSwap", (event) => {
  // An error is a message, wherever the answer was meant to go.
  if (event.detail.isError) {
    event.detail.target = $("messages");
    event.detail.swapOverride = "afterbegin";
    event.detail.selectOverride = "unset";
  }
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) button.closest(".message").hidden = true;
});

// --- Clocks ------------------------------------------------------------------------------

function ago(seconds) {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86400);
  return `${days} day${days > 1 ? "s" : ""} ago`;
}
function lasting(seconds) {
  if (seconds < 60) return `${Math.max(0, seconds).toFixed(0)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = (n) => String(Math.floor(n)).padStart(2, "0");
  if (minutes < 60) return `${minutes} min ${rest(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${rest(minutes % 60)} min`;
}
function tick() {
  for (const time of document.querySelectorAll("time[data-relative], time[data-since]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    let text = "since" in time.dataset ? lasting(seconds) : ago(seconds);
    if (seconds < 0 && "relative" in time.dataset) text = `in ${lasting(-seconds)}`;
    // Untouched text keeps what someone has selected in it.
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(tick, 1000);
document.body.addEventListener("htmx:afterSettle", tick);
tick();

// --- Chosen rows -------------------------------------------------------------------------

const chosen = () => [...document.querySelectorAll('#files tbody input[type="checkbox"]:checked')];
const FITS = { cancel: ["Waiting", "Processing"], remove: ["Ok"], retry: ["Error", "Canceled"] };

function countChosen() {
  const boxes = chosen();
  const bulk = $("bulk");
  if (!bulk) return;
  bulk.classList.toggle("some", boxes.length > 0);
  $("bulk-count").textContent = `${boxes.length} chosen:`;
  for (const button of bulk.querySelectorAll("[data-bulk]")) {
    const fitting = boxes.filter((box) => FITS[button.value].includes(box.closest("tr").dataset.status)).length;
    button.disabled = fitting === 0;
    button.textContent = fitting ? `${button.dataset.bulk} ${fitting}` : button.dataset.bulk;
    const files = fitting === 1 ? "1 file" : `${fitting} files`;
    button.setAttribute("hx-confirm", {
      cancel: `Cancel ${files}? Running work stops at once.`,
      remove: `Remove the data of ${files}, and what was made of them?`,
      retry: `Put ${files} in line again?`,
    }[button.value]);
  }
  const all = $("choose-all");
  const boxCount = document.querySelectorAll('#files tbody input[type="checkbox"]').length;
  all.checked = boxes.length > 0 && boxes.length === boxCount;
  all.indeterminate = boxes.length > 0 && boxes.length < boxCount;
}
document.addEventListener("change", (event) => {
  if (event.target.id === "choose-all") {
    for (const box of document.querySelectorAll('#files tbody input[type="checkbox"]')) box.checked = event.target.checked;
  }
  if (event.target.closest("#files")) countChosen();
});
document.body.addEventListener("htmx:afterSwap", countChosen);
document.body.addEventListener("htmx:sseMessage", countChosen);
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.elt?.dataset?.bulk || !event.detail.successful) return;
  for (const box of chosen()) box.checked = false;
  countChosen();
});
// A live update brings rows, not what someone has ticked or where the bar stands.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (from) =>
  !(from instanceof Element && (from.matches('input[type="checkbox"]') || from.id === "bulk"));
countChosen();

// --- What changed, in words --------------------------------------------------------------

// For those who cannot see the table: how many files ended since it was last said.
let known = statuses();
function statuses() {
  return new Map([...document.querySelectorAll("#files tr[id]")].map((row) => [row.id, row.dataset.status]));
}
function announce() {
  const now = statuses();
  const said = [];
  for (const [id, status] of now) {
    if (known.has(id) && known.get(id) !== status && status !== "Processing") {
      said.push(`${$(id).querySelector(".link").title}: ${status}.`);
    }
  }
  known = now;
  if (said.length) $("announcements").textContent = said.length > 3 ? `${said.length} files changed.` : said.join(" ");
}
document.body.addEventListener("htmx:sseMessage", announce);

// --- Live or not -------------------------------------------------------------------------

function connection(state) {
  const shown = $("connection");
  if (shown.dataset.state === state) return;
  shown.dataset.state = state;
  shown.firstElementChild.textContent = state;
}
document.body.addEventListener("htmx:sseOpen", () => connection("live"));
document.body.addEventListener("htmx:sseError", () => connection(navigator.onLine ? "reconnecting" : "offline"));
window.addEventListener("offline", () => connection("offline"));
window.addEventListener("online", () => connection("reconnecting"));
// A page that the browser had put away has lost its connection.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
