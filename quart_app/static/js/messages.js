/** Every text that the scripts show or read out; all other texts are in the templates. */

/** @typedef {{ name: string, percent: number }} StoppedUpload */

const LISTED_AT_MOST = 3;

export const DISMISS = "Dismiss";
export const UNREACHABLE = "Can't reach the server. Check your connection and try again.";
export const TIMED_OUT = "The server took too long to answer. Try again in a moment.";

/**
 * Returns a count with its noun: 1 file, 2 files.
 *
 * @param {number} count
 * @param {string} noun in the singular; its plural takes an s
 * @returns {string}
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * @param {string} name
 * @returns {string}
 */
function quoted(name) {
  return `“${name}”`;
}

// --- Selected files ----------------------------------------------------------------------

/**
 * @param {number} count
 * @returns {string}
 */
export function selectedFiles(count) {
  return `${counted(count, "file")} selected`;
}

/**
 * The question before an action on selected files.
 *
 * @param {"cancel" | "remove" | "retry"} action
 * @param {string[]} names of the files that it would change
 * @returns {string}
 */
export function confirmBulk(action, names) {
  const [first] = names;
  const files =
    names.length === 1 && first !== undefined ? quoted(first) : counted(names.length, "file");
  if (action === "cancel") return `Cancel ${files}? Running jobs stop immediately.`;
  if (action === "remove")
    return `Delete ${files} and ${names.length === 1 ? "its" : "their"} results?`;
  return `Retry ${files}?`;
}

/**
 * What is read out when files change their status.
 *
 * @param {{ name: string, status: string }[]} changes
 * @returns {string}
 */
export function statusChanges(changes) {
  if (changes.length > LISTED_AT_MOST) return `${counted(changes.length, "file")} changed status.`;
  return changes.map(({ name, status }) => `${name}: ${status}.`).join(" ");
}

// --- Uploads -----------------------------------------------------------------------------

/**
 * The files picked for the next upload; empty if there are none.
 *
 * @param {string[]} names
 * @returns {string}
 */
export function pickedFiles(names) {
  return names.length > LISTED_AT_MOST ? selectedFiles(names.length) : names.join(", ");
}

/** What the line of an upload says while no bytes move. */
export const UPLOAD_STATES = { queued: "Queued", starting: "Starting", paused: "Paused" };

/** Labels of an upload's buttons. */
export const UPLOAD_BUTTONS = { pause: "Pause", resume: "Resume", cancel: "Cancel" };

/**
 * @param {string} name
 * @returns {string}
 */
export function uploadOf(name) {
  return `Upload of ${name}`;
}

/**
 * The accessible name of an upload's button.
 *
 * @param {string} label
 * @param {string} name of the file
 * @returns {string}
 */
export function uploadButton(label, name) {
  return `${label} upload of ${name}`;
}

/**
 * @param {{ sent: string, total: string, speed?: string, remaining?: string }} facts formatted
 * @returns {string}
 */
export function uploadProgress({ sent, total, speed, remaining }) {
  const parts = [`${sent} of ${total}`];
  if (speed) parts.push(`${speed}/s`);
  if (remaining) parts.push(`about ${remaining} left`);
  return parts.join(" · ");
}

/**
 * @param {string} name
 * @param {string | null | undefined} id of the file's job, if the server gave it
 * @returns {string}
 */
export function uploaded(name, id) {
  return id ? `${quoted(name)} uploaded – queued as #${id}.` : `${quoted(name)} uploaded.`;
}

/**
 * Why an upload ended, and what to do about it.
 *
 * @param {string} name
 * @param {number} status of the answer; 0 if there was none
 * @param {string} [detail] the server's explanation
 * @returns {string}
 */
export function uploadFailed(name, status, detail) {
  if (detail) return detail.includes(name) ? detail : `${quoted(name)}: ${detail}`;
  const reason =
    status === 0 ? "can't reach the server" : `the server answered with status ${status}`;
  return `Upload of ${quoted(name)} stopped: ${reason}. Choose the same file to resume.`;
}

/**
 * Uploads that a reload or a lost connection stopped.
 *
 * @param {StoppedUpload[]} uploads
 * @returns {string}
 */
export function stoppedUploads(uploads) {
  const [only] = uploads;
  if (only && uploads.length === 1) {
    return `Upload of ${quoted(only.name)} stopped at ${only.percent} %. Choose the same file to resume.`;
  }
  const list = uploads.map(({ name, percent }) => `${quoted(name)} at ${percent} %`).join(", ");
  return `Uploads stopped: ${list}. Choose the same files to resume.`;
}
