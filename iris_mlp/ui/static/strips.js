/**
 * The hidden units are buttons that send `choose` with their index as `unit`.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, trigger }) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-unit]");
    if (!button) return;
    // Here and not by drawing anew, which would take the focus from the button.
    for (const other of element.querySelectorAll("button[data-unit]"))
      other.setAttribute("aria-pressed", other.dataset.unit === button.dataset.unit);
    trigger("choose", { unit: Number(button.dataset.unit) });
  });
}
