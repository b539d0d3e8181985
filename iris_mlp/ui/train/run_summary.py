"""What a run came to, as a card: its figures and the confusion matrix of the test rows."""

import math
import sys
from dataclasses import dataclass
from html import escape

from iris_mlp.config import default_lr
from iris_mlp.data import CLASS_NAMES
from iris_mlp.strings import Translate
from iris_mlp.training import TrainResult
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
    return (
        f'<div class="run-summary">{_render_comparison(comparison, t)}'
        f'<dl class="figures">{cells}</dl>{render_confusion(summary["confusion"], t)}</div>'
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
    sentence = t(
        "train.comparison",
        elapsed=show_time(comparison.elapsed_s),
        times=f"{comparison.times_faster:,.0f}",
        digits=math.floor(-math.log10(max(comparison.largest_difference, sys.float_info.epsilon))),
    )
    return f'<p class="comparison">{escape(sentence)}</p>'


def render_confusion(confusion: list[list[int]], t: Translate) -> str:
    """Return the confusion matrix as a table, 3 x 3, true class by predicted class."""
    names = [escape(t(f"common.{name}").split()[0]) for name in CLASS_NAMES]
    header = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = ""
    for i, (name, counts) in enumerate(zip(names, confusion)):
        total = max(1, sum(counts))
        cells = "".join(
            f'<td class="{"right" if i == j else "wrong" if count else "none"}" '
            f'style="--share:{count / total:.2f}">{count}</td>'
            for j, count in enumerate(counts)
        )
        rows += f'<tr><th scope="row">{name}</th>{cells}</tr>'
    return (
        f'<table class="confusion"><caption>{escape(t("train.confusion"))}</caption>'
        f"<thead><tr><td></td>{header}</tr></thead><tbody>{rows}</tbody></table>"
    )
