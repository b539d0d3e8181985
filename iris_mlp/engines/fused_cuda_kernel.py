"""The arithmetic of the fused CUDA engine: many epochs of one model in one program of Triton.

A program holds the rows and a model in the registers of one multiprocessor; a launch has a program
for each model of a sweep. Units of the hidden layer are filled up with zeros to a power of two, and
stay zero: a unit with no weights gets no gradient. A model is a tuple of `PARTS` values:

    0 to 3: weights from each feature to the units, (units,)    4: their bias, (units,)
    5 to 7: weights from the units to each class, (units,)      8 to 10: bias of each class, ()
"""
# Triton's compiler reads these functions, and Python's types do not describe what it takes.
# pyright: reportGeneralTypeIssues=false

import triton
import triton.language as tl

PARTS = tl.constexpr(11)
ROWS, REAL_ROWS = tl.constexpr(128), tl.constexpr(120)
TEST_ROWS, REAL_TEST_ROWS = tl.constexpr(32), tl.constexpr(30)

_VECTORS = tl.constexpr(8)
_EPSILON = tl.constexpr(1e-8)


@triton.jit(
    do_not_specialize=[  # else Triton compiles again whenever one is 1 or a multiple of 16
        *("first", "last", "end", "record_every", "test_every", "batch_size", "batches"),
        *("room", "test_room", "order_room"),
    ]
)
def train_epochs(
    models,
    lrs,
    betas,
    powers,
    rows,
    test_rows,
    orders,
    batch_of_row,
    losses,
    test_losses,
    first,
    last,
    end,
    record_every,
    test_every,
    batch_size,
    batches,
    room,
    test_room,
    order_room,
    UNITS: tl.constexpr,
    ADAM: tl.constexpr,
    BATCHED: tl.constexpr,
):
    """Train each model from epoch `first` to `last`, both included and counted from 1.

    Args:
        models: Weights, and Adam's first and second moments, float32 of (models, 3, PARTS, UNITS).
        lrs: Learning rate of each model, float32 of (models,).
        betas: Adam's two decay rates, float64 of (2,).
        powers: Both to the power of the steps done, float64 of (models, 2).
        rows: Training rows, float32 of (5, ROWS): four features and the class, which is -1
            for a row that only fills up.
        test_rows: Test rows, the same of (5, TEST_ROWS).
        orders: Which order of rows each model takes, int64 of (models,).
        batch_of_row: For each order and epoch from `first` the batch of each row, uint8 of
            (orders, order_room, ROWS), 255 for a row that only fills up; unused for the full batch.
        losses: Receives the training losses that are recorded, float32 of (models, room).
        test_losses: Receives the test losses, float32 of (models, test_room).
        first: First epoch.
        last: Last epoch of this launch.
        end: Last epoch of the run.
        record_every: Epochs between two recorded losses.
        test_every: Epochs between two test losses.
        batch_size: Rows of a batch.
        batches: Batches of an epoch.
        room: Training losses that a model has room for.
        test_room: Test losses that a model has room for.
        order_room: Epochs that an order has room for.
        UNITS: Hidden units with those that fill up, a power of two.
        ADAM: Whether the optimizer is Adam; else it is SGD.
        BATCHED: Whether there are mini-batches.
    """
    model = tl.program_id(0).to(tl.int64)
    models += model * 3 * PARTS * UNITS
    losses += model * room
    test_losses += model * test_room
    lr = tl.load(lrs + model)
    beta_1, beta_2 = tl.load(betas), tl.load(betas + 1)
    powers += model * 2
    power_1, power_2 = tl.load(powers), tl.load(powers + 1)

    row = tl.arange(0, ROWS)
    x = _load_features(rows, row, ROWS)
    species = tl.load(rows + 4 * ROWS + row)
    weights = _load_model(models, UNITS)
    means = _load_model(models + PARTS * UNITS, UNITS)
    squares = _load_model(models + 2 * PARTS * UNITS, UNITS)
    batch_of = batch_of_row + tl.load(orders + model) * order_room * ROWS + row

    epoch = first
    while epoch <= last:  # no range: Triton 3.6's interpreter has none of these with NumPy 2.4
        if (epoch % test_every == 0) | (epoch == end):
            tl.store(test_losses, _measure_test_loss(test_rows, weights))
            test_losses += 1

        chosen, share = species >= 0.0, 1.0 / REAL_ROWS
        batch_of_each = tl.load(batch_of) if BATCHED else row
        row_losses = tl.zeros((ROWS,), tl.float32)
        batch = 0
        while batch < batches:
            if BATCHED:
                chosen = batch_of_each == batch
                share = 1.0 / tl.minimum(batch_size, -batch * batch_size + REAL_ROWS)

            batch_losses, gradients = _differentiate(x, species, weights, chosen, share)
            row_losses += batch_losses
            power_1 *= beta_1
            power_2 *= beta_2
            step = lr / (1.0 - power_1).to(tl.float32)
            scale = tl.sqrt((1.0 - power_2).to(tl.float32))
            weights, means, squares = _update(
                weights, means, squares, gradients, lr, step, scale, ADAM
            )
            batch += 1
        if BATCHED:
            batch_of += ROWS

        if (epoch % record_every == 0) | (epoch == end):
            tl.store(losses, tl.sum(row_losses, axis=0) / REAL_ROWS)
            losses += 1
        epoch += 1

    _store_model(models, weights, UNITS)
    if ADAM:
        _store_model(models + PARTS * UNITS, means, UNITS)
        _store_model(models + 2 * PARTS * UNITS, squares, UNITS)
        tl.store(powers, power_1)
        tl.store(powers + 1, power_2)


