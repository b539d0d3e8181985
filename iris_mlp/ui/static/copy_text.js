/**
 * Copy a text, also where a page without HTTPS has no clipboard.
 *
 * @param {string} text
 * @returns {Promise<boolean>} Whether it was copied.
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/**
 * Copy the hardware report when its button is clicked, and say so for a moment.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element }) {
  document.addEventListener("click", async ({ target }) => {
    if (!target.closest("#hardware-copy")) return;
    const status = element.querySelector("[role=status]");
    if (!status || !(await copyText(status.dataset.text))) return;
    status.classList.add("shown");
    setTimeout(() => status.classList.remove("shown"), 2500);
  });
}
