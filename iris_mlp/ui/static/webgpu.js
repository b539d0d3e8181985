/**
 * The training of `training.js` on the visitor's GPU: thousands of epochs in one dispatch.
 */
import { Generator, drawWeights, shuffle } from "./random.js";
import { BETAS, listEpochs, testEvery } from "./training.js";

const MOST_EPOCHS = 16_384;
/** Of a dispatch; a driver resets a GPU that does not answer for seconds. */
const DISPATCH_MS = 50;

/**
 * Open the visitor's GPU.
 *
 * @returns {Promise<GPUDevice | null>} null where the browser has no WebGPU or no adapter.
 */
export async function openGpu() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const { maxComputeWorkgroupStorageSize } = adapter.limits;
  return adapter.requestDevice({ requiredLimits: { maxComputeWorkgroupStorageSize } });
}

/**
 * Name the visitor's GPU, as WebGL or else WebGPU does.
 *
 * @returns {Promise<{name: string, isSoftware: boolean} | null>} null where there is no WebGPU. An
 *   adapter may be software that plays a GPU on the CPU, of which no figure is one of a GPU.
 */
export async function describeGpu() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const gl = document.createElement("canvas").getContext("webgl");
  const extension = gl?.getExtension("WEBGL_debug_renderer_info");
  const renderer = extension ? gl.getParameter(extension.UNMASKED_RENDERER_WEBGL) : "";
  const own = description || device || [vendor, architecture].filter(Boolean).join(" ");
  const isSoftware = Boolean(isFallbackAdapter) || /swiftshader|llvmpipe|basic render/i.test(own);
  return { name: (isSoftware ? own : renderer || own) || "WebGPU", isSoftware };
}

/** Some runs on the GPU, which differ in their seeds and are trained further by `train`. */
export class GpuTraining {
  chunkMs = DISPATCH_MS;
  epoch = 0;
  /** @type {number[]} Of the first run, as is all that follows. */ losses = [];
  /** @type {number[]} */ testLosses = [];

  /**
   * @param {import("./training.js").Settings} settings
   * @param {{train: Rows, test: Rows}} split
   * @param {GPUDevice} device
   * @param {number[]} [seeds]
   */
  static async start(settings, split, device, seeds = [settings.seed]) {
    const code = await (await fetch(new URL("./training.wgsl", import.meta.url))).text();
    const pipeline = await device.createComputePipelineAsync({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }), constants: { UNITS: settings.hidden } },
    });
    return new GpuTraining(settings, split, device, seeds, pipeline);
  }

  constructor(settings, split, device, seeds, pipeline) {
    Object.assign(this, { settings, device, pipeline });
    this.testEvery = testEvery(settings);
    this.parameters = 8 * settings.hidden + 3;
    this.generators = seeds.map((seed) => new Generator(seed));
    this.order = new Uint8Array(split.train.count);
    const models = new Float32Array(3 * this.parameters * seeds.length);
    seeds.forEach((seed, i) => models.set(drawWeights(settings.hidden, seed), 3 * this.parameters * i));
    this.weights = models.slice(0, this.parameters);
    const rows = [split.train, split.test].flatMap(({ features, species, count }) => [
      ...features.flatMap((values) => [...values]), ...Array(count).fill(1), ...species,
    ]);
    this.rows = this.#store(Float32Array.from(rows));
    this.models = this.#store(models);
    this.rates = this.#store(Float32Array.from(seeds, () => settings.lr));
  }

  get diverged() {
    return this.losses.length > 0 && !Number.isFinite(this.losses.at(-1));
  }

  get ended() {
    return this.diverged || this.epoch === this.settings.epochs;
  }

  /**
   * Train on, up to an epoch. What a dispatch records is read back before the next one begins.
   *
   * @param {number} last
   * @param {number} [size] Epochs of a dispatch.
   */
  async train(last, size = MOST_EPOCHS) {
    last = Math.min(last, this.settings.epochs);
    while (this.epoch < last && !this.diverged)
      await this.#dispatch(Math.min(last, this.epoch + size), last);
    return this;
  }

  async #dispatch(last, goal) {
    const { device, settings, testEvery: every, generators: { length: models } } = this;
    const { epochs, batch_size: size, record_every } = settings;
    const first = this.epoch;
    const recorded = listEpochs(first, last, record_every, epochs);
    const room = recorded.length;
    const testRoom = listEpochs(first, last, every, epochs).length;
    const plan = Uint32Array.of(
      first, last, epochs, record_every, every, size, room, testRoom, settings.optimizer === "adam",
    );
    const uniform = device.createBuffer({ size: 48, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(uniform, 0, plan);
    const lossBytes = 4 * Math.max(1, models * (room + testRoom));
    const weightBytes = 4 * this.parameters;
    const losses = device.createBuffer({ size: lossBytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
    const answer = device.createBuffer({
      size: lossBytes + weightBytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const passing = [uniform, this.#store(this.#correct(first, last)), this.#store(this.#shuffle(last - first)), losses];
    const [, corrections, orders] = passing;
    const buffers = [uniform, this.rows, this.models, this.rates, corrections, orders, losses];
    const commands = device.createCommandEncoder();
    const pass = commands.beginComputePass();
    pass.setPipeline(this.pipeline);
    pass.setBindGroup(0, device.createBindGroup({
      layout: this.pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    }));
    pass.dispatchWorkgroups(models);
    pass.end();
    commands.copyBufferToBuffer(losses, 0, answer, 0, lossBytes);
    commands.copyBufferToBuffer(this.models, 0, answer, lossBytes, weightBytes);
    device.queue.submit([commands.finish()]);
    this.epoch = last;
    if (!room && !testRoom && last < goal) {
      for (const buffer of [...passing, answer]) buffer.destroy();
      return;
    }
    await answer.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(answer.getMappedRange().slice(0));
    for (const buffer of [...passing, answer]) buffer.destroy();
    const bad = values.subarray(0, room).findIndex((loss) => !Number.isFinite(loss));
    this.losses.push(...values.subarray(0, bad < 0 ? room : bad + 1));
    this.testLosses.push(...values.subarray(models * room, models * room + testRoom));
    this.weights = values.slice(lossBytes / 4);
    if (bad >= 0) this.epoch = recorded[bad];
  }

  /** Adam's corrections for each step of a dispatch. */
  #correct(first, last) {
    if (this.settings.optimizer !== "adam") return new Float32Array(2);
    const batches = Math.ceil(this.order.length / this.settings.batch_size);
    const steps = Array.from({ length: (last - first) * batches }, (_, i) => first * batches + i + 1);
    return Float32Array.from(
      steps.flatMap((step) => [1 / (1 - BETAS[0] ** step), Math.sqrt(1 - BETAS[1] ** step)]),
    );
  }

  /** The order of the rows for each run and epoch of a dispatch. */
  #shuffle(epochs) {
    const rows = this.order.length;
    if (this.settings.batch_size === rows) return new Uint32Array(1);
    const orders = new Uint32Array(this.generators.length * epochs * rows);
    for (const [i, generator] of this.generators.entries())
      for (let epoch = 0; epoch < epochs; epoch++) {
        shuffle(generator, this.order);
        orders.set(this.order, (i * epochs + epoch) * rows);
      }
    return orders;
  }

  #store(values) {
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const buffer = this.device.createBuffer({ size: values.byteLength, usage: STORAGE | COPY_DST | COPY_SRC });
    this.device.queue.writeBuffer(buffer, 0, values);
    return buffer;
  }
}
