import { fill, h, say } from "./dom.js";
import { FEATURE_NAMES } from "./iris.js";
import { CLASSES, forward } from "./model.js";
import { colorOf, formatPercent } from "./species.js";
import { add } from "./svg.js";

export const MAX_UNITS = 24;

const WIDTH = 640;
const HEIGHT = 400;
const [INPUT_X, HIDDEN_X, OUTPUT_X] = [158, 326, 490];
const [TOP, BOTTOM] = [16, 384];
const INPUTS = FEATURE_NAMES.length;

const drawn = new WeakMap();

/**
 * Draw the network: weights as lines, and what each unit does at a flower; fast enough for every frame.
 *
 * The first call on an element builds the drawing, later ones move what has changed in it.
 *
 * @param {HTMLElement} element A `<figure class="network">`.
 * @param {import("./model.js").Model} model A new object where the weights are new.
 * @param {object} options
 * @param {number[]} options.lengthsCm The flower.
 * @param {Object<string, any>} options.texts What `network_texts` of Python gives.
 */
export function drawNetwork(element, model, { lengthsCm, texts }) {
  const shown = Math.min(model.hidden, MAX_UNITS);
  let parts = drawn.get(element);
  if (parts?.hidden.length !== shown) {
    parts?.nodes.forEach((node) => node.remove());
    drawn.set(element, (parts = build(element, shown, texts)));
  }
  if (parts.model !== model) {
    parts.model = model;
    parts.units = rankUnits(model);
    drawWeights(parts, model);
    const key = shown < model.hidden ? "strongest" : "hidden";
    say(parts.count, fill(texts[key], { hidden: model.hidden.toLocaleString("en"), shown }));
  }
  const pass = forward(model, lengthsCm);
  drawFlow(parts, pass);
  pass.scaled.forEach((value, i) => {
    parts.inputs[i].style.setProperty("--fill", Math.min(Math.max(value, 0), 1).toFixed(2));
    const length = lengthsCm[i].toFixed(1);
    say(parts.scaled[i], fill(texts.scaled, { length, scaled: number(value) }));
  });
  drawHidden(parts, pass, texts);
  pass.probabilities.forEach((share, k) => {
    parts.outputs[k].style.setProperty("--fill", share.toFixed(2));
    say(parts.percents[k], formatPercent(share));
    say(parts.logits[k], fill(texts.logit, { logit: number(pass.logits[k]) }));
  });
  parts.svg.setAttribute("aria-label", describe(model, pass, texts));
}

/**
 * Find the hidden units that matter most, at most `MAX_UNITS`, in their own order.
 *
 * A unit counts by the norm of its incoming weights and bias times that of its outgoing ones; the
 * product stays the same when ReLU lets a factor move from one side to the other.
 *
 * @param {import("./model.js").Model} model
 * @returns {number[]}
 */
export function rankUnits(model) {
  const strength = model.fc1_weight.map((row, unit) =>
    Math.hypot(...row, model.fc1_bias[unit]) * Math.hypot(...model.fc2_weight.map((out) => out[unit])));
  const order = strength.map((_, unit) => unit).sort((a, b) => strength[b] - strength[a] || a - b);
  return order.slice(0, MAX_UNITS).sort((a, b) => a - b);
}

function drawWeights(parts, model) {
  const layers = [
    [parts.into, (i, j) => model.fc1_weight[parts.units[j]][i]],
    [parts.from, (i, j) => model.fc2_weight[j][parts.units[i]]],
  ];
  for (const [lines, weightOf] of layers) {
    const weights = lines.map((line) => weightOf(line.from, line.to));
    const largest = Math.max(...weights.map(Math.abs)) || 1;
    lines.forEach((line, i) => {
      line.node.classList.toggle("n", weights[i] < 0);
      line.node.setAttribute("stroke-width", (0.25 + (3.75 * Math.abs(weights[i])) / largest).toFixed(2));
    });
  }
}

// Lines to and from a unit that ReLU has cut off are faint.
function drawFlow(parts, pass) {
  const active = parts.units.map((unit) => pass.hidden[unit] > 0);
  for (const { node, to } of parts.into) node.classList.toggle("off", !active[to]);
  for (const { node, from } of parts.from) node.classList.toggle("off", !active[from]);
}

