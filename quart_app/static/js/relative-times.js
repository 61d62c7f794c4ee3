/** Keeps `<time data-relative>` (5 min ago) and `<time data-since>` (2 min 05 s) up to date. */
import { formatAge, formatDuration } from "./format.js";

const TIMES = "time[data-relative], time[data-since]";

/** Updates all times now, every second and after each change of the page. */
export function startRelativeTimes() {
  setInterval(updateTimes, 1000);
  document.body.addEventListener("htmx:afterSettle", updateTimes);
  updateTimes();
}

function updateTimes() {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (
    document.querySelectorAll(TIMES)
  )) {
    const text = timeText(time, Date.now());
    // Replacing equal text would drop what someone has selected in it.
    if (time.textContent !== text) time.textContent = text;
  }
}

/**
 * @param {HTMLTimeElement} time
 * @param {number} now in milliseconds since the epoch
 * @returns {string}
 */
function timeText(time, now) {
  const seconds = (now - Date.parse(time.dateTime)) / 1000;
  if ("since" in time.dataset) return formatDuration(seconds);
  return seconds < 0 ? `in ${formatDuration(-seconds)}` : formatAge(seconds);
}
