"""Live: five controls, and the network that the browser trains at every movement of theirs."""

import json
from html import escape
from typing import Any

import gradio as gr

from iris_mlp.config import DEFAULTS, OPTIMIZER_NAMES, TrainConfig, read_int
from iris_mlp.errors import SettingsError
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.loss_chart import label_chart
from iris_mlp.ui.components.plane import plane_texts

_FACTORS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
LR_STEPS = (*(float(f"{factor}e{power}") for power in range(-4, 1) for factor in _FACTORS), 10.0)
EPOCH_STEPS = (
    *(10, 20, 50, 100, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000, 7_000),
    *(10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 70_000, 100_000),
)
HIDDEN_STEPS = (*range(1, 17), 20, 24, 28, 32, 40, 48, 56, 64)
SEED_STEPS = tuple(range(1_000))


def build_controls(**kwargs: Any) -> gr.HTML:
    """Build the controls; `frame` is what `render_controls` returns.

    The value is the five settings, which `read_settings` reads; a movement sends nothing.
    """
    # Functions, since Gradio writes a stub file beside every class that derives from its own.
    return gr.HTML(
        settings_of(DEFAULTS),
        html_template="${frame}",
        js_on_load=mount("live_controls"),
        apply_default_css=False,
        frame="",
        **kwargs,
    )


def build_live_plane(**kwargs: Any) -> gr.HTML:
    """Build the petal plane, whose script trains; `texts` is what `live_texts` returns."""
    return gr.HTML(
        html_template='<figure class="plane"></figure>',
        js_on_load=mount("live"),
        apply_default_css=False,
        texts=None,
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


def live_texts(t: Translate) -> dict[str, Any]:
    """Return the words of `static/live.js`."""
    return {
        "plane": plane_texts("petal", t),
        "plane_alt": t("explore.plane_alt"),
        "plane_diverged": t("explore.plane_diverged"),
        "labels": label_chart(t),
        "stats": [
            t(f"train.{name}")
            for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
        ],
        "running": t("train.note_running"),
        "trained": t("explore.trained"),
        "diverged": t("train.diverged"),
        "failed": t("explore.failed"),
    }
