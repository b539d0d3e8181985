import { fill, h, say } from "./dom.js";
import { drawFlower } from "./flower.js";
import { FEATURE_RANGES_CM, FLOWERS_CM, SPECIES } from "./iris.js";
import { buildLengths } from "./lengths.js";
import { argmax, CLASSES, forward } from "./model.js";
import { drawNetwork } from "./network_view.js";
import { drawPlane } from "./plane.js";
import { offerSave } from "./save_figure.js";
import { colorOf, formatPercent, mark } from "./species.js";
import { buildSpecimens } from "./specimens.js";

/**
 * Answer for the visitor's flower, at every frame in which it moves, without a request.
 *
 * The value is the four lengths, which go to the server with the next event; `model` is the weights
 * in use, and `texts` what the page says.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, watch }) {
  let desk = null;
  let model = null;
  let lengthsCm = [...props.value];
  let row = -1;
  let waiting = false;

  function load() {
    if (!props.model || !props.texts) return;
    // A copy: Gradio watches every number of its own.
    model = JSON.parse(JSON.stringify(props.model));
    if (!desk) desk = buildDesk(element.querySelector(".classify-desk"), props.texts, { move, choose });
    desk.specimens.show(model);
    draw();
  }

  function move(lengths, ended) {
    lengthsCm = lengths;
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
    if (ended) props.value = lengthsCm; // for the tab Inside PyTorch, which reads it when it opens
  }

  function choose(chosen) {
    row = chosen;
    move([...FLOWERS_CM[row]], true);
  }

  function draw() {
    waiting = false;
    const { probabilities } = forward(model, lengthsCm);
    const species = argmax(probabilities);
    row = findFlower(lengthsCm, row);
    desk.lengths.show(lengthsCm);
    desk.verdict(lengthsCm, species, probabilities, row);
    drawFlower(desk.flower, lengthsCm, species, desk.texts.flower);
    for (const [plane, figure] of Object.entries(desk.planes)) {
      const onPick = (x, y, ended) => {
        const moved = plane === "sepal" ? [x, y, ...lengthsCm.slice(2)] : [...lengthsCm.slice(0, 2), x, y];
        move(moved, ended);
      };
      drawPlane(figure, model, { plane, lengthsCm, texts: desk.texts[plane], marker: true, onPick });
    }
    drawNetwork(desk.network, model, { lengthsCm, texts: desk.texts.network });
  }

  watch(["model", "texts"], load);
  load();
}

/**
 * Find a flower of the data by its lengths.
 *
 * @param {number[]} lengthsCm
 * @param {number} preferred The row to give where two flowers are alike.
 * @returns {number} Its row, or -1.
 */
function findFlower(lengthsCm, preferred) {
  const isSame = (flower) => flower?.every((cm, i) => Math.abs(cm - lengthsCm[i]) < 0.01);
  return isSame(FLOWERS_CM[preferred]) ? preferred : FLOWERS_CM.findIndex(isSame);
}

function buildDesk(host, texts, { move, choose }) {
  const figure = (name, id) => h("figure", { class: name, id });
  const verdict = h("div", { id: "verdict", "aria-live": "polite" });
  const range = h("p", { class: "range", "aria-live": "polite" });
  const lengths = buildLengths(texts.lengths, move);
  const specimens = buildSpecimens(texts.specimens, choose);
  const desk = {
    texts,
    lengths,
    specimens,
    verdict: buildVerdict(verdict, range, texts.verdict),
    flower: figure("flower", "flower"),
    planes: { sepal: figure("plane", "sepal-plane"), petal: figure("plane", "petal-plane") },
    network: document.querySelector("#network .network"),
  };
  const legend = h("p", { class: "plane-legend" }, texts.plane_legend);
  host.replaceChildren(
    h("div", { class: "classify-controls" }, verdict, lengths.element, range, specimens.element),
    h("div", { class: "classify-plate" }, desk.flower),
    h("div", { class: "classify-planes" }, ...Object.values(desk.planes), legend),
  );
  offerSave(desk.flower, "iris-flower", texts.save);
  offerSave(desk.planes.sepal, "iris-sepal-plane", texts.save);
  offerSave(desk.planes.petal, "iris-petal-plane", texts.save);
  offerSave(desk.network, "iris-network", texts.save);
  return desk;
}

// The answer in words and bars: the species, the three confidences, and how far to trust them.
function buildVerdict(element, range, texts) {
  const [name, latin] = [h("b"), h("i")];
  const rows = texts.species.map((species, k) => {
    const [bar, percent] = [h("span", { class: "bar" }), h("span", { class: "bar-percent" })];
    bar.style.setProperty("--bar", colorOf(k));
    const label = h("span", { class: "bar-name" }, h("span", { class: "species" }, mark(k), species));
    return { bar, percent, item: h("li", {}, label, bar, percent) };
  });
  const bars = h("ul", { class: "bars", "aria-live": "off", "aria-label": texts.confidences });
  bars.append(...rows.map(({ item }) => item));
  const truth = h("p", { class: "truth" });
  element.replaceChildren(
    h("p", { class: "verdict-lead" }, texts.lead),
    h("p", { class: "verdict-species" }, name, latin),
    truth, bars,
  );
  element.classList.add("verdict");

  return (lengthsCm, species, probabilities, row) => {
    element.style.setProperty("--flower", colorOf(species));
    // Where the language has a name of its own, Latin stands beside it.
    say(name, texts.full[species]);
    say(latin, texts.full[species] === texts.latin[species] ? "" : texts.latin[species]);
    for (let k = 0; k < CLASSES; k++) {
      rows[k].bar.style.setProperty("--share", probabilities[k].toFixed(4));
      say(rows[k].percent, formatPercent(probabilities[k]));
    }
    const known = row < 0 ? "unknown" : SPECIES[row] === species ? "right" : "wrong";
    say(truth, fill(texts.true[known], { number: row + 1, species: texts.species[SPECIES[row]] }));
    truth.className = `truth ${known}`;
    const outside = listOutside(lengthsCm, texts);
    say(range, outside ? fill(texts.extrapolated, { lengths: outside }) : texts.inside);
    range.classList.toggle("extrapolated", outside !== "");
  };
}

function listOutside(lengthsCm, texts) {
  return FEATURE_RANGES_CM.flatMap(([low, high], i) => {
    if (low <= lengthsCm[i] && lengthsCm[i] <= high) return [];
    const values = { name: texts.features[i], length: lengthsCm[i].toFixed(1), low: low.toFixed(1), high: high.toFixed(1) };
    return [fill(texts.extrapolated_length, values)];
  }).join(texts.separator);
}
