import { fill, h, say } from "./dom.js";
import { colorOf } from "./species.js";
import { add } from "./svg.js";

export const PX_PER_CM = 30;

const WIDTH = 540;
const HEIGHT = 572;
const CENTRE = [270, 278];

// Where tips point, in degrees clockwise from the top: seen from above, as an iris opens.
const SEPAL_ANGLES = [180, 60, -60];
const PETAL_ANGLES = [0, 120, -120];

/**
 * The form of a sepal or petal, whatever its size.
 *
 * @typedef {object} Shape
 * @property {[number, number]} widest Where each side (right, left) is widest, as a share of the
 *   length from the base.
 * @property {number} claw Width at the base as a share of the greatest width.
 * @property {number} tip How blunt the tip is, from 0 (pointed) to 1 (broad).
 * @property {number} veins Veins on each side of the midrib.
 */

/** @type {Shape} */
const SEPAL = { widest: [0.64, 0.67], claw: 0.34, tip: 0.56, veins: 5 };
/** @type {Shape} */
const PETAL = { widest: [0.57, 0.54], claw: 0.3, tip: 0.36, veins: 3 };

// The stops' colours stand in the style sheet, where they follow the light or dark page.
const GRADIENTS = [
  ["linearGradient", "iris-sepal-fill", { x1: 0, y1: 1, x2: 0, y2: 0 }, [[0.05, "pale"], [0.5, "full"], [1, "deep"]]],
  ["linearGradient", "iris-petal-fill", { x1: 0, y1: 1, x2: 0, y2: 0 }, [[0, "deep"], [0.55, "full"], [1, "light"]]],
  ["radialGradient", "iris-signal-fill", { cx: 0.5, cy: 0.5, r: 0.55 }, [[0.1, "signal-core"], [1, "signal-end"]]],
];

const drawn = new WeakMap();

/**
 * Draw a flower to scale: three sepals and three petals of the lengths in hand.
 *
 * @param {HTMLElement} element A `<figure class="flower">`; one of a page, for its ids.
 * @param {number[]} lengthsCm Sepal length and width, petal length and width.
 * @param {number} species The predicted class, which gives the colour.
 * @param {Object<string, any>} texts What `flower_texts` of Python gives.
 */
export function drawFlower(element, lengthsCm, species, texts) {
  let parts = drawn.get(element);
  if (!parts) drawn.set(element, (parts = build(element, texts)));
  const [sepalLength, sepalWidth, petalLength, petalWidth] = lengthsCm.map((cm) => cm * PX_PER_CM);
  drawOrgan(parts.sepal, SEPAL, sepalLength, sepalWidth);
  drawOrgan(parts.petal, PETAL, petalLength, petalWidth);
  parts.signal.setAttribute("d", traceSignal(sepalLength, sepalWidth));
  parts.arm.setAttribute("d", traceStyleArm(0.2 * sepalLength));
  drawDimensions(parts.dimensions, lengthsCm);
  element.style.setProperty("--flower", colorOf(species));
  say(parts.name, texts.full[species]);
  const [sl, sw, pl, pw] = lengthsCm.map((cm) => cm.toFixed(1));
  parts.svg.setAttribute("aria-label", fill(texts.alt, {
    sepal_length: sl, sepal_width: sw, petal_length: pl, petal_width: pw, species: texts.species[species],
  }));
}

/**
 * Trace an outline as cubic Bezier curves from the base at (0, 0) to the tip at -length.
 *
 * Tangents are level at the tip and upright where a side is widest, so that the bounding box is
 * exactly as wide and long as asked.
 *
 * @param {Shape} shape
 * @returns {string} Path data: up the right side, then down the left one.
 */
