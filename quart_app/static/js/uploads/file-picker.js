/** Picking files for an upload: in the browser's dialog, by drag and drop, or the sample. */
import { byId, closestTarget } from "../dom.js";
import { pickedFiles, UNREACHABLE } from "../messages.js";
import { notifyError } from "../notifications.js";

/**
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} input
 */
export function startFilePicker(form, input) {
  input.addEventListener("change", () => setFiles(input, input.files ?? []));
  startDropZone(form, input);
  document.addEventListener("click", (event) => {
    const link = closestTarget(event, "#sample");
    if (!(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    uploadSample(link, form, input).catch(() => notifyError(UNREACHABLE));
  });
}

/** @param {HTMLInputElement} input */
export function clearFiles(input) {
  setFiles(input, []);
}

/**
 * @param {HTMLInputElement} input
 * @param {Iterable<File>} files
 */
function setFiles(input, files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(withCsvType(file));
  input.files = transfer.files;
  const label = byId("chosen", HTMLElement);
  label.hidden = transfer.files.length === 0;
  label.textContent = pickedFiles([...transfer.files].map((file) => file.name));
}

/**
 * Corrects the type of a .csv file: systems with a spreadsheet installed call it
 * application/vnd.ms-excel, others give none.
 *
 * @param {File} file
 * @returns {File}
 */
function withCsvType(file) {
  if (file.type === "text/csv" || !/\.csv$/i.test(file.name)) return file;
  return new File([file], file.name, { type: "text/csv", lastModified: file.lastModified });
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} input
 */
function startDropZone(form, input) {
  const zone = byId("drop", HTMLElement);
  for (const type of ["dragenter", "dragover"]) {
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (!event.dataTransfer?.files.length) return;
    setFiles(input, event.dataTransfer.files);
    form.requestSubmit();
  });
  // A file dropped beside the zone must not replace the page.
  for (const type of ["dragover", "drop"]) {
    window.addEventListener(type, (event) => event.preventDefault());
  }
}

/**
 * @param {HTMLAnchorElement} link
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} input
 */
async function uploadSample(link, form, input) {
  const response = await fetch(link.href);
  if (!response.ok) throw new Error(`status ${response.status}`);
  setFiles(input, [new File([await response.blob()], link.download, { type: "text/csv" })]);
  form.requestSubmit();
}