function drawHidden(parts, pass, texts) {
  const largest = pass.hidden.reduce((most, value) => Math.max(most, value), 0) || 1;
  parts.units.forEach((unit, j) => {
    const value = pass.hidden[unit];
    const circle = parts.hidden[j];
    circle.classList.toggle("silent", !(value > 0));
    circle.style.setProperty("--fill", (value / largest).toFixed(2));
    say(circle.firstChild, fill(texts.unit, { number: unit + 1, activation: number(value) }));
  });
}

function describe(model, pass, texts) {
  const outputs = pass.probabilities.map((share, k) => `${texts.species[k]} ${formatPercent(share)}`);
  const active = pass.hidden.filter((value) => value > 0).length;
  return fill(texts.alt, {
    hidden: model.hidden.toLocaleString("en"),
    active: active.toLocaleString("en"),
    outputs: outputs.join(texts.separator),
  });
}

// The drawing

function build(element, shown, texts) {
  const caption = h("figcaption", {}, h("b", {}, texts.title));
  const svg = add(element, "svg", { role: "img", width: WIDTH, viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  const [inputsY, hiddenY, outputsY] = [spread(INPUTS, 86), spread(shown, 37), spread(CLASSES, 118)];
  const weights = add(svg, "g", { class: "weights" });
  const parts = {
    svg,
    into: addLines(weights, [INPUT_X, inputsY], [HIDDEN_X, hiddenY]),
    from: addLines(weights, [HIDDEN_X, hiddenY], [OUTPUT_X, outputsY]),
    inputs: [], scaled: [], hidden: [], outputs: [], percents: [], logits: [],
    count: h("li", { class: "units" }),
  };
  inputsY.forEach((y, i) => {
    parts.inputs.push(add(svg, "circle", { class: "unit", cx: INPUT_X, cy: y, r: 9 }));
    add(svg, "text", { class: "end name", x: INPUT_X - 17, y: y - 2 }, texts.features[i]);
    parts.scaled.push(add(svg, "text", { class: "end detail", x: INPUT_X - 17, y: y + 15 }));
  });
  const radius = Math.min(12, (0.43 * (BOTTOM - TOP)) / shown);
  for (const y of hiddenY) {
    const circle = add(svg, "circle", { class: "unit", cx: HIDDEN_X, cy: y, r: radius });
    add(circle, "title", {});
    parts.hidden.push(circle);
  }
  outputsY.forEach((y, k) => {
    const x = OUTPUT_X + 22;
    const circle = add(svg, "circle", { class: "unit output", cx: OUTPUT_X, cy: y, r: 13 });
    circle.style.setProperty("--unit", colorOf(k));
    parts.outputs.push(circle);
    add(svg, "text", { class: "name", x, y: y - 8 }, texts.species[k]);
    parts.percents.push(add(svg, "text", { class: "percent", x, y: y + 10 }));
    parts.logits.push(add(svg, "text", { class: "detail", x, y: y + 27 }));
  });
  const legend = Object.entries(texts.legend).map(([name, text]) => h("li", { class: name }, text));
  parts.nodes = [caption, svg, h("ul", { class: "legend" }, parts.count, ...legend)];
  element.prepend(...parts.nodes);
  return parts;
}

function addLines(group, [x0, starts], [x1, ends]) {
  const bend = Math.round((x0 + x1) / 2);
  return starts.flatMap((y0, from) =>
    ends.map((y1, to) => {
      const d = `M${x0} ${y0}C${bend} ${y0} ${bend} ${y1} ${x1} ${y1}`;
      return { node: add(group, "path", { d }), from, to };
    }));
}

// The heights of a layer's units, evenly around the middle.
function spread(count, step) {
  const gap = Math.min(step, (BOTTOM - TOP) / count);
  const first = (TOP + BOTTOM) / 2 - ((count - 1) / 2) * gap;
  return Array.from({ length: count }, (_, i) => +(first + i * gap).toFixed(1));
}

function number(value) {
  return value.toFixed(2).replace("-", "−");
}
