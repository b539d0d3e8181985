"""The live loss curve: a template component that redraws its own SVG as points arrive."""

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from iris_mlp.strings import Translate
from iris_mlp.training import History
from iris_mlp.ui.assets import mount

POINTS = 200

_TEMPLATE = """
<div class="loss-chart">
  <dl class="loss-chart-stats"></dl>
  <div class="loss-chart-plot"><svg width="100%" height="320" role="img"></svg></div>
  <p class="loss-chart-note" role="status" aria-live="polite"></p>
</div>
"""


def build_loss_chart(**kwargs: Any) -> gr.HTML:
    """Build the chart of training and test loss, with the figures of the run above it.

    Its value is a dictionary: `train` and `test`, each a list of what `thin_history` returns;
    `epochs`, the length of the horizontal axis; `stats`, a list of `[label, text]`; `note`, a
    sentence below; `running`; `labels`, the words that the drawing needs; and, where a run may be
    pinned, `settings`, a list of `[label, text]`.
    """
    # A function, since Gradio writes a stub file beside every class that derives from its own.
    return gr.HTML(
        html_template=_TEMPLATE,
        js_on_load=mount("loss_chart"),
        apply_default_css=False,
        **kwargs,
    )


def label_chart(t: Translate, empty: str = "") -> dict[str, str]:
    """Return the words of the drawing; `empty` stands in it as long as there are no points."""
    return {
        "epoch": t("train.epoch"),
        "loss": t("train.loss"),
        "train": t("train.curve_train"),
        "test": t("train.curve_test"),
        "chart": t("train.chart"),
        "band": t("train.curve_band"),
        "empty": empty,
        **{name: t(f"train.{name}") for name in ("pin", "unpin", "pinned", "pinned_now")},
    }


def thin_history(history: History, epochs: int) -> dict[str, list[list[float]]]:
    """Return at most some 200 points of each curve, the first and the newest among them.

    The points kept do not move as the run goes on, so that an update only appends. A point is
    `[epoch, loss]`; where the line from the point before passes by some loss in between, it is
    `[epoch, loss, least, most]` of those since that point.
    """
    stride = max(1, math.ceil(epochs / POINTS))
    return {
        "train": _thin(history.epochs, history.losses, stride),
        "test": _thin(history.test_epochs, history.test_losses, stride),
    }


def _thin(epochs: Sequence[int], losses: Sequence[float], stride: int) -> list[list[float]]:
    # Recorded epochs are evenly spaced, so the points of a stride are found without a search.
    if not epochs:
        return []
    step = math.ceil(stride / epochs[0])
    kept = [0, *range(step - 1, len(epochs), step)] if step > 1 else list(range(len(epochs)))
    if kept[-1] != len(epochs) - 1:
        kept.append(len(epochs) - 1)
    points = [[epochs[i], round(losses[i], 6)] for i in kept]
    if step > 1:
        values = np.asarray(losses)
        starts = [0, *kept[:-1]]  # each stride with both of its ends
        for point, first, last in zip(points, starts, kept):
            within = values[first : last + 1]
            least, most = round(float(within.min()), 6), round(float(within.max()), 6)
            ends = (round(losses[first], 6), point[1])
            if least < min(ends) or most > max(ends):
                point += [least, most]
    return points
