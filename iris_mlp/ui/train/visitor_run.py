"""A run that a visitor's browser trained and sent: read like an upload, and measured here."""

import base64
import binascii
import math
from typing import Any

import numpy as np
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import BROWSER_DEVICES, Limits, TrainConfig
from iris_mlp.data import load_split
from iris_mlp.errors import SettingsError
from iris_mlp.training import History, Progress, TrainResult, evaluate

_SETTINGS = ("device", "optimizer", "lr", "epochs", "hidden", "batch_size", "seed", "record_every")
_DAMAGED = "The run that your browser sent is damaged ({name}); train it again."


def read_visitor_run(sent: object, limits: Limits) -> TrainResult:
    """Check an untrusted run, and measure its weights on both splits.

    Args:
        sent: An object with `settings`, those of `TrainConfig` without the engine; `epoch`, the
            epochs done; `elapsed_s`; and as base64 of little-endian float32 `losses` and
            `test_losses`, all that are recorded up to that epoch, and `weights`: unit by unit the
            weights from the four features, the bias and the weights to the three classes, then the
            biases of the classes.
        limits: The caps of this host.

    Raises:
        SettingsError: A setting is refused, or the run does not fit its settings.
        WeightsError: The weights are refused as those of a file would be.
    """
    run = sent if isinstance(sent, dict) else {}
    config = _read_settings(run.get("settings"), limits)
    epoch = _read_number(run, "epoch", 1, config.epochs)
    if epoch != int(epoch):
        raise SettingsError(_DAMAGED, name="epoch")
    elapsed_s = _read_number(run, "elapsed_s", 1e-6, 1e9)
    epochs = _list_epochs(int(epoch), config.record_every, config.epochs)
    test_epochs = _list_epochs(int(epoch), config.test_every, config.epochs)
    losses = _read_floats(run, "losses", len(epochs))
    test_losses = _read_floats(run, "test_losses", len(test_epochs))
    weights = _read_floats(run, "weights", 8 * config.hidden + 3)
    recorded, tested = np.isfinite(losses), np.isfinite(test_losses)
    history = History(
        np.array(epochs)[recorded].tolist(),
        losses[recorded].tolist(),
        np.array(test_epochs)[tested].tolist(),
        test_losses[tested].tolist(),
    )
    has_diverged = not (recorded.all() and np.isfinite(weights).all())
    checkpoint = Checkpoint(_to_state(weights), load_split().scaler, config.to_dict(), {})
    evaluation = evaluate(checkpoint.build_model(), load_split())
    progress = Progress(
        epoch=int(epoch),
        train_loss=history.losses[-1] if history.losses else None,
        elapsed_s=elapsed_s,
        epochs_per_s=epoch / elapsed_s,
        remaining_s=0.0,
        evaluation=evaluation,
    )
    has_diverged |= not math.isfinite(evaluation.test_loss)
    outcome = "diverged" if has_diverged else "completed" if epoch == config.epochs else "stopped"
    metrics = progress.to_metrics(outcome)
    if has_diverged:
        return TrainResult(config, outcome, "", progress, history, None)
    # Through the file, whose reader makes every check.
    file = Checkpoint(checkpoint.state, checkpoint.scaler, config.to_dict(), metrics).to_bytes()
    return TrainResult(config, outcome, "", progress, history, Checkpoint.from_bytes(file))


def _read_settings(given: object, limits: Limits) -> TrainConfig:
    if not isinstance(given, dict) or set(given) != set(_SETTINGS):
        raise SettingsError(_DAMAGED, name="settings")
    if given["device"] not in BROWSER_DEVICES:
        raise SettingsError(_DAMAGED, name="device")
    config = TrainConfig(**given)
    limits.check(config)
    return config


def _read_number(run: dict[str, Any], name: str, least: float, most: float) -> float:
    value = run.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise SettingsError(_DAMAGED, name=name)
    return value


def _read_floats(run: dict[str, Any], name: str, count: int) -> np.ndarray:
    """Return exactly so many float32."""
    text = run.get(name)
    if not isinstance(text, str) or len(text) != 4 * -(-4 * count // 3):
        raise SettingsError(_DAMAGED, name=name)
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), "<f4", count)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(_DAMAGED, name=name) from error


def _list_epochs(last: int, every: int, end: int) -> list[int]:
    epochs = list(range(every, last + 1, every))
    return [*epochs, end] if last == end and end % every else epochs


def _to_state(weights: np.ndarray) -> dict[str, torch.Tensor]:
    units, biases = weights[:-3].reshape(-1, 8), weights[-3:]
    parts = {
        "fc1.weight": units[:, :4],
        "fc1.bias": units[:, 4],
        "fc2.weight": units[:, 5:].T,
        "fc2.bias": biases,
    }
    return {name: torch.tensor(np.ascontiguousarray(part)) for name, part in parts.items()}