function traceOutline(shape, length, width) {
  const half = width / 2;
  const [right, left] = [1, -1].map((sign, i) => {
    const widest = shape.widest[i];
    return {
      base: [sign * half * shape.claw, 0],
      rise: [sign * half * shape.claw * 1.05, -0.3 * length],
      below: [sign * half, -(widest - 0.25) * length],
      side: [sign * half, -widest * length],
      above: [sign * half, -(widest + 0.62 * (1 - widest)) * length],
      blunt: [sign * half * shape.tip, -length],
    };
  });
  const tip = [0, -length];
  const curves = [
    [right.rise, right.below, right.side],
    [right.above, right.blunt, tip],
    [left.blunt, left.above, left.side],
    [left.below, left.rise, left.base],
  ];
  return `M${point(right.base)}${curves.map((curve) => `C${curve.map(point).join(" ")}`).join("")}Z`;
}

// The midrib, and veins that fan out from the claw: narrower copies of the sides.
function traceVeins(shape, length, width) {
  let path = `M0 0V${px(-0.95 * length)}`;
  for (let i = 1; i <= shape.veins; i++) {
    const share = i / (shape.veins + 0.8);
    for (const [side, sign] of [1, -1].entries()) {
      const widest = shape.widest[side];
      const x = (sign * width * share) / 2;
      // The outer a vein runs, the sooner it meets the margin.
      const end = widest + (0.93 - widest) * Math.sqrt(1 - share ** 2);
      path += `M${px(x * shape.claw)} 0C${point([x * shape.claw * 1.05, -0.3 * length])} `
        + `${point([x, -(widest - 0.25) * length])} ${point([x, -widest * length])}`
        + `Q${point([x, (-(widest + end) / 2) * length])} ${point([x * 0.9, -end * length])}`;
    }
  }
  return path;
}

// The yellow patch that leads bees along a sepal to the nectar.
function traceSignal(length, width) {
  const [x, near, mid, far] = [width * 0.19, -0.06 * length, -0.2 * length, -0.62 * length];
  return `M0 ${px(near)}C${point([x * 0.4, mid])} ${point([x * 1.5, far])} 0 ${px(far)}`
    + `C${point([-x * 1.5, far])} ${point([-x * 0.4, mid])} 0 ${px(near)}Z`;
}

// One of the three style arms, which lie over the sepals and end in two crests.
function traceStyleArm(length) {
  const x = length * 0.22;
  return `M0 ${px(length * 0.1)}C${px(-x * 1.2)} 0 ${point([-x * 1.3, -length * 0.6])} ${point([-x * 1.1, -length])}`
    + `Q${point([-x * 0.3, -length * 0.95])} 0 ${px(-length * 0.78)}`
    + `Q${point([x * 0.3, -length * 0.95])} ${point([x * 1.1, -length])}`
    + `C${point([x * 1.3, -length * 0.6])} ${px(x * 1.2)} 0 0 ${px(length * 0.1)}Z`;
}

function drawOrgan({ shadow, blade, veins, edge }, shape, length, width) {
  const outline = traceOutline(shape, length, width);
  shadow.setAttribute("d", outline);
  blade.setAttribute("d", outline);
  veins.setAttribute("d", traceVeins(shape, length, width));
  edge.setAttribute("d", outline);
}

// The four lengths as a draughtsman notes them, clear of the flower.
function drawDimensions(dimensions, lengthsCm) {
  const [sepalLength, sepalWidth, petalLength, petalWidth] = lengthsCm.map((cm) => cm * PX_PER_CM);
  const reach = Math.cos(Math.PI / 6);
  const right = Math.max(reach * petalLength, sepalWidth / 2) + 24;
  const left = -Math.max(reach * sepalLength, petalWidth / 2) - 24;
  drawUpright(dimensions[0], right, 0, sepalLength);
  drawLevel(dimensions[1], sepalLength + 18, sepalWidth, 17);
  drawUpright(dimensions[2], left, -petalLength, 0);
  drawLevel(dimensions[3], -petalLength - 14, petalWidth, -9);
  dimensions.forEach(({ text }, i) => say(text, `${lengthsCm[i].toFixed(1)} cm`));
}

