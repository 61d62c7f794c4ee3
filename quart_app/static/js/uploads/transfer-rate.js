/** How fast an upload has been over the last seconds. */

const WINDOW_MS = 5000;
const MIN_SPAN_MS = 500;

export class TransferRate {
  /** @type {{ time: number, sent: number }[]} oldest first */
  #samples = [];

  /**
   * @param {number} time in milliseconds
   * @param {number} sent bytes in all so far
   */
  add(time, sent) {
    this.#samples.push({ time, sent });
    while (this.#samples.length > 2 && time - (this.#samples[0]?.time ?? time) > WINDOW_MS) {
      this.#samples.shift();
    }
  }

  /** Bytes per second; null while too little is known for a sensible figure. */
  get bytesPerSecond() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.time - first.time <= MIN_SPAN_MS || last.sent <= first.sent) {
      return null;
    }
    return (1000 * (last.sent - first.sent)) / (last.time - first.time);
  }

  /** Forgets the past, for instance before a pause. */
  reset() {
    this.#samples = [];
  }
}
