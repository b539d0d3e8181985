import { fill, h } from "./dom.js";
import { FLOWERS_CM, SPECIES } from "./iris.js";
import { argmax, CLASSES, predictBatch, softmax } from "./model.js";
import { formatPercent, mark } from "./species.js";

const HARDEST = 10;

/**
 * A flower of the data that a model gets wrong, or nearly so.
 *
 * @typedef {object} HardFlower
 * @property {number} row Its index among the 150.
 * @property {number} predicted What the model says.
 * @property {number} confidence The model's confidence in that.
 * @property {number} margin Confidence in the true species less that in the best other one.
 */

/**
 * Build buttons for flowers worth looking at: one typical of each species, the hardest for a model.
 *
 * @param {Object<string, any>} texts
 * @param {(row: number) => void} choose
 */
export function buildSpecimens(texts, choose) {
  const typical = texts.species.map((name, species) =>
    h("button", { type: "button", class: "specimen", "data-row": findTypical(species) }, mark(species), name));
  const hardest = h("div");
  const element = h("div", { id: "specimens" },
    buildGroup(texts.typical, h("div", {}, ...typical)), buildGroup(texts.hardest, hardest));
  element.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-row]");
    if (button) choose(Number(button.dataset.row));
  });
  const show = (model) => hardest.replaceChildren(...rankHardest(model).map((flower) => buildHard(flower, texts)));
  return { element, show };
}

function buildGroup(title, buttons) {
  return h("div", { class: "specimens", role: "group", "aria-label": title }, h("p", {}, title), buttons);
}

function buildHard({ row, predicted, confidence }, texts) {
  const isRight = predicted === SPECIES[row];
  const label = fill(isRight ? texts.hardest_right : texts.hardest_wrong, {
    number: row + 1,
    species: texts.species[SPECIES[row]],
    predicted: texts.species[predicted],
    confidence: formatPercent(confidence),
  });
  const kind = `specimen ${isRight ? "right" : "wrong"}`;
  const button = h("button", { type: "button", class: kind, "data-row": row, title: label, "aria-label": label });
  button.append(mark(SPECIES[row]), ...(isRight ? [] : ["→", mark(predicted)]), h("span", {}, String(row + 1)));
  return button;
}

/** @returns {number} Row of the flower that is nearest to all others of its species. */
export function findTypical(species) {
  const own = FLOWERS_CM.flatMap((_, row) => (SPECIES[row] === species ? [row] : []));
  const distance = (a, b) => Math.hypot(...FLOWERS_CM[a].map((cm, i) => cm - FLOWERS_CM[b][i]));
  const sums = own.map((row) => own.reduce((sum, other) => sum + distance(row, other), 0));
  return own[sums.indexOf(Math.min(...sums))];
}

/**
 * Find the flowers with the smallest margins, the worst mistake first.
 *
 * @param {import("./model.js").Model} model
 * @returns {HardFlower[]}
 */
export function rankHardest(model) {
  const logits = predictBatch(model, FLOWERS_CM.flat());
  const flowers = SPECIES.map((species, row) => {
    const shares = softmax([...logits.subarray(CLASSES * row, CLASSES * row + CLASSES)]);
    const predicted = argmax(shares);
    const best = Math.max(...shares.filter((_, k) => k !== species));
    return { row, predicted, confidence: shares[predicted], margin: shares[species] - best };
  });
  return flowers.sort((a, b) => a.margin - b.margin || a.row - b.row).slice(0, HARDEST);
}