@triton.jit
def _differentiate(x, species, weights, chosen, share):
    """Return the loss of each chosen row, 0 for the others, and the gradients of their mean."""
    hidden, z1, z2 = _forward(x, weights)
    p1, p2, row_losses = _softmax(z1, z2, species)
    d1 = tl.where(chosen, (p1 - tl.where(species == 1.0, 1.0, 0.0)) * share, 0.0)
    d2 = tl.where(chosen, (p2 - tl.where(species == 2.0, 1.0, 0.0)) * share, 0.0)
    back = d1[:, None] * (weights[6] - weights[5])[None, :]
    back += d2[:, None] * (weights[7] - weights[5])[None, :]
    back = tl.where(hidden > 0.0, back, 0.0)
    output_1, output_2 = tl.sum(hidden * d1[:, None], axis=0), tl.sum(hidden * d2[:, None], axis=0)
    bias_1, bias_2 = tl.sum(d1, axis=0), tl.sum(d2, axis=0)
    gradients = (
        tl.sum(back * x[0][:, None], axis=0),
        tl.sum(back * x[1][:, None], axis=0),
        tl.sum(back * x[2][:, None], axis=0),
        tl.sum(back * x[3][:, None], axis=0),
        tl.sum(back, axis=0),
        -(output_1 + output_2),
        output_1,
        output_2,
        -(bias_1 + bias_2),
        bias_1,
        bias_2,
    )
    return tl.where(chosen, row_losses, 0.0), gradients


@triton.jit
def _forward(x, weights):
    """Return the hidden units of each row, (rows, units), and two logits relative to class 0.

    A softmax depends on nothing else, and a third logit would cost a third of its reductions.
    """
    sums = weights[4][None, :] + x[0][:, None] * weights[0][None, :]
    sums += x[1][:, None] * weights[1][None, :]
    sums += x[2][:, None] * weights[2][None, :]
    sums += x[3][:, None] * weights[3][None, :]
    hidden = tl.where(sums < 0.0, 0.0, sums)  # not a maximum, which would turn NaN into 0
    z1 = tl.sum(hidden * (weights[6] - weights[5])[None, :], axis=1) + (weights[9] - weights[8])
    z2 = tl.sum(hidden * (weights[7] - weights[5])[None, :], axis=1) + (weights[10] - weights[8])
    return hidden, z1, z2


@triton.jit
def _softmax(z1, z2, species):
    """Return the probabilities of class 1 and 2, and the cross-entropy, of each row."""
    top = tl.maximum(tl.maximum(z1, z2), 0.0)
    e1, e2 = tl.exp(z1 - top), tl.exp(z2 - top)
    total = tl.exp(-top) + e1 + e2
    own = tl.where(species == 1.0, z1, tl.where(species == 2.0, z2, 0.0))
    return e1 / total, e2 / total, tl.log(total) + (top - own)


@triton.jit
def _measure_test_loss(test_rows, weights):
    """Return the mean cross-entropy over the test rows."""
    row = tl.arange(0, TEST_ROWS)
    species = tl.load(test_rows + 4 * TEST_ROWS + row)
    _, z1, z2 = _forward(_load_features(test_rows, row, TEST_ROWS), weights)
    _, _, row_losses = _softmax(z1, z2, species)
    return tl.sum(tl.where(species >= 0.0, row_losses, 0.0), axis=0) / REAL_TEST_ROWS


@triton.jit
def _update(weights, means, squares, gradients, lr, step, scale, ADAM: tl.constexpr):
    """Return the weights and moments after one step of `torch.optim.SGD` or `torch.optim.Adam`.

    Adam as its documentation has it: `step` is the rate over the first bias correction, `scale` the
    root of the second.
    """
    new_weights, new_means, new_squares = (), (), ()
    for k in tl.static_range(PARTS):
        weight, mean, square, gradient = weights[k], means[k], squares[k], gradients[k]
        if ADAM:
            mean += (gradient - mean) * 0.1
            square = square * 0.999 + gradient * gradient * 0.001
            weight -= step * mean / (tl.sqrt(square) / scale + _EPSILON)
        else:
            weight -= lr * gradient
        new_weights = new_weights + (weight,)  # noqa: RUF005  # Triton knows no unpacking
        new_means = new_means + (mean,)  # noqa: RUF005
        new_squares = new_squares + (square,)  # noqa: RUF005
    return new_weights, new_means, new_squares


@triton.jit
def _load_features(rows, row, COUNT: tl.constexpr):
    """Return the four features of the rows, (rows,) each."""
    return (
        tl.load(rows + row),
        tl.load(rows + COUNT + row),
        tl.load(rows + 2 * COUNT + row),
        tl.load(rows + 3 * COUNT + row),
    )


@triton.jit
def _load_model(start, UNITS: tl.constexpr):
    """Return the parts of a model that begins at `start`."""
    unit = tl.arange(0, UNITS)
    parts = ()
    for k in tl.static_range(PARTS):
        if k < _VECTORS:
            parts = parts + (tl.load(start + k * UNITS + unit),)  # noqa: RUF005
        else:
            parts = parts + (tl.load(start + k * UNITS),)  # noqa: RUF005
    return parts


@triton.jit
def _store_model(start, parts, UNITS: tl.constexpr):
    """Write the parts of a model that begins at `start`."""
    unit = tl.arange(0, UNITS)
    for k in tl.static_range(PARTS):
        if k < _VECTORS:
            tl.store(start + k * UNITS + unit, parts[k])
        else:
            tl.store(start + k * UNITS, parts[k])
