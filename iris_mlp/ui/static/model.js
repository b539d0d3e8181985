/**
 * The network of the lesson: four inputs, one hidden layer with ReLU, three logits.
 *
 * @typedef {object} Model What Python sends of a `Checkpoint`; every number is a float32.
 * @property {number} hidden Units of the hidden layer.
 * @property {number[]} scaler_min Smallest length of each feature in cm, 4 numbers.
 * @property {number[]} scaler_max Largest length of each feature in cm, 4 numbers.
 * @property {number[][]} fc1_weight As PyTorch keeps it, hidden rows of 4.
 * @property {number[]} fc1_bias
 * @property {number[][]} fc2_weight 3 rows of hidden.
 * @property {number[]} fc2_bias
 *
 * @typedef {object} Pass What one flower becomes on its way.
 * @property {number[]} scaled Inputs, the training range mapped to [0, 1].
 * @property {number[]} pre Sums of the hidden units before ReLU.
 * @property {number[]} hidden Their activations.
 * @property {number[]} logits
 * @property {number[]} probabilities
 */

export const CLASSES = 3;

/**
 * Send one flower through the network.
 *
 * @param {Model} model
 * @param {ArrayLike<number>} lengthsCm Sepal length and width, petal length and width.
 * @returns {Pass}
 */
export function forward(model, lengthsCm) {
  const scaled = model.scaler_min.map((low, i) => scale(lengthsCm[i], low, model.scaler_max[i]));
  const pre = affine(model.fc1_weight, scaled, model.fc1_bias);
  const hidden = pre.map((sum) => Math.max(0, sum));
  const logits = affine(model.fc2_weight, hidden, model.fc2_bias);
  return { scaled, pre, hidden, logits, probabilities: softmax(logits) };
}

/**
 * Send many flowers through the network.
 *
 * @param {Model} model
 * @param {ArrayLike<number>} lengthsCm Four lengths a flower, one flower after another.
 * @returns {Float64Array} Three logits a flower.
 */
export function predictBatch(model, lengthsCm) {
  const { hidden, scaler_min: low, scaler_max: high } = model;
  const [into, bias, from, start] = [model.fc1_weight.flat(), model.fc1_bias, model.fc2_weight.flat(), model.fc2_bias]
    .map((numbers) => Float64Array.from(numbers));
  const logits = new Float64Array((CLASSES * lengthsCm.length) / 4);
  for (let at = 0, out = 0; at < lengthsCm.length; at += 4, out += CLASSES) {
    const a = scale(lengthsCm[at], low[0], high[0]);
    const b = scale(lengthsCm[at + 1], low[1], high[1]);
    const c = scale(lengthsCm[at + 2], low[2], high[2]);
    const d = scale(lengthsCm[at + 3], low[3], high[3]);
    let p = start[0];
    let q = start[1];
    let r = start[2];
    for (let unit = 0, w = 0; unit < hidden; unit++, w += 4) {
      const sum = bias[unit] + into[w] * a + into[w + 1] * b + into[w + 2] * c + into[w + 3] * d;
      if (sum > 0) {
        p += from[unit] * sum;
        q += from[hidden + unit] * sum;
        r += from[2 * hidden + unit] * sum;
      }
    }
    logits[out] = p;
    logits[out + 1] = q;
    logits[out + 2] = r;
  }
  return logits;
}

/** @param {ArrayLike<number>} values @returns {number} Where the largest stands, the first of equals. */
export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** @param {number[]} logits @returns {number[]} */
export function softmax(logits) {
  const largest = Math.max(...logits);
  const shares = logits.map((logit) => Math.exp(logit - largest));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}

// In the order of `sklearn.preprocessing.MinMaxScaler`, and then float32 as PyTorch's inputs.
function scale(lengthCm, low, high) {
  const factor = 1 / (high - low);
  return Math.fround(lengthCm * factor - low * factor);
}

function affine(weight, inputs, bias) {
  return weight.map((row, k) => inputs.reduce((sum, value, i) => sum + row[i] * value, bias[k]));
}
