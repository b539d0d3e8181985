import { h } from "./dom.js";
import { add, clear, logTicks, ticks } from "./svg.js";

const POINTS = 200;
/** What the browser itself shows in a chart, and what draws it, by the chart's id. */
const shown = new Map();
const charts = new Map();

/**
 * Show a run that the browser trains, until the server sends another.
 *
 * @param {string} id The chart's `elem_id`.
 * @param {object} value What `build_loss_chart` of Python describes.
 */
export function showLosses(id, value) {
  shown.set(id, value);
  charts.get(id)?.();
}

/**
 * Thin out recorded losses as `thin_history` of Python does, with the least and the most of a stride
 * where the line between two points passes by them.
 *
 * @param {number[]} losses
 * @param {number} every Epochs between two of them.
 * @param {number} epochs The run's last epoch, which is always recorded.
 * @returns {number[][]} Some 200 at most, the first and the newest among them.
 */
export function thin(losses, every, epochs) {
  const step = Math.max(1, Math.ceil(Math.ceil(epochs / POINTS) / every));
  const isKept = (i) => i === 0 || (i + 1) % step === 0 || i === losses.length - 1;
  let before = 0, least = Infinity, most = -Infinity;
  return losses.flatMap((loss, i) => {
    least = Math.min(least, loss);
    most = Math.max(most, loss);
    if (!isKept(i)) return [];
    const point = [Math.min((i + 1) * every, epochs), loss];
    if (least < Math.min(losses[before], loss) || most > Math.max(losses[before], loss)) point.push(least, most);
    [before, least, most] = [i, loss, loss];
    return [point];
  });
}

const leastOf = (point) => point[2] ?? point[1];
const mostOf = (point) => point[3] ?? point[1];

