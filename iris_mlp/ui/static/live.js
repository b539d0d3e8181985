import { scaler, split } from "./flowers.js";
import { showLosses, thin } from "./loss_chart.js";
import { drawPlane } from "./plane.js";
import { evaluate, testEvery, toModel } from "./training.js";
import { Trainer } from "./trainer.js";

/** Where the plane cuts the sepals: the mean of the 150 flowers. */
const SEPALS_CM = [5.8, 3.1];

/**
 * Train at every movement of Explore's controls, in the visitor's browser, and draw while it learns:
 * the petal plane here, the curve in the chart beside it. `texts` is what the page says.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, watch }) {
  let trainer = null;
  let settings = null;

  function retrain() {
    if (!trainer || !settings || !props.texts) return;
    const run = { ...settings, batch_size: split.train.count, record_every: 1 };
    trainer.start(run, (progress) => draw(run, progress));
  }

  function draw(run, progress) {
    const { texts } = props;
    if (progress.failure) {
      showLosses("live-chart", describe(run, { losses: [], testLosses: [] }, [], texts.failed));
      return;
    }
    const { epoch, ended, diverged, losses, testLosses, weights } = progress;
    const test = evaluate(weights, split.test);
    const figures = diverged ? [] : [
      losses.at(-1).toFixed(4),
      test.loss.toFixed(4),
      ...[evaluate(weights, split.train), test].map(({ accuracy }) => `${(100 * accuracy).toFixed(1)}%`),
    ];
    let note = texts.running;
    if (diverged) note = fill(texts.diverged, { epoch, lr: run.lr });
    else if (ended) note = fill(texts.trained, {
      epochs: epoch, elapsed: Math.round(progress.elapsedMs), right: Math.round(test.accuracy * split.test.count),
    });
    const curves = { losses: losses.filter(Number.isFinite), testLosses: testLosses.filter(Number.isFinite) };
    showLosses("live-chart", describe(run, curves, figures, note, !ended));
    drawRegions(run, weights, diverged);
  }

  function describe(run, { losses, testLosses }, figures, note, running = false) {
    return {
      train: thin(losses, 1, run.epochs),
      test: thin(testLosses, testEvery(run), run.epochs),
      epochs: run.epochs,
      running,
      note,
      stats: props.texts.stats.map((name, i) => [name, figures[i] ?? "–"]),
      labels: props.texts.labels,
    };
  }

  function drawRegions(run, weights, diverged) {
    const { texts } = props;
    const figure = element.querySelector("figure");
    figure.classList.toggle("diverged", diverged);
    let alternative = texts.plane_diverged;
    if (!diverged) {
      const wrong = drawPlane(figure, toModel(weights, scaler), {
        plane: "petal", lengthsCm: [...SEPALS_CM, 0, 0], texts: texts.plane, folds: true,
      });
      alternative = fill(texts.plane_alt, { wrong: wrong.length, hidden: run.hidden });
    }
    figure.querySelector("svg")?.setAttribute("aria-label", alternative);
  }

  document.addEventListener("iris:settings", ({ detail }) => {
    if (JSON.stringify(detail) === JSON.stringify(settings)) return;
    settings = detail;
    retrain();
  });
  // Only once somebody looks: the tab is not the first, and the battery is the visitor's.
  new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting || trainer) return;
    trainer = new Trainer();
    retrain();
  }).observe(element);
  watch("texts", retrain);
  document.dispatchEvent(new Event("iris:ask-settings"));
}

/** Fill in a text of the catalogue, numbers as the page's language writes them. */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) =>
    values[name].toLocaleString(document.documentElement.lang || "en", { maximumSignificantDigits: 6 }));
}
