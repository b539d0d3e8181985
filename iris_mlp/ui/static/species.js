// How the three species look in every picture: a colour and, for eyes that need it, a shape.
import { CLASS_NAMES } from "./iris.js";
import { add, SVG } from "./svg.js";

// Circle, triangle and square around the origin, about 10 px across.
export const SHAPES = [
  "M0-4.6A4.6 4.6 0 1 1 0 4.6A4.6 4.6 0 1 1 0-4.6Z",
  "M0-5.4L5 3.9H-5Z",
  "M-4.1-4.1H4.1V4.1H-4.1Z",
];

// The colour follows the light or dark page.
export function colorOf(species) {
  return `var(--iris-${CLASS_NAMES[species]})`;
}

/** @returns {SVGElement} The mark of a species, which is decoration to a screen reader. */
export function mark(species) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { class: "species-mark", width: 12, height: 12, viewBox: "-6 -6 12 12", "aria-hidden": true };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  add(svg, "path", { d: SHAPES[species], fill: colorOf(species) });
  return svg;
}

/** @param {number} share @returns {string} A percentage that never claims certainty. */
export function formatPercent(share) {
  if (share > 0.9995) return ">99.9%";
  return share < 0.0005 ? "<0.1%" : `${(100 * share).toFixed(1)}%`;
}
