/**
 * Sort a table by a click on one of its headings.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element }) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-column]");
    if (!button) return;
    const body = button.closest("table").tBodies[0];
    const column = Number(button.dataset.column);
    const head = button.parentElement;
    const value = (row) => row.cells[column].dataset.order;
    // Numbers are first sorted with the largest on top, names from A.
    const numeric = [...body.rows].every((row) => !Number.isNaN(Number(value(row))));
    const [first, second] = numeric ? ["descending", "ascending"] : ["ascending", "descending"];
    const order = head.getAttribute("aria-sort") === first ? second : first;
    for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const compare = (a, b) => (numeric ? a - b : a.localeCompare(b));
    body.append(...[...body.rows].sort((a, b) => sign * compare(value(a), value(b))));
  });
}
