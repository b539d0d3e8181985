"""An address that carries a run: its settings and, for a small model, its weights.

The text is base64url of: one byte of version, one of flags, the settings, and after them, where
there are weights, metrics, scaler (left out when it is the lesson's) and tensors; last the CRC-32
of all before, against copying half of an address. Numbers are little-endian. The lesson's 83
weights take 332 bytes, which is 443 of the characters.
"""

import base64
import binascii
import math
import struct
import zlib
from typing import Any

import numpy as np
import torch

from iris_mlp.checkpoint import TENSOR_NAMES, Checkpoint
from iris_mlp.config import ENGINES, OPTIMIZERS, TEST_ROWS, TRAIN_ROWS, TrainConfig
from iris_mlp.data import Scaler
from iris_mlp.errors import SettingsError, ShareError, WeightsError

VERSION = 1
MAX_HIDDEN = 32
"""Above it the address would pass 2,000 characters, which not every program takes."""
MAX_CHARACTERS = 2_000

LESSON_SCALER = Scaler((4.3, 2.0, 1.0, 0.1), (7.7, 4.4, 6.7, 2.5))
_HAS_WEIGHTS, _HAS_SCALER = 1, 2
_SETTINGS = struct.Struct("<BBdIHBII")
_METRICS = struct.Struct("<BIffBB")
_SCALER = struct.Struct("<8d")
_CHECKSUM = struct.Struct("<I")
_MAX_DEVICE_BYTES = 16
_OUTCOMES = ("completed", "stopped")
_UNKNOWN = 255
_NOT_AN_ADDRESS = "This shared address is damaged or incomplete; copy it again, whole."


def fits(checkpoint: Checkpoint) -> bool:
    """Tell whether the weights of a model are few enough for an address."""
    return checkpoint.hidden <= MAX_HIDDEN


def encode(config: TrainConfig, checkpoint: Checkpoint | None = None) -> str:
    """Return a run as text that a query or a fragment of an address takes as it is.

    Args:
        config: The settings.
        checkpoint: The model that these settings made; left out, the settings travel alone.

    Raises:
        ShareError: The model is too large, or was not made with these settings.
    """
    flags = 0
    body = _pack_settings(config)
    if checkpoint is not None:
        if not fits(checkpoint):
            raise ShareError(
                "A model of {hidden:,} hidden units is too large for an address; up to {most} fit. "
                "Share the settings alone, or the weights file.",
                hidden=checkpoint.hidden,
                most=MAX_HIDDEN,
            )
        if checkpoint.hidden != config.hidden:
            raise ShareError("The model was not made with these settings; share the run's own.")
        flags |= _HAS_WEIGHTS
        body += _pack_metrics(checkpoint.metrics)
        if checkpoint.scaler != LESSON_SCALER:
            flags |= _HAS_SCALER
            body += _SCALER.pack(*checkpoint.scaler.minimum, *checkpoint.scaler.maximum)
        for name in TENSOR_NAMES:
            body += checkpoint.state[name].numpy().astype("<f4").tobytes()
    data = bytes((VERSION, flags)) + body
    data += _CHECKSUM.pack(zlib.crc32(data))
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> tuple[TrainConfig, Checkpoint | None]:
    """Read a run from an untrusted address, with the checks of an uploaded file.

    Raises:
        ShareError: The text is damaged, or says what no run can be; the sentence tells which.
    """
    reader = _Reader(_read_base64(text))
    reader.drop_checksum()
    version, flags = reader.take(2)
    if version != VERSION:
        raise ShareError("This shared address was made by another version of Iris MLP.")
    try:
        config = _unpack_settings(reader)
        if not flags & _HAS_WEIGHTS:
            reader.finish()
            return config, None
        checkpoint = _unpack_checkpoint(reader, config, flags)
        reader.finish()
        return config, Checkpoint.from_bytes(checkpoint.to_bytes())
    except (SettingsError, WeightsError) as error:
        raise ShareError("This shared address cannot be used. {reason}", reason=error) from error


