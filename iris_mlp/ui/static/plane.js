/**
 * Draw a plane in a component of Gradio, and again whenever its value changes.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, trigger, watch }) {
  function draw() {
    const svg = element.querySelector("svg");
    const value = props.value;
    if (!svg || !value) return;
    for (const name of ["regions", "sure"]) {
      svg.querySelectorAll(`.${name} path`).forEach((path, k) => path.setAttribute("d", value[name][k]));
    }
    element.querySelector(".note").textContent = value.note;
    svg.style.setProperty("--flower", value.color);
    moveMarker(svg, value.x, value.y);
  }

  function moveMarker(svg, x, y) {
    const [, , , bottom] = axes(svg);
    svg.querySelector(".you").setAttribute("transform", `translate(${x} ${y})`);
    svg.querySelector(".hairs").setAttribute("d", `M${axes(svg)[0]} ${y}H${x}V${bottom}`);
  }

  // The plot's box in px of the drawing: left, top, right, bottom.
  function axes(svg) {
    const box = svg.querySelector(".axes").getBBox();
    return [box.x, box.y, box.x + box.width, box.y + box.height];
  }

  function pick(event) {
    const svg = event.target.closest("svg");
    if (!svg) return;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const [left, top, right, bottom] = axes(svg);
    const x = Math.min(Math.max(point.x, left), right);
    const y = Math.min(Math.max(point.y, top), bottom);
    moveMarker(svg, x, y);
    trigger("pick", { plane: svg.dataset.plane, x, y });
  }

  draw();
  watch(["value", "frame"], draw);
  element.addEventListener("click", pick);
  element.addEventListener("pointermove", (event) => {
    // A finger scrolls the page; only a mouse drags.
    if (event.pointerType === "mouse" && event.buttons === 1) pick(event);
  });
}
