// What Gradio's own markup leaves out for a keyboard and a screen reader.

// Arrow keys, Home and End move between the tabs, as the ARIA practices ask.
document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  if (!tab) return;
  const tabs = [...tab.parentElement.querySelectorAll("[role=tab]:not([aria-disabled=true])")];
  const at = tabs.indexOf(tab);
  const to = { ArrowRight: (at + 1) % tabs.length, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const next = tabs.at(to);
  next.click();
  next.focus();
});

const { queuePlace } = document.documentElement.dataset;
const WAIT_MS = 400; // a run that gets its place sooner does not wait
const messageHeads = JSON.parse(document.documentElement.dataset.messageHeads ?? "{}");

function mend() {
  for (const { firstChild } of document.querySelectorAll(".toast-title")) {
    const head = messageHeads[firstChild?.data?.trim()];
    if (head && firstChild.data.trim() !== head) firstChild.data = `${head} `;
  }
  for (const fold of document.querySelectorAll("button.label-wrap")) {
    const open = String(fold.classList.contains("open"));
    if (fold.getAttribute("aria-expanded") !== open) fold.setAttribute("aria-expanded", open);
  }
  // Said in English before a label of any language; the role says the same in the reader's own.
  for (const input of document.querySelectorAll("input[aria-label*=' for ']"))
    input.setAttribute("aria-label",
      input.getAttribute("aria-label").replace(/^(number input|range slider) for /, ""));
  // Gradio counts the queue in English, out of sight; the line below Start says it in the page's words.
  for (const line of document.querySelectorAll(".run-place")) {
    const tracker = line.closest(".block").querySelector(".progress-text");
    const place = tracker?.textContent.match(/queue: (\d+)/)?.[1];
    if (!place) line.waitsSince = null;
    else if (!line.waitsSince) {
      line.waitsSince = Date.now();
      setTimeout(mend, WAIT_MS);
    }
    const waits = place && Date.now() - line.waitsSince >= WAIT_MS;
    const said = waits ? queuePlace.replace("{place}", place) : "";
    if (line.textContent !== said) line.textContent = said;
  }
}
new MutationObserver(mend).observe(document.documentElement, {
  subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["class"],
});
