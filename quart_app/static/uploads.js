// Choosing and dropping files, and sending them in pieces that go on after a break (tus).
// Where that is not possible the form goes by htmx, and without scripts by itself.
"use strict";

const form = $("upload");
const input = $("file");
const drop = $("drop");
const AT_ONCE = 3;
const SMALL = 256 * 1024;
const ENDPOINT = "/api/v1/uploads";
const RETRIES = [0, 300, 1000, 2000, 4000, 8000, 15000, 30000, 30000, 30000];

// --- Choosing and dropping ---------------------------------------------------------------

function showChosen() {
  const names = [...input.files].map((file) => file.name);
  $("chosen").hidden = names.length === 0;
  $("chosen").textContent = names.length > 3 ? `${names.length} files chosen` : names.join(", ");
}

// Systems with a spreadsheet installed call a .csv file application/vnd.ms-excel, others nothing.
function asCsv(file) {
  const named = /\.csv$/i.test(file.name);
  const options = { type: "text/csv", lastModified: file.lastModified };
  return named && file.type !== "text/csv" ? new File([file], file.name, options) : file;
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

document.addEventListener("click", async (event) => {
  const sample = event.target.closest("#sample");
  if (!sample) return;
  event.preventDefault();
  const answer = await fetch(sample.href);
  choose([new File([await answer.blob()], sample.download, { type: "text/csv" })]);
  form.requestSubmit();
});

// --- Options of the chosen handler -------------------------------------------------------

function showOptions() {
  for (const option of form.querySelectorAll(".option")) {
    option.hidden = option.dataset.handler !== $("handler").value;
  }
}
$("handler").addEventListener("change", showOptions);
showOptions();

// --- One upload --------------------------------------------------------------------------

const bytes = (count) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (count >= 999.5 && at < units.length - 1) { count /= 1000; at += 1; }
  return `${at === 0 || count >= 99.95 ? count.toFixed(0) : count.toFixed(1)} ${units[at]}`;
};

class Sending {
  constructor(file, metadata) {
    this.file = file;
    this.state = "waiting";
    this.samples = [];
    this.row = $("sending-row").content.firstElementChild.cloneNode(true);
    this.part("name").textContent = file.name;
    this.part("bar").setAttribute("aria-label", `Upload of ${file.name}`);
    for (const [name, words] of [["pause", "Pause"], ["cancel", "Cancel"]]) {
      const button = this.part(name);
      button.setAttribute("aria-label", `${words} the upload of ${file.name}`);
      button.addEventListener("click", () => this[name]());
    }
    $("sendings").append(this.row);
    this.upload = new tus.Upload(file, {
      endpoint: ENDPOINT,
      metadata: { filename: file.name, filetype: file.type, ...metadata },
      // A small file takes one request. A large one has to know its address before it is sent.
      uploadDataDuringCreation: file.size <= SMALL,
      removeFingerprintOnSuccess: true,
      retryDelays: RETRIES,
      onShouldRetry: (error) => {
        const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
        return status === 0 || status >= 500 ? status !== 507 : [408, 409, 423, 429].includes(status);
      },
      onProgress: (sent, total) => this.progress(sent, total),
      onSuccess: ({ lastResponse }) => this.done(lastResponse),
      onError: (error) => this.failed(error),
    });
    this.say("waits for its turn");
  }

  part(name) { return this.row.querySelector(`[data-part="${name}"]`); }
  say(text) { this.part("facts").textContent = text; }

  async begin() {
    this.state = "sending";
    this.say("begins");
    const earlier = await this.upload.findPreviousUploads();
    const same = earlier.find((each) => each.metadata.handler === this.upload.options.metadata.handler);
    if (same) this.upload.resumeFromPreviousUpload(same);
    if (this.state === "sending") this.upload.start();
  }

  progress(sent, total) {
    if (this.state !== "sending") return;
    const now = performance.now();
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && now - this.samples[0][0] > 5000) this.samples.shift();
    this.part("bar").max = total;
    this.part("bar").value = sent;
    const [then, before] = this.samples[0];
    const speed = now > then ? (1000 * (sent - before)) / (now - then) : 0;
    const facts = [`${bytes(sent)} of ${bytes(total)}`];
    if (speed > 0 && now - then > 500) {
      facts.push(`${bytes(speed)}/s`);
      if (sent < total) facts.push(`about ${lasting((total - sent) / speed)} left`);
    }
    this.say(facts.join(" · "));
  }

  async pause() {
    if (this.state === "paused") {
      this.state = "waiting";
      this.part("pause").textContent = "Pause";
      this.say("waits for its turn");
      next();
      return;
    }
    this.state = "paused";
    this.samples = [];
    this.part("pause").textContent = "Resume";
    this.say("paused");
    await this.upload.abort();
    next();
  }

  async cancel() {
    this.end();
    await this.upload.abort(true).catch(() => {});
  }

  done(response) {
    const id = response?.getHeader("Millrace-File");
    say(`“${this.file.name}” is in line${id ? ` as no. ${id}` : ""}.`, "success");
    this.end();
  }

  failed(error) {
    if (this.state === "ended") return;
    let words = "The server cannot be reached; choose the file again to go on where it was.";
    const body = error.originalResponse?.getBody();
    if (body) try { words = JSON.parse(body).detail; } catch { words = `The server said: ${error.originalResponse.getStatus()}.`; }
    say(words.includes(this.file.name) ? words : `“${this.file.name}”: ${words}`);
    this.end();
  }

  end() {
    this.state = "ended";
    this.row.remove();
    sendings.delete(this);
    next();
    showUnfinished();
  }
}

const sendings = new Set();
function next() {
  const all = [...sendings];
  const free = AT_ONCE - all.filter((each) => each.state === "sending").length;
  for (const each of all.filter((one) => one.state === "waiting").slice(0, Math.max(0, free))) each.begin();
}

function metadata() {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value !== "") fields[name] = value;
  }
  return fields;
}

if (window.tus?.isSupported) {
  // Before htmx sees it, which sends the form where there is no tus.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const fields = metadata();
    for (const file of input.files) sendings.add(new Sending(file, fields));
    input.value = "";
    showChosen();
    next();
  }, { capture: true });
}
window.addEventListener("beforeunload", (event) => {
  if ([...sendings].some((each) => each.state === "sending")) event.preventDefault();
});

// --- What a reload or a lost network left unfinished ---------------------------------------

async function showUnfinished() {
  if (!window.tus?.isSupported) return;
  const stored = await tus.defaultOptions.urlStorage.findAllUploads();
  const names = new Set();
  for (const each of stored) {
    const answer = await fetch(each.uploadUrl).catch(() => null);
    if (!answer) continue;
    const state = answer.ok ? await answer.json() : null;
    if (!state || state.file_id !== null) await tus.defaultOptions.urlStorage.removeUpload(each.urlStorageKey);
    else if (![...sendings].some((one) => one.file.name === state.name)) names.add(`${state.name} (${Math.floor((100 * state.offset) / state.length)} % there)`);
  }
  $("unfinished").hidden = names.size === 0;
  $("unfinished").textContent = `Not finished: ${[...names].join(", ")}. Choose the same file again and it goes on where it was.`;
}
showUnfinished();
