"""The engines: each module here computes the same training in its own way.

An engine is a function `run(config, model, split)` that yields a `Chunk` several times a second
and once more after the last epoch. At each yield `model` holds the weights reached, the device
has finished its work, and nothing (a lock, a gradient mode) is held, so that the caller may stop
asking at any point, or ask again from another thread. A run may end at the first recorded loss that
is not finite.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from iris_mlp.config import TRAIN_ROWS

CHUNK_S = 0.1
"""Seconds between two yields of an engine, about."""


@dataclass
class Chunk:
    """What an engine has done since it last yielded.

    Attributes:
        epoch: Epochs done since the start of the run.
        epochs: The epochs, counted from 1, whose training loss was recorded.
        losses: Training loss of each: at the weights before that epoch's update for the full
            batch, the mean over the epoch's rows for mini-batches.
        test_epochs: The epochs whose test loss was measured.
        test_losses: Test loss of each, at the weights before that epoch's first update.
    """

    epoch: int
    epochs: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    test_epochs: list[int] = field(default_factory=list)
    test_losses: list[float] = field(default_factory=list)


def shuffle_rows(seed: int) -> Iterator[Tensor]:
    """Yield the order of the training rows for each epoch of a mini-batch run, int64 of (120,).

    It is drawn on the CPU, so that every device and engine takes the same batches.
    """
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randperm(TRAIN_ROWS, generator=generator)
