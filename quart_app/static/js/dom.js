/** Finding elements, with their type checked at run time. */

/**
 * Returns the element with this id.
 *
 * @template {Element} T
 * @param {string} id
 * @param {{ new (): T }} type class that the element must have
 * @returns {T}
 * @throws {Error} if there is no such element on the page
 */
export function byId(id, type) {
  return requireElement(document.getElementById(id), `#${id}`, type);
}

/**
 * Returns the first element inside `root` that matches the selector.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {{ new (): T }} type class that the element must have
 * @returns {T}
 * @throws {Error} if nothing matches
 */
export function find(root, selector, type) {
  return requireElement(root.querySelector(selector), selector, type);
}

/**
 * Returns the element that an event happened in, or null if it happened elsewhere.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closestTarget(event, selector) {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof HTMLElement ? found : null;
}

/**
 * @template {Element} T
 * @param {Element | null} element
 * @param {string} selector
 * @param {{ new (): T }} type
 * @returns {T}
 */
function requireElement(element, selector, type) {
  if (!(element instanceof type)) throw new Error(`The page has no ${type.name} ${selector}`);
  return element;
}
