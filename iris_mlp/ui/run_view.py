"""What the page shows of a run: the live chart's value, the log, the plot, the closing sentence."""

import io
import math
from typing import Any

from PIL import Image

from iris_mlp.config import TrainConfig
from iris_mlp.plots import Scale, plot_loss
from iris_mlp.training import History, Progress, TrainResult
from iris_mlp.ui.loss_chart import thin_history
from iris_mlp.ui.strings import Translate

LOG_EVERY = 100
GUESSING_LOSS = math.log(3)
"""Cross-entropy of a model that gives each of the three species one third."""


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
        "stats": _list_stats(config, history, progress, t),
        "labels": {
            "epoch": t("train.epoch"),
            "loss": t("train.loss"),
            "train": t("train.curve_train"),
            "test": t("train.curve_test"),
            "chart": t("train.chart"),
            "empty": t("train.empty"),
        },
    }


def describe_outcome(result: TrainResult, t: Translate) -> str:
    """Return the sentence below the chart once a run has ended."""
    if result.outcome == "diverged":
        return t("train.diverged", epoch=f"{result.progress.epoch:,}", lr=f"{result.config.lr:g}")
    key = "train.completed" if result.outcome == "completed" else "train.stopped"
    if result.progress.train_loss is None:
        return t("train.stopped_early")
    sentence = t(
        key,
        epoch=f"{result.progress.epoch:,}",
        loss=f"{result.progress.train_loss:.4f}",
        accuracy=f"{result.progress.evaluation.test_accuracy:.1%}",
        elapsed=f"{result.progress.elapsed_s:.2f}",
    )
    if result.progress.train_loss > GUESSING_LOSS:
        sentence += t("train.no_better_than_guessing", lr=f"{result.config.lr:g}")
    return sentence


def _list_stats(
    config: TrainConfig, history: History, progress: Progress | None, t: Translate
) -> list[list[str]]:
    dash = "–"
    loss = test = accuracy = elapsed = speed = left = dash
    epoch = 0
    if progress is not None:
        epoch = progress.epoch
        loss = dash if progress.train_loss is None else f"{progress.train_loss:.4f}"
        test = f"{history.test_losses[-1]:.4f}" if history.test_losses else dash
        accuracy = f"{progress.evaluation.test_accuracy:.1%}"
        elapsed = f"{progress.elapsed_s:.1f} s"
        speed = f"{progress.epochs_per_s:,.0f}/s"
        left = f"{progress.remaining_s:.1f} s"
    return [
        [t("train.epoch"), f"{epoch:,} / {config.epochs:,}"],
        [t("train.train_loss"), loss],
        [t("train.test_loss"), test],
        [t("train.test_accuracy"), accuracy],
        [t("train.elapsed"), elapsed],
        [t("train.speed"), speed],
        [t("train.left"), left],
    ]


def write_log(history: History, epochs: int) -> str:
    """Return the lesson's lines, one every 100 epochs."""
    return "\n".join(
        f"Epoch [{epoch}/{epochs}], Loss: {loss:.4f}"
        for epoch, loss in zip(history.epochs, history.losses)
        if epoch % LOG_EVERY == 0
    )


def render_plot(history: History, scale: Scale) -> Image.Image:
    """Return the loss plot as a picture."""
    data = io.BytesIO()
    plot_loss(history, scale).savefig(data, format="png")
    return Image.open(data)
