/**
 * The training of the lesson's network on the visitor's CPU: what the eager engine of Python computes.
 *
 * Sums are taken in double precision and rounded to float32 where PyTorch stores them, so that
 * losses differ from PyTorch's by the rounding of its own sums. Softmax and cross-entropy depend on
 * the differences between logits alone: class 0 is left out, which saves a third of the work.
 *
 * @typedef {object} Settings The names and meanings of Python's `TrainConfig`.
 * @property {"sgd" | "adam"} optimizer
 * @property {number} lr
 * @property {number} epochs
 * @property {number} hidden
 * @property {number} batch_size
 * @property {number} seed
 * @property {number} record_every
 *
 * @typedef {import("./flowers.js").Rows} Rows
 */
import { Generator, drawWeights, shuffle } from "./random.js";

const TEST_POINTS = 200;
/** Adam's two rates of decay, PyTorch's defaults. */
export const BETAS = [0.9, 0.999];
const EPSILON = 1e-8;
const { exp, fround, log, sqrt } = Math;

/**
 * @param {Settings} settings
 * @returns {number} Epochs between two test losses, as `TrainConfig.test_every`.
 */
export function testEvery({ epochs, record_every }) {
  return record_every * Math.ceil(epochs / (TEST_POINTS * record_every));
}

/**
 * List the epochs after `first` and up to `last` at which something is recorded.
 *
 * @param {number} first
 * @param {number} last
 * @param {number} every
 * @param {number} end The run's last epoch, which is always recorded.
 * @returns {number[]}
 */
export function listEpochs(first, last, every, end) {
  const epochs = [];
  for (let epoch = (Math.floor(first / every) + 1) * every; epoch <= last; epoch += every)
    epochs.push(epoch);
  if (last === end && end % every) epochs.push(end);
  return epochs;
}

/**
 * @param {Float32Array} weights As `drawWeights` lays them out.
 * @param {object} scaler
 * @returns {import("./model.js").Model}
 */
export function toModel(weights, scaler) {
  const hidden = (weights.length - 3) / 8;
  const units = Array.from({ length: hidden }, (_, unit) => [...weights.subarray(8 * unit, 8 * unit + 8)]);
  return {
    hidden,
    ...scaler,
    fc1_weight: units.map((unit) => unit.slice(0, 4)),
    fc1_bias: units.map((unit) => unit[4]),
    fc2_weight: [5, 6, 7].map((part) => units.map((unit) => unit[part])),
    fc2_bias: [...weights.subarray(8 * hidden)],
  };
}

/**
 * Measure a network.
 *
 * @param {Float32Array} weights As `drawWeights` lays them out.
 * @param {Rows} rows
 * @returns {{loss: number, accuracy: number}} Mean cross-entropy, and the share that is right.
 */
export function evaluate(weights, { count, features, species }) {
  const end = weights.length - 3;
  let loss = 0, right = 0;
  for (let row = 0; row < count; row++) {
    const logits = [...weights.subarray(end)];
    for (let at = 0; at < end; at += 8) {
      let unit = weights[at + 4];
      for (let i = 0; i < 4; i++) unit += weights[at + i] * features[i][row];
      if (unit > 0) for (let k = 0; k < 3; k++) logits[k] += weights[at + 5 + k] * unit;
    }
    const top = Math.max(...logits);
    loss += log(logits.reduce((sum, logit) => sum + exp(logit - top), 0)) + top - logits[species[row]];
    right += logits.indexOf(top) === species[row] ? 1 : 0;
  }
  return { loss: loss / count, accuracy: right / count };
}

/** One run on the CPU, which is trained further by `train`. */
export class Training {
  /**
   * @param {Settings} settings
   * @param {{train: Rows, test: Rows}} split
   */
  constructor(settings, split) {
    this.settings = settings;
    this.epoch = 0;
    /** @type {number[]} */ this.losses = [];
    /** @type {number[]} */ this.testLosses = [];
    this.testEvery = testEvery(settings);
    const rows = Math.max(split.train.count, split.test.count);
    this.split = split;
    this.order = new Uint8Array(split.train.count);
    this.generator = new Generator(settings.seed);
    // Doubles, which a loop reads without converting them; gradients and moments lie as they do.
    this.parts = Float64Array.from(drawWeights(settings.hidden, settings.seed));
    this.gradients = new Float64Array(this.parts.length);
    this.means = new Float64Array(this.parts.length);
    this.squares = new Float64Array(this.parts.length);
    this.steps = 0;
    this.active = new Float64Array(rows * settings.hidden);
    this.errors = [new Float64Array(rows), new Float64Array(rows)];
  }

  /** Whether a recorded loss is no longer a finite number, which ends a run. */
  get diverged() {
    return this.losses.length > 0 && !Number.isFinite(this.losses.at(-1));
  }

  get ended() {
    return this.diverged || this.epoch === this.settings.epochs;
  }

