"""What a visitor has from before: a shared address, the browser's memory, the last local run."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import gradio as gr

from iris_mlp import share
from iris_mlp.checkpoint import LAST_RUN_WEIGHTS, Checkpoint
from iris_mlp.config import DEFAULTS, TrainConfig, is_public_space
from iris_mlp.devices import resolve_device
from iris_mlp.errors import DeviceError, SettingsError, ShareError, WeightsError
from iris_mlp.training import list_engines
from iris_mlp.ui.errors import translate_error
from iris_mlp.ui.strings import request_translator

SHARE_PARAMETER = "share"
STORAGE_KEY = "iris_mlp_last_run"
MOST_STORED_BYTES = 256 * 1024


@dataclass(frozen=True)
class Recalled:
    """A visitor's run from before.

    Attributes:
        config: The settings to show.
        checkpoint: The weights to use, or None.
        is_shared: Whether it is another's, opened by a link.
    """

    config: TrainConfig = DEFAULTS
    checkpoint: Checkpoint | None = None
    is_shared: bool = False


def store_run(checkpoint: Checkpoint | None) -> Any:
    """Return the weights file as text for the browser's storage; a large one is not stored."""
    data = checkpoint.to_bytes() if checkpoint is not None else b""
    if not data:
        return gr.skip()
    # A large model leaves nothing behind, rather than an older model in its place.
    return base64.b64encode(data).decode() if len(data) <= MOST_STORED_BYTES else ""


def recall_run(shared: str | None, stored: object, request: gr.Request | None = None) -> Recalled:
    """Return what a visitor comes back to; all of it is untrusted and checked like an upload.

    Args:
        shared: The text of a shared address, if the visitor opened one.
        stored: What this browser kept, if anything.
        request: What the visitor sent, in whose language a damaged address is named.
    """
    if shared:
        try:
            return Recalled(*share.decode(shared), is_shared=True)
        except ShareError as error:
            gr.Warning(translate_error(error, request_translator(request)))
    checkpoint = _read_stored(stored)
    if checkpoint is None and not is_public_space():
        checkpoint = _load_last_run()
    return Recalled(checkpoint=checkpoint)


def offer_settings(config: TrainConfig) -> list[Any]:
    """Return the values of the Train tab's controls, with a device that is here."""
    values = config.to_dict()
    try:
        if values["device"] != "auto":
            values["device"] = str(resolve_device(values["device"]))
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


def _read_stored(stored: object) -> Checkpoint | None:
    if not isinstance(stored, str) or len(stored) > 2 * MOST_STORED_BYTES:
        return None
    try:
        return Checkpoint.from_bytes(base64.b64decode(stored, validate=True))
    except (binascii.Error, ValueError, WeightsError):  # another version's, or tampered with
        return None


def _load_last_run() -> Checkpoint | None:
    try:
        return Checkpoint.load(LAST_RUN_WEIGHTS)
    except WeightsError:  # there is none, or it is not ours: the shipped weights serve
        return None
