"""What the Train tab shows of a run: while it goes on, at its end, and when it comes back."""

from contextlib import suppress
from typing import Any, NamedTuple

import gradio as gr

from iris_mlp.checkpoint import LAST_RUN_WEIGHTS, Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.errors import OutputError
from iris_mlp.strings import Translate
from iris_mlp.take_home.plot import Scale, draw_png, plot_loss
from iris_mlp.training import History, TrainResult
from iris_mlp.ui.downloads import offer_file
from iris_mlp.ui.errors import warn
from iris_mlp.ui.origins import is_for_one_person
from iris_mlp.ui.train.opening_panel import show_model
from iris_mlp.ui.train.run_summary import render_summary
from iris_mlp.ui.train.run_view import (
    describe_chart,
    describe_outcome,
    describe_shared,
    write_log,
)
from iris_mlp.ui.train.visitor_run_panel import describe_order
from iris_mlp.ui.visitor import Recalled

WEIGHTS_NAME = "iris_mlp.safetensors"
PLOT_NAME = "loss.png"


class Shown(NamedTuple):
    """What changes during a run, in the order of the components."""

    chart: Any
    opening: Any = gr.skip()
    summary: Any = gr.skip()
    log: Any = gr.skip()
    plot: Any = gr.skip()
    result: Any = gr.skip()
    history: Any = gr.skip()
    checkpoint: Any = gr.skip()
    weights: Any = gr.skip()
    order: Any = gr.skip()


def order_run(config: TrainConfig, t: Translate) -> Shown:
    """Ask the page to train; nothing of a run before it is left meanwhile."""
    chart = describe_chart(config, History(), None, t("train.browser_running"), t)
    return Shown(
        chart,
        summary=t("train.summary_running"),
        log="",
        result=None,
        history=None,
        checkpoint=None,
        weights=gr.update(value=None, interactive=False),
        order=describe_order(config, chart, t),
    )


def show_result(result: TrainResult, scale: Scale, t: Translate) -> Shown:
    """Return the end of a run: its figures, plot, log and weights."""
    weights = None
    if result.checkpoint is not None:
        weights = offer_file(result.checkpoint.to_bytes(), WEIGHTS_NAME, t)
        if is_for_one_person():
            keep_last_run(result.checkpoint, t)
    return Shown(
        chart=describe_chart(
            result.config, result.history, result.progress, describe_outcome(result, t), t, False
        ),
        summary=render_summary(result, t),
        log=write_log(result.history, result.config.epochs),
        plot=offer_file(draw_png(plot_loss(result.history, scale)), PLOT_NAME, t),
        result=result,
        history=result.history,
        checkpoint=result.checkpoint,
        weights=gr.update(value=weights, interactive=weights is not None),
    )


def show_recalled(recalled: Recalled, t: Translate) -> Shown:
    """Return a run that the visitor comes back to, or opened by a link, as it ended."""
    result = recalled.to_result()
    # A run without its curve, as the disk keeps it, leaves the page what it opens on.
    if result is None or not (recalled.is_shared or recalled.curves.get("train")):
        return Shown(gr.skip(), checkpoint=recalled.checkpoint, history=recalled.history)
    sentence = describe_shared if recalled.is_shared else describe_outcome
    note = sentence(result, t)
    chart = describe_chart(result.config, result.history, result.progress, note, t, False)
    assert result.checkpoint is not None
    weights = offer_file(result.checkpoint.to_bytes(), WEIGHTS_NAME, t)
    return Shown(
        chart | recalled.curves,
        opening=show_model(result),
        summary=render_summary(result, t),
        result=result,
        history=recalled.history,
        checkpoint=result.checkpoint,
        weights=gr.update(value=weights, interactive=weights is not None),
    )


def keep_last_run(checkpoint: Checkpoint, t: Translate) -> None:
    """Keep the weights of a local run on disk, or warn when their folder cannot be written."""
    with suppress(OSError):  # saving says what is wrong
        LAST_RUN_WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
    try:
        checkpoint.save(LAST_RUN_WEIGHTS)
    except OutputError as error:
        warn(error, t)
