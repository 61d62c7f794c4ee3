/** The line of one upload on the page: name, progress bar, facts and buttons. */
import { byId, find } from "../dom.js";
import { UPLOAD_BUTTONS, uploadButton, uploadOf } from "../messages.js";

export class UploadRow {
  #name;
  #element;

  /**
   * Adds a line to the page.
   *
   * @param {string} name of the file
   * @param {{ onPause: () => void, onCancel: () => void }} handlers
   */
  constructor(name, { onPause, onCancel }) {
    this.#name = name;
    const template = byId("sending-row", HTMLTemplateElement).content;
    this.#element = /** @type {HTMLElement} */ (find(template, "li", HTMLElement).cloneNode(true));
    this.#part("name", HTMLElement).textContent = name;
    this.#part("bar", HTMLProgressElement).setAttribute("aria-label", uploadOf(name));
    this.#label("pause", UPLOAD_BUTTONS.pause);
    this.#label("cancel", UPLOAD_BUTTONS.cancel);
    this.#part("pause", HTMLButtonElement).addEventListener("click", onPause);
    this.#part("cancel", HTMLButtonElement).addEventListener("click", onCancel);
    byId("sendings", HTMLElement).append(this.#element);
  }

  /** @param {string} text */
  showFacts(text) {
    this.#part("facts", HTMLElement).textContent = text;
  }

  /**
   * @param {number} sent bytes
   * @param {number} total bytes
   */
  showProgress(sent, total) {
    const bar = this.#part("bar", HTMLProgressElement);
    bar.max = total;
    bar.value = sent;
  }

  /** @param {boolean} paused */
  showPaused(paused) {
    this.#label("pause", paused ? UPLOAD_BUTTONS.resume : UPLOAD_BUTTONS.pause);
  }

  remove() {
    this.#element.remove();
  }

  /**
   * @template {Element} T
   * @param {string} name
   * @param {{ new (): T }} type
   * @returns {T}
   */
  #part(name, type) {
    return find(this.#element, `[data-part="${name}"]`, type);
  }

  /**
   * @param {string} part
   * @param {string} label
   */
  #label(part, label) {
    const button = this.#part(part, HTMLButtonElement);
    button.textContent = label;
    button.setAttribute("aria-label", uploadButton(label, this.#name));
  }
}
