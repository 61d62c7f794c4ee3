/** Reads out changes of status to people who cannot see the table. */
import { byId } from "../dom.js";
import { statusChanges } from "../messages.js";

/** @typedef {{ name: string, status: string }} Row */

/** Announces each file whose status changes, unless it only starts. */
export function startAnnouncements() {
  let before = readRows();
  document.body.addEventListener("htmx:sseMessage", () => {
    const now = readRows();
    const changes = [...now].filter(([id, { status }]) => {
      const old = before.get(id);
      return old && old.status !== status && status !== "Processing";
    });
    before = now;
    if (changes.length === 0) return;
    byId("announcements", HTMLElement).textContent = statusChanges(changes.map(([, row]) => row));
  });
}

/** @returns {Map<string, Row>} the table's rows by their id */
function readRows() {
  const rows = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#files tr[id]"));
  return new Map(
    [...rows].map((row) => {
      const name = row.querySelector(".link")?.getAttribute("title") ?? "";
      return [row.id, { name, status: row.dataset.status ?? "" }];
    }),
  );
}
