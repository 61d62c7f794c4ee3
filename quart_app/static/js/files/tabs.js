/** Tabs by mouse and keyboard, as the ARIA Authoring Practices describe them. */
import { byId, closestTarget } from "../dom.js";

/**
 * Lets the tabs inside `root` be chosen; works for tabs that are loaded later, too.
 *
 * @param {HTMLElement} root its `data-tab` holds the name of the chosen tab
 */
export function startTabs(root) {
  root.addEventListener("click", (event) => {
    const tab = closestTarget(event, '[role="tab"]');
    if (!tab) return;
    event.preventDefault();
    selectTab(root, tab.dataset.tab);
  });
  root.addEventListener("keydown", (event) => {
    const tabs = tabsIn(root);
    const current = tabs.findIndex((tab) => tab.contains(document.activeElement));
    const target = current < 0 ? undefined : tabs[neighbour(event.key, current, tabs.length)];
    if (!target) return;
    event.preventDefault();
    selectTab(root, target.dataset.tab);
    target.focus();
  });
}

/**
 * Shows the panel of one tab and hides the others.
 *
 * @param {HTMLElement} root
 * @param {string} [name] of the tab; the first one if there is none with this name
 */
export function selectTab(root, name) {
  const tabs = tabsIn(root);
  const selected = tabs.find((tab) => tab.dataset.tab === name) ?? tabs[0];
  if (!selected) return;
  root.dataset.tab = selected.dataset.tab;
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab === selected));
    tab.tabIndex = tab === selected ? 0 : -1;
    byId(tab.getAttribute("aria-controls") ?? "", HTMLElement).hidden = tab !== selected;
  }
}

/**
 * @param {HTMLElement} root
 * @returns {HTMLElement[]}
 */
function tabsIn(root) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('[role="tab"]'))];
}

/**
 * @param {string} key
 * @param {number} current
 * @param {number} count
 * @returns {number} the index of the tab that the key leads to; -1 if it leads to none
 */
function neighbour(key, current, count) {
  if (key === "ArrowRight") return (current + 1) % count;
  if (key === "ArrowLeft") return (current - 1 + count) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : -1;
}
