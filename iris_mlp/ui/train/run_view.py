"""What the page shows of a run: the live chart's value, the log, the plot, the closing sentence."""

import math
from itertools import islice
from typing import Any

from iris_mlp.config import BROWSER_DEVICES, OPTIMIZER_NAMES, TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.training import History, Progress, TrainResult
from iris_mlp.ui.components.loss_chart import label_chart, thin_history

LOG_EVERY = 100
MOST_LOG_LINES = 500
UNKNOWN = "–"
GUESSING_LOSS = math.log(3)
"""Cross-entropy of a model that gives each of the three species one third."""
NEAR_GUESSING = 0.99
"""A network whose hidden units are all dead learns the shares of the species: 0.02% below it."""


def describe_chart(
    config: TrainConfig,
    history: History,
    progress: Progress | None,
    note: str,
    t: Translate,
    running: bool = True,
) -> dict[str, Any]:
    """Return the value of the live chart."""
    return {
        **thin_history(history, config.epochs),
        "epochs": config.epochs,
        "running": running,
        "note": note,
        "stats": _list_stats(config, progress, t, running),
        "labels": label_chart(t, empty=t("train.empty")),
        "settings": list_settings(config, t),
    }


def list_settings(config: TrainConfig, t: Translate) -> list[list[str]]:
    """Return the settings of a run as label and text, in their order."""
    values = config.to_dict()
    if config.device in BROWSER_DEVICES:
        values["device"] = t(f"train.{config.device.replace(':', '_')}")
        values["engine"] = UNKNOWN
    else:
        values["engine"] = t(f"train.engine_{config.engine}")
    values["optimizer"] = OPTIMIZER_NAMES[config.optimizer]
    return [[t(f"train.{name}"), str(value)] for name, value in values.items()]


def describe_outcome(result: TrainResult, t: Translate) -> str:
    """Return the sentence below the chart once a run has ended."""
    if result.outcome == "diverged":
        return t("train.diverged", epoch=f"{result.progress.epoch:,}")
    if result.checkpoint is None:
        return t("train.stopped_early")
    key = "train.completed" if result.outcome == "completed" else "train.stopped"
    sentence = t(
        key,
        epoch=f"{result.progress.epoch:,}",
        loss=show_loss(result.progress.train_loss),
        accuracy=f"{result.progress.evaluation.test_accuracy:.1%}",
        elapsed=show_time(result.progress.elapsed_s),
    )
    if result.outcome == "completed" and is_guess(result.progress.train_loss):
        sentence += t("train.no_better_than_guessing")
    return sentence


def describe_shared(result: TrainResult, t: Translate) -> str:
    """Return the sentence below the chart of a run that came by a link."""
    config = result.config
    return t(
        "train.shared_result",
        epoch=f"{result.progress.epoch:,}",
        hidden=f"{config.hidden:,}",
        parameters=f"{8 * config.hidden + 3:,}",
        loss=show_loss(result.progress.train_loss),
        accuracy=f"{result.progress.evaluation.test_accuracy:.1%}",
    )


def is_guess(loss: float | None) -> bool:
    """Tell whether a loss is no better than that of guessing."""
    return loss is not None and loss > NEAR_GUESSING * GUESSING_LOSS


def show_loss(loss: float | None) -> str:
    """Return a loss with four digits, or a dash where none is known."""
    return UNKNOWN if loss is None else f"{loss:.4f}"


def _list_stats(
    config: TrainConfig, progress: Progress | None, t: Translate, running: bool
) -> list[list[str]]:
    loss = test = accuracy = elapsed = speed = left = UNKNOWN
    epoch = 0
    if progress is not None:
        epoch = progress.epoch
        loss = show_loss(progress.train_loss)
        elapsed = show_time(progress.elapsed_s)
        speed = f"{progress.epochs_per_s:,.0f}" if math.isfinite(progress.epochs_per_s) else UNKNOWN
        left = show_time(progress.remaining_s) if running else UNKNOWN
        if math.isfinite(progress.evaluation.test_loss):  # else the weights are not numbers
            test = show_loss(progress.evaluation.test_loss)
            accuracy = f"{progress.evaluation.test_accuracy:.1%}"
    texts = [f"{epoch:,} / {config.epochs:,}", loss, test, accuracy, elapsed, speed, left]
    return [list(pair) for pair in zip(list_stat_names(t), texts)]


def list_stat_names(t: Translate) -> list[str]:
    """Return the names of the figures above the chart, in their order."""
    names = ("epoch", "train_loss", "test_loss", "test_accuracy", "elapsed", "speed", "left")
    return [t(f"train.{name}") for name in names]


def show_time(seconds: float) -> str:
    """Return a time in the unit that suits it, or a dash where none is known."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 1:
        return f"{1000 * seconds:.0f}\u00a0ms"
    return f"{seconds:.1f}\u00a0s" if seconds < 90 else f"{seconds / 60:,.0f}\u00a0min"


def write_log(history: History, epochs: int) -> str:
    """Return the newest of the lesson's lines, one every 100 epochs."""
    newest_first = zip(reversed(history.epochs), reversed(history.losses))
    lines = (
        f"Epoch [{epoch}/{epochs}], Loss: {loss:.4f}"
        for epoch, loss in newest_first
        if epoch % LOG_EVERY == 0
    )
    return "\n".join(reversed(list(islice(lines, MOST_LOG_LINES))))
