"""The settings of a run, as the Train tab asks for them."""

from typing import Any

import gradio as gr

from iris_mlp.config import BROWSER_DEVICES, DEFAULTS, OPTIMIZER_NAMES, TRAIN_ROWS, default_lr
from iris_mlp.devices import choose_auto_device, explain_missing, list_devices
from iris_mlp.training import list_engines
from iris_mlp.ui.language import page_i18n
from iris_mlp.ui.run_button import QUICK


def build_settings() -> list[Any]:
    """Lay out the controls and wire them to each other; return them in `TrainConfig`'s order."""
    i18n = page_i18n()
    # Seen on a phone alone, where style.css folds the fields that follow.
    gr.Checkbox(label=i18n("train.settings"), container=False, elem_id="unfold-settings")
    with gr.Column(elem_classes="fields"):
        device = gr.Radio(
            _list_device_choices(),
            value=DEFAULTS.device,
            label=i18n("train.device"),
            info=i18n(f"train.missing_{explain_missing()}"),
            elem_id="device",
        )
        engine = gr.Radio(
            [(i18n(f"train.engine_{name}"), name) for name in list_engines()],
            value=DEFAULTS.engine,
            label=i18n("train.engine"),
        )
        with gr.Row():
            optimizer = gr.Radio(
                [(label, name) for name, label in OPTIMIZER_NAMES.items()],
                value=DEFAULTS.optimizer,
                label=i18n("train.optimizer"),
                scale=2,
                min_width=190,
            )
            lr = gr.Number(DEFAULTS.lr, label=i18n("train.lr"), scale=1, min_width=100)
        with gr.Row():
            epochs = gr.Number(DEFAULTS.epochs, label=i18n("train.epochs"), min_width=110)
            hidden = gr.Number(DEFAULTS.hidden, label=i18n("train.hidden"), min_width=110)
        with gr.Accordion(i18n("train.more"), open=False):
            batch_size = gr.Slider(
                1, TRAIN_ROWS, TRAIN_ROWS, step=1, label=i18n("train.batch_size")
            )
            with gr.Row():
                seed = gr.Number(DEFAULTS.seed, label=i18n("train.seed"), min_width=110)
                record_every = gr.Number(
                    DEFAULTS.record_every,
                    label=i18n("train.record_every"),
                    min_width=110,
                )
        defaults_button = gr.Button(i18n("train.defaults"), size="sm", variant="secondary")

    settings = [
        *(device, engine, optimizer, lr, epochs, hidden),
        *(batch_size, seed, record_every),
    ]
    defaults_button.click(restore_defaults, None, settings, **QUICK)
    optimizer.input(default_lr, optimizer, lr, **QUICK)
    return settings


def restore_defaults() -> list[Any]:
    """Return the lesson's settings, in the order of the controls."""
    return list(DEFAULTS.to_dict().values())


def _list_device_choices() -> list[tuple[Any, str]]:
    auto, i18n = choose_auto_device()[0], page_i18n()
    return [
        (f"auto ({auto})", "auto"),
        *((name, name) for name in list_devices()),
        *((i18n(f"train.{name.replace(':', '_')}"), name) for name in BROWSER_DEVICES),
    ]
