import { scaler, split } from "./flowers.js";
import { showLosses, thin } from "./loss_chart.js";
import { showLearning } from "./opening.js";
import { evaluate, testEvery, toModel } from "./training.js";
import { Trainer } from "./trainer.js";
import { describeGpu } from "./webgpu.js";

const DEVICES = { "browser:cpu": "cpu", "browser:gpu": "webgpu" };

/**
 * Train on the visitor's computer what the Train tab asks for, draw it in the tab's chart, and send
 * at the end what came out, with the event `finish`.
 *
 * The value is `settings`, whose `device` is one of `DEVICES`; `chart`, what the chart shows before
 * the first epoch; `stop` and `failed`, words. `gpu` has the words of the choice of devices.
 *
 * @param {import("./component.js").Component} component
 */
export function mount({ element, props, trigger, watch }) {
  const trainer = new Trainer();
  const bar = element.querySelector("div");

  function start() {
    const order = props.value;
    if (!order) return;
    bar.firstChild.textContent = order.stop;
    bar.hidden = false;
    trainer.start({ ...order.settings, device: DEVICES[order.settings.device] }, (progress) => {
      if (progress.failure) end({ ...order.chart, running: false, note: `${order.failed} (${progress.failure})` });
      else show(order, progress);
    });
  }

  function show({ settings, chart }, progress) {
    const { epoch, losses, testLosses, weights, elapsedMs, ended } = progress;
    const test = evaluate(weights, split.test);
    const speed = (1000 * epoch) / elapsedMs;
    const texts = [
      `${count(epoch)} / ${count(settings.epochs)}`,
      losses.at(-1)?.toFixed(4), test.loss.toFixed(4), `${(100 * test.accuracy).toFixed(1)}%`,
      seconds(elapsedMs / 1000), count(speed), seconds((settings.epochs - epoch) / speed),
    ];
    showLosses("loss-chart", {
      ...chart,
      train: thin(losses.filter(Number.isFinite), settings.record_every, settings.epochs),
      test: thin(testLosses.filter(Number.isFinite), testEvery(settings), settings.epochs),
      stats: chart.stats.map(([name, text], i) => [name, texts[i] ?? text]),
    });
    showLearning(toModel(weights, scaler), { epoch, loss: losses.at(-1), accuracy: test.accuracy });
    if (ended) send(settings, progress);
  }

  function send(settings, { epoch, losses, testLosses, weights, elapsedMs }) {
    bar.hidden = true;
    trigger("finish", {
      run: {
        settings, epoch, elapsed_s: elapsedMs / 1000,
        losses: encode(losses), test_losses: encode(testLosses), weights: encode(weights),
      },
    });
  }

  function end(chart) {
    bar.hidden = true;
    showLosses("loss-chart", chart);
  }

  element.addEventListener("click", ({ target }) => {
    if (!target.closest("button")) return;
    const reached = trainer.stop();
    if (reached) send(props.value.settings, reached);
    else end({ ...props.value.chart, running: false, note: "" });
  });
  watch("value", start);
  if (props.gpu) nameGpu(props.gpu);
  watch("gpu", () => nameGpu(props.gpu));
}

/** Call the visitor's GPU by its name where it can be chosen; the name stays in the page. */
async function nameGpu(words) {
  const choice = document.querySelector('#device input[value="browser:gpu"]');
  const label = choice?.closest("label")?.querySelector("span");
  const found = await describeGpu();
  if (!label) return;
  if (found) label.textContent = `${words.name}: ${found.name}${found.isSoftware ? words.software : ""}`;
  else {
    label.textContent = `${words.name}: ${words.missing}`;
    choice.disabled = true;
  }
}

const count = (value) => Math.round(value).toLocaleString(document.documentElement.lang || "en");

function seconds(value) {
  if (value < 1) return `${Math.round(1000 * value)}\u00a0ms`;
  return value < 90 ? `${value.toFixed(1)}\u00a0s` : `${count(value / 60)}\u00a0min`;
}

/** Little-endian float32 as base64. */
function encode(values) {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  let text = "";
  for (let at = 0; at < view.byteLength; at += 8192)
    text += String.fromCharCode(...new Uint8Array(view.buffer, at, Math.min(8192, view.byteLength - at)));
  return btoa(text);
}