function drawUpright({ line, guide, text }, x, top, bottom) {
  const side = Math.sign(x);
  line.setAttribute("d", `M${px(x)} ${px(top)}V${px(bottom)}M${px(x - 4)} ${px(top)}h8M${px(x - 4)} ${px(bottom)}h8`);
  const end = px(x - side * 6);
  guide.setAttribute("d", `M${side * 8} ${px(top)}H${end}M${side * 8} ${px(bottom)}H${end}`);
  text.setAttribute("transform", `translate(${point([x + side * 8, (top + bottom) / 2])}) rotate(${side * 90})`);
}

function drawLevel({ line, text }, y, width, below) {
  const half = width / 2;
  line.setAttribute("d", `M${px(-half)} ${px(y)}h${px(width)}M${px(-half)} ${px(y - 4)}v8M${px(half)} ${px(y - 4)}v8`);
  text.setAttribute("y", px(y + below));
}

// The drawing

function build(element, texts) {
  const svg = add(element, "svg", { role: "img", width: WIDTH, viewBox: `0 0 ${WIDTH} ${HEIGHT}` });
  const defs = add(svg, "defs", {});
  for (const [kind, id, ends, stops] of GRADIENTS) {
    const gradient = add(defs, kind, { id, ...ends });
    for (const [offset, name] of stops) add(gradient, "stop", { offset, class: name });
  }
  const sepal = addOrgan(defs, "sepal");
  const signal = add(sepal.group, "path", { class: "iris-signal", fill: "url(#iris-signal-fill)" });
  sepal.blade.after(signal);
  const petal = addOrgan(defs, "petal");
  const arm = add(defs, "path", { id: "iris-style-arm", class: "iris-style-arm" });
  const plant = add(svg, "g", { transform: `translate(${CENTRE[0]} ${CENTRE[1]})` });
  for (const [id, angles] of [["iris-sepal", SEPAL_ANGLES], ["iris-petal", PETAL_ANGLES]]) {
    const whorl = add(plant, "g", { class: "whorl" });
    for (const angle of angles) add(whorl, "use", { href: `#${id}`, transform: `rotate(${angle})` });
  }
  for (const angle of SEPAL_ANGLES) add(plant, "use", { href: "#iris-style-arm", transform: `rotate(${angle})` });
  const group = add(plant, "g", { class: "dimensions" });
  const dimensions = [0, 1, 2, 3].map(() => ({
    line: add(group, "path", {}),
    guide: add(group, "path", { class: "guide" }),
    text: add(group, "text", {}),
  }));
  addScaleBar(svg);
  const name = h("b");
  const [before, after] = texts.caption.split("{species}");
  element.prepend(svg, h("figcaption", {}, before, name, after));
  return { svg, sepal, petal, signal, arm, dimensions, name };
}

function addOrgan(defs, kind) {
  const group = add(defs, "g", { id: `iris-${kind}` });
  return {
    group,
    shadow: add(group, "path", { class: "iris-shadow" }), // a filter would cost most of a frame
    blade: add(group, "path", { class: "iris-blade", fill: `url(#iris-${kind}-fill)` }),
    veins: add(group, "path", { class: "iris-veins" }),
    edge: add(group, "path", { class: "iris-edge" }),
  };
}

function addScaleBar(svg) {
  const [x, y] = [16, HEIGHT - 16];
  const bar = add(svg, "g", { class: "scale-bar" });
  add(bar, "path", { d: `M${x} ${y - 4}v8M${x} ${y}h${PX_PER_CM}M${x + PX_PER_CM} ${y - 4}v8` });
  add(bar, "text", { x: x + PX_PER_CM + 8, y: y + 4 }, "1 cm");
}

function px(value) {
  return value.toFixed(1);
}

function point([x, y]) {
  return `${px(x)} ${px(y)}`;
}
