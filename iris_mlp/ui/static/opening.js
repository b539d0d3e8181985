import { fill, h, say } from "./dom.js";
import { scaler, split } from "./flowers.js";
import { showLosses, thin } from "./loss_chart.js";
import { drawNetwork } from "./network_view.js";
import { drawPlane } from "./plane.js";
import { evaluate, testEvery, toModel, Training } from "./training.js";

/** The lesson run, which the page opens on. */
const LESSON = {
  optimizer: "sgd", lr: 0.01, epochs: 20000, hidden: 10, batch_size: split.train.count, seed: 0, record_every: 1,
};
const FRAMES = 240;
const FRAME_MS = 33;
/** Most of what there is to see happens early: epochs grow faster than frames. */
const EPOCHS = Array.from({ length: FRAMES + 1 }, (_, i) => Math.round(LESSON.epochs * (i / FRAMES) ** 2.2));
/** A flower between the two species that are hard to tell apart. */
const FLOWER_CM = [6.0, 2.8, 4.8, 1.7];

const count = (value) => value.toLocaleString(document.documentElement.lang || "en");

let showModel = null;

/**
 * Let the plane and the network follow a run that learns elsewhere.
 *
 * @param {import("./model.js").Model} model
 * @param {{epoch: number, loss: number | undefined, accuracy: number}} figures
 */
export function showLearning(model, figures) {
  showModel?.(model, figures);
}

/**
 * Draw a network that learns: the lesson run, trained here as the page opens, with Play, Step and a
 * scrubber; then whatever run the server's value carries.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, watch }) {
  const training = new Training(LESSON, split);
  /** @type {import("./model.js").Model[]} */
  const models = [];
  const weights = [];
  let at = 0, timer = null, parts = null, follows = false;

  function build() {
    if (parts || !props.texts) return;
    const { texts } = props;
    const plane = h("figure", { class: "plane" });
    const network = h("figure", { class: "network" });
    const play = h("button", { type: "button", class: "opening-play" });
    const step = h("button", { type: "button" }, texts.step);
    const scrubber = h("input", { type: "range", min: 0, max: FRAMES, step: 1, value: 0, "aria-label": texts.scrub });
    const caption = h("p", { class: "opening-caption", role: "status" });
    const controls = h("div", { class: "opening-controls" }, play, step, scrubber);
    element.querySelector(".opening").replaceChildren(plane, controls, caption, network);
    parts = { plane, network, play, scrubber, caption, controls };
    play.addEventListener("click", () => (timer === null ? start() : pause()));
    step.addEventListener("click", () => { go(Math.min(at + 1, FRAMES)); pause(); });
    scrubber.addEventListener("input", () => { go(Number(scrubber.value)); pause(); });
    if (props.value) return follow();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) go(FRAMES);
    else {
      go(0);
      // Only while somebody looks at it.
      new IntersectionObserver(([{ isIntersecting }], observer) => {
        if (!isIntersecting) return;
        observer.disconnect();
        if (at === 0 && !follows) start();
      }).observe(element);
    }
    sayPlay();
  }

  function go(frame) {
    while (models.length <= frame) {
      weights.push(training.train(EPOCHS[models.length]).weights);
      models.push(toModel(weights.at(-1), scaler));
    }
    at = frame;
    const epoch = EPOCHS[at];
    const recorded = training.losses.slice(0, epoch);
    const tests = training.testLosses.slice(0, Math.floor(epoch / testEvery(LESSON)));
    parts.scrubber.value = at;
    const { accuracy } = evaluate(weights[at], split.test);
    const caption = epoch === 0 ? props.texts.untrained : describe({ epoch, loss: recorded.at(-1), accuracy });
    drawModel(models[at], caption);
    parts.scrubber.setAttribute("aria-valuetext", caption);
    if (follows) return;
    showLosses("loss-chart", {
      train: thin(recorded, 1, LESSON.epochs), test: thin(tests, testEvery(LESSON), LESSON.epochs),
      epochs: LESSON.epochs, running: timer !== null, note: "", stats: list(epoch, recorded.at(-1), tests.at(-1), accuracy), labels: props.texts.labels,
      settings: props.texts.settings,
    });
  }

  function describe({ epoch, loss, accuracy }) {
    return fill(props.texts.caption, {
      epoch: count(epoch),
      loss: loss?.toFixed(3) ?? "–",
      right: Math.round(accuracy * split.test.count),
    });
  }

  function list(epoch, loss, test, accuracy) {
    const figures = [`${count(epoch)} / ${count(LESSON.epochs)}`, loss?.toFixed(4), test?.toFixed(4), `${(100 * accuracy).toFixed(1)}%`];
    return props.texts.stats.map((name, i) => [name, figures[i] ?? "–"]);
  }

  function drawModel(model, caption) {
    const { texts } = props;
    drawPlane(parts.plane, model, { plane: "petal", lengthsCm: FLOWER_CM, texts: texts.plane, folds: true });
    drawNetwork(parts.network, model, { lengthsCm: FLOWER_CM, texts: texts.network });
    say(parts.caption, caption);
  }

  function start() {
    if (at === FRAMES) go(0);
    timer = setInterval(() => {
      if (document.hidden) return;
      if (at + 1 === FRAMES) pause();
      go(at + 1);
      sayPlay();
    }, FRAME_MS);
    sayPlay();
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    sayPlay();
  }

  function sayPlay() {
    const { texts } = props;
    say(parts.play, timer !== null ? texts.pause : at === FRAMES ? texts.again : texts.play);
  }

  /** A run of the visitor's is on: the opening gives way to it. */
  function follow() {
    const { value } = props;
    if (!parts || !value) return;
    giveWay();
    if (value.model) drawModel(value.model, describe(value));
  }

  function giveWay() {
    if (follows) return;
    follows = true;
    pause();
    parts.controls.hidden = true;
  }

  showModel = (model, figures) => {
    if (!parts) return;
    giveWay();
    drawModel(model, describe(figures));
  };
  watch("texts", build);
  watch("value", follow);
  build();
}
