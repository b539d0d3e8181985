import { traceRegion } from "./contour.js";
import { fill, h, say } from "./dom.js";
import { FEATURE_RANGES_CM, FLOWERS_CM, SLIDER_RANGES_CM, SPECIES } from "./iris.js";
import { argmax, CLASSES, predictBatch } from "./model.js";
import { colorOf, SHAPES } from "./species.js";
import { add } from "./svg.js";

// The planes through the space of the four lengths: which of them each axis shows.
export const PLANES = { sepal: { x: 0, y: 1 }, petal: { x: 2, y: 3 } };

const WIDTH = 400;
const HEIGHT = 292;
const [LEFT, RIGHT, TOP, BOTTOM] = [50, 392, 8, 250];

// Points of the slice across and up; fewer for a model of many hidden units.
const GRID = [88, 61];
const MOST_ACTIVATIONS = 600_000;

// Lead over the runner-up from which a region is drawn in a deeper tint: odds of 9 to 1.
export const SURE_LOGITS = Math.log(9);

const MOST_FOLDS = 64;

const drawn = new WeakMap();

/**
 * Draw how a model divides a plane, with the 150 flowers; fast enough for every frame.
 *
 * The first call on an element builds the drawing, later ones move what has changed in it.
 *
 * @param {HTMLElement} element A `<figure class="plane">`.
 * @param {import("./model.js").Model} model A new object where the weights are new.
 * @param {object} options
 * @param {"sepal" | "petal"} options.plane
 * @param {number[]} options.lengthsCm Where the plane cuts the other two lengths; where the marker stands.
 * @param {{title: string, x: string, y: string, note: string, alt: string}} options.texts
 *   `note` holds `{length}` and `{width}` of the cut; `x` and `y` name the axes.
 * @param {boolean} [options.marker] Whether the flower of `lengthsCm` is shown.
 * @param {boolean} [options.folds] Whether lines show where hidden units switch on.
 * @param {(xCm: number, yCm: number, ended: boolean) => void} [options.onPick] Called with a place
 *   that was clicked or dragged over, on steps of 0.1 cm.
 * @returns {number[]} Rows of the flowers that the model gets wrong.
 */
export function drawPlane(element, model, options) {
  const plane = PLANES[options.plane];
  let parts = drawn.get(element);
  if (!parts) drawn.set(element, (parts = build(element, plane, options)));
  const others = [0, 1, 2, 3].filter((i) => i !== plane.x && i !== plane.y);
  const [length, width] = others.map((i) => options.lengthsCm[i]);
  const isNew = parts.model !== model;
  if (isNew) parts.wrong = ringMistakes(parts.rings, plane, model);
  if (isNew || parts.length !== length || parts.width !== width) {
    const { regions, sure } = traceRegions(plane, model, options.lengthsCm);
    regions.forEach((path, k) => parts.regions.children[k].setAttribute("d", path));
    sure.forEach((path, k) => parts.sure.children[k].setAttribute("d", path));
    if (options.folds) parts.folds.setAttribute("d", traceFolds(plane, model, options.lengthsCm));
    say(parts.note, fill(options.texts.note, { length: length.toFixed(1), width: width.toFixed(1) }));
    Object.assign(parts, { model, length, width });
  }
  parts.svg.setAttribute("aria-label", options.texts.alt);
  if (options.marker) moveMarker(parts, plane, model, options.lengthsCm);
  return parts.wrong;
}

/**
 * Trace the regions of the three classes in a slice through a flower.
 *
 * Logits are linear between the kinks of the hidden units, so that straight lines between grid
 * points follow a border exactly, but for the cells where it bends.
 *
 * @returns {{regions: string[], sure: string[]}} Path data for each class: where its logit is the
 *   largest, and where it leads by at least `SURE_LOGITS`.
 */
