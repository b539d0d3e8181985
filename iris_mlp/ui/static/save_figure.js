import { h } from "./dom.js";
import { SVG } from "./svg.js";

// What the style sheets give a drawing and a file has to carry itself: what a node inherits, and the
// rest with its usual value.
const INHERITED = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "paint-order", "text-anchor", "font-family", "font-size", "font-style", "font-weight",
];
const OWN = { display: "inline", opacity: "1", "stop-color": "rgb(0, 0, 0)", "stop-opacity": "1" };
const COLORS = ["fill", "stroke", "stop-color"];

/**
 * Give a figure a button that saves its drawing; it is seen when the figure has the pointer or focus.
 *
 * @param {HTMLElement} figure Holds one `<svg>` when the button is pressed.
 * @param {string} name Of the file, without its ending.
 * @param {string} label What the button does, in the visitor's language.
 */
export function offerSave(figure, name, label) {
  const button = h("button", { type: "button", class: "save-figure", title: label, "aria-label": label }, "SVG");
  button.addEventListener("click", () => download(writeSvg(figure.querySelector("svg")), `${name}.svg`));
  figure.classList.add("savable");
  figure.append(button);
}

/**
 * Write a drawing of the page as a file that needs no style sheet.
 *
 * @param {SVGSVGElement} svg
 * @returns {string}
 */
export function writeSvg(svg) {
  const copy = svg.cloneNode(true);
  const originals = [svg, ...svg.querySelectorAll("*")];
  const plain = makePlain();
  [copy, ...copy.querySelectorAll("*")].forEach((node, i) => {
    const style = getComputedStyle(originals[i]);
    const above = getComputedStyle(originals[i].parentElement);
    node.removeAttribute("class");
    node.removeAttribute("style");
    const write = (property, value) =>
      node.setAttribute(property, COLORS.includes(property) ? plain(value) : value);
    for (const property of INHERITED)
      if (i === 0 || node.hasAttribute(property) || style[property] !== above[property]) write(property, style[property]);
    if (i === 0) return;
    for (const [property, usual] of Object.entries(OWN))
      if (style[property] !== usual) write(property, style[property]);
    if (style.transform !== "none") node.setAttribute("transform", style.transform);
  });
  const { width, height } = svg.viewBox.baseVal;
  const ground = document.createElementNS(SVG, "rect");
  for (const node of [copy, ground]) {
    node.setAttribute("width", width);
    node.setAttribute("height", height);
  }
  ground.setAttribute("fill", plain(findBackground(svg)));
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}

// Writes colours as every program reads them: the page mixes some in spaces that few know.
function makePlain() {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  return (value) => {
    if (value === "none" || value.startsWith("url(") || value.startsWith("rgb(")) return value;
    if (!known.has(value)) {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = value;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
      known.set(value, `rgba(${r}, ${g}, ${b}, ${+(a / 255).toFixed(3)})`);
    }
    return known.get(value);
  };
}

// The nearest that is not transparent.
function findBackground(node) {
  for (let each = node; each; each = each.parentElement) {
    const color = getComputedStyle(each).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)") return color;
  }
  return "white";
}

function download(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
