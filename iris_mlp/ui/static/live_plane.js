/**
 * Draw the plane of Explore in a component of Gradio, and again whenever its value changes.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, watch }) {
  const SVG = "http://www.w3.org/2000/svg";

  function draw() {
    const svg = element.querySelector("svg");
    const value = props.value;
    if (!svg || !value || !value.regions) return;
    for (const name of ["regions", "sure"])
      svg.querySelectorAll(`.${name} path`).forEach((path, k) => path.setAttribute("d", value[name][k]));
    let folds = svg.querySelector(".folds");
    if (!folds) {
      folds = document.createElementNS(SVG, "path");
      folds.setAttribute("class", "folds");
      svg.insertBefore(folds, svg.querySelector(".marks"));
    }
    folds.setAttribute("d", value.folds);
    // The marks stand in the order of the data's rows.
    const marks = svg.querySelectorAll(".marks use");
    const rings = value.wrong.map((row) => {
      const ring = document.createElementNS(SVG, "circle");
      ring.setAttribute("cx", marks[row].getAttribute("x"));
      ring.setAttribute("cy", marks[row].getAttribute("y"));
      ring.setAttribute("r", 7);
      return ring;
    });
    svg.querySelector(".rings").replaceChildren(...rings);
    svg.setAttribute("aria-label", value.alt);
    element.querySelector(".note").textContent = value.note;
  }

  draw();
  watch(["value", "frame"], draw);
}
