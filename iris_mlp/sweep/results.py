"""What the trainings of a sweep come to, one by one and all together."""

from dataclasses import dataclass
from typing import Any

from iris_mlp.config import TrainConfig
from iris_mlp.training import Outcome

SETTINGS = ("optimizer", "lr", "epochs", "hidden", "batch_size", "seed")
"""What tells the trainings of a sweep apart."""
COLUMNS = (
    *SETTINGS,
    *("device", "outcome", "epochs_done", "final_loss", "test_loss"),
    *("train_accuracy", "test_accuracy"),
)
"""The columns of a table of results."""


@dataclass(frozen=True)
class LaneResult:
    """What one training of a sweep came to.

    Attributes:
        config: Its settings, with the device that was really used.
        outcome: `completed`, `stopped` or `diverged`.
        epochs_done: Epochs done.
        final_loss: Last recorded training loss; None before the first.
        test_loss: Loss over the test rows at the end; None where the run diverged, as the rest.
        train_accuracy: Share of the training rows that are right.
        test_accuracy: Share of the test rows that are right.
    """

    config: TrainConfig
    outcome: Outcome
    epochs_done: int
    final_loss: float | None
    test_loss: float | None
    train_accuracy: float | None
    test_accuracy: float | None

    def to_row(self) -> dict[str, Any]:
        """Return the row of a table, by `COLUMNS`."""
        values = {**vars(self.config), **vars(self)}
        return {name: values[name] for name in COLUMNS}


@dataclass
class Tally:
    """What a sweep has come to so far, without keeping its results.

    Attributes:
        lanes: Trainings that it holds.
        done: Trainings that ended.
        diverged: How many of them diverged.
        best: The one with the highest test accuracy, and of those the lowest final loss.
        resumed: How many of those that ended are from before this sweep went on.
    """

    lanes: int
    done: int = 0
    diverged: int = 0
    best: LaneResult | None = None
    resumed: int = 0

    def add(self, result: LaneResult) -> None:
        """Count a training that ended."""
        self.done += 1
        if result.outcome != "completed":
            self.diverged += 1
        elif self.best is None or _rank(result) > _rank(self.best):
            self.best = result

    def summarize(self, elapsed_s: float) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        return {
            "outcome": "completed" if self.done == self.lanes else "stopped",
            "lanes": self.lanes,
            "done": self.done,
            "resumed": self.resumed,
            "diverged": self.diverged,
            "elapsed_s": elapsed_s,
            "lanes_per_s": (self.done - self.resumed) / elapsed_s if elapsed_s else 0.0,
            "best": self.best and self.best.to_row(),
        }


def _rank(result: LaneResult) -> tuple[float, float]:
    loss = result.final_loss
    return result.test_accuracy or 0.0, -loss if loss is not None else float("-inf")
