import { fill, h } from "./dom.js";

const STORAGE_KEY = "iris_mlp_path";
/** Which tab each task opens, counted from 0, where it scrolls to, and what says what was measured. */
const PLACES = [
  { tab: 0, show: "#start", read: "#loss-chart .loss-chart-note" },
  { tab: 1, show: "#verdict", read: "#verdict" },
  { tab: 3, show: "#exp-race", read: "#race-view [role=status]" },
  { tab: 3, show: "#exp-ledger", read: "#ledger-view [role=status]" },
  { tab: 3, show: "#exp-crossover", read: "#crossover-view [role=status]" },
  { tab: 3, show: "#exp-batch", read: "#noise-view [role=status]" },
  { tab: 4, show: "#inside-path", read: "#inside-comparison-view" },
  { tab: 4, show: "#inside-step", read: "#inside-step-view" },
];
const LONGEST_READING = 320;

/**
 * Draw the path through the lesson: tasks to predict, run and compare. Progress stays in this browser.
 *
 * `texts` holds what the page says; its `tasks` have a `question`, `choices`, `right` (which of them),
 * `act` (what to do there) and `answer`. `?task=3` opens the third; opening sends the event `open`.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, trigger, watch }) {
  /** @type {Object<number, {guess?: number, done?: boolean, reading?: string}>} */
  const kept = recall();
  const asked = Number(new URLSearchParams(location.search).get("task"));
  let at = asked >= 1 && asked <= PLACES.length ? asked - 1 : firstOpen();
  let opened = asked >= 1;

  function firstOpen() {
    const open = PLACES.findIndex((_, i) => !kept[i]?.done);
    return open < 0 ? 0 : open;
  }

  function keep(change) {
    kept[at] = { ...kept[at], ...change };
    try { localStorage.setItem(STORAGE_KEY, JSON.stringify(kept)); } catch { /* a browser without memory */ }
    draw();
  }

  function draw() {
    const { texts } = props;
    if (!texts) return;
    const task = texts.tasks[at], state = kept[at] ?? {}, place = PLACES[at];
    const done = PLACES.filter((_, i) => kept[i]?.done).length;
    const fold = h("details", { class: "path", open: opened });
    fold.addEventListener("toggle", () => { opened = fold.open; });
    const steps = PLACES.map((_, i) => {
      const button = h("button", {
        type: "button", class: kept[i]?.done ? "done" : "", "aria-current": i === at ? "step" : false,
        "aria-label": fill(texts.number, { number: i + 1 }),
      }, kept[i]?.done ? "✓" : String(i + 1));
      button.addEventListener("click", () => { at = i; draw(); });
      return button;
    });
    const choices = task.choices.map((choice, i) => {
      const input = h("input", { type: "radio", name: "path-guess", value: i, checked: state.guess === i });
      input.addEventListener("change", () => keep({ guess: i }));
      return h("label", {}, input, ` ${choice}`);
    });
    const go = h("button", { type: "button", class: "go" }, texts.go);
    go.addEventListener("click", () => open(place));
    const compare = h("button", { type: "button", disabled: state.guess === undefined }, texts.compare);
    compare.addEventListener("click", () => keep({ done: true, reading: readPage(place.read) }));
    fold.append(
      h("summary", {}, h("b", {}, texts.title), ` ${fill(texts.progress, { done, tasks: PLACES.length })}`),
      h("nav", { "aria-label": texts.title }, ...steps),
      h("div", { class: "path-task" },
        h("h3", {}, `${at + 1}. ${task.question}`),
        h("fieldset", {}, h("legend", {}, texts.predict), ...choices),
        h("div", { class: "path-act" }, h("p", {}, task.act), go, compare)),
    );
    if (state.done) fold.append(conclude(task, state));
    element.querySelector(".path-root").replaceChildren(fold);
  }

  function conclude(task, { guess, reading }) {
    const { texts } = props;
    const lines = [];
    if (reading) lines.push(h("p", {}, h("b", {}, texts.measured), ` ${reading}`));
    if (guess !== undefined)
      lines.push(h("p", {}, h("b", {}, guess === task.right ? texts.agrees : texts.differs), ` ${task.choices[guess]}`));
    lines.push(h("p", {}, task.answer));
    const next = h("button", { type: "button" }, texts.next);
    next.addEventListener("click", () => { at = (at + 1) % PLACES.length; draw(); });
    return h("div", { class: "path-answer", role: "status" }, ...lines, next);
  }

  function open({ tab, show }) {
    document.querySelectorAll("[role=tab]")[tab]?.click();
    trigger("open", { task: at });
    requestAnimationFrame(() => document.querySelector(show)?.scrollIntoView({ block: "center" }));
  }

  /** What the page says it has measured, if anything. */
  function readPage(selector) {
    const text = document.querySelector(selector)?.innerText.replace(/\s+/g, " ").trim() ?? "";
    return text.length > LONGEST_READING ? `${text.slice(0, LONGEST_READING)}…` : text;
  }

  watch("texts", draw);
  draw();
}

function recall() {
  try { return JSON.parse(localStorage.getItem(STORAGE_KEY)) ?? {}; } catch { return {}; }
}
