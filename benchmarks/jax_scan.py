"""The lesson run in JAX, jitted `lax.scan` over the epochs; runs in an environment of its own.

Usage: python jax_scan.py ARRAYS.npz, then one number of epochs a line on standard input; answers
`seconds last_loss` to each. The first run with a number of epochs also compiles.
"""

import sys
from functools import partial
from time import perf_counter

import jax  # type: ignore[import-not-found]
import jax.numpy as jnp  # type: ignore[import-not-found]
import numpy as np

LR = 0.01


def main() -> None:
    """Answer the lines of standard input."""
    arrays = {name: jnp.asarray(array) for name, array in np.load(sys.argv[1]).items()}
    x, y = arrays["x"], arrays["y"]

    def measure_loss(weights):
        w1, b1, w2, b2 = weights
        z = jax.nn.relu(x @ w1.T + b1) @ w2.T + b2
        return -jax.nn.log_softmax(z)[jnp.arange(len(y)), y].mean()

    def step(weights, _):
        loss, gradients = jax.value_and_grad(measure_loss)(weights)
        return jax.tree.map(lambda w, g: w - LR * g, weights, gradients), loss

    @partial(jax.jit, static_argnums=1)
    def train(weights, epochs):
        return jax.lax.scan(step, weights, length=epochs)[1]

    first = tuple(arrays[name] for name in ("w1", "b1", "w2", "b2"))
    for line in sys.stdin:
        started = perf_counter()
        losses = train(first, int(line)).block_until_ready()
        print(perf_counter() - started, float(losses[-1]), flush=True)


if __name__ == "__main__":
    main()
