/**
 * Entry point of the page: starts each part. htmx, which does everything else, begins its own work
 * when the document is ready, after this module has run.
 */
import { startAnnouncements } from "./files/announcements.js";
import { startDetail } from "./files/detail.js";
import { startSelection } from "./files/selection.js";
import { startConnectionStatus } from "./live/connection-status.js";
import { useSharedEventSource } from "./live/shared-event-source.js";
import { startNotifications } from "./notifications.js";
import { startRelativeTimes } from "./relative-times.js";
import { startUploadForm } from "./uploads/form.js";

// Hides what only a browser without scripts needs.
document.documentElement.classList.add("scripted");
useSharedEventSource();
startNotifications();
startRelativeTimes();
startSelection();
startAnnouncements();
startConnectionStatus();
startDetail();
startUploadForm();
