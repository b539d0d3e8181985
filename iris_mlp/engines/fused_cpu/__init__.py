"""The whole training on one core, in one compiled function: the lesson run in some milliseconds.

What an epoch costs eager PyTorch is the overhead of many small operations, not arithmetic. Here
thousands of epochs are one call of a function whose data stay in the core's first cache. It
computes in float32 like eager but in another order, so that losses differ by rounding.

`layout` says how the arrays lie, `kernel` is the arithmetic, written for Numba on the `vectors`
that Numba lacks, and `code` gets it compiled.
"""

from collections.abc import Generator
from time import perf_counter

import numpy as np

from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.data import IrisSplit
from iris_mlp.engines import CHUNK_S, Chunk
from iris_mlp.model import IrisMLP

_FIRST_UNIT_EPOCHS = 5_000
"""Epochs x units x mini-batches of the first call: it measures the speed in some 0.2 ms."""
_MOST_EPOCHS = 250_000
"""Epochs of one call at most, which bounds the room for losses and random numbers."""


def run(config: TrainConfig, model: IrisMLP, split: IrisSplit) -> Generator[Chunk]:
    """Train `model` in place, many epochs at a time; see `iris_mlp.engines` for the contract.

    A run ends at the first recorded loss that is not finite.

    Args:
        config: The settings.
        model: The model, on the CPU.
        split: The rows, on the CPU.
    """
    from iris_mlp.engines.fused_cpu.code import load_code
    from iris_mlp.engines.fused_cpu.layout import lay_out, make_plan, write_weights

    train_epochs, plan = load_code(), make_plan(config)
    memory = lay_out(plan, model, split)
    generator = np.random.RandomState(config.seed)
    batches = config.batches_per_epoch
    epoch, size = 0, max(1, _FIRST_UNIT_EPOCHS // (config.hidden * batches))
    while epoch < config.epochs:
        started = perf_counter()
        first, last = epoch + 1, min(epoch + size, config.epochs)
        losses = np.empty(size // config.record_every + 2, np.float32)
        test_losses = np.empty(size // config.test_every + 2, np.float32)
        draws = draw(generator, last - epoch if batches > 1 else 0)
        reached, unused = np.zeros(3, np.int64), np.zeros(2, np.int64)
        arrays = (array.ctypes.data for array in memory)
        ends = (array.ctypes.data for array in (draws, losses, test_losses, reached))
        at = unused.ctypes.data
        train_epochs(at, at + 8, *plan, *arrays, first, last, *ends)
        write_weights(memory, model)
        epoch, recorded, tested = reached.tolist()
        speed = (epoch - first + 1) / (perf_counter() - started)
        size = max(1, min(int(speed * CHUNK_S), _MOST_EPOCHS))
        yield Chunk(
            epoch=epoch,
            epochs=_list_epochs(first, epoch, config.record_every, config.epochs),
            losses=losses[:recorded].tolist(),
            test_epochs=_list_epochs(first, epoch, config.test_every, config.epochs),
            test_losses=test_losses[:tested].tolist(),
        )
        if recorded and not np.isfinite(losses[recorded - 1]):
            return


def draw(generator: np.random.RandomState, epochs: int) -> np.ndarray:
    """Draw what shuffles the rows, uint32 of (epochs, 119): what `torch.randperm` would draw.

    Both are the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) with the same seeding.
    """
    return generator.randint(0, 2**32, size=(epochs, TRAIN_ROWS - 1), dtype=np.uint32)


def _list_epochs(first: int, last: int, every: int, end: int) -> list[int]:
    epochs = list(range(-(-first // every) * every, last + 1, every))
    if last == end and end % every:
        epochs.append(end)
    return epochs