  /**
   * Train on, up to an epoch or to the first loss that is not finite.
   *
   * @param {number} last
   */
  train(last) {
    const { settings, split } = this;
    const { epochs, batch_size: size, record_every: every } = settings;
    const count = split.train.count;
    for (last = Math.min(last, epochs); this.epoch < last && !this.diverged; ) {
      const epoch = ++this.epoch;
      if (epoch % this.testEvery === 0 || epoch === epochs)
        this.testLosses.push(this.#pass(split.test));
      let loss = 0;
      if (size === count) {
        loss = this.#pass(split.train);
        this.#step(split.train);
      } else {
        shuffle(this.generator, this.order);
        for (let start = 0; start < count; start += size) {
          const batch = split.train.pick(this.order.subarray(start, start + size));
          loss = fround(loss + fround(this.#pass(batch) * fround(batch.count / count)));
          this.#step(batch);
        }
      }
      if (epoch % every === 0 || epoch === epochs) this.losses.push(loss);
    }
    return this;
  }

  /** The weights reached, as `drawWeights` lays them out. */
  get weights() {
    return Float32Array.from(this.parts);
  }

  /**
   * Send rows through the network; keep the activations, and the error of each row's logits.
   *
   * @param {Rows} rows
   * @returns {number} Mean cross-entropy, as a float32.
   */
  #pass({ count, features: [x0, x1, x2, x3], species }) {
    const { parts, active, errors: [one, two] } = this;
    const end = parts.length - 3;
    one.fill(parts[end + 1] - parts[end], 0, count);
    two.fill(parts[end + 2] - parts[end], 0, count);
    for (let at = 0, base = 0; at < end; at += 8, base += count) {
      const w0 = parts[at], w1 = parts[at + 1], w2 = parts[at + 2], w3 = parts[at + 3];
      const bias = parts[at + 4], to1 = parts[at + 6] - parts[at + 5], to2 = parts[at + 7] - parts[at + 5];
      for (let row = 0; row < count; row++) {
        const sum = bias + w0 * x0[row] + w1 * x1[row] + w2 * x2[row] + w3 * x3[row];
        const unit = sum < 0 ? 0 : sum; // not a maximum, so that NaN stays
        active[base + row] = unit;
        one[row] += to1 * unit;
        two[row] += to2 * unit;
      }
    }
    // The totals lie between 1 and 3, so that the product of 120 is far from overflow.
    let product = 1, lead = 0;
    for (let row = 0; row < count; row++) {
      const z1 = one[row], z2 = two[row], own = species[row];
      const top = z1 > z2 ? (z1 > 0 ? z1 : 0) : z2 > 0 ? z2 : 0;
      const e1 = exp(z1 - top), e2 = exp(z2 - top);
      const total = exp(-top) + e1 + e2;
      product *= total;
      lead += top - (own === 1 ? z1 : own === 2 ? z2 : 0);
      one[row] = (e1 / total - (own === 1 ? 1 : 0)) / count;
      two[row] = (e2 / total - (own === 2 ? 1 : 0)) / count;
    }
    return fround((log(product) + lead) / count);
  }

  /**
   * Update the weights by the gradient over the rows of the last pass.
   *
   * @param {Rows} rows
   */
  #step({ count, features: [x0, x1, x2, x3] }) {
    const { parts, gradients, active, errors: [one, two] } = this;
    const end = parts.length - 3;
    for (let at = 0, base = 0; at < end; at += 8, base += count) {
      const to1 = parts[at + 6] - parts[at + 5], to2 = parts[at + 7] - parts[at + 5];
      let g0 = 0, g1 = 0, g2 = 0, g3 = 0, bias = 0, from1 = 0, from2 = 0;
      for (let row = 0; row < count; row++) {
        const unit = active[base + row];
        if (unit === 0) continue;
        const d1 = one[row], d2 = two[row], back = d1 * to1 + d2 * to2;
        g0 += back * x0[row];
        g1 += back * x1[row];
        g2 += back * x2[row];
        g3 += back * x3[row];
        bias += back;
        from1 += unit * d1;
        from2 += unit * d2;
      }
      gradients[at] = g0;
      gradients[at + 1] = g1;
      gradients[at + 2] = g2;
      gradients[at + 3] = g3;
      gradients[at + 4] = bias;
      gradients[at + 5] = -from1 - from2;
      gradients[at + 6] = from1;
      gradients[at + 7] = from2;
    }
    let sum1 = 0, sum2 = 0;
    for (let row = 0; row < count; row++) { sum1 += one[row]; sum2 += two[row]; }
    gradients[end] = -sum1 - sum2;
    gradients[end + 1] = sum1;
    gradients[end + 2] = sum2;
    if (this.settings.optimizer === "adam") this.#stepAdam();
    else this.#stepSgd();
  }

  #stepSgd() {
    const { parts, gradients } = this;
    const rate = fround(this.settings.lr);
    for (let i = 0; i < parts.length; i++) parts[i] = fround(parts[i] - rate * fround(gradients[i]));
  }

  // In the order of operations of `torch.optim.Adam`, and rounded where it stores.
  #stepAdam() {
    const { parts, gradients, means, squares } = this;
    const steps = ++this.steps;
    const rate = fround(this.settings.lr / (1 - BETAS[0] ** steps));
    const scale = fround(sqrt(1 - BETAS[1] ** steps));
    const keep = fround(BETAS[1]), [take1, take2] = BETAS.map((beta) => fround(1 - beta));
    for (let i = 0; i < parts.length; i++) {
      const gradient = fround(gradients[i]);
      means[i] = fround(means[i] + take1 * fround(gradient - means[i]));
      squares[i] = fround(fround(squares[i] * keep) + take2 * gradient * gradient);
      const root = fround(fround(fround(sqrt(squares[i])) / scale) + EPSILON);
      parts[i] = fround(parts[i] - rate * fround(means[i] / root));
    }
  }
}
