"""Live: five controls, and the network that they train from scratch at every movement."""

import json
import math
from collections.abc import Iterable
from html import escape
from time import perf_counter
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from iris_mlp.config import (
    DEFAULTS,
    OPTIMIZER_NAMES,
    TEST_ROWS,
    TrainConfig,
    read_int,
)
from iris_mlp.data import load_flowers
from iris_mlp.errors import SettingsError
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.strings import Translate
from iris_mlp.training import History, TrainResult, prepare_run
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.loss_chart import label_chart, thin_history
from iris_mlp.ui.components.plane import (
    BOTTOM,
    LEFT,
    PETAL_PLANE,
    RIGHT,
    SLIDER_RANGES_CM,
    TOP,
    draw_frame,
    trace_regions,
)

SEPALS_CM = (5.8, 3.1)
"""Where the plane cuts the sepals: the mean of the 150 flowers."""
_FACTORS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
LR_STEPS = (*(float(f"{factor}e{power}") for power in range(-4, 1) for factor in _FACTORS), 10.0)
EPOCH_STEPS = (
    *(10, 20, 50, 100, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 7_000),
    *(10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 70_000, 100_000),
)
HIDDEN_STEPS = (*range(1, 17), 20, 24, 28, 32, 40, 48, 56, 64)
SEED_STEPS = tuple(range(1_000))

LIVE_WALL_S = 5.0
"""Longest training of a movement; the steps of the controls need a tenth of it."""

_FOLDS_SHOWN = 64


class Pictures(NamedTuple):
    """What shows one training, in the order of the components."""

    plane: Any
    chart: dict[str, Any]


def build_controls(**kwargs: Any) -> gr.HTML:
    """Build the controls; `frame` is what `render_controls` returns.

    The value is the five settings, which `read_settings` reads; a movement sends the event `move`.
    """
    # Functions, since Gradio writes a stub file beside every class that derives from its own.
    return gr.HTML(
        settings_of(DEFAULTS),
        html_template="${frame}",
        js_on_load=mount("live_controls", "move"),
        apply_default_css=False,
        frame="",
        **kwargs,
    )


def build_live_plane(**kwargs: Any) -> gr.HTML:
    """Build the petal plane; `frame` is what `draw_live_frame` returns."""
    return gr.HTML(
        html_template="${frame}",
        js_on_load=mount("live_plane"),
        apply_default_css=False,
        frame="",
        **kwargs,
    )


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """Return the five settings of a run that the controls hold."""
    return {
        "optimizer": config.optimizer,
        "lr": config.lr,
        "epochs": config.epochs,
        "hidden": config.hidden,
        "seed": config.seed,
    }


def read_settings(given: Any) -> TrainConfig:
    """Return the run on the fused engine that the page asks for, checked.

    Raises:
        SettingsError: A setting is missing, or out of the range of the controls.
    """
    names = settings_of(DEFAULTS)
    if not isinstance(given, dict) or set(given) != set(names):
        raise SettingsError("settings must be {names}.", names=", ".join(names))
    read_int("epochs", given["epochs"], 1, EPOCH_STEPS[-1])
    read_int("hidden", given["hidden"], 1, HIDDEN_STEPS[-1])
    return TrainConfig(device="cpu", engine="fused", **given)


def show_training(config: TrainConfig, t: Translate) -> Pictures:
    """Train from scratch and return the pictures of what came out."""
    run, deadline = prepare_run(config), math.inf
    for _ in run:
        if perf_counter() > deadline:
            break
        # From the first progress on: before it, a fresh install may still be compiling the engine.
        deadline = min(deadline, perf_counter() + LIVE_WALL_S)
    result = run.result()
    return Pictures(plane=_describe_plane(result, t), chart=_describe_chart(result, t))


def show_refusal(sentence: str, t: Translate) -> Pictures:
    """Return the pictures of settings that were refused: the sentence below an empty chart."""
    chart = _make_chart(History(), DEFAULTS.epochs, sentence, [], t)
    return Pictures(plane=gr.skip(), chart=chart)


def trace_folds(classifier: Classifier) -> str:
    """Return, as path data, where the hidden units switch on in the petal plane.

    A hidden unit is linear before its ReLU, so that it switches on along a straight line; the
    network's borders can bend at these lines alone.
    """
    state = classifier.checkpoint.state
    weights, bias = (state[f"fc1.{name}"].numpy().astype(float) for name in ("weight", "bias"))
    (x_low, x_high), (y_low, y_high) = (SLIDER_RANGES_CM[i] for i in (2, 3))
    corners = [(*SEPALS_CM, x_low, y_low), (*SEPALS_CM, x_high, y_low), (*SEPALS_CM, x_low, y_high)]
    at = classifier.checkpoint.scaler.scale(np.array(corners)) @ weights[:_FOLDS_SHOWN].T
    origin, right, top = at + bias[:_FOLDS_SHOWN]
    path = ""
    for start, dx, dy in zip(origin, right - origin, top - origin):
        ends = list(_cross_unit_square(start, dx, dy))
        if len(ends) >= 2:
            (x0, y0), (x1, y1) = min(ends), max(ends)
            path += (
                f"M{LEFT + x0 * (RIGHT - LEFT):.1f} {BOTTOM - y0 * (BOTTOM - TOP):.1f}"
                f"L{LEFT + x1 * (RIGHT - LEFT):.1f} {BOTTOM - y1 * (BOTTOM - TOP):.1f}"
            )
    return path


