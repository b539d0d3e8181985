"""What the page opens on: a network that learns, drawn by `static/opening.js`."""

from typing import Any

import gradio as gr

from iris_mlp.config import DEFAULTS
from iris_mlp.strings import Translate
from iris_mlp.training import TrainResult
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.loss_chart import label_chart
from iris_mlp.ui.components.network import describe_model, network_texts
from iris_mlp.ui.components.plane import plane_texts
from iris_mlp.ui.train.run_view import list_settings, list_stat_names

MOST_HIDDEN = 64
"""Wider networks are not sent while they learn: the plane keeps its last picture."""


def build_opening() -> gr.HTML:
    """Build the plane and the network; the value is what `show_model` returns."""
    return gr.HTML(
        None,
        html_template='<div class="opening"></div>',
        js_on_load=mount("opening"),
        apply_default_css=False,
        elem_id="opening",
        texts=None,
    )


def describe_opening(t: Translate) -> dict[str, Any]:
    """Return the words of the drawing."""
    names = ("play", "pause", "again", "step", "scrub", "untrained", "caption")
    return {
        **{name: t(f"train.opening_{name}") for name in names},
        "plane": plane_texts("petal", t),
        "network": network_texts(t),
        "labels": label_chart(t),
        "stats": list_stat_names(t),
        "settings": list_settings(DEFAULTS, t),
    }


def show_model(result: TrainResult) -> Any:
    """Return the value that lets the drawing follow a run; of a wide one it shows nothing new."""
    if result.checkpoint is None:
        return gr.skip()
    if result.config.hidden > MOST_HIDDEN:
        return {"model": None}
    progress = result.progress
    return {
        "model": describe_model(result.checkpoint),
        "epoch": progress.epoch,
        "loss": progress.train_loss,
        "accuracy": progress.evaluation.test_accuracy,
    }
