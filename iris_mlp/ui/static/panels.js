// Panels that fold where the page is narrow, and links that lead to one.
const NARROW = matchMedia("(max-width: 640px)");

function setOpen(panel, open) {
  panel.classList.toggle("folded", !open);
  panel.querySelector("h2 > button")?.setAttribute("aria-expanded", open);
}

/**
 * Let the heading of the panel around a component fold it on a phone, where all but the first
 * panel of a tab begin folded.
 *
 * @param {import("./component.js").Component} component
 */
export function mountFold({ element, watch }) {
  const panel = element.closest(".foldable");
  if (!panel) return;
  let open = panel.parentElement.querySelector(":scope > .foldable") === panel;

  function dress() {
    const heading = element.querySelector("h2");
    if (!heading) return;
    const button = heading.querySelector("button");
    if (NARROW.matches && !button) {
      const made = document.createElement("button");
      made.type = "button";
      made.append(...heading.childNodes);
      made.addEventListener("click", () => { open = panel.classList.contains("folded"); setOpen(panel, open); });
      heading.append(made);
    } else if (!NARROW.matches && button) button.replaceWith(...button.childNodes);
    setOpen(panel, open || !NARROW.matches);
  }
  NARROW.addEventListener("change", dress);
  watch("value", dress);
  dress();
}

/**
 * Lead a link of a component to its panel, and open it.
 *
 * Gradio's page has a base address, so that a bare "#panel" would load the page anew.
 *
 * @param {import("./component.js").Component} component
 */
export function mount(component) {
  const { element } = component;
  mountFold(component);
  element.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const panel = link && document.getElementById(link.hash.slice(1));
    if (!panel) return;
    event.preventDefault();
    setOpen(panel, true);
    panel.scrollIntoView();
    panel.tabIndex = -1;
    panel.focus({ preventScroll: true });
  });
}
