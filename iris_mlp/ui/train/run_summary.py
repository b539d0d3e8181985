"""What a run came to, as a card: its figures and the confusion matrix of the test rows."""

import math
import sys
from dataclasses import dataclass
from html import escape

from iris_mlp.config import default_lr
from iris_mlp.strings import Translate
from iris_mlp.training import TrainResult
from iris_mlp.ui.components.confusion import render_confusion
from iris_mlp.ui.train.run_view import show_loss, show_time


@dataclass(frozen=True)
class Comparison:
    """The same run on the fused engine.

    Attributes:
        elapsed_s: Its training time.
        times_faster: How many times faster it was.
        largest_difference: The largest relative difference of a recorded loss.
    """

    elapsed_s: float
    times_faster: float
    largest_difference: float


def compare_runs(result: TrainResult, fused: TrainResult) -> Comparison:
    """Hold a run on the fused engine against the same run on the eager one."""
    differences = (
        abs(ours - theirs) / max(theirs, sys.float_info.min)
        for ours, theirs in zip(fused.history.losses, result.history.losses, strict=True)
    )
    return Comparison(
        elapsed_s=fused.progress.elapsed_s,
        times_faster=result.progress.elapsed_s / fused.progress.elapsed_s,
        largest_difference=max(differences),
    )


def render_summary(result: TrainResult, t: Translate, comparison: Comparison | None = None) -> str:
    """Return the card of a run as HTML, with the fused engine's time once it is known."""
    if result.checkpoint is None:
        return _render_advice(result, t)
    summary = result.summarize()
    figures = (
        (t("train.final_loss"), show_loss(summary["final_loss"])),
        (t("train.train_accuracy"), f"{summary['train_accuracy']:.1%}"),
        (t("train.test_accuracy"), f"{summary['test_accuracy']:.1%}"),
        (t("train.ran_on"), f"{summary['device']}, {summary['engine']}"),
    )
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in figures)
    confusion = render_confusion(summary["confusion"], t("train.confusion"), t)
    return (
        f'<div class="run-summary">{_render_comparison(comparison, t)}'
        f'<dl class="figures">{cells}</dl>{confusion}</div>'
    )


def _render_advice(result: TrainResult, t: Translate) -> str:
    """Return what to do about a run that left no weights."""
    if result.outcome != "diverged":
        return t("train.summary_empty")
    config = result.config
    lower = min(config.lr / 10, default_lr(config.optimizer))
    advice = t("train.diverged_advice", lr=f"{config.lr:g}", lower=f"{lower:g}")
    return f'<p class="run-message">{escape(advice)}</p>'


def _render_comparison(comparison: Comparison | None, t: Translate) -> str:
    if comparison is None:
        return ""
    difference = max(comparison.largest_difference, sys.float_info.epsilon)
    digits = math.floor(-math.log10(difference))
    sentence = t(
        "train.comparison" if digits >= 1 else "train.comparison_apart",
        elapsed=show_time(comparison.elapsed_s),
        times=f"{comparison.times_faster:,.0f}",
        digits=digits,
    )
    return f'<p class="comparison">{escape(sentence)}</p>'