class _Reader:
    """Takes bytes from the front, and complains when there are none left or some remain."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ShareError(_NOT_AN_ADDRESS)
        self._at += count
        return taken

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack(self.take(layout.size))

    def drop_checksum(self) -> None:
        body, checksum = self._data[: -_CHECKSUM.size], self._data[-_CHECKSUM.size :]
        if _CHECKSUM.pack(zlib.crc32(body)) != checksum:
            raise ShareError(_NOT_AN_ADDRESS)
        self._data = body

    def finish(self) -> None:
        if self._at != len(self._data):
            raise ShareError(_NOT_AN_ADDRESS)


def _read_base64(text: str) -> bytes:
    if len(text) > MAX_CHARACTERS:
        raise ShareError(
            "This shared address is longer than {most:,} characters, which none is.",
            most=MAX_CHARACTERS,
        )
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ShareError(_NOT_AN_ADDRESS) from error


def _pack_settings(config: TrainConfig) -> bytes:
    device = config.device.encode(errors="replace")
    if not _is_device(device):
        raise ShareError("The name of this device is not one that an address can carry.")
    numbers = _SETTINGS.pack(
        ENGINES.index(config.engine),
        OPTIMIZERS.index(config.optimizer),
        config.lr,
        config.epochs,
        config.hidden - 1,  # up to 65,536, and never 0
        config.batch_size,
        config.seed,
        config.record_every,
    )
    return numbers + bytes((len(device),)) + device


def _unpack_settings(reader: _Reader) -> TrainConfig:
    engine, optimizer, lr, epochs, hidden, batch_size, seed, record_every = reader.unpack(_SETTINGS)
    device = reader.take(min(reader.take(1)[0], _MAX_DEVICE_BYTES + 1))
    if engine >= len(ENGINES) or optimizer >= len(OPTIMIZERS):
        raise ShareError("This shared address names an engine or optimizer that is unknown here.")
    if not _is_device(device):
        raise ShareError(_NOT_AN_ADDRESS)
    return TrainConfig(
        device=device.decode("ascii"),
        engine=ENGINES[engine],
        optimizer=OPTIMIZERS[optimizer],
        lr=lr,
        epochs=epochs,
        hidden=hidden + 1,
        batch_size=batch_size,
        seed=seed,
        record_every=record_every,
    )


def _is_device(name: bytes) -> bool:
    """Tell whether this may be a device: letters, digits and a colon, since it is shown."""
    return len(name) <= _MAX_DEVICE_BYTES and name.replace(b":", b"").isalnum()


def _pack_metrics(metrics: dict[str, Any]) -> bytes:
    """Pack what a run measured; losses are float32 in PyTorch, accuracies a count of rows."""
    outcome = metrics.get("outcome")
    epochs = metrics.get("epochs_done")
    return _METRICS.pack(
        _OUTCOMES.index(outcome) if outcome in _OUTCOMES else _UNKNOWN,
        epochs if isinstance(epochs, int) and 0 <= epochs < 2**32 else 0,
        _read_loss(metrics.get("final_loss")),
        _read_loss(metrics.get("test_loss")),
        _count_rows(metrics.get("train_accuracy"), TRAIN_ROWS),
        _count_rows(metrics.get("test_accuracy"), TEST_ROWS),
    )


def _unpack_metrics(reader: _Reader) -> dict[str, Any]:
    outcome, epochs, final_loss, test_loss, train_right, test_right = reader.unpack(_METRICS)
    known = {
        "outcome": _OUTCOMES[outcome] if outcome < len(_OUTCOMES) else None,
        "epochs_done": epochs or None,
        "final_loss": final_loss if math.isfinite(final_loss) else None,
        "test_loss": test_loss if math.isfinite(test_loss) else None,
        "train_accuracy": train_right / TRAIN_ROWS if train_right <= TRAIN_ROWS else None,
        "test_accuracy": test_right / TEST_ROWS if test_right <= TEST_ROWS else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _read_loss(value: object) -> float:
    """Return a loss that float32 can hold, NaN for an unknown one."""
    number = isinstance(value, int | float) and abs(value) <= float(np.finfo(np.float32).max)
    return float(value) if number else math.nan  # type: ignore[arg-type]


def _count_rows(share: object, rows: int) -> int:
    known = isinstance(share, int | float) and 0 <= share <= 1
    return round(share * rows) if known else _UNKNOWN  # type: ignore[operator]


def _unpack_checkpoint(reader: _Reader, config: TrainConfig, flags: int) -> Checkpoint:
    if config.hidden > MAX_HIDDEN:
        raise ShareError(_NOT_AN_ADDRESS)
    metrics = _unpack_metrics(reader)
    scaler = LESSON_SCALER
    if flags & _HAS_SCALER:
        lengths = reader.unpack(_SCALER)
        if not all(map(math.isfinite, lengths)):
            raise ShareError("This shared address holds a scaling that is not a number.")
        scaler = Scaler(lengths[:4], lengths[4:])
    hidden = config.hidden
    shapes = ((hidden, 4), (hidden,), (3, hidden), (3,))
    state = {}
    for name, shape in zip(TENSOR_NAMES, shapes, strict=True):
        values = np.frombuffer(reader.take(4 * math.prod(shape)), "<f4").astype(np.float32)
        state[name] = torch.from_numpy(values).reshape(shape)
    return Checkpoint(state=state, scaler=scaler, settings=config.to_dict(), metrics=metrics)
