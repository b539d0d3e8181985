/**
 * Make an element of HTML; texts become text, never markup.
 *
 * @param {string} name
 * @param {Object<string, string | number | boolean>} attributes Those that are `false` are left out.
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== false) node.setAttribute(key, value === true ? "" : value);
  node.append(...children);
  return node;
}

/**
 * Fill in a text of the catalogue: `{length} cm`.
 *
 * @param {string} text
 * @param {Object<string, string | number>} values
 */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/**
 * Set the text of an element, only where it is new, since a screen reader hears each change.
 *
 * @param {Element} node Holds one text at most.
 * @param {string} text
 */
export function say(node, text) {
  if (!node.firstChild) node.append(text);
  else if (node.firstChild.nodeValue !== text) node.firstChild.nodeValue = text;
}
