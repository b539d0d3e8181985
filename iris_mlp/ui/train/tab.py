"""The Train tab: settings on the left; the live loss curve and what came out on the right."""

import functools
import inspect
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.events import Dependency

from iris_mlp.checkpoint import LAST_RUN_WEIGHTS, Checkpoint
from iris_mlp.config import (
    DEFAULTS,
    TrainConfig,
    host_limits,
    is_public_space,
)
from iris_mlp.errors import OutputError
from iris_mlp.hardware.core_limits import usable_cores
from iris_mlp.plots import Scale, draw_png, plot_loss
from iris_mlp.training import (
    History,
    TrainResult,
)
from iris_mlp.ui.components.loss_chart import build_loss_chart
from iris_mlp.ui.downloads import offer_file
from iris_mlp.ui.errors import user_errors, warn
from iris_mlp.ui.strings import Translate, page_i18n, request_translator
from iris_mlp.ui.train import take_home
from iris_mlp.ui.train.run_summary import compare_runs, render_summary
from iris_mlp.ui.train.run_view import describe_chart, describe_outcome, write_log
from iris_mlp.ui.train.settings_form import build_settings
from iris_mlp.zerogpu import train

WEIGHTS_NAME = "iris_mlp.safetensors"
PLOT_NAME = "loss.png"
LOG_UPDATE_S = 1.0
COMPARISON_S = 20.0


@dataclass(frozen=True)
class TrainTab:
    """What other tabs need of this one.

    Attributes:
        settings: The controls, in the order of `TrainConfig`.
        finished: The event of a run that has ended, to hang further steps on.
        checkpoint: The weights of the visitor's last run, a `Checkpoint` or None.
        history: Its losses, a `History` or None.
        on_load: Handler that fills the empty chart in the visitor's language.
        on_load_outputs: Its outputs.
    """

    settings: list[Any]
    finished: Dependency
    checkpoint: gr.State
    history: gr.State
    on_load: Any
    on_load_outputs: list[Any]


@user_errors
def begin(old_stop: threading.Event | None, request: gr.Request) -> dict[str, Any]:
    """Answer at once: the run may have to wait for a place, and can be stopped from now on.

    What is left of the run before, its comparison, ends.
    """
    stop_training(old_stop)
    t = request_translator(request)
    chart = describe_chart(DEFAULTS, History(), None, t("train.waiting"), t)
    return {
        "stop": threading.Event(),
        "chart": chart,
        "start_button": gr.update(interactive=False),
        "stop_button": gr.update(interactive=True),
    }


@user_errors
def run_training(
    stop: threading.Event,
    device: str,
    engine: str,
    optimizer: str,
    lr: float,
    epochs: int,
    hidden: int,
    batch_size: int,
    seed: int,
    record_every: int,
    scale: Scale,
    request: gr.Request,
) -> Iterator[dict[str, Any]]:
    """Train and yield what the page shows, several times a second, by the name of its place."""
    t = request_translator(request)
    config = TrainConfig(
        device=device,
        engine=engine,
        optimizer=optimizer,
        lr=lr,
        epochs=epochs,
        hidden=hidden,
        batch_size=batch_size,
        seed=seed,
        record_every=record_every,
    )
    host_limits().check(config)
    run = train(config)
    yield {
        "chart": describe_chart(run.config, run.history, None, t("train.note_running"), t),
        "log": "",
    }
    logged_at_s = 0.0
    for progress in run.watch(stop, host_limits().wall_s):
        shown: dict[str, Any] = {
            "chart": describe_chart(run.config, run.history, progress, t("train.note_running"), t)
        }
        if progress.elapsed_s - logged_at_s >= LOG_UPDATE_S:
            logged_at_s = progress.elapsed_s
            shown["log"] = write_log(run.history, config.epochs)
        yield shown
    yield show_result(run.result(), scale, t)


def compare_with_fused(
    result: TrainResult | None, stop: threading.Event, request: gr.Request
) -> Iterator[Any]:
    """Do a finished run of the lesson's loop again with the fused engine, and say how it went."""
    t = request_translator(request)
    if result is None or not _is_comparable(result):
        yield gr.skip()  # a generator without a value would empty the card
        return
    run = train(replace(result.config, engine="fused"))
    for _ in run.watch(stop, COMPARISON_S):
        yield gr.skip()  # where the tab has been closed, this ends the run
    fused = run.result()
    if fused.outcome == "completed" and not stop.is_set():  # else the card is the next run's
        yield render_summary(result, t, compare_runs(result, fused))


def _is_comparable(result: TrainResult) -> bool:
    config = result.config
    return (config.engine, config.device, result.outcome) == ("eager", "cpu", "completed")


def show_result(result: TrainResult, scale: Scale, t: Translate) -> dict[str, Any]:
    """Return the end of a run: its figures, plot, log and weights."""
    weights = None
    if result.checkpoint is not None:
        weights = offer_file(result.checkpoint.to_bytes(), WEIGHTS_NAME, t)
        if not is_public_space():
            keep_last_run(result.checkpoint, t)
    return {
        "chart": describe_chart(
            result.config, result.history, result.progress, describe_outcome(result, t), t, False
        ),
        "summary": render_summary(result, t),
        "log": write_log(result.history, result.config.epochs),
        "plot": offer_file(draw_png(plot_loss(result.history, scale)), PLOT_NAME, t),
        "result": result,
        "history": result.history,
        "checkpoint": result.checkpoint,
        "weights": gr.update(value=weights, interactive=weights is not None),
    }


