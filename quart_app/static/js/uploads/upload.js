/** One file on its way to the server: sent in chunks, resumable, with tus-js-client. */
import { formatDuration, formatSize } from "../format.js";
import { UPLOAD_STATES, uploaded, uploadFailed, uploadProgress } from "../messages.js";
import { notifyError, notifySuccess } from "../notifications.js";
import { TransferRate } from "./transfer-rate.js";
import { UploadRow } from "./upload-row.js";

/** @typedef {"queued" | "uploading" | "paused" | "cancelling" | "ended"} UploadState */

const ENDPOINT = "/api/v1/uploads";
const SINGLE_REQUEST_BYTES = 256 * 1024;
const RETRY_DELAYS_MS = [0, 300, 1000, 2000, 4000, 8000, 15000, 30000, 30000, 30000];
// Timeout, a lock or an offset that another request holds or moved, too many requests.
const RETRIED_CLIENT_ERRORS = [408, 409, 423, 429];
const INSUFFICIENT_STORAGE = 507;

export class Upload {
  /** @type {UploadState} */
  state = "queued";
  /** Called after each change of `state`. */
  onStateChange = () => {};
  #name;
  #handler;
  #rate = new TransferRate();
  #row;
  #transfer;

  /**
   * @param {Tus} tus
   * @param {File} file
   * @param {Record<string, string>} fields the form's other fields: handler and options
   */
  constructor(tus, file, fields) {
    this.#name = file.name;
    this.#handler = fields.handler;
    this.#row = new UploadRow(file.name, {
      onPause: () => this.togglePause(),
      onCancel: () => this.cancel(),
    });
    this.#row.showFacts(UPLOAD_STATES.queued);
    this.#transfer = new tus.Upload(file, {
      endpoint: ENDPOINT,
      metadata: { filename: file.name, filetype: file.type, ...fields },
      // A large file needs its address before its bytes are sent, so that it can be resumed.
      uploadDataDuringCreation: file.size <= SINGLE_REQUEST_BYTES,
      removeFingerprintOnSuccess: true,
      retryDelays: RETRY_DELAYS_MS,
      onShouldRetry: isTransient,
      onProgress: (sent, total) => this.#showProgress(sent, total),
      onSuccess: ({ lastResponse }) => this.#succeed(lastResponse),
      onError: (error) => this.#fail(error),
    });
  }

  /** The file's name. */
  get name() {
    return this.#name;
  }

  /** Starts to send, after what the server already has of this file. */
  async start() {
    this.#setState("uploading");
    this.#row.showFacts(UPLOAD_STATES.starting);
    const previous = await this.#transfer.findPreviousUploads();
    const same = previous.find(({ metadata }) => metadata.handler === this.#handler);
    if (same) this.#transfer.resumeFromPreviousUpload(same);
    // It may have been paused or cancelled meanwhile.
    if (this.state === "uploading") this.#transfer.start();
  }

  /** Pauses the upload, or queues it again if it is paused. */
  async togglePause() {
    const pause = this.state !== "paused";
    this.#row.showPaused(pause);
    this.#row.showFacts(pause ? UPLOAD_STATES.paused : UPLOAD_STATES.queued);
    if (pause) {
      this.#rate.reset();
      this.state = "paused";
      await this.#transfer.abort();
      this.onStateChange();
    } else {
      this.#setState("queued");
    }
  }

  /** Ends the upload and deletes what the server has of it. */
  async cancel() {
    this.#row.remove();
    this.#setState("cancelling");
    // What cannot be deleted now expires on the server.
    await this.#transfer.abort(true).catch(() => {});
    this.#setState("ended");
  }

  /**
   * @param {number} sent bytes
   * @param {number} total bytes
   */
  #showProgress(sent, total) {
    if (this.state !== "uploading") return;
    this.#rate.add(performance.now(), sent);
    this.#row.showProgress(sent, total);
    const speed = this.#rate.bytesPerSecond;
    const facts = { sent: formatSize(sent), total: formatSize(total) };
    if (speed === null) return this.#row.showFacts(uploadProgress(facts));
    const remaining = sent < total ? formatDuration((total - sent) / speed) : undefined;
    this.#row.showFacts(uploadProgress({ ...facts, speed: formatSize(speed), remaining }));
  }

  /** @param {TusResponse | undefined} response */
  #succeed(response) {
    notifySuccess(uploaded(this.#name, response?.getHeader("Millrace-File")));
    this.#end();
  }

  /** @param {TusError} error */
  #fail(error) {
    if (this.state === "cancelling" || this.state === "ended") return;
    const status = error.originalResponse?.getStatus() ?? 0;
    const detail = problemDetail(error.originalResponse?.getBody() ?? "");
    notifyError(uploadFailed(this.#name, status, detail));
    this.#end();
  }

  #end() {
    this.#row.remove();
    this.#setState("ended");
  }

  /** @param {UploadState} state */
  #setState(state) {
    this.state = state;
    this.onStateChange();
  }
}

/**
 * Whether trying again can help: a lost connection, a busy or failing server.
 *
 * @param {TusError} error
 * @returns {boolean}
 */
function isTransient(error) {
  const status = error.originalResponse?.getStatus() ?? 0;
  if (status === 0) return true;
  if (status === INSUFFICIENT_STORAGE) return false;
  return status >= 500 || RETRIED_CLIENT_ERRORS.includes(status);
}

/**
 * @param {string} body of a response
 * @returns {string | undefined} the `detail` of problem details (RFC 9457), if it holds them
 */
function problemDetail(body) {
  try {
    return JSON.parse(body).detail;
  } catch {
    // A proxy answered, in HTML or with nothing.
    return undefined;
  }
}
