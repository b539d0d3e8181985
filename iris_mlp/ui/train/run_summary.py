"""What a run came to, as a card: its figures and the confusion matrix of the test rows."""

import sys
from dataclasses import dataclass
from html import escape

from iris_mlp.data import CLASS_NAMES
from iris_mlp.training import TrainResult
from iris_mlp.ui.strings import Translate
from iris_mlp.ui.train.run_view import describe_outcome, show_loss


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
        return f'<p class="run-message">{escape(describe_outcome(result, t))}</p>'
    summary = result.summarize()
    figures = (
        (t("train.final_loss"), show_loss(summary["final_loss"])),
        (t("train.test_loss"), show_loss(summary["test_loss"])),
        (t("train.train_accuracy"), f"{summary['train_accuracy']:.1%}"),
        (t("train.test_accuracy"), f"{summary['test_accuracy']:.1%}"),
        (t("train.time"), f"{summary['elapsed_s']:.2f} s"),
        (t("train.ran_on"), f"{summary['device']}, {summary['engine']}"),
    )
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in figures)
    return (
        f'<div class="run-summary"><dl class="figures">{cells}</dl>'
        f"{render_confusion(summary['confusion'], t)}{_render_comparison(comparison, t)}</div>"
    )


def _render_comparison(comparison: Comparison | None, t: Translate) -> str:
    if comparison is None:
        return ""
    sentence = t(
        "train.comparison",
        elapsed=f"{comparison.elapsed_s:.3f}",
        times=f"{comparison.times_faster:,.0f}",
        difference=f"{comparison.largest_difference:.0e}".replace("-", "−"),  # does not break
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
