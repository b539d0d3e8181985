import { fill, h } from "./dom.js";
import { FEATURE_NAMES, FEATURE_RANGES_CM, SLIDER_RANGES_CM } from "./iris.js";

/**
 * Build the four sliders, each with a field for its number.
 *
 * @param {{names: string[], field: string, range: string}} texts `field` holds `{name}`,
 *   `range` holds `{low}` and `{high}`.
 * @param {(lengthsCm: number[], ended: boolean) => void} move Called at every movement, and when it ends.
 */
export function buildLengths(texts, move) {
  const controls = texts.names.map((name, i) => buildControl(name, i, texts));
  const lengthsCm = () => controls.map(({ slider }) => slider.valueAsNumber);
  const element = h("div", { class: "lengths" }, ...controls.map(({ row }) => row));

  for (const kind of ["input", "change"])
    element.addEventListener(kind, ({ target }) => {
      const control = controls.find(({ slider, field }) => target === slider || target === field);
      // A field that is empty or half typed changes nothing; the slider keeps within its range.
      if (target === control.field && !Number.isNaN(target.valueAsNumber)) control.slider.value = target.value;
      move(lengthsCm(), kind === "change");
    });

  function show(lengths) {
    controls.forEach(({ slider, field, row }, i) => {
      const [low, high] = FEATURE_RANGES_CM[i];
      const text = lengths[i].toFixed(1);
      slider.value = text;
      slider.style.setProperty("--part", (lengths[i] - slider.min) / (slider.max - slider.min));
      // Not under the fingers of someone who is typing.
      if (document.activeElement !== field) field.value = text;
      row.classList.toggle("outside", lengths[i] < low || lengths[i] > high);
    });
  }
  element.addEventListener("focusout", ({ target }) => {
    const control = controls.find(({ field }) => target === field);
    if (control) control.field.value = control.slider.valueAsNumber.toFixed(1);
  });
  return { element, show };
}

function buildControl(name, i, texts) {
  const [min, max] = SLIDER_RANGES_CM[i];
  const [low, high] = FEATURE_RANGES_CM[i];
  const id = FEATURE_NAMES[i].replace("_", "-");
  const limits = { min, max, step: 0.1 };
  const slider = h("input", { type: "range", id, ...limits, "aria-describedby": `${id}-range` });
  const field = h("input", { type: "number", ...limits, "aria-label": fill(texts.field, { name }) });
  const range = fill(texts.range, { low: low.toFixed(1), high: high.toFixed(1) });
  const data = h("span", { class: "data", id: `${id}-range` }, range);
  // As shares of the track.
  data.style.setProperty("--low", (low - min) / (max - min));
  data.style.setProperty("--high", (high - min) / (max - min));
  const row = h("div", { class: "length" }, h("label", { for: id }, name), field, slider, data);
  return { row, slider, field };
}
