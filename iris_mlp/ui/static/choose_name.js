/**
 * Send the name of a button that is clicked; and suggest the catalogue's names in the text box.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, trigger }) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-name]");
    if (button) trigger("choose", { name: button.dataset.name });
  });
}

document.addEventListener("focusin", ({ target }) => {
  if (target.matches("#hardware-name input")) target.setAttribute("list", "hardware-names");
});
