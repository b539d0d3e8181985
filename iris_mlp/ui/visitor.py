"""What a visitor has from before: a shared address, the browser's memory, the last local run."""

import base64
import binascii
import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import numpy as np

from iris_mlp.checkpoint import LAST_RUN_WEIGHTS, Checkpoint
from iris_mlp.config import BROWSER_DEVICES, DEFAULTS, TrainConfig
from iris_mlp.data import load_split
from iris_mlp.devices import list_devices, resolve_device
from iris_mlp.errors import DeviceError, SettingsError, ShareError, WeightsError
from iris_mlp.take_home import link
from iris_mlp.training import History, Progress, TrainResult, evaluate, list_engines
from iris_mlp.ui.components.loss_chart import POINTS, thin_history
from iris_mlp.ui.errors import warn
from iris_mlp.ui.language import request_translator
from iris_mlp.ui.origins import is_for_one_person

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
        curves: Some 200 points of each curve, as `thin_history` returns them; empty if unknown.
        elapsed_s: Seconds that the run took; NaN if unknown.
    """

    config: TrainConfig = DEFAULTS
    checkpoint: Checkpoint | None = None
    is_shared: bool = False
    curves: dict[str, list[list[float]]] = field(default_factory=dict)
    elapsed_s: float = math.nan

    @property
    def history(self) -> History | None:
        """The points of the curves, or None."""
        if not self.curves.get("train"):
            return None
        columns = []
        for name in ("train", "test"):
            points = self.curves[name]
            columns += [[int(point[0]) for point in points], [point[1] for point in points]]
        return History(*columns)

    def to_result(self) -> TrainResult | None:
        """Return what the run came to, measured anew; None without weights of the lesson's inputs.

        The loss, and how far the run went, are what the weights say of themselves.
        """
        if self.checkpoint is None or self.checkpoint.scaler != load_split().scaler:
            return None
        metrics = self.checkpoint.metrics
        epoch, loss = metrics.get("epochs_done"), metrics.get("final_loss")
        if type(epoch) is not int or type(loss) is not float or epoch < 1:
            return None
        progress = Progress(
            epoch=epoch,
            train_loss=loss,
            elapsed_s=self.elapsed_s,
            epochs_per_s=epoch / self.elapsed_s,
            remaining_s=0.0,
            evaluation=evaluate(self.checkpoint.build_model(), load_split()),
        )
        outcome = "completed" if metrics.get("outcome") == "completed" else "stopped"
        config, history = read_settings(self.checkpoint), self.history or History()
        return TrainResult(config, outcome, "", progress, history, self.checkpoint)


def store_run(result: TrainResult | None) -> Any:
    """Return a run for the browser's storage: the weights file as text, and the curves thinned.

    To sign in to the Hub, to reload, to switch the language is to leave the page.
    """
    if result is None or result.checkpoint is None:
        return gr.skip()
    data = result.checkpoint.to_bytes()
    if len(data) > MOST_STORED_BYTES:
        return {}  # a large model leaves nothing behind, rather than an older one in its place
    history = result.history
    return {
        "weights": base64.b64encode(data).decode(),
        "elapsed_s": result.progress.elapsed_s,
        **(thin_history(history, history.epochs[-1]) if history.epochs else {}),
    }


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
    if checkpoint is None:
        return Recalled(checkpoint=_load_last_run() if is_for_one_person() else None)
    curves = {name: _read_curve(kept.get(name)) for name in ("train", "test")}
    elapsed_s = kept.get("elapsed_s")
    if type(elapsed_s) is not float or not 0 < elapsed_s < MOST_PLOTTED:
        elapsed_s = math.nan
    return Recalled(checkpoint=checkpoint, curves=curves, elapsed_s=elapsed_s)


def recall_form(stored: object) -> TrainConfig | None:
    """Return the settings that this page of the browser last showed; None if there are none."""
    values = stored.get("form") if isinstance(stored, dict) else None
    if not isinstance(values, list):
        return None
    try:
        return TrainConfig.from_values(values)
    except (SettingsError, ValueError):  # half typed, or another version's
        return None


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


def _read_curve(points: object) -> list[list[float]]:
    """Return what should be points of `thin_history`, each with its least and most."""
    if isinstance(points, list) and 0 < len(points) <= 2 * POINTS:
        with suppress(TypeError, ValueError, OverflowError):
            # A point without a band has its loss as both ends of one.
            curve = np.array(
                [point if len(point) == 4 else [*point, *point[1:] * 2] for point in points]
            )
            if curve.dtype.kind in "if" and curve.shape == (len(points), 4):
                is_drawn = (np.abs(curve) < MOST_PLOTTED).all() and (np.diff(curve[:, 0]) > 0).all()
                return curve.tolist() if is_drawn else []
    return []


def _load_last_run() -> Checkpoint | None:
    try:
        return Checkpoint.load(LAST_RUN_WEIGHTS)
    except WeightsError:  # there is none, or it is not ours: the shipped weights serve
        return None
