/**
 * The upload form: sends the picked files in resumable chunks (tus). Where the browser cannot do
 * that, htmx sends the form; without scripts, the browser does.
 */
import { byId } from "../dom.js";
import { clearFiles, startFilePicker } from "./file-picker.js";
import { startHandlerOptions } from "./handler-options.js";
import { showStoppedUploads } from "./stopped-uploads.js";
import { Upload } from "./upload.js";
import { UploadQueue } from "./upload-queue.js";

/** Makes the form pick files and upload them. */
export function startUploadForm() {
  const form = byId("upload", HTMLFormElement);
  const input = byId("file", HTMLInputElement);
  startFilePicker(form, input);
  startHandlerOptions(form);
  const { tus } = window;
  if (!tus?.isSupported) return;
  const showStopped = () => showStoppedUploads(tus, (name) => queue.has(name));
  const queue = new UploadQueue(showStopped);
  // In the capture phase, so that htmx does not send the form as well.
  form.addEventListener(
    "submit",
    (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      const fields = textFields(form);
      for (const file of input.files ?? []) queue.add(new Upload(tus, file, fields));
      clearFiles(input);
      queue.startNext();
    },
    { capture: true },
  );
  window.addEventListener("beforeunload", (event) => {
    // The browser asks whether to leave.
    if (queue.uploading) event.preventDefault();
  });
  showStopped();
}

/**
 * @param {HTMLFormElement} form
 * @returns {Record<string, string>} the handler and its options; what was left empty is not sent
 */
function textFields(form) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value !== "") fields[name] = value;
  }
  return fields;
}
