/** Shows the options of the handler that is chosen in the upload form. */
import { byId } from "../dom.js";

/** @param {HTMLFormElement} form */
export function startHandlerOptions(form) {
  const handler = byId("handler", HTMLSelectElement);
  const showOptions = () => {
    for (const option of form.querySelectorAll(".option")) {
      if (option instanceof HTMLElement) option.hidden = option.dataset.handler !== handler.value;
    }
  };
  handler.addEventListener("change", showOptions);
  showOptions();
}