/**
 * Draw the loss curve in a component of Gradio, and again whenever its value changes.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, watch }) {
  const PAD = { left: 58, right: 30, top: 12, bottom: 40 };
  const HEIGHT = 320;
  const { id } = element.parentElement.closest("[id]"); // the `elem_id`; its own changes
  const STATS = [1, 6]; // what two runs are compared by: losses, accuracy, time, speed
  const pinKey = `iris_mlp_pinned:${id}`;
  let scale = "linear";
  let hover = null;
  let pinned = recallPinned();
  let pin = null, compared = null;

  function recallPinned() {
    try { return JSON.parse(sessionStorage.getItem(pinKey)); } catch { return null; }
  }

  function setPinned(value) {
    pinned = value;
    if (value) sessionStorage.setItem(pinKey, JSON.stringify(value));
    else sessionStorage.removeItem(pinKey);
    draw();
  }

  // Only runs that tell their settings can be pinned.
  function drawPin(value) {
    const { labels } = value;
    if (!value.settings || !labels) return;
    if (!pin) {
      pin = h("button", { type: "button", class: "loss-chart-pin" });
      pin.addEventListener("click", () => setPinned(pinned ? null : shown.get(id) ?? props.value));
      compared = h("table", { class: "loss-chart-compared" });
      element.querySelector(".loss-chart").append(pin, compared);
    }
    pin.textContent = pinned ? labels.unpin : labels.pin;
    pin.hidden = !pinned && (value.running || !value.train?.length);
    compared.replaceChildren();
    compared.hidden = !pinned || !value.train?.length;
    if (compared.hidden) return;
    const row = (label, before, now) =>
      h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, before), h("td", {}, now));
    const differ = value.settings.flatMap(([label, text], i) =>
      text === pinned.settings[i][1] ? [] : [row(label, pinned.settings[i][1], text)]);
    const figures = value.stats.slice(...STATS).map(([label, text], i) =>
      row(label, pinned.stats[i + STATS[0]][1], text));
    const head = h("tr", {}, h("td"), ...[labels.pinned, labels.pinned_now].map((text) => h("th", { scope: "col" }, text)));
    compared.append(h("thead", {}, head), h("tbody", {}, ...differ, ...figures));
  }

  // All round values or, where they would stand too close, the powers of ten alone.
  function roundLosses(low, high) {
    const found = logTicks(low, high);
    return found.length > 7 ? found.filter((t) => Math.log10(t) % 1 === 0) : found;
  }

  function range(points) {
    const losses = points.flatMap((point) => point.slice(1)).filter((loss) => loss > 0);
    if (!losses.length) return [0.01, 1.2];
    const high = Math.max(...losses);
    return [Math.min(...losses), high];
  }

  function draw() {
    const value = shown.get(id) ?? props.value ?? {};
    const labels = value.labels || {};
    const train = value.train || [];
    const test = value.test || [];
    const stats = element.querySelector(".loss-chart-stats");
    const svg = element.querySelector("svg");
    const note = element.querySelector(".loss-chart-note");
    if (!stats || !svg) return;

    const wanted = value.stats || [];
    while (stats.children.length > wanted.length) stats.lastChild.remove();
    while (stats.children.length < wanted.length) {
      const cell = document.createElement("div");
      cell.append(document.createElement("dt"), document.createElement("dd"));
      stats.append(cell);
    }
    wanted.forEach(([label, text], i) => {
      stats.children[i].firstChild.textContent = label;
      stats.children[i].lastChild.textContent = text;
    });
    if (note.textContent !== (value.note || "")) note.textContent = value.note || "";

    const said = [labels.chart, value.note].filter(Boolean).join(": ");
    const width = clear(svg, said, HEIGHT, 600);
    svg.setAttribute("aria-hidden", !said);
    drawPin(value);
    const epochs = Math.max(1, value.epochs || 1, pinned?.epochs || 1);
    const [low, high] = range([...train, ...test, ...(pinned ? [...pinned.train, ...pinned.test] : [])]);
    const log = scale === "log";
    const bottom = log ? low / 1.15 : 0;
    const top = log ? high * 1.15 : high * 1.06;
    const x = (epoch) => PAD.left + (epoch / epochs) * (width - PAD.left - PAD.right);
    const fraction = (loss) =>
      log ? Math.log(loss / bottom) / Math.log(top / bottom) : (loss - bottom) / (top - bottom);
    const y = (loss) => HEIGHT - PAD.bottom - fraction(loss) * (HEIGHT - PAD.top - PAD.bottom);

    for (const t of log ? roundLosses(bottom, top) : ticks(bottom, top, 5)) {
      add(svg, "line", { x1: PAD.left, x2: width - PAD.right, y1: y(t), y2: y(t), class: "grid" });
      add(svg, "text", { x: PAD.left - 8, y: y(t) + 4, class: "tick end" }, String(+t.toPrecision(3)));
    }
    for (const t of ticks(0, epochs, width < 460 ? 3 : 5))
      add(svg, "text", { x: x(t), y: HEIGHT - PAD.bottom + 18, class: "tick middle" },
        t.toLocaleString(document.documentElement.lang || "en"));
    add(svg, "line", { x1: PAD.left, x2: width - PAD.right, y1: HEIGHT - PAD.bottom,
      y2: HEIGHT - PAD.bottom, class: "axis" });
    add(svg, "text", { x: (PAD.left + width - PAD.right) / 2, y: HEIGHT - 4, class: "title middle" },
      labels.epoch || "");
    add(svg, "text", { x: 14, y: (HEIGHT - PAD.bottom) / 2, class: "title middle",
      transform: `rotate(-90 14 ${(HEIGHT - PAD.bottom) / 2})` }, labels.loss || "");

    const path = (points) =>
      points.filter((p) => !log || p[1] > 0)
        .map((p, i) => `${i ? "L" : "M"}${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`).join("");
    const band = (points) => {
      const [over, under] = [points.map((p) => [p[0], mostOf(p)]), points.map((p) => [p[0], leastOf(p)]).reverse()];
      return `${path(over)}${path(under).replace("M", "L")}Z`;
    };
    const isBanded = train.some((p) => mostOf(p) > leastOf(p));
    if (pinned) {
      add(svg, "path", { d: path(pinned.test), class: "curve test pinned" });
      add(svg, "path", { d: path(pinned.train), class: "curve train pinned" });
    }
    if (isBanded) add(svg, "path", { d: band(train), class: "band" });
    if (test.length) add(svg, "path", { d: path(test), class: "curve test" });
    if (train.length) {
      add(svg, "path", { d: path(train), class: "curve train" });
      const [epoch, loss] = train[train.length - 1];
      add(svg, "circle", { cx: x(epoch), cy: y(loss), r: 4,
        class: value.running ? "head running" : "head" });
    } else if (!value.running) {
      (labels.empty || "").split("\n").forEach((line, i) => add(svg, "text",
        { x: (PAD.left + width - PAD.right) / 2, y: HEIGHT / 2 - 30 + i * 22, class: "empty middle" }, line));
    }
    const keys = [["train", labels.train], ["test", labels.test]];
    if (pinned) keys.push(["train pinned", labels.pinned]);
    if (isBanded) add(svg, "text", { x: width - PAD.right, y: PAD.top + 12 + keys.length * 18, class: "tick end" }, labels.band || "");
    keys.forEach(([name, label], i) => {
      const left = width - PAD.right - 90;
      add(svg, "line", { x1: left, x2: left + 22, y1: PAD.top + 8 + i * 18, y2: PAD.top + 8 + i * 18,
        class: `curve ${name}` });
      add(svg, "text", { x: left + 28, y: PAD.top + 12 + i * 18, class: "tick" }, label || "");
    });
    if (hover !== null && train.length) {
      const epoch = ((hover - PAD.left) / (width - PAD.left - PAD.right)) * epochs;
      const near = (points) =>
        points.reduce((a, b) => (Math.abs(b[0] - epoch) < Math.abs(a[0] - epoch) ? b : a));
      const [at, loss] = near(train);
      const side = x(at) > width / 2 ? "end" : "start";
      const text = [`${labels.epoch} ${at.toLocaleString(document.documentElement.lang || "en")}`,
        `${labels.train} ${loss.toFixed(4)}`];
      const [least, most] = [leastOf(near(train)), mostOf(near(train))];
      if (most > least) text[1] += ` (${least.toFixed(4)} – ${most.toFixed(4)})`;
      if (pinned?.train?.length) text.push(`${labels.pinned} ${near(pinned.train)[1].toFixed(4)}`);
      if (test.length) text.push(`${labels.test} ${near(test)[1].toFixed(4)}`);
      add(svg, "line", { x1: x(at), x2: x(at), y1: PAD.top, y2: HEIGHT - PAD.bottom, class: "cursor" });
      text.forEach((line, i) => add(svg, "text", { x: x(at) + (side === "end" ? -8 : 8),
        y: PAD.top + 84 + i * 17, class: `readout ${side}` }, line));
    }
  }

  element.addEventListener("pointermove", (event) => {
    const svg = event.target.closest("svg");
    const box = svg?.getBoundingClientRect();
    // On an enlarged page the pointer moves in other pixels than the drawing.
    const place = svg ? ((event.clientX - box.left) * svg.viewBox.baseVal.width) / box.width : null;
    if (place !== hover) { hover = place; draw(); }
  });
  element.addEventListener("pointerleave", () => { hover = null; draw(); });
  document.addEventListener("iris:loss-scale", ({ detail }) => {
    if (detail.chart === id) { scale = detail.scale; draw(); }
  });
  charts.set(id, draw);
  new ResizeObserver(draw).observe(element);
  watch("value", () => { shown.delete(id); draw(); });
  draw();
}
