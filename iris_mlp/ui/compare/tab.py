"""The CPU vs GPU tab: four experiments on the visitor's own machine, one panel each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
from gradio.events import Dependency

from iris_mlp.compare.race import list_candidates
from iris_mlp.config import DEFAULTS, OPTIMIZER_NAMES, TRAIN_ROWS
from iris_mlp.ui.compare import visitor_race
from iris_mlp.ui.compare.batch_panel import render_curves, run_batches
from iris_mlp.ui.compare.crossover_panel import render_crossover, run_crossover
from iris_mlp.ui.compare.experiment import list_compared
from iris_mlp.ui.compare.ledger_panel import render_ledger, run_ledger
from iris_mlp.ui.compare.memory_panel import measure_step, show_memory
from iris_mlp.ui.compare.noise_panel import render_noise, show_noise
from iris_mlp.ui.compare.race_panel import LAP_EPOCHS, render_race, run_race
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE, QUICK, RunButtons, training_slots

NOISE_EPOCH_STEP = 100


class View(NamedTuple):
    """What the tab shows before anything is measured, in the order of the components."""

    race: str
    ledger: str
    crossover: str
    noise: str
    curves: str
    memory: str


@dataclass(frozen=True)
class CompareTab:
    """What the layout needs of this tab.

    Attributes:
        on_load: Handler that fills the empty pictures in the visitor's language.
        on_load_outputs: Its outputs; it has no inputs.
    """

    on_load: Any
    on_load_outputs: list[Any]


class Experiment(NamedTuple):
    """A panel: its buttons, its inputs, its pictures, and the event of its end."""

    buttons: RunButtons
    settings: list[Any]
    pictures: list[gr.HTML]
    ended: Dependency


def load_page(request: gr.Request) -> View:
    """Fill the tab for a new visitor; nothing is measured."""
    t, devices = request_translator(request), list_compared()
    return View(
        race=render_race(list_candidates(devices), [], devices, t),
        ledger=render_ledger([], devices, t),
        crossover=render_crossover([], [], devices, t),
        noise=render_noise(None, 0, t),
        curves=render_curves([], t),
        memory=show_memory(DEFAULTS.hidden, TRAIN_ROWS, DEFAULTS.optimizer, request),
    )


def build(checkpoint: gr.State) -> CompareTab:
    """Lay out and wire the tab.

    Args:
        checkpoint: The weights of the visitor's last run, a `Checkpoint` or None.
    """
    i18n = page_i18n()

    def build_race_settings() -> list[Any]:
        choices = [(i18n(f"compare.lap_{epochs}"), epochs) for epochs in LAP_EPOCHS]
        return [gr.Radio(choices, value=LAP_EPOCHS[0], label=i18n("compare.lap"))]

    def build_noise_settings() -> list[Any]:
        return [
            gr.Slider(
                0,
                DEFAULTS.epochs,
                0,
                step=NOISE_EPOCH_STEP,
                label=i18n("compare.noise_epoch"),
                buttons=[],
                elem_id="noise-epoch",
            )
        ]

    with gr.Column(elem_classes="experiments"):
        race = _build_experiment("race", run_race, build_race_settings)
        ledger = _build_experiment("ledger", run_ledger)
        crossover = _build_experiment("crossover", run_crossover, lambda: [checkpoint])
        batches = _build_experiment(
            "batch", run_batches, build_noise_settings, views=("noise", "curves")
        )
        memory = _build_memory()
        visitor_race.build()
    experiments = (race, ledger, crossover, batches)
    _let_one_run(experiments)
    (epoch,) = batches.settings
    epoch.input(
        show_noise,
        epoch,
        batches.pictures[0],
        trigger_mode="always_last",
        concurrency_id="noise",
        **PRIVATE,
    )
    pictures = [picture for experiment in experiments for picture in experiment.pictures]
    return CompareTab(load_page, [*pictures, memory])


def _build_experiment(
    name: str,
    run: Callable[..., Any],
    build_settings: Callable[[], list[Any]] = lambda: [],
    views: Sequence[str] = (),
) -> Experiment:
    """Lay out one panel, words left and pictures right, and wire its two buttons.

    Args:
        name: Of the panel, in the catalogue and in the page.
        run: Handler that takes the switch, the settings and the request, and streams the views.
        build_settings: Builds the inputs below the buttons.
        views: Names of the pictures; left out, there is one with the panel's name.
    """
    i18n = page_i18n()
    with gr.Row(elem_classes="exp-panel", elem_id=f"exp-{name}"):
        with gr.Column(scale=2, min_width=260, elem_classes="exp-words"):
            build_prose(f"compare.{name}_text")
            buttons = RunButtons(i18n(f"compare.{name}_start"), f"{name}-")
            settings = build_settings()
        with gr.Column(scale=5, min_width=280, elem_classes="exp-views"):
            pictures = [
                gr.HTML(elem_id=f"{view}-view", apply_default_css=False)
                for view in views or (name,)
            ]
    ended = buttons.run(run, settings, pictures)
    return Experiment(buttons, settings, pictures, ended)


def _let_one_run(experiments: Sequence[Experiment]) -> None:
    """Hold a visitor's other experiments while one measures: two would slow each other down."""
    for experiment in experiments:
        others = [other.buttons.start for other in experiments if other is not experiment]

        def switch(interactive: bool, count: int = len(others)) -> list[Any]:
            return [gr.update(interactive=interactive)] * count

        experiment.buttons.start.click(partial(switch, False), None, others, **QUICK)
        for outcome in (experiment.ended.success, experiment.ended.failure):
            outcome(partial(switch, True), None, others, **QUICK)


def _build_memory() -> gr.HTML:
    """Lay out and wire the memory of a training step, which is computed at every touch."""
    i18n = page_i18n()
    with gr.Row(elem_classes="exp-panel", elem_id="exp-memory"):
        with gr.Column(scale=2, min_width=260, elem_classes="exp-words"):
            build_prose("compare.memory_text")
            with gr.Row():
                hidden = gr.Number(
                    DEFAULTS.hidden, label=i18n("compare.memory_hidden"), min_width=110
                )
                rows = gr.Number(TRAIN_ROWS, label=i18n("compare.memory_rows"), min_width=110)
            optimizer = gr.Radio(
                [(label, name) for name, label in OPTIMIZER_NAMES.items()],
                value=DEFAULTS.optimizer,
                label=i18n("compare.memory_optimizer"),
            )
            measure = gr.Button(i18n("compare.memory_start"), elem_id="memory-start")
        with gr.Column(scale=5, min_width=280, elem_classes="exp-views"):
            memory = gr.HTML(elem_id="memory-view", apply_default_css=False)
    sizes = [hidden, rows, optimizer]
    for control in sizes:
        control.input(show_memory, sizes, memory, trigger_mode="always_last", **PRIVATE)
    measure.click(measure_step, sizes, memory, trigger_mode="once", **training_slots(), **PRIVATE)
    return memory
