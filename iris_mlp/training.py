"""Train the model: pick the engine, measure on the way, and say what came out."""

import math
from array import array
from collections.abc import Generator, MutableSequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Literal, Protocol

import torch
from torch import nn

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import ENGINES, TrainConfig
from iris_mlp.data import IrisSplit, load_split
from iris_mlp.devices import explain_failure, list_devices, resolve_device
from iris_mlp.engines import Chunk
from iris_mlp.errors import DeviceError, IrisMlpError
from iris_mlp.model import IrisMLP, build_model

Outcome = Literal["completed", "stopped", "diverged"]


@dataclass
class History:
    """The losses of a run so far, in arrays: a session keeps them, and lists take four times more.

    Attributes:
        epochs: Epochs, counted from 1, at which the training loss was recorded.
        losses: Training loss at each.
        test_epochs: Epochs at which the test loss was measured.
        test_losses: Test loss at each.
    """

    epochs: MutableSequence[int] = field(default_factory=lambda: array("q"))
    losses: MutableSequence[float] = field(default_factory=lambda: array("d"))
    test_epochs: MutableSequence[int] = field(default_factory=lambda: array("q"))
    test_losses: MutableSequence[float] = field(default_factory=lambda: array("d"))

    def extend(self, later: "History") -> None:
        """Append what came later."""
        self.epochs.extend(later.epochs)
        self.losses.extend(later.losses)
        self.test_epochs.extend(later.test_epochs)
        self.test_losses.extend(later.test_losses)

    def cut(self, recorded: int, tested: int) -> "History":
        """Return what came after so many recorded losses and so many test losses."""
        return History(
            self.epochs[recorded:],
            self.losses[recorded:],
            self.test_epochs[tested:],
            self.test_losses[tested:],
        )


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on the two splits.

    Attributes:
        test_loss: Mean cross-entropy over the 30 test rows.
        train_accuracy: Share of the 120 training rows that are right.
        test_accuracy: Share of the 30 test rows that are right.
        confusion: Test rows by true class (rows) and predicted class (columns), 3 x 3.
    """

    test_loss: float
    train_accuracy: float
    test_accuracy: float
    confusion: list[list[int]]


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        epoch: Epochs done.
        train_loss: Last recorded training loss; None before the first.
        elapsed_s: Seconds spent training, without the time in which nobody asked for more.
        epochs_per_s: Mean speed so far.
        remaining_s: Seconds left at that speed.
        evaluation: The model's quality now.
    """

    epoch: int
    train_loss: float | None
    elapsed_s: float
    epochs_per_s: float
    remaining_s: float
    evaluation: Evaluation

    def to_metrics(self, outcome: Outcome) -> dict[str, Any]:
        """Return what a weights file tells of a run that ended here, as plain JSON values."""
        return {
            "outcome": outcome,
            "epochs_done": self.epoch,
            "final_loss": self.train_loss,
            "test_loss": self.evaluation.test_loss,
            "train_accuracy": self.evaluation.train_accuracy,
            "test_accuracy": self.evaluation.test_accuracy,
        }


@dataclass(frozen=True)
class TrainResult:
    """What a run came to, also one that was stopped or that diverged.

    Attributes:
        config: The settings, with the device that was really used.
        outcome: `completed`, `stopped` or `diverged`.
        message: For a run that diverged, the sentence that says what to do; else empty.
        progress: Where the run ended.
        history: Its losses.
        checkpoint: Its weights; None when there are no usable ones.
    """

    config: TrainConfig
    outcome: Outcome
    message: str
    progress: Progress
    history: History
    checkpoint: Checkpoint | None

    def summarize(self) -> dict[str, Any]:
        """Return the figures and settings of the run as plain JSON values."""
        # What weights that are not numbers answer is no measure of anything.
        evaluation = self.progress.evaluation if self.outcome != "diverged" else None
        return {
            "outcome": self.outcome,
            "message": self.message,
            "epochs_done": self.progress.epoch,
            "final_loss": self.progress.train_loss,
            "test_loss": evaluation and evaluation.test_loss,
            "train_accuracy": evaluation and evaluation.train_accuracy,
            "test_accuracy": evaluation and evaluation.test_accuracy,
            "confusion": evaluation and evaluation.confusion,
            "elapsed_s": self.progress.elapsed_s,
            "epochs_per_s": self.progress.epochs_per_s,
            **self.config.to_dict(),
        }


class StopSignal(Protocol):
    """What tells a run to stop: a `threading.Event`, or its like for another process."""

    def is_set(self) -> bool:
        """Tell whether the run should end now."""
        ...