def stop_training(stop: threading.Event | None) -> None:
    """Ask this visitor's run to end; it keeps what it reached."""
    if stop is not None:
        stop.set()


def release_buttons() -> tuple[Any, Any]:
    """Let the visitor start again."""
    return gr.update(interactive=True), gr.update(interactive=False)


def keep_last_run(checkpoint: Checkpoint, t: Translate) -> None:
    """Keep the weights in `weights/` on a local run, or warn when the folder cannot be written."""
    try:
        checkpoint.save(LAST_RUN_WEIGHTS)
    except OutputError as error:
        warn(error, t)


def redraw_plot(history: History | None, scale: Scale, request: gr.Request) -> str | None:
    """Draw the plot of the last run again with another scale."""
    if history is None:
        return None
    return offer_file(draw_png(plot_loss(history, scale)), PLOT_NAME, request_translator(request))


def show_empty_chart(request: gr.Request) -> dict[str, Any]:
    """Return the chart before the first run, which says what to do."""
    t = request_translator(request)
    return describe_chart(DEFAULTS, History(), None, "", t, running=False)


def by_name(places: dict[str, Any], handler: Any) -> Any:
    """Let a handler name the places that it changes, and give them to Gradio in its own form."""

    def place(shown: dict[str, Any]) -> dict[Any, Any]:
        return {places[name]: value for name, value in shown.items()}

    if not inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def call(*args: Any) -> dict[Any, Any]:
            return place(handler(*args))

        return call

    @functools.wraps(handler)
    def stream(*args: Any) -> Generator[dict[Any, Any]]:
        for shown in handler(*args):
            yield place(shown)

    return stream


def build(sign_in: gr.Button) -> TrainTab:
    """Lay out and wire the tab.

    Args:
        sign_in: What `take_home.make_sign_in` returned.
    """
    i18n = page_i18n()
    stop, result, history, checkpoint = gr.State(), gr.State(), gr.State(), gr.State()
    with gr.Row(elem_classes="two-columns"):
        with gr.Column(scale=2, min_width=300, elem_classes="settings"):
            with gr.Row(elem_classes="actions"):
                start_button = gr.Button(i18n("train.start"), variant="primary", elem_id="start")
                stop_button = gr.Button(i18n("train.stop"), interactive=False, elem_id="stop")
            settings = build_settings()
        with gr.Column(scale=5, min_width=320, elem_classes="results"):
            chart = build_loss_chart(elem_id="loss-chart")
            scale = gr.Radio(
                [(i18n("train.linear"), "linear"), (i18n("train.log"), "log")],
                value="linear",
                label=i18n("train.scale"),
                show_label=False,
                container=False,
                elem_id="loss-scale",
            )
            summary = gr.HTML(
                i18n("train.summary_empty"), elem_id="run-summary", apply_default_css=False
            )
            weights = gr.DownloadButton(
                i18n("train.download"),  # pyright: ignore[reportArgumentType]
                interactive=False,
                elem_id="download",
            )
            with gr.Accordion(i18n("train.plot"), open=False):
                plot = gr.Image(
                    type="filepath",
                    format="png",
                    show_label=False,
                    alt_text=i18n("train.plot_alt"),  # type: ignore[arg-type]
                    interactive=False,
                    buttons=["download", "fullscreen"],
                    elem_id="loss-plot",
                )
            with gr.Accordion(i18n("train.log_lines"), open=False):
                log = gr.Textbox(
                    label=i18n("train.log_lines"),
                    show_label=False,
                    lines=10,
                    max_lines=10,
                    elem_id="log",
                    container=False,
                )

            script, link = take_home.build(checkpoint, history, settings, sign_in)

    places = {
        "stop": stop,
        "chart": chart,
        "start_button": start_button,
        "stop_button": stop_button,
        "summary": summary,
        "log": log,
        "plot": plot,
        "result": result,
        "history": history,
        "weights": weights,
        "checkpoint": checkpoint,
    }
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    slots: dict[str, Any] = {"concurrency_id": "training", "concurrency_limit": usable_cores()}
    outputs = list(places.values())
    finished = start_button.click(
        by_name(places, begin), stop, outputs, queue=False, trigger_mode="once", **private
    ).then(
        by_name(places, run_training),
        [stop, *settings, scale],
        outputs,
        **slots,
        # Its tracker knows the place in the queue; `accessibility.js` says it below the chart.
        **(private | {"show_progress": "minimal", "show_progress_on": summary}),
    )
    for ended in (finished.success, finished.failure):
        ended(release_buttons, None, [start_button, stop_button], queue=False, **private)
    finished.success(compare_with_fused, [result, stop], summary, **slots, **private)
    finished.success(*script, **private)
    finished.success(*link, js=take_home.ADD_ADDRESS, **private)
    stop_button.click(stop_training, stop, queue=False, **private)
    scale.input(
        redraw_plot,
        [history, scale],
        plot,
        js="(history, scale) => {document.dispatchEvent("
        "new CustomEvent('iris:loss-scale', {detail: scale})); return [history, scale];}",
        **private,
    )
    return TrainTab(settings, finished, checkpoint, history, show_empty_chart, [chart])
