/** The details dialog of one file: its URL, and refreshing it while the job runs. */
import { byId } from "../dom.js";
import { selectTab, startTabs } from "./tabs.js";

const REFRESH_INTERVAL_MS = 500;

/** Opens, closes and refreshes the dialog. */
export function startDetail() {
  const dialog = byId("detail", HTMLDialogElement);
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    // Swaps by the event stream have no target of their own.
    if (detail.target?.id !== "detail-body") return;
    const opened = detail.requestConfig?.elt.dataset.file;
    if (opened) {
      dialog.dataset.tab = "overview";
      pushAddress(opened);
    }
    if (opened || dialog.open) show(dialog);
  });
  dialog.addEventListener("click", (event) => {
    // A click on the backdrop has the dialog itself as its target; any other hits an element in it.
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (!dialog.open) pushAddress(null);
  });
  window.addEventListener("popstate", () => {
    const id = new URL(location.href).searchParams.get("file");
    if (id) load(id).then(() => show(dialog));
    else if (dialog.open) dialog.close();
  });
  document.body.addEventListener("htmx:sseMessage", createRefresh(dialog));
  startTabs(dialog);
  if (dialog.open) {
    // The server opened it, for a link to this file; it becomes modal.
    dialog.close();
    show(dialog);
  }
}

/**
 * Puts the open file into the page's address, so that it can be shared and found in the history.
 *
 * @param {string | null} id of the file; null for none
 */
function pushAddress(id) {
  const url = new URL(location.href);
  if (url.searchParams.get("file") === id) return;
  if (id) url.searchParams.set("file", id);
  else url.searchParams.delete("file");
  history.pushState({ file: id }, "", url);
}

/** @param {HTMLDialogElement} dialog */
function show(dialog) {
  if (dialog.open && !dialog.matches(":modal")) dialog.close();
  if (!dialog.open) dialog.showModal();
  selectTab(dialog, dialog.dataset.tab);
}

/**
 * @param {string} id
 * @returns {Promise<void>}
 */
function load(id) {
  const options = { target: "#detail-body", swap: "morph:innerHTML" };
  return htmx.ajax("GET", `/processing_file/${id}/detail/`, options);
}

/**
 * Returns a function that loads the details again while the job is open: at most one request at a
 * time and two a second, and never missing the last change.
 *
 * @param {HTMLDialogElement} dialog
 * @returns {() => Promise<void>}
 */
function createRefresh(dialog) {
  let busy = false;
  let pending = false;
  return async function refresh() {
    const id = dialog.querySelector(".detail[data-open]")?.getAttribute("data-file");
    if (!dialog.open || !id) return;
    if (busy) {
      pending = true;
      return;
    }
    busy = true;
    // htmx has reported a failure; the next event tries again.
    await load(id).catch(() => {});
    setTimeout(() => {
      busy = false;
      if (!pending) return;
      pending = false;
      refresh();
    }, REFRESH_INTERVAL_MS);
  };
}
