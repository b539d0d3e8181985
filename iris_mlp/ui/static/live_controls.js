/**
 * Draw the controls of Explore in a component of Gradio, and again whenever its value changes.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, watch }) {
  const sliders = () => element.querySelectorAll("input[type=range]");
  const steps = (slider) => (slider.steps ??= JSON.parse(slider.dataset.steps));

  function nearest(values, wanted) {
    const far = (value) => Math.abs(Math.log((value + 1e-9) / (wanted + 1e-9)));
    return values.reduce((best, value, i) => (far(value) < far(values[best]) ? i : best), 0);
  }

  // A value between two steps, from a link or a cell, is shown as it is until its slider moves.
  function show() {
    const settings = props.value;
    if (!settings || !element.querySelector("form")) return;
    for (const slider of sliders()) {
      const value = settings[slider.name];
      const text = value.toLocaleString(document.documentElement.lang || "en", { maximumSignificantDigits: 6 });
      const at = String(nearest(steps(slider), value));
      if (slider.value !== at) slider.value = at;
      slider.setAttribute("aria-valuetext", text);
      slider.previousElementSibling.textContent = text;
      slider.style.setProperty("--part", at / slider.max);
    }
    for (const radio of element.querySelectorAll("input[type=radio]"))
      radio.checked = radio.value === settings.optimizer;
    document.dispatchEvent(new CustomEvent("iris:settings", { detail: { ...settings } }));
  }

  function move(change) {
    props.value = { ...props.value, ...change };
    show();
  }

  element.addEventListener("input", ({ target }) => {
    if (target.type === "range") move({ [target.name]: steps(target)[target.value] });
    if (target.type === "radio") move({ optimizer: target.value });
  });
  element.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-settings]");
    if (button) move(JSON.parse(button.dataset.settings));
  });
  document.addEventListener("iris:ask-settings", show);
  watch(["value", "frame"], show);
  show();
}
