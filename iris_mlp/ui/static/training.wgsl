// Many epochs of many models in one dispatch: a workgroup trains one model, and a thread takes one
// row on the way forward, and some of the parameters on the way back. Parameters lie as
// `drawWeights` of random.js lays them out; the softmax leaves out class 0, as training.js does.

override UNITS: u32;
const ROWS = 120u;
const TEST_ROWS = 30u;
const THREADS = 128u;
const BLOCK = 12u;
const EPSILON = 1e-8;

struct Plan {
  first: u32,        // epochs done before this dispatch
  last: u32,         // epochs done after it
  end: u32,          // epochs of the run
  record_every: u32,
  test_every: u32,
  batch_size: u32,
  room: u32,         // training losses a model has room for, and before them none
  test_room: u32,
  is_adam: u32,
}

@group(0) @binding(0) var<uniform> plan: Plan;
// Feature by feature the training rows, a row of ones, their species; then the test rows, the same.
@group(0) @binding(1) var<storage, read> rows: array<f32>;
// Each model's weights, and Adam's first and second moments.
@group(0) @binding(2) var<storage, read_write> models: array<f32>;
@group(0) @binding(3) var<storage, read> rates: array<f32>;
// For each step Adam's two corrections of its bias, which a float32 would lose: 1 - 0.999.
@group(0) @binding(4) var<storage, read> corrections: array<vec2f>;
// For each model and epoch the order of the rows; of no use for the full batch.
@group(0) @binding(5) var<storage, read> orders: array<u32>;
// Each model's training losses, then all models' test losses.
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;

var<workgroup> weights: array<f32, UNITS * 8 + 3>;
var<workgroup> gradients: array<f32, UNITS * 8 + 4>;  // and the sum of the losses
var<workgroup> features: array<f32, 600>;             // 4 features and the ones, ROWS each
var<workgroup> chosen: array<u32, THREADS>;           // rows of the batch
var<workgroup> error_1: array<f32, THREADS>;
var<workgroup> error_2: array<f32, THREADS>;
var<workgroup> row_losses: array<f32, THREADS>;

// Send a row forward; `place` is where its results go, `start` and `count` where its features lie.
fn forward(place: u32, row: u32, is_test: bool, share: f32) {
  let count = select(ROWS, TEST_ROWS, is_test);
  let start = select(0u, 6u * ROWS, is_test) + row;
  let x = vec4f(rows[start], rows[start + count], rows[start + 2 * count], rows[start + 3 * count]);
  let species = rows[start + 5 * count];
  let end = UNITS * 8;
  var z = vec2f(weights[end + 1], weights[end + 2]) - weights[end];
  for (var at = 0u; at < end; at += 8u) {
    let w = vec4f(weights[at], weights[at + 1], weights[at + 2], weights[at + 3]);
    let unit = max(dot(w, x) + weights[at + 4], 0.0);
    z += unit * (vec2f(weights[at + 6], weights[at + 7]) - weights[at + 5]);
  }
  let top = max(max(z.x, z.y), 0.0);
  let e = exp(z - top);
  let total = exp(-top) + e.x + e.y;
  let own = vec2f(select(0.0, 1.0, species == 1.0), select(0.0, 1.0, species == 2.0));
  let wrong = (e / total - own) * share;
  error_1[place] = wrong.x;
  error_2[place] = wrong.y;
  row_losses[place] = log(total) + (top - dot(own, z));
}

// The gradient of a parameter over the rows of a batch; after the last one, the sum of the losses.
fn differentiate(parameter: u32, count: u32) -> f32 {
  let end = UNITS * 8;
  var sum = 0.0;
  if (parameter == end + 3) {
    for (var i = 0u; i < count; i++) { sum += row_losses[i]; }
    return sum;
  }
  let is_bias = parameter >= end;
  let part = select(parameter % 8, 5 + parameter - end, is_bias);
  let at = select(parameter - parameter % 8, 0u, is_bias);
  let w = vec4f(weights[at], weights[at + 1], weights[at + 2], weights[at + 3]);
  let bias = weights[at + 4];
  var share = vec2f(weights[at + 6], weights[at + 7]) - weights[at + 5];
  if (part == 5) { share = vec2f(-1.0); }
  if (part > 5) { share = vec2f(select(0.0, 1.0, part == 6), select(0.0, 1.0, part == 7)); }
  let feature = min(part, 4u) * ROWS;
  // By blocks: a sum of 120 that nearly cancel would lose the digits that Adam divides by.
  for (var block = 0u; block < count; block += BLOCK) {
    var block_sum = 0.0;
    for (var i = block; i < min(block + BLOCK, count); i++) {
      let row = chosen[i];
      let x = vec4f(features[row], features[row + ROWS], features[row + 2 * ROWS], features[row + 3 * ROWS]);
      let unit = dot(w, x) + bias;
      let factor = select(features[feature + row], unit, part > 4 && !is_bias);
      let error = factor * (share.x * error_1[i] + share.y * error_2[i]);
      block_sum += select(0.0, error, unit > 0.0 || is_bias);
    }
    sum += block_sum;
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn train(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
         @builtin(local_invocation_index) thread: u32) {
  let parameters = UNITS * 8 + 3;
  let start = group.x * 3 * parameters;
  let rate = rates[group.x];
  for (var i = thread; i < parameters; i += THREADS) { weights[i] = models[start + i]; }
  for (var i = thread; i < 5 * ROWS; i += THREADS) { features[i] = rows[i]; }
  var recorded = group.x * plan.room;
  var tested = groups.x * plan.room + group.x * plan.test_room;
  var step = 0u;
  workgroupBarrier();

  for (var epoch = plan.first + 1; epoch <= plan.last; epoch++) {
    if (epoch % plan.test_every == 0 || epoch == plan.end) {
      if (thread < TEST_ROWS) { forward(thread, thread, true, 0.0); }
      workgroupBarrier();
      if (thread == 0) { losses[tested] = differentiate(parameters, TEST_ROWS) / f32(TEST_ROWS); }
      tested++;
      workgroupBarrier();
    }
    var loss = 0.0;
    for (var head = 0u; head < ROWS; head += plan.batch_size) {
      let count = min(plan.batch_size, ROWS - head);
      if (thread < count) {
        var row = thread;
        if (plan.batch_size < ROWS) {
          row = orders[(group.x * (plan.last - plan.first) + epoch - plan.first - 1) * ROWS + head + thread];
        }
        chosen[thread] = row;
        forward(thread, row, false, 1.0 / f32(count));
      }
      workgroupBarrier();
      for (var i = thread; i <= parameters; i += THREADS) { gradients[i] = differentiate(i, count); }
      workgroupBarrier();
      loss += gradients[parameters];
      for (var i = thread; i < parameters; i += THREADS) {
        let gradient = gradients[i];
        if (plan.is_adam == 1) {
          let moments = start + parameters + i;
          let mean = models[moments] + 0.1 * (gradient - models[moments]);
          let square = models[moments + parameters] * 0.999 + 0.001 * gradient * gradient;
          models[moments] = mean;
          models[moments + parameters] = square;
          let root = sqrt(square) / corrections[step].y + EPSILON;
          weights[i] -= rate * corrections[step].x * mean / root;
        } else {
          weights[i] -= rate * gradient;
        }
      }
      step++;
      workgroupBarrier();
    }
    if (epoch % plan.record_every == 0 || epoch == plan.end) {
      if (thread == 0) { losses[recorded] = loss / f32(ROWS); }
      recorded++;
    }
  }
  for (var i = thread; i < parameters; i += THREADS) { models[start + i] = weights[i]; }
}
