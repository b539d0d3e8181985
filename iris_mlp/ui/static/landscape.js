/**
 * Draw the map of settings in a component of Gradio, and again whenever its value changes.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, trigger, watch }) {
  // Knots of the two scales: a value, and how bright it is from 0 (worst) to 1 (best).
  const SCALES = {
    accuracy: [[0.3, 0], [0.6, 0.2], [0.8, 0.4], [0.9, 0.6], [0.95, 0.8], [1, 1]],
    loss: [[1.1, 0], [0.6, 0.2], [0.3, 0.4], [0.15, 0.6], [0.075, 0.8], [0.0375, 1]],
  };
  const STOPS = 4;
  const BLACK_TEXT_FROM = 0.5;
  // A mean says little where the seeds lie this far apart: three of the 30 flowers, or half a loss.
  const isWide = { accuracy: (low, high) => high - low >= 0.1, loss: (low, high) => high >= 1.5 * low };
  const FIELDS = { loss: [2, 3, 4], accuracy: [5, 6, 7] };
  let metric = "accuracy";
  let settings = {};
  let shape = "";
  let at = null;
  let shownAt = null;
  let touched = null;

  const language = () => document.documentElement.lang || "en";
  const number = (value) => value.toLocaleString(language(), { maximumSignificantDigits: 6 });
  const percent = (share) => `${(100 * share).toFixed(1)}%`;
  const loss = (value) => (value === null ? "–" : value >= 100 ? value.toPrecision(3) : value.toFixed(4));
  const format = { accuracy: percent, loss };
  const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const cellButtons = () => [...element.querySelectorAll("button.cell")];

  function brightness(value) {
    const knots = SCALES[metric];
    const down = knots[0][0] > knots[1][0];
    for (let i = 1; i < knots.length; i++) {
      const [[a, low], [b, high]] = [knots[i - 1], knots[i]];
      if (down ? value > b : value < b) {
        const part = (value - a) / (b - a);
        return Math.max(0, low + Math.min(1, Math.max(0, part)) * (high - low));
      }
    }
    return 1;
  }

  function colour(bright) {
    const stop = Math.min(STOPS - 1, Math.floor(bright * STOPS));
    const part = Math.round((bright * STOPS - stop) * 100);
    return `color-mix(in oklab, var(--heat-${stop + 1}) ${part}%, var(--heat-${stop}))`;
  }

  function short(value) {
    return value >= 1000 ? `${value / 1000}k` : number(value);
  }

  // With the digits that there is room for: <b> on a wide page, <i> on a phone.
  function label(value) {
    if (metric === "accuracy") {
      const whole = value < 1 ? Math.min(99, Math.round(100 * value)) : 100;
      return `<b>${value < 1 ? (100 * value).toFixed(1) : 100}</b><i>${whole}</i>`;
    }
    if (value >= 99.5) return "&gt;99";
    if (value >= 0.995) return value.toFixed(value >= 9.95 ? 0 : 1);
    return `<b>${value.toFixed(3)}</b><i>${value.toFixed(2).slice(1)}</i>`;
  }

  function describe(value, i) {
    const { words, rows, columns, cells } = value;
    const cell = cells[i];
    const place = fill(words.cell, {
      lr: number(rows[Math.floor(i / columns.length)]), column: number(columns[i % columns.length]),
    });
    if (!cell) return place + words.cell_empty;
    const [count, diverged, meanLoss, , , accuracy] = cell;
    if (diverged === count) return place + fill(words.cell_all_diverged, { count });
    let text = place + fill(words.cell_result, { accuracy: percent(accuracy), loss: loss(meanLoss) });
    if (diverged) text += fill(words.cell_diverged, { diverged, count });
    else if (count > 1) {
      const [, low, high] = FIELDS[metric].map((field) => format[metric](cell[field]));
      text += fill(words.cell_range, { count, low, high });
    }
    return text;
  }

  function build(value) {
    const { rows, columns, words } = value;
    const head = columns.map((column) => `<th scope="col">${short(column)}</th>`).join("");
    const body = rows.map((lr, r) => {
      const cells = columns.map((_, c) =>
        `<td><button type="button" class="cell" tabindex="-1" data-i="${r * columns.length + c}"></button></td>`);
      return `<tr><th scope="row">${number(lr)}</th>${cells.join("")}</tr>`;
    });
    element.querySelector(".landscape-table").innerHTML =
      `<table><caption></caption><thead><tr><td></td><th class="axis" scope="colgroup" colspan="${columns.length}"></th></tr>` +
      `<tr><th class="axis" scope="col"></th>${head}</tr></thead><tbody>${body.join("")}</tbody></table>`;
    const [across, down] = element.querySelectorAll("th.axis");
    across.textContent = words.column;
    down.textContent = words.lr;
    const home = rows.indexOf(0.01) * columns.length + Math.max(0, columns.indexOf(value.base[value.axis]));
    at = home;
  }

  function draw() {
    const value = props.value;
    if (!value || !value.cells) return;
    const layout = JSON.stringify([value.rows, value.columns, value.words.column]);
    if (layout !== shape) build(value);
    shape = layout;
    element.querySelector("caption").textContent = value.words.caption;
    const [mean, low, high] = FIELDS[metric];
    for (const [i, button] of cellButtons().entries()) {
      const cell = value.cells[i];
      const shown = cell ? cell[mean] : null;
      const state = !cell ? "empty" : cell[1] === cell[0] ? "diverged" : cell[1] ? "partly" : "full";
      button.className = `cell ${state}`;
      const bright = cell && state !== "diverged" && shown !== null ? brightness(shown) : null;
      button.classList.toggle("wide", state === "full" && isWide[metric](cell[low], cell[high]));
      button.style.background = bright === null ? "" : colour(bright);
      button.classList.toggle("bright", bright !== null && bright >= BLACK_TEXT_FROM);
      const html = state === "diverged" ? "✕" : shown === null ? "" : label(shown);
      if (button.innerHTML !== html) button.innerHTML = html;
      button.setAttribute("aria-label", describe(value, i));
      button.tabIndex = i === at ? 0 : -1;
    }
    element.querySelector(".landscape-progress").classList.toggle("running", value.running);
    element.querySelector(".landscape-progress i").style.width = `${100 * value.progress}%`;
    const note = element.querySelector(".landscape-note");
    if (note.textContent !== value.note) note.textContent = value.note;
    drawScale(value);
    markHere();
    readOut(shownAt);
  }

  function drawScale(value) {
    const knots = SCALES[metric];
    const colours = Array.from({ length: 17 }, (_, k) => colour(k / 16));
    const text = metric === "accuracy" ? (v) => `${Math.round(100 * v)}%` : (v) => String(v);
    element.querySelector(".landscape-scale").innerHTML =
      `<span></span><div style="background:linear-gradient(90deg in oklab, ${colours.join(",")})"></div>` +
      `<ol>${knots.map(([v, b]) => `<li style="left:${100 * b}%">${text(v)}</li>`).join("")}</ol>`;
    element.querySelector(".landscape-scale span").textContent = value.words[metric];
  }

  // A ring round the cell whose settings are those of the controls.
  function markHere() {
    const value = props.value;
    if (!value || !value.cells) return;
    const fixed = value.axis === "hidden" ? "epochs" : "hidden";
    const same = settings[fixed] === value.base[fixed] && settings.optimizer === value.base.optimizer;
    const row = value.rows.indexOf(settings.lr);
    const column = value.columns.indexOf(settings[value.axis]);
    const here = same && row >= 0 && column >= 0 ? row * value.columns.length + column : -1;
    cellButtons().forEach((button, i) => {
      button.classList.toggle("here", i === here);
      if (i === here) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
  }

  function readOut(i) {
    shownAt = i;
    const value = props.value;
    if (!value || !value.cells) return;
    const hint = matchMedia("(hover: none)").matches ? value.words.hint_touch : value.words.hint;
    element.querySelector(".landscape-readout").textContent = i === null ? hint : describe(value, i);
  }

  function choose(i) {
    const { rows, columns, axis, base } = props.value;
    trigger("choose", { settings: { ...base, seed: settings.seed ?? base.seed,
      lr: rows[Math.floor(i / columns.length)], [axis]: columns[i % columns.length] } });
  }

  const indexOf = ({ target }) => {
    const button = target.closest?.("button.cell");
    return button ? Number(button.dataset.i) : null;
  };
  element.addEventListener("click", (event) => {
    const i = indexOf(event);
    if (i === null) return;
    // A finger cannot point: its first tap on a cell tells about it, the next one loads it.
    const wasShown = touched === i;
    touched = event.pointerType === "touch" ? i : null;
    focusOn(i);
    readOut(i);
    if (touched === null || wasShown) choose(i);
  });
  element.addEventListener("pointerover", (event) => readOut(indexOf(event)));
  element.addEventListener("pointerleave", () => readOut(null));
  element.addEventListener("focusin", (event) => readOut(indexOf(event)));
  element.addEventListener("focusout", () => readOut(null));

  function focusOn(i) {
    const buttons = cellButtons();
    buttons[at].tabIndex = -1;
    at = i;
    buttons[at].tabIndex = 0;
    buttons[at].focus();
  }

  // The table is one stop of the Tab key; arrows move inside it.
  element.addEventListener("keydown", (event) => {
    const i = indexOf(event);
    if (i === null) return;
    const width = props.value.columns.length;
    const [row, column] = [Math.floor(i / width), i % width];
    const [r, c] = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      Home: [row, 0], End: [row, width - 1],
    }[event.key] ?? [];
    if (r === undefined) return;
    event.preventDefault();
    if (r >= 0 && r < props.value.rows.length && c >= 0 && c < width) focusOn(r * width + c);
  });
  document.addEventListener("iris:settings", ({ detail }) => { settings = detail; markHere(); });
  document.addEventListener("iris:landscape-metric", ({ detail }) => { metric = detail; draw(); });
  watch("value", draw);
  draw();
  document.dispatchEvent(new Event("iris:ask-settings"));
}
