/**
 * What PyTorch draws on the CPU, bit for bit: MT19937 (Matsumoto and Nishimura, 1998), first weights
 * as `build_model` of Python draws them, and the order of rows as `shuffle_rows` does.
 */

const SIZE = 624;
const MIDDLE = 397;

/** The generator behind `torch.Generator().manual_seed(seed)`. */
export class Generator {
  /** @param {number} seed Below 2^32. */
  constructor(seed) {
    this.state = new Uint32Array(SIZE);
    this.state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const before = this.state[i - 1];
      this.state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
    this.at = SIZE;
  }

  /** @returns {number} The next 32 random bits, as an integer from 0 on. */
  next() {
    if (this.at === SIZE) this.#twist();
    let bits = this.state[this.at++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  }

  #twist() {
    const { state } = this;
    for (let i = 0; i < SIZE; i++) {
      const bits = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % SIZE] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }
}

/**
 * Draw from the uniform distribution within a bound, as `torch.nn.init.uniform_` fills a float32.
 *
 * @param {Generator} generator
 * @param {number} bound
 * @param {number} count
 * @returns {Float32Array}
 */
function drawUniform(generator, bound, count) {
  const low = Math.fround(-bound);
  const width = Math.fround(Math.fround(bound) - low);
  const share = () => (generator.next() & 0xffffff) / 2 ** 24;
  // Multiplied and added in one step, as processors do: the product is exact in a double.
  return Float32Array.from({ length: count }, () => share() * width + low);
}

/**
 * Draw the first weights of a network.
 *
 * @param {number} hidden
 * @param {number} seed
 * @returns {Float32Array} Unit by unit its weights from the four features, its bias and its weights
 *   to the three classes; then the biases of the classes: 8 * hidden + 3.
 */
export function drawWeights(hidden, seed) {
  const generator = new Generator(seed);
  const into = drawUniform(generator, 4 ** -0.5, 5 * hidden);
  const from = drawUniform(generator, hidden ** -0.5, 3 * hidden + 3);
  const weights = new Float32Array(8 * hidden + 3);
  for (let unit = 0; unit < hidden; unit++) {
    const at = 8 * unit;
    weights.set(into.subarray(4 * unit, 4 * unit + 4), at);
    weights[at + 4] = into[4 * hidden + unit];
    for (let k = 0; k < 3; k++) weights[at + 5 + k] = from[k * hidden + unit];
  }
  weights.set(from.subarray(3 * hidden), 8 * hidden);
  return weights;
}

/**
 * Draw an order of the first `count` numbers, as `torch.randperm` does.
 *
 * @param {Generator} generator
 * @param {Uint8Array} order Receives it.
 */
export function shuffle(generator, order) {
  const count = order.length;
  for (let i = 0; i < count; i++) order[i] = i;
  for (let i = 0; i < count - 1; i++) {
    const other = i + (generator.next() % (count - i));
    [order[i], order[other]] = [order[other], order[i]];
  }
}
