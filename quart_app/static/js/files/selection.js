/** Selected rows of the table and the bar of actions for them. */
import { byId, closestTarget, find } from "../dom.js";
import { confirmBulk, selectedFiles } from "../messages.js";

/** @typedef {"cancel" | "remove" | "retry"} Action */

const CHECKBOXES = '#files tbody input[type="checkbox"]';

/**
 * The statuses that each action applies to.
 *
 * @type {Record<Action, string[]>}
 */
const APPLICABLE_STATUSES = {
  cancel: ["Waiting", "Processing"],
  remove: ["Ok"],
  retry: ["Error", "Canceled"],
};

/** Keeps the bar in step with the checkboxes, and the checkboxes through live updates. */
export function startSelection() {
  document.addEventListener("change", (event) => {
    if (event.target instanceof HTMLInputElement && event.target.id === "choose-all") {
      setAll(event.target.checked);
    }
    if (closestTarget(event, "#files")) updateBar();
  });
  document.body.addEventListener("htmx:afterSwap", updateBar);
  document.body.addEventListener("htmx:sseMessage", updateBar);
  document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.successful || !("bulk" in detail.elt.dataset)) return;
    setAll(false);
    updateBar();
  });
  // A live update brings new rows; it must not undo what someone has selected.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) =>
    !(node instanceof Element && (node.matches('input[type="checkbox"]') || node.id === "bulk"));
  updateBar();
}

/** @returns {HTMLInputElement[]} */
function checkboxes() {
  return [.../** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(CHECKBOXES))];
}

/** @param {boolean} checked */
function setAll(checked) {
  for (const box of checkboxes()) box.checked = checked;
}

function updateBar() {
  const bar = document.getElementById("bulk");
  // There is none without files.
  if (!bar) return;
  const boxes = checkboxes();
  const selected = boxes.filter((box) => box.checked);
  bar.classList.toggle("some", selected.length > 0);
  byId("bulk-count", HTMLElement).textContent = `${selectedFiles(selected.length)}:`;
  for (const button of bar.querySelectorAll("[data-bulk]")) {
    if (button instanceof HTMLButtonElement) updateButton(button, selected);
  }
  const all = byId("choose-all", HTMLInputElement);
  all.checked = selected.length > 0 && selected.length === boxes.length;
  all.indeterminate = selected.length > 0 && selected.length < boxes.length;
}

/**
 * Says on a button, and in its question, how many of the selected files it would change.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLInputElement[]} selected
 */
function updateButton(button, selected) {
  const action = /** @type {Action} */ (button.value);
  const rows = selected
    .map((box) => box.closest("tr"))
    .filter((row) => row !== null)
    .filter((row) => APPLICABLE_STATUSES[action].includes(row.dataset.status ?? ""));
  const label = button.dataset.bulk ?? "";
  button.disabled = rows.length === 0;
  button.textContent = rows.length > 0 ? `${label} ${rows.length}` : label;
  button.setAttribute("hx-confirm", confirmBulk(action, rows.map(fileName)));
}

/**
 * @param {HTMLTableRowElement} row
 * @returns {string}
 */
function fileName(row) {
  return find(row, ".link", HTMLElement).title;
}
