"""The Train tab: settings on the left; the live loss curve and what came out on the right."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.events import Dependency

from iris_mlp.config import (
    BROWSER_DEVICES,
    DEFAULTS,
    TrainConfig,
    host_limits,
)
from iris_mlp.lent_gpu import estimate_run_s, prepare_run
from iris_mlp.take_home.plot import Scale, draw_png, plot_loss
from iris_mlp.training import (
    History,
    TrainResult,
)
from iris_mlp.ui.components.loss_chart import build_loss_chart
from iris_mlp.ui.downloads import offer_file
from iris_mlp.ui.errors import user_errors, warn
from iris_mlp.ui.gpu_seconds import build_gpu_seconds, tell_gpu_seconds
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE, RunButtons, training_slots
from iris_mlp.ui.train import take_home
from iris_mlp.ui.train.opening_panel import (
    build_opening,
    describe_opening,
    show_model,
)
from iris_mlp.ui.train.run_summary import compare_runs, render_summary
from iris_mlp.ui.train.run_view import (
    describe_chart,
    write_log,
)
from iris_mlp.ui.train.settings_form import build_settings
from iris_mlp.ui.train.shown import PLOT_NAME, Shown, order_run, show_result
from iris_mlp.ui.train.visitor_run import read_visitor_run
from iris_mlp.ui.train.visitor_run_panel import build_visitor_run, gpu_words

LOG_UPDATE_S = 1.0
COMPARISON_S = 20.0


@dataclass(frozen=True)
class TrainTab:
    """What other tabs need of this one.

    Attributes:
        settings: The controls, in the order of `TrainConfig`.
        shown: What a run changes, in the order of `Shown`.
        finished: The events of a run that has ended here, and of one that the visitor's computer
            trained, to hang further steps on.
        result: The visitor's last run, a `TrainResult` or None.
        checkpoint: Its weights, a `Checkpoint` or None.
        on_load: Handler that fills the empty chart in the visitor's language.
        on_load_outputs: Its outputs.
    """

    settings: list[Any]
    shown: Shown
    finished: tuple[Dependency, Dependency]
    result: gr.State
    checkpoint: gr.State
    on_load: Any
    on_load_outputs: list[Any]


@user_errors
def run_training(
    stop: threading.Event,
    scale: Scale,
    request: gr.Request,
    *settings: Any,
) -> Iterator[Shown]:
    """Train with the controls' settings and yield what the page shows, several times a second."""
    t = request_translator(request)
    config = TrainConfig.from_values(settings)
    host_limits().check(config)
    if config.device in BROWSER_DEVICES:
        yield order_run(config, t)
        return
    run = prepare_run(config)
    note = t("train.note_running")
    yield Shown(
        describe_chart(run.config, run.history, None, note, t),
        summary=t("train.summary_running"),
        log="",
        weights=gr.update(value=None, interactive=False),
    )
    logged_at_s = 0.0
    for progress in run.watch(stop, host_limits().wall_s):
        log = gr.skip()
        if progress.elapsed_s - logged_at_s >= LOG_UPDATE_S:
            logged_at_s = progress.elapsed_s
            log = write_log(run.history, config.epochs)
        chart = describe_chart(run.config, run.history, progress, note, t)
        yield Shown(chart, show_model(run.snapshot()), log=log)
    if run.failure is not None:
        warn(run.failure, t)
    result = run.result()
    yield show_result(result, scale, t)._replace(opening=show_model(result))


def _estimate_s(*settings: Any) -> int:
    config = TrainConfig.from_values(settings)
    browser = config.device in BROWSER_DEVICES
    return 0 if browser else estimate_run_s(config)


@user_errors
def adopt_visitor_run(event: gr.EventData, scale: Scale, request: gr.Request) -> Shown:
    """Check a run that the page has trained, measure it, and show it like any other."""
    result = read_visitor_run(getattr(event, "run", None), host_limits())
    return show_result(result, scale, request_translator(request))


def compare_with_fused(
    result: TrainResult | None, stop: threading.Event, request: gr.Request
) -> Iterator[Any]:
    """Do a finished run of the lesson's loop again with the fused engine, and say how it went."""
    t = request_translator(request)
    if result is None or not _is_comparable(result):
        yield gr.skip()  # a generator without a value would empty the card
        return
    run = prepare_run(replace(result.config, engine="fused"))
    for _ in run.watch(stop, COMPARISON_S):
        yield gr.skip()  # where the tab has been closed, this ends the run
    fused = run.result()
    if fused.outcome == "completed" and not stop.is_set():  # else the card is the next run's
        yield render_summary(result, t, compare_runs(result, fused))


def _is_comparable(result: TrainResult) -> bool:
    config = result.config
    return (config.engine, config.device, result.outcome) == ("eager", "cpu", "completed")


def redraw_plot(history: History | None, scale: Scale, request: gr.Request) -> str | None:
    """Draw the plot of the last run again with another scale."""
    if history is None:
        return None
    return offer_file(draw_png(plot_loss(history, scale)), PLOT_NAME, request_translator(request))


def show_opening(request: gr.Request) -> tuple[dict[str, Any], Any, Any]:
    """Return the chart before the first run, and the words of what the browser draws and trains."""
    t = request_translator(request)
    chart = describe_chart(DEFAULTS, History(), None, "", t, running=False)
    return chart, gr.update(texts=describe_opening(t)), gr.update(gpu=gpu_words(t))


def build(sign_in: gr.Button) -> TrainTab:
    """Lay out and wire the tab.

    Args:
        sign_in: What `take_home.make_sign_in` returned.
    """
    i18n = page_i18n()
    result, history, checkpoint = gr.State(), gr.State(), gr.State()
    with gr.Row(elem_classes="two-columns"):
        with gr.Column(scale=2, min_width=300, elem_classes="settings"):
            buttons = RunButtons(i18n("train.start"))
            seconds = build_gpu_seconds()
            settings = build_settings()
            tell_gpu_seconds(seconds, _estimate_s, settings)
        with gr.Column(scale=5, min_width=320, elem_classes="results"):
            with gr.Row(elem_classes="learning"):
                with gr.Column(min_width=300):
                    opening = build_opening()
                with gr.Column(min_width=300):
                    chart = build_loss_chart(elem_id="loss-chart")
                    visitor_run = build_visitor_run(elem_id="visitor-run")
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

    shown = Shown(
        *(chart, opening, summary, log, plot, result, history, checkpoint, weights, visitor_run)
    )
    finished = buttons.run(run_training, [scale, *settings], shown)
    sent = visitor_run.finish(adopt_visitor_run, scale, list(shown), **PRIVATE)
    finished.success(
        compare_with_fused, [result, buttons.stop], summary, **training_slots(), **PRIVATE
    )
    for ended in (finished, sent):
        ended.success(*script, **PRIVATE)
        ended.success(*link, js=take_home.ADD_ADDRESS, **PRIVATE)
    scale.input(
        redraw_plot,
        [history, scale],
        plot,
        js="(history, scale) => {document.dispatchEvent("
        "new CustomEvent('iris:loss-scale', {detail: {chart: 'loss-chart', scale}})); "
        "return [history, scale];}",
        **PRIVATE,
    )
    on_load = [chart, opening, visitor_run]
    return TrainTab(settings, shown, (finished, sent), result, checkpoint, show_opening, on_load)
