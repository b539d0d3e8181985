"""The arithmetic of the fused CPU engine, for Numba: many epochs in one function."""

import numpy as np
from numba import carray, njit, types  # type: ignore[attr-defined]

from iris_mlp.config import TEST_ROWS, TRAIN_ROWS
from iris_mlp.engines.fused_cpu.layout import (
    ARGUMENTS,
    DRAWS,
    DZ1,
    DZ2,
    GIVEN,
    LANES,
    PAD,
    PLANES,
    REAL,
    STRIDE,
    UNIT,
    X0,
    X1,
    X2,
    X3,
    Y0,
    Y1,
    Y2,
    Z1,
    Z2,
    Memory,
    Plan,
)
from iris_mlp.engines.fused_cpu.vectors import (
    any_below,
    exp,
    fill,
    keep_where_positive,
    load,
    log,
    maximum,
    relu,
    splat,
    sqrt,
    store,
    subtract_class_0,
    sum_lanes,
    total,
)

ZERO, ONE, TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-30)
FAR, LOWEST = np.float32(6400.0), np.float32(-60.0)
BETA_1, BETA_2, EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)

_part = njit(error_model="numpy", forceinline=True)


# fmt: off
def enter(
    hidden, end, record_every, test_every, batch_size, adam, kept_units, lr,
    rows, test_rows, batch_rows, weights, relative, gradients, moments, active, powers, order,
    first, last, draws, losses, test_losses, reached,
):
    # fmt: on
    """Train from epoch `first` to `last`: `train_epochs` with pointers, for callers without Numba.

    First come the fields of `Plan`, then those of `Memory`, then the first and last epoch (counted
    from 1), uint32 random numbers that shuffle the rows (119 an epoch; none for full batches), and
    room for the training losses that are recorded, for the test losses, and for three numbers: the
    epoch reached and how many losses of each kind were written.
    """
    plane, epochs = PLANES * STRIDE, last - first + 1
    size = -(-(1 + hidden) * UNIT // LANES) * LANES
    plan = Plan(hidden, end, record_every, test_every, batch_size, adam, kept_units, lr)
    memory = Memory(
        carray(rows, plane),
        carray(test_rows, plane),
        carray(batch_rows, plane),
        carray(weights, size),
        carray(relative, size),
        carray(gradients, size),
        carray(moments, 2 * size),
        carray(active, kept_units * STRIDE),
        carray(powers, 2),
        carray(order, TRAIN_ROWS),
    )
    result = carray(reached, 3)
    result[0], result[1], result[2] = train_epochs(
        plan,
        memory,
        first,
        last,
        carray(draws, epochs * DRAWS),
        carray(losses, epochs),
        carray(test_losses, epochs),
    )


@_part
def train_epochs(plan, memory, first, last, draws, losses, test_losses):
    """Train to epoch `last` or a recorded loss that is not finite; return what `enter` writes."""
    recorded = tested = 0
    for epoch in range(first, last + 1):
        if epoch % plan.test_every == 0 or epoch == plan.end:
            forward(plan, memory, memory.test_rows, TEST_ROWS)
            test_losses[tested] = measure(memory.test_rows, TEST_ROWS) / np.float32(TEST_ROWS)
            tested += 1
        if plan.batch_size < TRAIN_ROWS:
            shuffle(memory.order, draws, (epoch - first) * DRAWS)
        loss = ZERO
        for start in range(0, TRAIN_ROWS, plan.batch_size):
            rows, count = memory.rows, min(plan.batch_size, TRAIN_ROWS - start)
            if plan.batch_size < TRAIN_ROWS:
                gather(memory, start, count)
                rows = memory.batch_rows
            forward(plan, memory, rows, count)
            loss += measure(rows, count)
            backward(plan, memory, rows, count)
            if plan.adam:
                update_adam(memory, plan.lr, count)
            else:
                update_sgd(memory, np.float32(plan.lr / count))
        if epoch % plan.record_every == 0 or epoch == plan.end:
            losses[recorded] = loss / np.float32(TRAIN_ROWS)
            recorded += 1
            if not np.isfinite(loss):
                return epoch, recorded, tested
    return last, recorded, tested


@_part
def shuffle(order, draws, at):
    """Shuffle the rows as `torch.randperm` does: swap each with itself or one that follows."""
    for i in range(TRAIN_ROWS):
        order[i] = i
    for i in range(DRAWS):
        other = i + draws[at + i] % np.uint32(TRAIN_ROWS - i)
        order[i], order[other] = order[other], order[i]


@_part
def gather(memory, start, count):
    """Copy the inputs of a mini-batch, and mark what only fills its last vector."""
    for plane in range(0, GIVEN * STRIDE, STRIDE):
        for i in range(count):
            memory.batch_rows[plane + i] = memory.rows[plane + memory.order[start + i]]
        for i in range(count, -(-count // LANES) * LANES):
            memory.batch_rows[plane + i] = ONE if plane == PAD else ZERO


@_part
def forward(plan, memory, rows, count):
    """Fill in the hidden units' values and the logits."""
    relative, active = memory.relative, memory.active
    for s in range(0, count, LANES):
        x0, x1 = load(rows, X0 + s), load(rows, X1 + s)
        x2, x3 = load(rows, X2 + s), load(rows, X3 + s)
        z1, z2 = splat(relative, 5), splat(relative, 6)
        start = 0
        for u in range(UNIT, (1 + plan.hidden) * UNIT, UNIT):
            a = activate(relative, u, x0, x1, x2, x3)
            z1 += a * splat(relative, u + 5)
            z2 += a * splat(relative, u + 6)
            if plan.kept_units:
                store(active, start + s, a)
                start += STRIDE
        store(rows, Z1 + s, z1)
        store(rows, Z2 + s, z2)


@_part
def activate(relative, u, x0, x1, x2, x3):
    """Return a hidden unit's values for a vector of rows."""
    a = splat(relative, u + 4)
    a += x0 * splat(relative, u)
    a += x1 * splat(relative, u + 1)
    a += x2 * splat(relative, u + 2)
    return relu(a + x3 * splat(relative, u + 3))


@_part
def measure(rows, count):
    """Fill in the gradients of the logits; return the sum of the cross-entropies.

    The cross-entropies are the logarithms of the true classes' probabilities; the product of these
    over all vectors takes one logarithm instead of one for each.
    """
    one = fill(ONE)
    product, squares = one, fill(ZERO)
    for s in range(0, count, LANES):
        z1, z2 = load(rows, Z1 + s), load(rows, Z2 + s)
        squares += z1 * z1
        squares += z2 * z2
        e1, e2 = exp(z1), exp(z2)
        scale = load(rows, REAL + s) / (one + e1 + e2)
        y1, y2 = load(rows, Y1 + s), load(rows, Y2 + s)
        store(rows, DZ1 + s, e1 * scale - y1)
        store(rows, DZ2 + s, e2 * scale - y2)
        product *= load(rows, PAD + s) + scale * (load(rows, Y0 + s) + y1 * e1 + y2 * e2)
    if any_below(product, fill(TINY)) or any_below(fill(FAR), squares):
        return measure_carefully(rows, count)
    return -total(log(product))


@_part
def measure_carefully(rows, count):
    """Do as `measure` for logits so far apart that its exponentials or its product overflow."""
    zero, lowest = fill(ZERO), fill(LOWEST)
    losses = zero
    for s in range(0, count, LANES):
        z1, z2 = load(rows, Z1 + s), load(rows, Z2 + s)
        y1, y2, real = load(rows, Y1 + s), load(rows, Y2 + s), load(rows, REAL + s)
        peak = maximum(maximum(z1, z2), zero)
        e0 = exp(maximum(zero - peak, lowest))
        e1 = exp(maximum(z1 - peak, lowest))
        e2 = exp(maximum(z2 - peak, lowest))
        whole = e0 + e1 + e2
        store(rows, DZ1 + s, real * e1 / whole - y1)
        store(rows, DZ2 + s, real * e2 / whole - y2)
        losses += real * (log(whole) + peak - y1 * z1 - y2 * z2)
    return total(losses)


@_part
def backward(plan, memory, rows, count):
    """Fill in the gradients of the weights, summed over the rows."""
    relative, active, gradients = memory.relative, memory.active, memory.gradients
    zero = fill(ZERO)
    b1 = b2 = zero
    for s in range(0, count, LANES):
        b1 += load(rows, DZ1 + s)
        b2 += load(rows, DZ2 + s)
    store(gradients, 0, sum_lanes(zero, zero, zero, zero, zero, b1, b2, zero - (b1 + b2)))
    start = 0
    for u in range(UNIT, (1 + plan.hidden) * UNIT, UNIT):
        w1, w2 = splat(relative, u + 5), splat(relative, u + 6)
        g0 = g1 = g2 = g3 = g4 = g5 = g6 = zero
        for s in range(0, count, LANES):
            x0, x1 = load(rows, X0 + s), load(rows, X1 + s)
            x2, x3 = load(rows, X2 + s), load(rows, X3 + s)
            if plan.kept_units:
                a = load(active, start + s)
            else:
                a = activate(relative, u, x0, x1, x2, x3)
            dz1, dz2 = load(rows, DZ1 + s), load(rows, DZ2 + s)
            da = keep_where_positive(w1 * dz1 + w2 * dz2, a)
            g0 += da * x0
            g1 += da * x1
            g2 += da * x2
            g3 += da * x3
            g4 += da
            g5 += a * dz1
            g6 += a * dz2
        store(gradients, u, sum_lanes(g0, g1, g2, g3, g4, g5, g6, zero - (g5 + g6)))
        start += STRIDE


@_part
def update_sgd(memory, lr):
    """Take one step of gradient descent."""
    weights, relative, gradients = memory.weights, memory.relative, memory.gradients
    rate = fill(lr)
    for i in range(0, weights.size, LANES):
        w = load(weights, i) - rate * load(gradients, i)
        store(weights, i, w)
        store(relative, i, subtract_class_0(w))


@_part
def update_adam(memory, lr, count):
    """Take one step of Adam (Kingma and Ba 2015, algorithm 1), from the sum over `count` rows."""
    weights, relative, gradients = memory.weights, memory.relative, memory.gradients
    moments, powers = memory.moments, memory.powers
    powers[0] *= 0.9
    powers[1] *= 0.999
    beta_1, beta_2, epsilon = fill(BETA_1), fill(BETA_2), fill(EPSILON)
    rest_1, rest_2, mean = fill(ONE - BETA_1), fill(ONE - BETA_2), fill(np.float32(1.0 / count))
    rate = fill(np.float32(lr / (1.0 - powers[0])))
    root = fill(ONE) / sqrt(fill(np.float32(1.0 - powers[1])))
    second = weights.size
    for i in range(0, weights.size, LANES):
        g = load(gradients, i) * mean
        m = beta_1 * load(moments, i) + rest_1 * g
        v = beta_2 * load(moments, second + i) + rest_2 * (g * g)
        w = load(weights, i) - rate * m / (sqrt(v) * root + epsilon)
        store(moments, i, flush(m))
        store(moments, second + i, flush(v))
        store(weights, i, w)
        store(relative, i, subtract_class_0(w))


@_part
def flush(a):
    """Return a with 0 for numbers so small that processors would take 100 times as long."""
    return keep_where_positive(a, maximum(a, fill(ZERO) - a) - fill(TINY))


def compile_to_ir() -> tuple[str, str]:
    """Return `enter` as LLVM's assembly language, optimised, and its name in there."""
    kinds = [
        types.CPointer(getattr(types, name[:-1])) if name.endswith("*") else getattr(types, name)
        for name in ARGUMENTS
    ]
    options = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled = njit(types.void(*kinds), **options)(enter)
    return compiled.inspect_llvm(tuple(kinds)), compiled.overloads[tuple(kinds)].fndesc.mangled_name