export function traceRegions(plane, model, lengthsCm) {
  const share = Math.min(1, Math.sqrt(MOST_ACTIVATIONS / (model.hidden * GRID[0] * GRID[1])));
  const columns = Math.max(17, Math.floor(GRID[0] * share));
  const rows = Math.max(13, Math.floor(GRID[1] * share));
  const count = columns * rows;
  const xsCm = spread(SLIDER_RANGES_CM[plane.x], columns);
  const ysCm = spread(SLIDER_RANGES_CM[plane.y], rows);
  const flowers = new Float64Array(4 * count);
  for (let i = 0; i < count; i++) {
    for (let feature = 0; feature < 4; feature++) flowers[4 * i + feature] = lengthsCm[feature];
    flowers[4 * i + plane.x] = xsCm[i % columns];
    flowers[4 * i + plane.y] = ysCm[Math.floor(i / columns)];
  }
  const logits = predictBatch(model, flowers);
  const xs = xsCm.map((cm) => toX(plane, cm));
  const ys = ysCm.map((cm) => toY(plane, cm));
  const lead = new Float64Array(count);
  const regions = [];
  const sure = [];
  for (const [own, one, other] of [[0, 1, 2], [1, 2, 0], [2, 0, 1]]) {
    for (let i = 0, at = 0; i < count; i++, at += CLASSES)
      lead[i] = logits[at + own] - Math.max(logits[at + one], logits[at + other]);
    regions.push(traceRegion(lead, xs, ys));
    for (let i = 0; i < count; i++) lead[i] -= SURE_LOGITS;
    sure.push(traceRegion(lead, xs, ys));
  }
  return { regions, sure };
}

/**
 * Trace where hidden units switch on: before its ReLU a unit is linear, so it does along a straight
 * line, and borders can bend at these lines alone.
 */
function traceFolds(plane, model, lengthsCm) {
  const origin = [...lengthsCm];
  const [xLow, xHigh] = SLIDER_RANGES_CM[plane.x];
  const [yLow, yHigh] = SLIDER_RANGES_CM[plane.y];
  [origin[plane.x], origin[plane.y]] = [xLow, yLow];
  const weightPerCm = (unit, i) => model.fc1_weight[unit][i] / (model.scaler_max[i] - model.scaler_min[i]);
  let path = "";
  for (let unit = 0; unit < Math.min(model.hidden, MOST_FOLDS); unit++) {
    const start = origin.reduce(
      (sum, cm, i) => sum + weightPerCm(unit, i) * (cm - model.scaler_min[i]), model.fc1_bias[unit]);
    const dx = weightPerCm(unit, plane.x) * (xHigh - xLow);
    const dy = weightPerCm(unit, plane.y) * (yHigh - yLow);
    // Where start + dx x + dy y = 0 meets the sides of the unit square.
    const ends = [];
    for (const x of [0, 1]) ends.push([x, -(start + dx * x) / dy]);
    for (const y of [0, 1]) ends.push([-(start + dy * y) / dx, y]);
    const met = ends.filter(([x, y]) => x >= 0 && x <= 1 && y >= 0 && y <= 1).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    if (met.length < 2) continue;
    const [from, to] = [met[0], met.at(-1)].map(
      ([x, y]) => `${(LEFT + x * (RIGHT - LEFT)).toFixed(1)} ${(BOTTOM - y * (BOTTOM - TOP)).toFixed(1)}`);
    path += `M${from}L${to}`;
  }
  return path;
}

function ringMistakes(rings, plane, model) {
  const logits = predictBatch(model, FLOWERS_CM.flat());
  const wrong = SPECIES.flatMap((species, row) =>
    argmax(logits.subarray(CLASSES * row, CLASSES * row + CLASSES)) === species ? [] : [row]);
  rings.replaceChildren();
  for (const row of wrong) {
    const [cx, cy] = locate(plane, FLOWERS_CM[row]);
    add(rings, "circle", { cx, cy, r: 7 });
  }
  return wrong;
}

function moveMarker(parts, plane, model, lengthsCm) {
  const [x, y] = locate(plane, lengthsCm);
  const species = argmax(predictBatch(model, lengthsCm));
  parts.you.setAttribute("transform", `translate(${x} ${y})`);
  parts.hairs.setAttribute("d", `M${LEFT} ${y}H${x}V${BOTTOM}`);
  parts.svg.style.setProperty("--flower", colorOf(species));
}

// The drawing

