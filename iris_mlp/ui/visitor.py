"""What a visitor has from before: a shared address, the browser's memory, the last local run."""

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from iris_mlp.checkpoint import LAST_RUN_WEIGHTS, Checkpoint
from iris_mlp.config import BROWSER_DEVICES, DEFAULTS, TrainConfig, is_public_space
from iris_mlp.devices import list_devices, resolve_device
from iris_mlp.errors import DeviceError, SettingsError, ShareError, WeightsError
from iris_mlp.take_home import link
from iris_mlp.training import History, list_engines
from iris_mlp.ui.components.loss_chart import POINTS, thin_history
from iris_mlp.ui.errors import warn
from iris_mlp.ui.language import request_translator

SHARE_PARAMETER = "share"
STORAGE_KEY = "iris_mlp_last_run"
MOST_STORED_BYTES = 256 * 1024
MOST_PLOTTED = 1e9
"""Beyond any epoch and any loss; an axis can be drawn to it."""


@dataclass(frozen=True)
class Recalled:
    """A visitor's run from before.

    Attributes:
        config: The settings to show.
        checkpoint: The weights to use, or None.
        is_shared: Whether it is another's, opened by a link.
        history: Some 200 points of its curves, or None.
    """

    config: TrainConfig = DEFAULTS
    checkpoint: Checkpoint | None = None
    is_shared: bool = False
    history: History | None = None


def store_run(checkpoint: Checkpoint | None, history: History | None) -> Any:
    """Return a run for the browser's storage: the weights file as text, and the curves thinned.

    The curves are for the plot on the model card: to sign in to the Hub is to leave the page.
    """
    if checkpoint is None:
        return gr.skip()
    data = checkpoint.to_bytes()
    if len(data) > MOST_STORED_BYTES:
        return {}  # a large model leaves nothing behind, rather than an older one in its place
    stored: dict[str, Any] = {"weights": base64.b64encode(data).decode()}
    if history is not None and history.epochs:
        stored |= thin_history(history, history.epochs[-1])
    return stored


def recall_run(shared: str | None, stored: object, request: gr.Request | None = None) -> Recalled:
    """Return what a visitor comes back to; all of it is untrusted and checked like an upload.

    Args:
        shared: The text of a shared address, if the visitor opened one.
        stored: What this browser kept, if anything.
        request: What the visitor sent, in whose language a damaged address is named.
    """
    if shared:
        try:
            return Recalled(*link.decode(shared), is_shared=True)
        except ShareError as error:
            warn(error, request_translator(request))
    kept = stored if isinstance(stored, dict) else {}
    checkpoint = _read_weights(kept.get("weights"))
    if checkpoint is not None:
        return Recalled(checkpoint=checkpoint, history=_read_curves(kept))
    return Recalled(checkpoint=None if is_public_space() else _load_last_run())


def offer_settings(config: TrainConfig) -> list[Any]:
    """Return the values of the Train tab's controls, with a device that is here."""
    values = config.to_dict()
    try:
        if values["device"] not in ("auto", *BROWSER_DEVICES):
            device = resolve_device(values["device"])
            # A machine with one GPU lists it as cuda, one with several as cuda:0.
            twins = (str(device),) if device.index else (device.type, f"{device.type}:0")
            values["device"] = next(name for name in twins if name in list_devices())
    except DeviceError:
        values["device"] = "auto"
    if values["engine"] not in list_engines():
        values["engine"] = DEFAULTS.engine
    return list(values.values())


def read_settings(checkpoint: Checkpoint) -> TrainConfig:
    """Return the settings that a weights file claims; those of the lesson where it claims none.

    They are another's words, so that anything but settings is set aside.
    """
    try:
        return TrainConfig(**checkpoint.settings)
    except (SettingsError, TypeError):
        return DEFAULTS


def _read_weights(text: object) -> Checkpoint | None:
    if not isinstance(text, str) or len(text) > 2 * MOST_STORED_BYTES:
        return None
    try:
        return Checkpoint.from_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, WeightsError):  # another version's, or tampered with
        return None


def _read_curves(stored: dict[str, Any]) -> History | None:
    history = History(*_read_curve(stored.get("train")), *_read_curve(stored.get("test")))
    return history if history.epochs else None


def _read_curve(points: object) -> tuple[list[int], list[float]]:
    """Return epochs and losses from what should be the points of `thin_history`."""
    if isinstance(points, list) and len(points) <= 2 * POINTS:
        with suppress(TypeError, ValueError, OverflowError):
            curve = np.array(points, np.float64).reshape(-1, 2)
            if (np.abs(curve) < MOST_PLOTTED).all() and (np.diff(curve[:, 0]) > 0).all():
                return curve[:, 0].astype(int).tolist(), curve[:, 1].tolist()
    return [], []


def _load_last_run() -> Checkpoint | None:
    try:
        return Checkpoint.load(LAST_RUN_WEIGHTS)
    except WeightsError:  # there is none, or it is not ours: the shipped weights serve
        return None
