/**
 * The page's side of `train_worker.js`.
 *
 * @typedef {object} Progress What a run has come to.
 * @property {number} epoch Epochs done.
 * @property {boolean} ended
 * @property {boolean} diverged The last recorded loss is not a finite number.
 * @property {number} elapsedMs Milliseconds spent training.
 * @property {number[]} losses Every recorded loss.
 * @property {number[]} testLosses
 * @property {Float32Array} weights As `drawWeights` lays them out.
 * @property {string} [failure] Why a run could not go on.
 */

/** Between two pictures for who wants less motion. */
const STILL_MS = 1000;

/** Trains one network at a time: a new run ends the one before. */
export class Trainer {
  #worker = null;
  #id = 0;
  #run = null;

  /**
   * Train from scratch.
   *
   * @param {import("./training.js").Settings & {device?: "cpu" | "webgpu", dispatch?: number}} settings
   *   `dispatch` is how many epochs the GPU is given at once; left out, as many as suit it.
   * @param {(progress: Progress) => void} show Called once a frame at most, last when it ended; for
   *   who wants less motion once a second.
   */
  start(settings, show) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#run = { show, still, losses: [], testLosses: [], newest: null, waiting: false };
    this.#send(settings);
  }

  /**
   * End the run; nothing more is shown of it.
   *
   * @returns {Progress | null} What it had come to, if anything.
   */
  stop() {
    const reached = this.#run?.newest ?? null;
    this.#run = null;
    if (this.#worker) this.#send(null);
    return reached;
  }

  #send(settings) {
    try {
      this.#worker ??= this.#open();
      this.#worker.postMessage({ id: ++this.#id, settings });
    } catch (error) { // a browser without workers
      this.#end({ ended: true, failure: String(error) });
    }
  }

  #end(progress) {
    const run = this.#run;
    this.#run = null;
    run?.show(progress);
  }

  #open() {
    const worker = new Worker(new URL("./train_worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      const run = this.#run;
      if (!run || data.id !== this.#id) return;
      for (const name of ["losses", "testLosses"]) {
        for (const loss of data[name] ?? []) run[name].push(loss);
        data[name] = run[name];
      }
      run.newest = data;
      if (data.ended) this.#end(data);
      else if (!run.waiting) {
        run.waiting = true;
        const show = () => {
          run.waiting = false;
          if (run === this.#run) run.show(run.newest);
        };
        if (run.still) setTimeout(show, STILL_MS);
        else requestAnimationFrame(show);
      }
    };
    worker.onerror = (event) => {
      this.#worker = null;
      this.#end({ ended: true, failure: event.message || "worker" });
    };
    return worker;
  }
}