def render_controls(t: Translate) -> str:
    """Return the form with the five controls."""
    choices = "".join(
        f'<label><input type="radio" name="live-optimizer" value="{name}"'
        f"{' checked' if name == DEFAULTS.optimizer else ''}><span>{label}</span></label>"
        for name, label in OPTIMIZER_NAMES.items()
    )
    sliders = "".join(
        f'<div class="live-slider"><label for="live-{name}">{escape(t(f"train.{name}"))}</label>'
        f'<output for="live-{name}">{getattr(DEFAULTS, name):,}</output>'
        f'<input type="range" id="live-{name}" name="{name}" min="0" max="{len(steps) - 1}" '
        f'value="{steps.index(getattr(DEFAULTS, name))}" data-steps="{json.dumps(steps)}"></div>'
        for name, steps in (
            ("lr", LR_STEPS),
            ("epochs", EPOCH_STEPS),
            ("hidden", HIDDEN_STEPS),
            ("seed", SEED_STEPS),
        )
    )
    lesson = escape(json.dumps(settings_of(DEFAULTS)))
    return (
        '<form class="live-controls" onsubmit="return false">'
        f"<fieldset><legend>{escape(t('train.optimizer'))}</legend>{choices}</fieldset>{sliders}"
        f'<button type="button" data-settings="{lesson}">{escape(t("train.defaults"))}</button>'
        "</form>"
    )


def draw_live_frame(t: Translate) -> str:
    """Return the petal plane without what a training changes; no id is that of another plane."""
    frame = draw_frame(PETAL_PLANE, shipped_classifier(), t)
    return frame.replace("iris-petal-", "live-petal-")


def _describe_plane(result: TrainResult, t: Translate) -> dict[str, Any]:
    length, width = SEPALS_CM
    plane: dict[str, Any] = {
        "regions": ["", "", ""],
        "sure": ["", "", ""],
        "folds": "",
        "wrong": [],
        "note": t("classify.petal_slice", length=f"{length:.1f}", width=f"{width:.1f}"),
        "alt": t("explore.plane_diverged"),
    }
    if result.checkpoint is None:
        return plane
    classifier = Classifier(result.checkpoint)
    flowers, species = load_flowers()
    wrong = np.flatnonzero(classifier.predict(flowers).classes != species).tolist()
    regions, sure = trace_regions(PETAL_PLANE, classifier, (*SEPALS_CM, 0.0, 0.0))
    return plane | {
        "regions": regions,
        "sure": sure,
        "folds": trace_folds(classifier),
        "wrong": wrong,
        "alt": t("explore.plane_alt", wrong=len(wrong), hidden=result.config.hidden),
    }


def _describe_chart(result: TrainResult, t: Translate) -> dict[str, Any]:
    progress, config = result.progress, result.config
    if result.checkpoint is None:
        note = t("train.diverged", epoch=f"{progress.epoch:,}", lr=f"{config.lr:g}")
        return _make_chart(result.history, config.epochs, note, [], t)
    evaluation = progress.evaluation
    note = t(
        "explore.trained",
        epochs=f"{progress.epoch:,}",
        elapsed=f"{progress.elapsed_s * 1000:,.0f}",
        right=round(evaluation.test_accuracy * TEST_ROWS),
    )
    figures = [
        f"{progress.train_loss:.4f}",
        f"{evaluation.test_loss:.4f}",
        f"{evaluation.train_accuracy:.1%}",
        f"{evaluation.test_accuracy:.1%}",
    ]
    return _make_chart(result.history, config.epochs, note, figures, t)


def _make_chart(
    history: History, epochs: int, note: str, figures: list[str], t: Translate
) -> dict[str, Any]:
    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    return {
        **thin_history(history, epochs),
        "epochs": epochs,
        "running": False,
        "note": note,
        "stats": [
            [t(f"train.{name}"), figure] for name, figure in zip(names, figures or ["–"] * 4)
        ],
        "labels": label_chart(t),
    }


def _cross_unit_square(start: float, dx: float, dy: float) -> Iterable[tuple[float, float]]:
    """Yield where the line start + dx * x + dy * y = 0 meets the border of the unit square."""
    for x in (0.0, 1.0):
        if dy and 0 <= (y := -(start + dx * x) / dy) <= 1:
            yield x, y
    for y in (0.0, 1.0):
        if dx and 0 <= (x := -(start + dy * y) / dx) <= 1:
            yield x, y
