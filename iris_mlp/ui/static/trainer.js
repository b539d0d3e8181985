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

/** Trains one network at a time: a new run ends the one before. */
export class Trainer {
  #worker = null;
  #id = 0;
  #run = null;

  /**
   * Train from scratch.
   *
   * @param {import("./training.js").Settings & {device?: "cpu" | "webgpu"}} settings
   * @param {(progress: Progress) => void} show Called several times a second, last when it ended.
   */
  start(settings, show) {
    this.#run = { show, losses: [], testLosses: [] };
    this.#send(settings);
  }

  /** End the run; no more progress comes. */
  stop() {
    this.#run = null;
    if (this.#worker) this.#send(null);
  }

  #send(settings) {
    try {
      this.#worker ??= this.#open();
      this.#worker.postMessage({ id: ++this.#id, settings });
    } catch (error) { // a browser without workers
      this.#run?.show({ ended: true, failure: String(error) });
    }
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
      run.show(data);
    };
    worker.onerror = (event) => {
      this.#worker = null;
      this.#run?.show({ ended: true, failure: event.message || "worker" });
    };
    return worker;
  }
}
