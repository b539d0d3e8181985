"""Classify flowers: lengths in cm to class probabilities."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES, FEATURE_RANGES_CM, MAX_LENGTH_CM
from iris_mlp.errors import MeasurementsError


@dataclass(frozen=True)
class Prediction:
    """What the model says of n flowers.

    Attributes:
        hidden: Activations of the hidden units after ReLU, shape (n, hidden).
        logits: Outputs of the last layer, shape (n, 3).
        probabilities: Softmax of the logits, shape (n, 3).
    """

    hidden: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Most likely class of each flower, shape (n,)."""
        return self.logits.argmax(axis=1)

    def describe(self, row: int = 0) -> dict[str, Any]:
        """Return the label of a flower and its confidences, the likeliest first."""
        order = np.argsort(-self.probabilities[row], kind="stable")
        return {
            "label": CLASS_NAMES[order[0]],
            "confidences": [
                {"label": CLASS_NAMES[i], "confidence": float(self.probabilities[row, i])}
                for i in order
            ],
        }


class Classifier:
    """A checkpoint ready to answer.

    Args:
        checkpoint: Weights and scaler.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._model = checkpoint.build_model()

    @torch.no_grad()
    def predict(self, lengths_cm: np.ndarray) -> Prediction:
        """Classify flowers from their lengths in cm, shape (n, 4)."""
        model = self._model
        inputs = torch.from_numpy(self.checkpoint.scaler.scale(lengths_cm))
        hidden = model.relu(model.fc1(inputs))
        logits = model.fc2(hidden)
        return Prediction(hidden.numpy(), logits.numpy(), logits.softmax(dim=1).numpy())


@cache
def shipped_classifier() -> Classifier:
    """Return the shipped weights, ready to answer; shared, since nobody changes them."""
    return Classifier(Checkpoint.load(SHIPPED_WEIGHTS))


def read_lengths(values: Sequence[object]) -> list[float]:
    """Check the four lengths of one flower.

    Args:
        values: Sepal length, sepal width, petal length, petal width, in cm.

    Raises:
        MeasurementsError: A length is missing, not a number, negative or absurd.
    """
    if len(values) != len(FEATURE_NAMES):
        raise MeasurementsError(
            "{count} values; four are expected: {names}.",
            count=len(values),
            names=", ".join(FEATURE_NAMES),
        )
    return [_read_length(value, name) for name, value in zip(FEATURE_NAMES, values)]


def list_extrapolated(lengths_cm: Iterable[float]) -> list[str]:
    """Return the names of the lengths that lie outside the range of the 150 flowers."""
    return [
        name
        for name, length, (low, high) in zip(FEATURE_NAMES, lengths_cm, FEATURE_RANGES_CM)
        if not low <= length <= high
    ]


def _read_length(value: object, name: str) -> float:
    try:
        length = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        length = math.nan
    if isinstance(value, bool) or not math.isfinite(length):
        raise MeasurementsError(
            "{name} is {value}, not a length in cm.", name=name, value=_show(value)
        )
    if not 0 <= length <= MAX_LENGTH_CM:
        raise MeasurementsError(
            "{name} is {value}; a length from 0 to {high:g} cm is expected.",
            name=name,
            value=_show(value),
            high=MAX_LENGTH_CM,
        )
    return length


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
