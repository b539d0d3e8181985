import { add, logTicks, ticks } from "./svg.js";

/**
 * A plot as Python describes it in `data-plot`; every mark is given in the units of the axes.
 *
 * @typedef {object} Axis
 * @property {number} low
 * @property {number} high
 * @property {boolean} [log]
 * @property {string} title
 * @property {string} [unit] How a tick is written: `us`, `power`, or else a plain number.
 * @property {number[]} [ticks] Left out, round values.
 *
 * @typedef {object} Series
 * @property {string} draw Any of `line`, `dots`, `squares`, `ring`, `area`, `arrows`.
 * @property {number[][]} points x, y and, where there is a spread, its lower and upper end.
 * @property {string} [name] Classes of the group: what it is, and so its colour.
 * @property {string} [dash]
 * @property {string} [label] Stands beside the last point.
 *
 * @typedef {object} Plot
 * @property {Axis} x
 * @property {Axis} y
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [right] Room for labels on the right.
 * @property {Series[]} series
 * @property {{at: number, name: string, label?: string}[]} [levels] Horizontal lines.
 * @property {{at: number, label: string}[]} [crossings] Vertical lines.
 */

const UNITS = [[1e6, "s"], [1e3, "ms"], [1, "µs"]];
const COUNTS = [[1e6, "M"], [1e3, "k"]];

const short = (value) => String(+value.toPrecision(3));

const write = {
  us(value) {
    const [size, unit] = UNITS.find(([size]) => value >= size * 0.9995) || UNITS[2];
    return `${short(value / size)} ${unit}`;
  },
  power(value) {
    const power = String(Math.round(Math.log10(value)));
    const raised = power.replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
    return value >= 0.01 ? short(value) : `10${raised}`;
  },
  count(value) {
    const [size, unit] = COUNTS.find(([size]) => value >= size) || [1, ""];
    return short(value / size) + unit;
  },
};

/** Give the place of a value between two ends of the drawing; values beyond lie at the end. */
function scale({ low, high, log }, from, to) {
  const share = (value) =>
    log ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : (value - low) / (high - low);
  return (value) => from + (to - from) * Math.min(Math.max(share(value), 0), 1);
}

function chooseTicks(axis, most) {
  if (axis.ticks) return axis.ticks;
  if (!axis.log) return ticks(axis.low, axis.high, most);
  const powers = logTicks(axis.low, axis.high).filter((t) => Math.abs(Math.log10(t) % 1) < 1e-9);
  const stride = Math.ceil(powers.length / (most + 1));
  return powers.filter((_, i) => i % stride === 0);
}

/** Move heights apart so that no label covers another, in their own order. */
function spread(heights, gap, low, high) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  let at = low;
  for (const i of order) { heights[i] = at = Math.max(heights[i], at); at += gap; }
  at = high;
  for (const i of order.reverse()) { heights[i] = at = Math.min(heights[i], at); at -= gap; }
  return heights;
}

function drawSeries(svg, series, x, y) {
  const group = add(svg, "g", { class: series.name || "" });
  const draw = series.draw.split(" ");
  const trace = series.points.map((p) => `${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`).join("L");
  for (const [px, , low, high] of series.points)
    if (high !== undefined)
      add(group, "path", { class: "spread", d: `M${x(px)} ${y(low)}V${y(high)}` });
  if (!series.points.length) return;
  if (draw.includes("area")) add(group, "path", { class: "area", d: `M${trace}Z` });
  if (draw.includes("line"))
    add(group, "path", { class: "curve", d: `M${trace}`, "stroke-dasharray": series.dash || "none" });
  for (const [px, py] of series.points) {
    if (draw.includes("dots")) add(group, "circle", { class: "dot", cx: x(px), cy: y(py), r: 3.5 });
    if (draw.includes("squares"))
      add(group, "rect", { class: "dot", x: x(px) - 3.5, y: y(py) - 3.5, width: 7, height: 7 });
    if (draw.includes("ring")) add(group, "circle", { class: "ring", cx: x(px), cy: y(py), r: 7.5 });
    if (draw.includes("arrows")) {
      const [ax, ay, bx, by] = [x(0), y(0), x(px), y(py)];
      const turn = Math.atan2(by - ay, bx - ax);
      const head = [2.7, -2.7].map((side) =>
        `${(bx - 6 * Math.cos(turn + side / 6)).toFixed(1)} ${(by - 6 * Math.sin(turn + side / 6)).toFixed(1)}`);
      add(group, "path", { class: "curve",
        d: `M${ax} ${ay}L${bx} ${by}M${head[0]}L${bx} ${by}L${head[1]}` });
    }
  }
  return group;
}

/** Draw one plot into a figure. */
export function draw(figure, plot = JSON.parse(figure.dataset.plot)) {
  const { width = 340, height = 270, right = 14 } = plot;
  const [left, top, bottom, end] = [54, 30, height - 42, width - right];
  const x = scale(plot.x, left, end);
  const y = scale(plot.y, bottom, top);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true");
  for (const t of chooseTicks(plot.x, 5)) {
    add(svg, "path", { class: "grid", d: `M${x(t)} ${top}V${bottom}` });
    add(svg, "text", { class: "middle", x: x(t), y: bottom + 16 }, (write[plot.x.unit] || short)(t));
  }
  for (const t of chooseTicks(plot.y, 5)) {
    add(svg, "path", { class: "grid", d: `M${left} ${y(t)}H${end}` });
    add(svg, "text", { class: "end", x: left - 6, y: y(t) + 4 }, (write[plot.y.unit] || short)(t));
  }
  add(svg, "path", { class: "axis", d: `M${left} ${top}V${bottom}H${end}` });
  add(svg, "text", { class: "title", x: 2, y: 14 }, plot.y.title);
  add(svg, "text", { class: "title middle", x: (left + end) / 2, y: height - 6 }, plot.x.title);
  for (const level of plot.levels || []) {
    add(svg, "path", { class: level.name, d: `M${left} ${y(level.at)}H${end}` });
    if (level.label) add(svg, "text", { class: "halo", x: left + 6, y: y(level.at) - 5 }, level.label);
  }
  const labelled = [];
  for (const series of plot.series) {
    const group = drawSeries(svg, series, x, y);
    if (group && series.label) labelled.push([group, series.label, series.points.at(-1)]);
  }
  const heights = spread(labelled.map(([, , p]) => y(p[1])), 13, top + 6, bottom - 2);
  labelled.forEach(([group, label, point], i) =>
    add(group, "text", { class: "label", x: x(point[0]) + 7, y: heights[i] + 4 }, label));
  for (const { at, label } of plot.crossings || []) {
    const beyond = x(at) > width / 2;
    add(svg, "path", { class: "crossing", d: `M${x(at)} ${top}V${bottom}` });
    add(svg, "text", { class: `strong ${beyond ? "end" : ""}`, x: x(at) + (beyond ? -5 : 5), y: top + 12 }, label);
  }
  figure.replaceChildren(svg);
}

/**
 * Draw every plot of a component, and again when its value has changed: Gradio then takes away
 * what is not in the value.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, watch }) {
  const drawAll = () => element.querySelectorAll("[data-plot]").forEach((figure) => draw(figure));
  watch("value", drawAll);
  drawAll();
}
