"""What the batch size buys in equal time: several runs that take turns."""

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import nn

from iris_mlp.config import LOCAL_LIMITS, TRAIN_ROWS, TrainConfig
from iris_mlp.data import load_split
from iris_mlp.model import build_model
from iris_mlp.training import Progress, evaluate, prepare_run

RACE_BATCH_SIZES = (1, 8, 32, 120)


@dataclass(frozen=True)
class CurvePoint:
    """Where the run with one batch size stands.

    Attributes:
        batch_size: Rows of its mini-batches.
        epoch: Epochs done.
        updates: Steps of the optimizer done.
        elapsed_s: Seconds this run has spent, without those of the other runs.
        train_loss: Mean over the last epoch's batches, while the weights moved; at epoch 0 over
            all rows.
        test_loss: Over the 30 test rows at the weights reached: what the runs are compared by.
    """

    batch_size: int
    epoch: int
    updates: int
    elapsed_s: float
    train_loss: float | None
    test_loss: float


def race_batch_sizes(
    config: TrainConfig, batch_sizes: Sequence[int] = RACE_BATCH_SIZES, wall_s: float = 2.0
) -> Generator[CurvePoint]:
    """Train the same model at several batch sizes for the same time each, in rounds of short turns.

    Each run yields a point after each of its turns of about a tenth of a second, so that what slows
    the machine for longer slows all of them. May be closed at any point.

    Args:
        config: The settings of the run; its batch size and number of epochs are not used.
        batch_sizes: Rows of a mini-batch, each from 1 to 120.
        wall_s: Seconds that each run gets.

    Raises:
        SettingsError: A batch size is out of range.
        DeviceError: The device or the engine is not there.
    """
    runs = {
        size: prepare_run(replace(config, batch_size=size, epochs=LOCAL_LIMITS.epochs))
        for size in batch_sizes
    }
    turns = {size: iter(run) for size, run in runs.items()}
    split = load_split()
    first = build_model(config.hidden, config.seed)
    with torch.no_grad():
        train_loss = nn.functional.cross_entropy(first(split.x_train), split.y_train).item()
    test_loss = evaluate(first, split).test_loss
    try:
        for size in batch_sizes:
            yield CurvePoint(size, 0, 0, 0.0, train_loss, test_loss)
        for shift in count():
            if not turns:
                return
            order = deque(turns)
            order.rotate(-shift)  # whoever comes first in one round comes last in the next
            for size in order:
                progress = next(turns[size], None)
                if progress is not None:
                    yield _make_point(size, progress)
                if progress is None or progress.elapsed_s >= wall_s:
                    del turns[size]
    finally:
        for run in runs.values():
            run.result()


def group_curves(points: Sequence[CurvePoint]) -> dict[int, list[CurvePoint]]:
    """Return the points of each run in their order, by batch size."""
    curves: dict[int, list[CurvePoint]] = {}
    for point in points:
        curves.setdefault(point.batch_size, []).append(point)
    return curves


def _make_point(size: int, progress: Progress) -> CurvePoint:
    return CurvePoint(
        batch_size=size,
        epoch=progress.epoch,
        updates=progress.epoch * -(-TRAIN_ROWS // size),
        elapsed_s=progress.elapsed_s,
        train_loss=progress.train_loss,
        test_loss=progress.evaluation.test_loss,
    )
