/** Runs a few uploads at a time; the others wait for their turn. */

/** @typedef {import("./upload.js").Upload} Upload */

const MAX_CONCURRENT = 3;

export class UploadQueue {
  /** @type {Set<Upload>} */
  #uploads = new Set();
  #onEnd;

  /** @param {() => void} onEnd called after an upload has ended, however it ended */
  constructor(onEnd) {
    this.#onEnd = onEnd;
  }

  /** Whether an upload is sending bytes now. */
  get uploading() {
    return this.#inState("uploading").length > 0;
  }

  /**
   * @param {string} name of a file
   * @returns {boolean} whether the queue holds an upload of it
   */
  has(name) {
    return [...this.#uploads].some((upload) => upload.name === name);
  }

  /** @param {Upload} upload */
  add(upload) {
    this.#uploads.add(upload);
    upload.onStateChange = () => this.#update(upload);
  }

  startNext() {
    const free = MAX_CONCURRENT - this.#inState("uploading").length;
    for (const upload of this.#inState("queued").slice(0, Math.max(0, free))) upload.start();
  }

  /** @param {Upload} upload */
  #update(upload) {
    if (upload.state === "uploading") return;
    if (upload.state === "ended") this.#uploads.delete(upload);
    this.startNext();
    if (upload.state === "ended") this.#onEnd();
  }

  /** @param {import("./upload.js").UploadState} state */
  #inState(state) {
    return [...this.#uploads].filter((upload) => upload.state === state);
  }
}
