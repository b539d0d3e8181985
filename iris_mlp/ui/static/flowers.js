/**
 * The lesson's 150 flowers, split and scaled as `iris_mlp.data` does: `split.js` comes from there.
 */
import { FLOWERS_CM, SPECIES } from "./iris.js";
import data from "./split.js";

/** Some flowers as the network takes them. */
export class Rows {
  /**
   * @param {Float64Array[]} features Scaled to float32: one array for each of the four.
   * @param {Uint8Array} species Class of each row.
   */
  constructor(features, species) {
    this.features = features;
    this.species = species;
    this.count = species.length;
  }

  /**
   * @param {ArrayLike<number>} rows
   * @returns {Rows} These rows, in this order.
   */
  pick(rows) {
    const take = (values) => values.constructor.from(rows, (row) => values[row]);
    return new Rows(this.features.map(take), take(this.species));
  }
}

export const scaler = { scaler_min: data.scaler_min, scaler_max: data.scaler_max };

// In the order of `sklearn.preprocessing.MinMaxScaler`, so that the last bit is the same.
const factors = data.scaler_max.map((high, i) => 1 / (high - data.scaler_min[i]));
const scale = (lengthCm, i) => Math.fround(lengthCm * factors[i] - data.scaler_min[i] * factors[i]);

/** All 150, in the order of the data set. */
export const flowers = new Rows(
  factors.map((_, i) => Float64Array.from(FLOWERS_CM, (lengths) => scale(lengths[i], i))),
  Uint8Array.from(SPECIES),
);

/** The 120 rows to train on and the 30 to test on. */
export const split = { train: flowers.pick(data.train), test: flowers.pick(data.test) };