class TrainingRun:
    """One training: iterate it for progress, stop at any point, then ask for the result.

    Attributes:
        config: The settings, with the device that is really used.
        history: The losses so far.
        failure: Why a GPU that was lent for the run was taken away in the middle of it.
    """

    failure: IrisMlpError | None = None

    def __init__(self, config: TrainConfig) -> None:
        device = resolve_device(config.device)
        self.config = replace(config, device=str(device))
        self.history = History()
        self._split = load_split()
        self._device = device
        with explain_failure(device):
            self._split_on_device = self._split.to(device)
            self._model = build_model(config.hidden, config.seed).to(device)
            self._chunks = _start_engine(self.config, self._model, self._split_on_device)
        self._epoch = 0
        self._elapsed_s = 0.0
        self._progress: Progress | None = None
        self._diverged = False

    def __iter__(self) -> Generator[Progress]:
        """Yield where the run stands several times a second, and once more at its end."""
        while not self._diverged:
            started = perf_counter()
            with explain_failure(self._device):
                chunk = next(self._chunks, None)
            self._elapsed_s += perf_counter() - started
            if chunk is None:
                return
            self._keep(chunk)
            self._progress = self._measure_progress()
            yield self._progress

    def watch(self, stop: StopSignal, wall_s: float) -> Generator[Progress]:
        """Yield progress until the run ends, `stop` is set, or `wall_s` seconds have gone by."""
        deadline = perf_counter() + wall_s
        for progress in self:
            yield progress
            if stop.is_set() or perf_counter() > deadline:
                return

    def _measure_progress(self) -> Progress:
        speed = self._epoch / self._elapsed_s if self._elapsed_s else 0.0
        return Progress(
            epoch=self._epoch,
            train_loss=self.history.losses[-1] if self.history.losses else None,
            elapsed_s=self._elapsed_s,
            epochs_per_s=speed,
            remaining_s=(self.config.epochs - self._epoch) / speed if speed else 0.0,
            evaluation=evaluate(self._model, self._split_on_device),
        )

    def result(self) -> TrainResult:
        """End the run if it still goes on, and return what it came to."""
        self._chunks.close()
        return self.snapshot()

    def snapshot(self) -> TrainResult:
        """Return what the run has come to so far; it goes on."""
        progress = self._progress or self._measure_progress()
        state = {
            name: tensor.detach().cpu().clone() for name, tensor in self._model.state_dict().items()
        }
        finite = all(torch.isfinite(tensor).all() for tensor in state.values()) and math.isfinite(
            progress.evaluation.test_loss
        )
        outcome: Outcome = "completed" if self._epoch == self.config.epochs else "stopped"
        checkpoint = None
        if self._diverged or not finite:
            outcome = "diverged"
        elif self._epoch:
            checkpoint = self._make_checkpoint(state, progress, outcome)
        return TrainResult(
            config=self.config,
            outcome=outcome,
            message=self._explain_divergence() if outcome == "diverged" else "",
            progress=progress,
            history=self.history,
            checkpoint=checkpoint,
        )

    def _keep(self, chunk: Chunk) -> None:
        bad = None
        if not math.isfinite(sum(chunk.losses)):  # far quicker than to ask each of thousands
            bad = next((i for i, loss in enumerate(chunk.losses) if not math.isfinite(loss)), None)
        self._epoch = chunk.epoch
        if bad is not None:
            self._diverged = True
            self._epoch = chunk.epochs[bad]
        tests = [
            (epoch, loss)
            for epoch, loss in zip(chunk.test_epochs, chunk.test_losses, strict=True)
            if epoch <= self._epoch and math.isfinite(loss)
        ]
        self.history.extend(
            History(
                chunk.epochs[:bad],
                chunk.losses[:bad],
                [epoch for epoch, _ in tests],
                [loss for _, loss in tests],
            )
        )

    def _make_checkpoint(
        self, state: dict[str, torch.Tensor], progress: Progress, outcome: Outcome
    ) -> Checkpoint:
        return Checkpoint(
            state=state,
            scaler=self._split.scaler,
            settings=self.config.to_dict(),
            metrics=progress.to_metrics(outcome),
        )

    def _explain_divergence(self) -> str:
        return (
            f"Training diverged at epoch {self._epoch:,}: the loss is no longer a finite number. "
            f"The learning rate {self.config.lr:g} is too high for these settings; "
            "try a tenth of it."
        )


def prepare_run(config: TrainConfig) -> TrainingRun:
    """Prepare a training run; iterate what is returned, then call its `result()`.

    Raises:
        DeviceError: The device is not there, or the engine cannot run on it; a GPU that fails later
            raises it where the run is iterated.
    """
    return TrainingRun(config)


@torch.no_grad()
def evaluate(model: IrisMLP, split: IrisSplit) -> Evaluation:
    """Measure a model on both splits; model and split are on the same device."""
    test_logits = model(split.x_test)
    predicted = test_logits.argmax(1)
    confusion = torch.bincount(split.y_test * 3 + predicted, minlength=9).reshape(3, 3)
    train_right = (model(split.x_train).argmax(1) == split.y_train).sum()
    return Evaluation(
        test_loss=nn.functional.cross_entropy(test_logits, split.y_test).item(),
        train_accuracy=train_right.item() / len(split.y_train),
        test_accuracy=confusion.trace().item() / len(split.y_test),
        confusion=confusion.tolist(),
    )


def list_engines() -> list[str]:
    """Return the engines that can run on some device of this machine."""
    has_cuda = any(name.startswith("cuda") for name in list_devices())
    return [engine for engine in ENGINES if engine != "cuda-graph" or has_cuda]


def warm_up() -> None:
    """Load and compile what the first run needs, so that no visitor waits for it."""
    for engine in ("eager", "fused"):
        for _ in prepare_run(TrainConfig(device="cpu", engine=engine, epochs=1)):
            pass


def _start_engine(config: TrainConfig, model: IrisMLP, split: IrisSplit) -> Generator[Chunk]:
    # Each engine is imported where it is used: Numba and Triton are slow to import.
    device = split.x_train.device.type
    if config.engine == "eager":
        from iris_mlp.engines import eager as engine
    elif config.engine == "cuda-graph":
        from iris_mlp.engines import cuda_graph as engine
    elif device == "cpu":
        from iris_mlp.engines import fused_cpu as engine
    elif device == "cuda":
        from iris_mlp.engines import fused_cuda as engine
    else:
        raise DeviceError(
            "The engine {engine} does not run on {device}; use the engine eager, "
            "or {engine} on the device cpu.",
            engine=config.engine,
            device=str(device),
        )
    return engine.run(config, model, split)
