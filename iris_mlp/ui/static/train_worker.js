/**
 * Trains in a thread of its own. A message with `settings` starts a run, which ends the one before;
 * one without ends it. What is sent back several times a second is `Progress`; `trainer.js` is the
 * other side.
 */
import { split } from "./flowers.js";
import { Training } from "./training.js";

/** Milliseconds of work between two messages, where a new one may already wait. */
const CHUNK_MS = 12;
const FIRST_EPOCHS = 50;

let newest = 0;
/** @type {GPUDevice | null} */ let gpu = null;
// A message to oneself comes after those that wait; a timer would sleep for milliseconds.
const { port1, port2 } = new MessageChannel();
const letMessagesIn = () => new Promise((resolve) => { port1.onmessage = resolve; port2.postMessage(0); });

onmessage = ({ data: { id, settings } }) => {
  newest = id;
  if (settings) run(id, settings);
};

async function run(id, settings) {
  try {
    const training = await prepare(settings);
    let size = FIRST_EPOCHS, elapsedMs = 0;
    for (let losses = 0, tests = 0; newest === id; await letMessagesIn()) {
      const started = performance.now(), before = training.epoch;
      await training.train(before + size, settings.dispatch);
      const chunkMs = performance.now() - started;
      elapsedMs += chunkMs;
      const ended = training.ended;
      postMessage({
        id, ended, elapsedMs, epoch: training.epoch, diverged: training.diverged,
        losses: training.losses.slice(losses), testLosses: training.testLosses.slice(tests),
        weights: training.weights,
      });
      if (ended) return;
      losses = training.losses.length;
      tests = training.testLosses.length;
      const faster = (training.chunkMs ?? CHUNK_MS) / Math.max(chunkMs, 0.1);
      size = Math.max(1, Math.round((training.epoch - before) * Math.min(faster, 8)));
    }
  } catch (error) {
    postMessage({ id, ended: true, failure: String(error?.message ?? error) });
  }
}

async function prepare(settings) {
  if (settings.device !== "webgpu") return new Training(settings, split);
  const { GpuTraining, openGpu } = await import("./webgpu.js");
  gpu ??= await openGpu();
  gpu?.lost.then(() => { gpu = null; });
  if (!gpu) throw new Error("no WebGPU");
  return GpuTraining.start(settings, split, gpu);
}
