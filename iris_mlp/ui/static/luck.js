import { add, clear, logTicks, ticks } from "./svg.js";

/**
 * Draw the two distributions of a sample of seeds in a component of Gradio, and again whenever its value changes.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, trigger, watch }) {
  const HEIGHT = 250;
  const GROUND = HEIGHT - 34;
  const SKY = 22;
  const BINS = 72;
  let settings = {};
  let flowers = []; // [x, y, run] of what is drawn

  const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const language = () => document.documentElement.lang || "en";

  // The same height in the meadow for the same seed, each time.
  function chance(seed) {
    let h = Math.imul(seed + 1, 2654435761) >>> 0;
    h = Math.imul(h ^ (h >>> 15), 2246822519) >>> 0;
    return ((h ^ (h >>> 13)) >>> 0) / 4294967296;
  }

  const yours = (value) => settings.seed ?? value.base.seed;
  const same = (value) => ["optimizer", "lr", "epochs", "hidden"].every((name) => settings[name] === value.base[name]);

  function drawLosses(value) {
    const svg = element.querySelector(".luck-losses");
    const width = clear(svg, value.words.losses_alt, HEIGHT, 500);
    flowers = [];
    const runs = value.runs.filter((run) => run[1] !== null && run[1] > 0);
    add(svg, "path", { d: `M0 ${GROUND}H${width}`, class: "ground" });
    if (!runs.length) {
      add(svg, "text", { x: width / 2, y: HEIGHT / 2, class: "empty" }, value.words.empty);
      return;
    }
    const losses = runs.map((run) => run[1]).sort((a, b) => a - b);
    let [low, high] = [losses[0], losses.at(-1)];
    if (high / low < 1.02) [low, high] = [low * 0.98, high * 1.02];
    // A few stragglers would press the others together: they stand beyond a fence, at the right.
    const fence = low * (losses[Math.floor(0.95 * (losses.length - 1))] / low) ** 2;
    const fenced = losses.length >= 20 && fence > low * 1.02 && high > fence * (fence / low);
    if (fenced) high = fence;
    const right = width - (fenced ? 70 : 16);
    const beyond = (run) => fenced && run[1] > high;
    const x = (loss) => 16 + (Math.log(loss / low) / Math.log(high / low)) * (right - 16);
    const bin = (loss) => Math.min(BINS - 1, Math.floor(((x(loss) - 16) / (right - 16)) * BINS));
    const counts = new Array(BINS).fill(0);
    losses.forEach((loss) => { if (!fenced || loss <= high) counts[bin(loss)]++; });
    const smooth = counts.map((count, i) => ((counts[i - 1] ?? 0) + 2 * count + (counts[i + 1] ?? 0)) / 4);
    const peak = Math.max(...smooth, 4);
    for (const t of high / low > 8 ? logTicks(low, high) : ticks(low, high, 4)) {
      add(svg, "path", { d: `M${x(t).toFixed(1)} ${GROUND}v5`, class: "ground" });
      add(svg, "text", { x: x(t), y: GROUND + 20, class: "tick" }, String(+t.toPrecision(3)));
    }
    if (fenced) {
      const middle = (right + 12 + width) / 2;
      add(svg, "path", { d: `M${right + 8} ${SKY}V${GROUND}`, class: "beyond" });
      add(svg, "text", { x: middle, y: GROUND + 20, class: "tick" }, `> ${+high.toPrecision(3)}`);
    }
    // Each run is a flower on the ground of its loss, the higher the more runs stand there.
    for (const run of runs) {
      const meadow = GROUND - SKY - 14;
      if (beyond(run)) {
        const [across, up] = [chance(run[0] + 5000), chance(run[0])];
        flowers.push([right + 18 + across * (width - right - 26), GROUND - 7 - up * meadow * 0.5, run]);
      } else flowers.push([x(run[1]), GROUND - 7 - chance(run[0]) * (smooth[bin(run[1])] / peak) * meadow, run]);
    }
    const dots = flowers.map(([fx, fy]) => `M${fx.toFixed(1)} ${fy.toFixed(1)}h0`).join("");
    add(svg, "path", { d: dots, class: "flowers" });
    add(svg, "path", { d: dots, class: "hearts" });
    const own = flowers.find(([, , run]) => run[0] === yours(value));
    if (own && same(value)) {
      const [fx, fy] = own;
      add(svg, "path", { d: `M${fx} ${SKY - 4}V${GROUND}`, class: "stem" });
      const flower = add(svg, "g", { class: "own", transform: `translate(${fx} ${fy})` });
      for (const turn of [60, 180, 300, 0, 120, 240])
        add(flower, "path", { d: "M0 0C-7 -5 -5 -13 0 -14C5 -13 7 -5 0 0Z", transform: `rotate(${turn})` });
      add(flower, "circle", { r: 2.4 });
      const side = fx > width / 2 ? "end" : "start";
      add(svg, "text", { x: fx + (side === "end" ? -6 : 6), y: 14, class: `yours ${side}` },
        fill(value.words.yours, { seed: own[2][0] }));
    }
  }

  function drawRights(value) {
    const svg = element.querySelector(".luck-rights");
    const width = clear(svg, value.words.rights_alt, HEIGHT, 300);
    add(svg, "path", { d: `M0 ${GROUND}H${width}`, class: "ground" });
    const rights = value.runs.map((run) => run[2]).filter((right) => right !== null);
    if (!rights.length) return;
    const high = Math.min(30, Math.max(...rights) + 1);
    const low = Math.max(0, Math.min(Math.min(...rights) - 1, high - 5));
    const step = (width - 16) / (high - low + 1);
    const counts = new Map();
    rights.forEach((right) => counts.set(right, (counts.get(right) ?? 0) + 1));
    const peak = Math.max(...counts.values());
    const own = same(value) && value.runs.find((run) => run[0] === yours(value));
    for (let right = low; right <= high; right++) {
      const count = counts.get(right) ?? 0;
      const [left, tall] = [8 + (right - low) * step, (count / peak) * (GROUND - SKY - 4)];
      const top = count ? Math.max(2, tall) : 0;
      const mine = own && own[2] === right;
      add(svg, "rect", { x: left + step * 0.14, width: step * 0.72, y: GROUND - top, height: top, rx: 2,
        class: mine ? "bar-count mine" : "bar-count" });
      if (count && (step > 22 || mine || count === peak)) add(svg, "text", { x: left + step / 2, y: GROUND - top - 6, class: mine ? "count mine" : "count" },
        count.toLocaleString(language()));
      if (step > 15 || right % 5 === 0)
        add(svg, "text", { x: left + step / 2, y: GROUND + 20, class: "tick" }, String(right));
    }
  }

  function draw() {
    const value = props.value;
    if (!value || !value.runs) return;
    const [losses, rights] = element.querySelectorAll("figcaption");
    losses.innerHTML = "<b></b> <span></span>";
    losses.firstChild.textContent = value.words.losses;
    losses.lastChild.textContent = value.words.settings;
    rights.innerHTML = "<b></b>";
    rights.firstChild.textContent = value.words.rights;
    drawLosses(value);
    drawRights(value);
    element.querySelector(".landscape-progress").classList.toggle("running", value.running);
    element.querySelector(".landscape-progress i").style.width = `${100 * value.progress}%`;
    const note = element.querySelector(".luck-conclusion");
    if (note.textContent !== value.note) note.textContent = value.note;
    readOut(null);
    element.querySelector(".luck-picks").replaceChildren(...value.picks.map(([text, seed]) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
      button.dataset.seed = seed;
      return button;
    }));
  }

  function near(event) {
    const svg = event.target.closest?.(".luck-losses");
    if (!svg || !flowers.length) return null;
    const box = svg.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const far = ([fx, fy]) => (fx - px) ** 2 + (fy - py) ** 2;
    const best = flowers.reduce((a, b) => (far(b) < far(a) ? b : a));
    return far(best) < 400 ? best : null;
  }

  function readOut(flower) {
    const value = props.value;
    if (!value || !value.words) return;
    const [seed, loss, right] = flower ? flower[2] : [];
    element.querySelector(".luck-readout").textContent = flower
      ? fill(value.words.run, { seed, loss: loss.toFixed(4), right }) : value.words.hint;
  }

  function choose(seed) {
    trigger("choose", { settings: { ...props.value.base, seed } });
  }

  element.addEventListener("pointermove", (event) => readOut(near(event)));
  element.addEventListener("pointerleave", () => readOut(null));
  element.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-seed]");
    const flower = near(event);
    if (button) choose(Number(button.dataset.seed));
    else if (flower) choose(flower[2][0]);
  });
  document.addEventListener("iris:settings", ({ detail }) => {
    settings = detail;
    const value = props.value;
    if (value && value.runs && value.runs.length) { drawLosses(value); drawRights(value); }
  });
  new ResizeObserver(draw).observe(element);
  watch("value", draw);
  draw();
  document.dispatchEvent(new Event("iris:ask-settings"));
}
