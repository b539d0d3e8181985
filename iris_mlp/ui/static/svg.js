// What modules that draw SVG share.
export const SVG = "http://www.w3.org/2000/svg";

export function add(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.appendChild(node);
  return node;
}

// Empties a drawing, names it for a screen reader, and makes its unit a pixel; returns its width.
export function clear(svg, alternative, height, usualWidth) {
  const width = svg.parentElement.clientWidth || usualWidth;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-label", alternative);
  svg.replaceChildren();
  return width;
}

export function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((s) => s >= raw);
  const found = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step / 1e6; t += step) found.push(t);
  return found;
}

export function logTicks(low, high) {
  const found = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++)
    for (const factor of [1, 2, 5]) found.push(factor * 10 ** p);
  return found.filter((t) => t >= low * 0.999 && t <= high * 1.001);
}

