/** Uploads that a reload or a lost connection stopped, and that can be resumed. */
import { byId } from "../dom.js";
import { stoppedUploads } from "../messages.js";

/** @typedef {import("../messages.js").StoppedUpload} StoppedUpload */

/**
 * Lists them on the page.
 *
 * @param {Tus} tus
 * @param {(name: string) => boolean} isActive whether a file with this name is being uploaded now
 */
export async function showStoppedUploads(tus, isActive) {
  const storage = tus.defaultOptions.urlStorage;
  /** @type {Map<string, StoppedUpload>} */
  const stopped = new Map();
  for (const upload of await storage.findAllUploads()) {
    const response = await fetch(upload.uploadUrl).catch(() => null);
    // Without an answer nothing is known about it.
    if (!response) continue;
    const state = response.ok ? await response.json() : null;
    if (!state || state.file_id !== null) {
      await storage.removeUpload(upload.urlStorageKey);
    } else if (!isActive(state.name)) {
      const percent = Math.floor((100 * state.offset) / state.length);
      stopped.set(state.name, { name: state.name, percent });
    }
  }
  const notice = byId("unfinished", HTMLElement);
  notice.hidden = stopped.size === 0;
  notice.textContent = stoppedUploads([...stopped.values()]);
}
