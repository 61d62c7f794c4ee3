// What the page does itself: the drop zone, the upload's progress, the popup, running clocks,
// and saying whether it is live. Everything else is htmx.
"use strict";

const $ = (id) => document.getElementById(id);
const form = $("upload");
const input = $("file");
const drop = $("drop");
const dialog = $("detail");

// --- Choosing and dropping ---------------------------------------------------------------

function showChosen() {
  const names = [...input.files].map((file) => file.name);
  $("chosen").hidden = names.length === 0;
  $("chosen").textContent = names.length > 3 ? `${names.length} files chosen` : names.join(", ");
}

// Systems with a spreadsheet installed call a .csv file application/vnd.ms-excel, others nothing.
function asCsv(file) {
  const named = /\.csv$/i.test(file.name);
  return named && file.type !== "text/csv" ? new File([file], file.name, { type: "text/csv" }) : file;
}

function choose(files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(asCsv(file));
  input.files = transfer.files;
  showChosen();
}

input.addEventListener("change", () => choose([...input.files]));
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("over"));
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length === 0) return;
  choose([...event.dataTransfer.files]);
  form.requestSubmit();
});
// A file dropped beside the zone must not replace the page.
for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());

// --- Options of the chosen handler -------------------------------------------------------

function showOptions() {
  for (const option of form.querySelectorAll(".option")) {
    option.hidden = option.dataset.handler !== $("handler").value;
  }
}
$("handler").addEventListener("change", showOptions);
showOptions();

// --- Sending -----------------------------------------------------------------------------

form.addEventListener("htmx:xhr:progress", (event) => {
  const { loaded, total, lengthComputable } = event.detail;
  if (!lengthComputable) return;
  $("sending").hidden = false;
  $("sending").value = loaded / total;
});
let sent = null;
form.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target === form) sent = input.files;
});
form.addEventListener("htmx:afterRequest", (event) => {
  if (event.target !== form) return;
  $("sending").hidden = true;
  // Files chosen while these were on their way wait for their own click.
  if (event.detail.successful && input.files === sent) {
    input.value = "";
    showChosen();
  }
});

function say(text) {
  const message = document.createElement("div");
  message.className = "message message-dismiss";
  message.setAttribute("role", "alert");
  message.setAttribute("remove-me", "20s");
  const words = document.createElement("p");
  words.textContent = text;
  message.append(words);
  $("messages").prepend(message);
  htmx.process(message);
}
document.body.addEventListener("htmx:sendError", () => say("The server cannot be reached. Nothing was sent; please try again."));
document.body.addEventListener("htmx:timeout", () => say("The server took too long to answer."));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dismiss]");
  if (button) button.closest(".message").hidden = true;
});

// --- The popup ---------------------------------------------------------------------------

document.body.addEventListener("htmx:afterSwap", (event) => {
  // Events of the stream have no target of a request.
  if (event.detail.target?.id === "detail-body" && !dialog.open) dialog.showModal();
});
document.body.addEventListener("htmx:beforeSwap", (event) => {
  // An error is a message, wherever the answer was meant to go.
  if (event.detail.isError) {
    event.detail.target = $("messages");
    event.detail.swapOverride = "afterbegin";
  }
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
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
    if (seconds < 0 && "relative" in time.dataset) time.textContent = `in ${lasting(-seconds)}`;
    else time.textContent = "since" in time.dataset ? lasting(seconds) : ago(seconds);
  }
}
setInterval(tick, 1000);
document.body.addEventListener("htmx:afterSettle", tick);
tick();

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