function build(element, plane, { texts, marker, onPick }) {
  const note = h("span", { class: "note" });
  const svg = add(element, "svg", { role: "img", width: WIDTH, viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  element.prepend(h("figcaption", {}, h("b", {}, texts.title), " ", note), svg);
  const [regions, sure] = ["regions", "sure"].map((name) => add(svg, "g", { class: name }));
  for (const group of [regions, sure])
    for (let k = 0; k < CLASSES; k++) add(group, "path", { fill: colorOf(k) });
  drawAxes(svg, plane, texts);
  const folds = add(svg, "path", { class: "folds" });
  const marks = add(svg, "g", { class: "marks" });
  FLOWERS_CM.forEach((flower, row) => {
    const [x, y] = locate(plane, flower);
    const species = SPECIES[row];
    add(marks, "path", { d: SHAPES[species], fill: colorOf(species), transform: `translate(${x} ${y}) scale(.7)` });
  });
  const rings = add(svg, "g", { class: "rings" });
  const parts = { svg, note, regions, sure, folds, rings };
  if (marker) {
    parts.hairs = add(svg, "path", { class: "hairs" });
    parts.you = add(svg, "g", { class: "you" });
    for (const r of [10, 6.5]) add(parts.you, "circle", { r });
  }
  if (onPick) followPointer(svg, plane, onPick);
  return parts;
}

function drawAxes(svg, plane, texts) {
  const [[left, right], [low, high]] = [FEATURE_RANGES_CM[plane.x], FEATURE_RANGES_CM[plane.y]];
  const [x, y] = [toX(plane, left), toY(plane, high)];
  add(svg, "rect", { class: "data-range", x, y, width: toX(plane, right) - x, height: toY(plane, low) - y });
  add(svg, "path", { class: "axes", d: `M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}` });
  for (const cm of listTicks(SLIDER_RANGES_CM[plane.x], 1))
    add(svg, "text", { class: "tick middle", x: toX(plane, cm), y: BOTTOM + 15 }, String(cm));
  for (const cm of listTicks(SLIDER_RANGES_CM[plane.y], 0.5))
    add(svg, "text", { class: "tick end", x: LEFT - 6, y: toY(plane, cm) + 4 }, String(cm));
  add(svg, "text", { class: "middle", x: (LEFT + RIGHT) / 2, y: HEIGHT - 6 }, texts.x);
  const turned = `translate(13 ${(TOP + BOTTOM) / 2}) rotate(-90)`;
  add(svg, "text", { class: "middle", transform: turned }, texts.y);
}

function followPointer(svg, plane, onPick) {
  function pick(event, ended) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const [xLow, xHigh] = SLIDER_RANGES_CM[plane.x];
    const [yLow, yHigh] = SLIDER_RANGES_CM[plane.y];
    const x = xLow + ((at.x - LEFT) / (RIGHT - LEFT)) * (xHigh - xLow);
    const y = yLow + ((BOTTOM - at.y) / (BOTTOM - TOP)) * (yHigh - yLow);
    onPick(toStep(x, xLow, xHigh), toStep(y, yLow, yHigh), ended);
  }
  // A finger scrolls the page; only a mouse drags.
  const drags = (event) => event.pointerType === "mouse" && event.buttons === 1;
  svg.addEventListener("pointerdown", (event) => {
    if (!drags(event)) return;
    svg.setPointerCapture(event.pointerId);
    pick(event, false);
  });
  svg.addEventListener("pointermove", (event) => drags(event) && pick(event, false));
  for (const name of ["click", "lostpointercapture"])
    svg.addEventListener(name, (event) => pick(event, true));
}

function toX(plane, cm) {
  const [low, high] = SLIDER_RANGES_CM[plane.x];
  return LEFT + ((cm - low) / (high - low)) * (RIGHT - LEFT);
}

function toY(plane, cm) {
  const [low, high] = SLIDER_RANGES_CM[plane.y];
  return BOTTOM - ((cm - low) / (high - low)) * (BOTTOM - TOP);
}

/** @returns {number[]} Where a flower stands in the drawing, in px. */
export function locate(plane, lengthsCm) {
  return [toX(plane, lengthsCm[plane.x]), toY(plane, lengthsCm[plane.y])].map((px) => +px.toFixed(1));
}

function toStep(cm, low, high) {
  return Math.round(10 * Math.min(Math.max(cm, low), high)) / 10;
}

function spread([low, high], count) {
  return Float64Array.from({ length: count }, (_, i) => low + (i / (count - 1)) * (high - low));
}

function listTicks([low, high], step) {
  const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}
