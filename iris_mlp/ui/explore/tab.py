"""The Explore tab: train at every touch, map the settings, and see how much is luck."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from time import perf_counter
from typing import Any

import gradio as gr
from gradio.events import Dependency

from iris_mlp.config import DEFAULTS, TrainConfig, host_limits
from iris_mlp.devices import list_devices
from iris_mlp.lent_gpu import is_lent, run_on_devices
from iris_mlp.strings import Translate
from iris_mlp.sweep.run import choose_device, estimate_sweep_s, sweep_on
from iris_mlp.ui.components.loss_chart import build_loss_chart
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.errors import keep_measured, user_errors
from iris_mlp.ui.explore.landscape_panel import (
    COLUMNS,
    SEED_COUNTS,
    Axis,
    Landscape,
    build_landscape,
    conclude_landscape,
    describe_landscape,
)
from iris_mlp.ui.explore.live_panel import (
    build_controls,
    build_live_plane,
    live_texts,
    read_settings,
    render_controls,
    settings_of,
)
from iris_mlp.ui.explore.luck_panel import Sample, build_luck, conclude_sample, describe_sample
from iris_mlp.ui.gpu_seconds import build_gpu_seconds, tell_gpu_seconds
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE, RunButtons

UPDATE_S = 0.25


@dataclass(frozen=True)
class ExploreTab:
    """What the layout needs of this tab.

    Attributes:
        chosen: The settings that the visitor wants in the Train tab; `spread_settings` reads them.
        choices: The events after which they are to be set there.
        on_load: Handler that fills the tab in the visitor's language.
        on_load_outputs: Its outputs; it has no inputs.
    """

    chosen: gr.State
    choices: list[Dependency]
    on_load: Any
    on_load_outputs: list[Any]


@user_errors
def choose_settings(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
    """Put the settings of a cell or of a seed into the controls, and offer them to Train."""
    settings = settings_of(read_settings(getattr(event, "settings", None)))
    return settings, settings


@user_errors
def take_settings(settings: Any, request: gr.Request) -> dict[str, Any]:
    """Offer the settings of the controls to the Train tab."""
    taken = settings_of(read_settings(settings))
    t = request_translator(request)
    gr.Info(t("explore.taken"), duration=4, title=t("common.info_title"))
    return taken


@user_errors
def run_landscape(
    stop: threading.Event,
    settings: Any,
    axis: Axis,
    seeds: int,
    request: gr.Request,
    device: str = "auto",
) -> Iterator[dict[str, Any]]:
    """Train each cell of the table, all with one seed first, and yield it as it fills."""
    t = request_translator(request)
    landscape = Landscape(
        read_settings(settings), "epochs" if axis == "epochs" else "hidden", seeds
    )
    limits, lanes = host_limits(), landscape.make_sweep()
    lanes.check(limits, limits.sweep_lanes)

    def show(running: bool, elapsed_s: float) -> dict[str, Any]:
        note = conclude_landscape(landscape, elapsed_s, t)
        if running:
            note = t("explore.progress", done=f"{landscape.done:,}", total=f"{len(lanes):,}")
        return describe_landscape(landscape, note, running, t)

    yield from _stream(stop, landscape.list_lanes(), device, landscape.add, show, t)


@user_errors
def run_luck(
    stop: threading.Event, settings: Any, request: gr.Request, device: str = "auto"
) -> Iterator[dict[str, Any]]:
    """Train the same settings from a thousand seeds and yield what they come to."""
    t = request_translator(request)
    sample = Sample(read_settings(settings))
    limits, lanes = host_limits(), sample.make_sweep()
    lanes.check(limits, limits.sweep_lanes)

    def show(running: bool, elapsed_s: float) -> dict[str, Any]:
        note = conclude_sample(sample, t)
        if running:
            note = t("explore.progress", done=f"{sample.done:,}", total=f"{len(lanes):,}")
        return describe_sample(sample, note, running, t)

    yield from _stream(stop, lanes, device, sample.add, show, t)


def spread_settings(chosen: dict[str, Any] | None) -> list[Any]:
    """Return chosen settings for the controls of the Train tab, in the order of `TrainConfig`.

    What was chosen was trained in full batches; device, engine and record interval change no loss.
    """
    chosen = {"batch_size": DEFAULTS.batch_size} | chosen if chosen else {}
    return [chosen.get(setting.name, gr.skip()) for setting in fields(TrainConfig)]


def load_page(request: gr.Request) -> tuple[Any, ...]:
    """Fill the tab for a new visitor: the lesson run, an empty table, an empty meadow."""
    t = request_translator(request)
    base = read_settings(settings_of(DEFAULTS))
    return (
        gr.update(frame=render_controls(t)),
        gr.update(texts=live_texts(t)),
        describe_landscape(Landscape(base, "hidden", 1), t("explore.landscape_empty"), False, t),
        describe_sample(Sample(base), "", False, t),
    )


def _stream(
    stop: threading.Event,
    lanes: Iterable[TrainConfig],
    device: str,
    add: Callable[[Any], None],
    show: Callable[[bool, float], dict[str, Any]],
    t: Translate,
) -> Iterator[dict[str, Any]]:
    """Run the lanes and yield a few times a second; closing it ends them."""
    started = perf_counter()
    yield show(True, 0.0)
    shown_at = 0.0
    placed = [replace(lane, device=device) for lane in lanes]
    with keep_measured(t):
        answers = run_on_devices(
            *(sweep_on, [choose_device(device)], placed, host_limits().wall_s),
            stop=stop,
            estimate_s=lambda: estimate_sweep_s(placed),
        )
        with closing(answers) as steps:
            for results in steps:
                for result in results:
                    add(result)
                elapsed_s = perf_counter() - started
                if elapsed_s - shown_at >= UPDATE_S:
                    shown_at = elapsed_s
                    yield show(True, elapsed_s)
    yield show(False, perf_counter() - started)


def _estimate_s(settings: Any, device: str) -> int:
    """Return the seconds of GPU time that the thousand flowers ask for, the longer of the two."""
    sample = Sample(read_settings(settings))
    return estimate_sweep_s(sample.make_sweep()) if device != "cpu" else 0


def build() -> ExploreTab:
    """Lay out and wire the tab."""
    i18n = page_i18n()
    chosen = gr.State()

    def add_text(name: str, kind: str) -> None:
        build_prose(f"explore.{name}", elem_classes=f"explore-{kind}")

    with gr.Column(elem_classes="explore"):
        add_text("live_heading", "heading")
        with gr.Row(elem_classes="live-desk"):
            with gr.Column(min_width=240, elem_classes="live-left"):
                controls = build_controls(elem_id="live-controls")
                take = gr.Button(i18n("explore.take"), size="sm", elem_id="live-take")
            with gr.Column(min_width=280):
                plane = build_live_plane(elem_id="live-plane")
                add_text("live_legend", "legend")
            build_loss_chart(elem_id="live-chart")

        where, seconds = [], None
        if is_lent(list_devices()):
            choices_of = {"label": i18n("explore.device"), "elem_id": "explore-device"}
            where = [gr.Radio(list_devices(), value="cpu", **choices_of)]
            seconds = build_gpu_seconds()

        add_text("landscape_heading", "heading")
        with gr.Row(elem_classes="landscape-desk"):
            landscape = build_landscape(elem_id="landscape")
            with gr.Column(min_width=240, elem_classes="landscape-side"):
                landscape_buttons = RunButtons(i18n("explore.landscape_start"), "explore-")
                metric = gr.Radio(
                    [
                        (i18n("explore.scale_accuracy"), "accuracy"),
                        (i18n("explore.scale_loss"), "loss"),
                    ],
                    value="accuracy",
                    label=i18n("explore.metric"),
                    elem_id="landscape-metric",
                )
                axis = gr.Radio(
                    [(i18n(f"train.{name}"), name) for name in COLUMNS],
                    value="hidden",
                    label=i18n("explore.axis"),
                    elem_id="landscape-axis",
                )
                seeds = gr.Radio(
                    [(str(count), count) for count in SEED_COUNTS],
                    value=SEED_COUNTS[-1],
                    label=i18n("explore.seeds"),
                    elem_id="landscape-seeds",
                )
                add_text("landscape_help", "help")

        add_text("luck_heading", "heading")
        with gr.Column(elem_classes="luck-desk"):
            luck_buttons = RunButtons(i18n("explore.luck_start"), "luck-")
        luck = build_luck(elem_id="luck")

    choosing: dict[str, Any] = {
        **PRIVATE,
        # Not always_last, with which a second choice made meanwhile would repeat the first.
        "trigger_mode": "multiple",
    }
    choices = [
        *(
            clickable.choose(choose_settings, None, [controls, chosen], **choosing)
            for clickable in (landscape, luck)
        ),
        take.click(take_settings, controls, chosen, **choosing),
    ]
    metric.input(
        None,
        metric,
        None,
        js="(metric) => {document.dispatchEvent("
        "new CustomEvent('iris:landscape-metric', {detail: metric}));}",
    )
    landscape_buttons.run(run_landscape, [controls, axis, seeds, *where], [landscape])
    luck_buttons.run(run_luck, [controls, *where], [luck])
    tell_gpu_seconds(seconds, _estimate_s, [controls, *where])
    return ExploreTab(chosen, choices, load_page, [controls, plane, landscape, luck])
