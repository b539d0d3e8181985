import { h, say } from "./dom.js";
import { Trainer } from "./trainer.js";
import { describeGpu } from "./webgpu.js";

const LESSON = { optimizer: "sgd", lr: 0.01, hidden: 10, batch_size: 120, seed: 0, record_every: 1 };
const EPOCHS = 20_000;
const RARELY = 2_000;
const REPEATS = 3;
/** Long against a clock that is coarsened to 0.1 ms. */
const LAP_S = 0.6;

/** How each way trains, and the epochs that warm it up. */
const WAYS = {
  javascript: { device: "cpu", warmUp: 2_000 },
  read_each: { device: "webgpu", dispatch: 1, warmUp: 30 },
  read_rarely: { device: "webgpu", dispatch: 1, record_every: RARELY, warmUp: 200 },
  one_dispatch: { device: "webgpu", warmUp: 500 },
};

/**
 * Race the ways in which the visitor's computer can do the lesson run; the laps go to the server
 * with the event `judge`, and what it concludes comes back as the value.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, trigger, watch }) {
  const trainer = new Trainer();
  let race = null; // the one that goes on
  let parts = null;

  function build() {
    const { texts } = props;
    if (!texts || parts) return;
    const start = h("button", { type: "button", class: "visitor-start" }, texts.start);
    const status = h("p", { class: "visitor-status", role: "status" }, texts.ready);
    const rows = Object.fromEntries(Object.keys(WAYS).map((way) => {
      const [time, bar, note] = [h("output", {}), h("i", {}), h("small", {}, texts.not_measured)];
      const row = h("li", {}, h("span", {}, texts.ways[way]), time, h("div", { "aria-hidden": true }, bar), note);
      return [way, { row, time, bar, note }];
    }));
    const list = h("ul", {}, ...Object.values(rows).map(({ row }) => row));
    const conclusion = h("div", { class: "visitor-conclusion" });
    element.querySelector(".visitor-race").append(start, status, list, conclusion);
    start.addEventListener("click", () => (race ? stop() : run()));
    parts = { start, status, rows, conclusion };
  }

  function stop() {
    race.isStopped = true;
    trainer.stop();
    race.wake?.(null);
  }

  async function run() {
    const { texts } = props;
    race = { isStopped: false, wake: null };
    parts.start.textContent = texts.stop;
    const gpu = await describeGpu().catch(() => null);
    const laps = [], remarks = new Set(), speeds = {};
    if (!gpu) remarks.add(texts.no_gpu);
    else if (gpu.isSoftware) remarks.add(`${gpu.name}: ${texts.software}`);
    for (const [way, { device, warmUp }] of Object.entries(WAYS)) {
      if (race.isStopped || (device === "webgpu" && !gpu)) continue;
      say(parts.status, `${texts.warming}: ${texts.ways[way]}`);
      const first = await lap(way, warmUp);
      if (!first) break;
      if (first.failure) remarks.add(`${texts.ways[way]}: ${texts.failed} (${first.failure})`);
      else speeds[way] = first.epochs / first.elapsed_s;
    }
    // In turns that begin one further each time, so that a machine that gets slower does for all.
    const ways = Object.keys(speeds);
    for (let repeat = 0; repeat < REPEATS; repeat++)
      for (let i = 0; i < ways.length && !race.isStopped; i++) {
        const way = ways[(i + repeat) % ways.length];
        say(parts.status, `${texts.running} ${repeat + 1}/${REPEATS}: ${texts.ways[way]}`);
        const result = await lap(way, Math.min(EPOCHS, Math.max(20, Math.round(LAP_S * speeds[way]))));
        if (!result) break;
        if (result.failure) remarks.add(`${texts.ways[way]}: ${texts.lost} (${result.failure})`);
        else if (result.wasHidden) remarks.add(texts.hidden);
        else laps.push(result);
      }
    say(parts.status, [...remarks].join(" "));
    parts.start.textContent = texts.start;
    race = null;
    if (laps.length) trigger("judge", {
      laps: laps.map(({ way, epochs, elapsed_s }) => ({ way, epochs, elapsed_s })),
      is_software: Boolean(gpu?.isSoftware),
    });
  }

  /** Run one way; a lap during which the page was hidden, and slowed down, is marked. */
  async function lap(way, epochs) {
    const { warmUp, ...how } = WAYS[way];
    let wasHidden = document.hidden;
    const watchPage = () => { wasHidden ||= document.hidden; };
    document.addEventListener("visibilitychange", watchPage);
    const end = await new Promise((resolve) => {
      race.wake = resolve;
      trainer.start({ ...LESSON, ...how, epochs }, (progress) => progress.ended && resolve(progress));
    });
    document.removeEventListener("visibilitychange", watchPage);
    if (!end) return null; // stopped
    return { way, epochs: end.epoch, elapsed_s: end.elapsedMs / 1000, wasHidden, failure: end.failure };
  }

  function showVerdict() {
    const judged = props.value;
    if (!parts || !judged?.rows) return;
    for (const { time, bar, note } of Object.values(parts.rows)) {
      bar.style.width = "0";
      say(time, "");
      say(note, props.texts.not_measured);
    }
    for (const { way, time, low, high, share } of judged.rows) {
      const row = parts.rows[way];
      say(row.time, `≈ ${time}`);
      say(row.note, `${low} – ${high}`);
      row.bar.style.width = `${100 * share}%`;
    }
    parts.conclusion.replaceChildren(...judged.sentences.map((sentence) => h("p", {}, sentence)));
  }

  watch("texts", build);
  watch("value", showVerdict);
  build();
}
