"""Lanes on a CUDA GPU: those of one shape train in one launch, as many models at once."""

from collections import defaultdict
from collections.abc import Generator, Iterable
from contextlib import closing
from math import isfinite

import torch
from torch import Tensor, nn

from iris_mlp.config import TrainConfig
from iris_mlp.data import IrisSplit, load_split
from iris_mlp.engines.fused_cuda import ALIKE, run_many
from iris_mlp.model import draw_weights
from iris_mlp.sweep.results import LaneResult
from iris_mlp.training import StopSignal

MOST_MODELS = 4_096
"""Models of a launch: several for each multiprocessor of the largest GPU, and results soon."""
_MOST_HELD = 4 * MOST_MODELS


def launch_lanes(configs: Iterable[TrainConfig], stop: StopSignal) -> Generator[list[LaneResult]]:
    """Train the lanes in launches and yield the results of each; an empty list says: still at it.

    Lanes are read ahead until enough of one shape are there, a bounded number of them. Losses and
    accuracies are bit for bit those of a lane alone; the test loss, measured for all models of a
    launch in one operation, may differ by rounding.

    Args:
        configs: The settings of the lanes, all on one CUDA GPU.
        stop: Ends the lanes between two launches; those that are not complete are left out.

    Raises:
        DeviceError: The GPU cannot run the engine.
        SettingsError: A hidden layer is too wide for the engine.
    """
    held: defaultdict[tuple[object, ...], list[TrainConfig]] = defaultdict(list)
    count = 0
    for config in configs:
        lanes = held[tuple(getattr(config, name) for name in ALIKE)]
        lanes.append(config)
        count += 1
        if len(lanes) == MOST_MODELS or count == _MOST_HELD:
            lanes = held.pop(max(held, key=lambda shape: len(held[shape])))
            count -= len(lanes)
            yield from _train_together(lanes, stop)
        if stop.is_set():
            return
    for lanes in held.values():
        yield from _train_together(lanes, stop)


def _train_together(configs: list[TrainConfig], stop: StopSignal) -> Generator[list[LaneResult]]:
    device = torch.device(configs[0].device)
    split = load_split().to(device)
    drawn = [draw_weights(config.hidden, config.seed) for config in configs]
    weights = {name: torch.stack([one[name] for one in drawn]).to(device) for name in drawn[0]}
    last: list[float | None] = [None] * len(configs)
    diverged_at: list[int | None] = [None] * len(configs)
    with closing(run_many(configs, weights, split)) as launches:
        for chunks in launches:
            if stop.is_set():
                return
            for i, chunk in enumerate(chunks):
                for epoch, loss in zip(chunk.epochs, chunk.losses):
                    if isfinite(loss) and not diverged_at[i]:
                        last[i] = loss
                    else:
                        diverged_at[i] = diverged_at[i] or epoch
            yield []
    measured = zip(*_evaluate(weights, split))
    yield [_judge(*lane) for lane in zip(configs, last, diverged_at, measured)]


def _judge(
    config: TrainConfig,
    final_loss: float | None,
    diverged_at: int | None,
    measured: tuple[float, float, float],
) -> LaneResult:
    """Return the result as `training.TrainingRun` would: one that diverged measures nothing."""
    diverged = diverged_at is not None or not isfinite(measured[0])
    test_loss, train_accuracy, test_accuracy = (None, None, None) if diverged else measured
    return LaneResult(
        config=config,
        outcome="diverged" if diverged else "completed",
        epochs_done=diverged_at or config.epochs,
        final_loss=final_loss,
        test_loss=test_loss,
        train_accuracy=train_accuracy,
        test_accuracy=test_accuracy,
    )


@torch.no_grad()
def _evaluate(
    weights: dict[str, Tensor], split: IrisSplit
) -> tuple[list[float], list[float], list[float]]:
    """Return the test loss and the shares of training and test rows that are right, by model."""
    models = len(weights["fc1.bias"])

    def compute_logits(x: Tensor) -> Tensor:
        """Map rows of (n, 4) to logits of (models, n, 3)."""
        rows = x.expand(models, -1, -1)
        bias_1, bias_2 = weights["fc1.bias"][:, None], weights["fc2.bias"][:, None]
        hidden = torch.relu(torch.baddbmm(bias_1, rows, weights["fc1.weight"].mT))
        return torch.baddbmm(bias_2, hidden, weights["fc2.weight"].mT)

    logits, targets = compute_logits(split.x_test), split.y_test.expand(models, -1)
    row_losses = nn.functional.cross_entropy(logits.mT, targets, reduction="none")
    train_right = (compute_logits(split.x_train).argmax(2) == split.y_train).sum(1)
    test_right = (logits.argmax(2) == split.y_test).sum(1)
    return (
        row_losses.mean(1).tolist(),
        [right / len(split.y_train) for right in train_right.tolist()],
        [right / len(split.y_test) for right in test_right.tolist()],
    )
