// The popup of one file: its address, its tabs, and keeping it up to date while the job runs.
"use strict";

const dialog = $("detail");
const here = () => new URL(location.href);

function remember(id) {
  const url = here();
  if (url.searchParams.get("file") === id) return;
  if (id) url.searchParams.set("file", id);
  else url.searchParams.delete("file");
  history.pushState({ file: id }, "", url);
}
function show() {
  if (dialog.open && !dialog.matches(":modal")) dialog.close();
  if (!dialog.open) dialog.showModal();
  chooseTab(dialog.dataset.tab || "overview");
}
function load(id) {
  return htmx.ajax("GET", `/processing_file/${id}/detail/`, { target: "#detail-body", swap: "morph:innerHTML" });
}

document.body.addEventListener("htmx:afterSwap", (event) => {
  // Events of the stream have no target of a request.
  if (event.detail.target?.id !== "detail-body") return;
  const opener = event.detail.requestConfig?.elt;
  if (opener?.dataset?.file) {
    dialog.dataset.tab = "overview";
    remember(opener.dataset.file);
  }
  if (opener?.dataset?.file || dialog.open) show();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener("close", () => {
  if (!dialog.open) remember(null);
});
window.addEventListener("popstate", () => {
  const id = here().searchParams.get("file");
  if (id) load(id).then(show);
  else if (dialog.open) dialog.close();
});

// --- Tabs --------------------------------------------------------------------------------

const tabs = () => [...dialog.querySelectorAll('[role="tab"]')];

function chooseTab(name, focus = false) {
  const all = tabs();
  const tab = all.find((each) => each.dataset.tab === name) || all[0];
  if (!tab) return;
  dialog.dataset.tab = tab.dataset.tab;
  for (const each of all) {
    const current = each === tab;
    each.setAttribute("aria-selected", String(current));
    each.tabIndex = current ? 0 : -1;
    $(each.getAttribute("aria-controls")).hidden = !current;
  }
  if (focus) tab.focus();
}
dialog.addEventListener("click", (event) => {
  const tab = event.target.closest('[role="tab"]');
  if (!tab) return;
  event.preventDefault();
  chooseTab(tab.dataset.tab);
});
dialog.addEventListener("keydown", (event) => {
  if (event.target.getAttribute("role") !== "tab") return;
  const all = tabs();
  const at = all.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  chooseTab(all[(to + all.length) % all.length].dataset.tab, true);
});

// --- Up to date --------------------------------------------------------------------------

let busy = false;
let again = false;
async function refresh() {
  const shown = dialog.querySelector(".detail[data-open]");
  if (!dialog.open || !shown) return;
  if (busy) { again = true; return; }
  busy = true;
  await load(shown.dataset.file).catch(() => {});
  setTimeout(() => {
    busy = false;
    if (again) { again = false; refresh(); }
  }, 500);
}
document.body.addEventListener("htmx:sseMessage", refresh);

if (dialog.open) {
  // The page came with it, for those without scripts and for links to one file.
  dialog.close();
  show();
}
