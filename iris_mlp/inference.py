"""Classify flowers: lengths in cm to class probabilities."""

import csv
import io
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

MAX_CSV_ROWS = 10_000
MAX_CSV_BYTES = 2 * 1024 * 1024


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


def read_csv(data: bytes) -> np.ndarray:
    """Read flowers from CSV: four columns in cm, in any order under a header, or without one.

    Further columns are ignored when there is a header. Returns shape (n, 4).

    Raises:
        MeasurementsError: Something is wrong; the sentence names the row and the column.
    """
    if len(data) > MAX_CSV_BYTES:
        raise MeasurementsError(
            "The CSV is larger than {most_mib} MiB; split it.", most_mib=MAX_CSV_BYTES // 1024**2
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MeasurementsError(
            "The CSV is not UTF-8 text (byte {byte:,}); save it again as UTF-8.",
            byte=error.start + 1,
        ) from error
    try:
        table = [
            row for row in csv.reader(io.StringIO(text, newline="")) if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise MeasurementsError("The CSV cannot be read: {reason}.", reason=str(error)) from error
    columns, first = _find_columns(table)
    rows = table[first:]
    if not rows:
        raise MeasurementsError("The CSV holds no flower; give one row of four lengths in cm each.")
    if len(rows) > MAX_CSV_ROWS:
        raise MeasurementsError(
            "The CSV holds {rows:,} rows; at most {most:,} are read, so split it.",
            rows=len(rows),
            most=MAX_CSV_ROWS,
        )
    flowers = []
    for number, row in enumerate(rows, start=1):
        if first and len(row) != len(table[0]):
            raise MeasurementsError(
                "Row {row}: {count} values under a header of {columns} columns; "
                "write 5.1 with a point, and separate columns by commas.",
                row=number,
                count=len(row),
                columns=len(table[0]),
            )
        cells = [row[i] for i in columns] if first else row
        try:
            flowers.append(read_lengths(cells))
        except MeasurementsError as error:
            raise MeasurementsError("Row {row}: {reason}", row=number, reason=error) from error
    return np.array(flowers)


def write_csv(lengths_cm: np.ndarray, prediction: Prediction) -> str:
    """Return CSV with the four lengths, the label and the three confidences of each flower."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*FEATURE_NAMES, "label", *CLASS_NAMES])
    for lengths, predicted, confidences in zip(
        lengths_cm.tolist(), prediction.classes, prediction.probabilities.tolist()
    ):
        writer.writerow([*lengths, CLASS_NAMES[predicted], *(f"{c:.6f}" for c in confidences)])
    return out.getvalue()


def _find_columns(table: list[list[str]]) -> tuple[list[int], int]:
    """Return where each feature stands and the index of the first flower."""
    if not table:
        raise MeasurementsError("The CSV is empty; give one row of four lengths in cm a flower.")
    if all(len(row) == 1 for row in table):
        raise MeasurementsError(
            "The CSV has one column; four, separated by commas, are expected: {names}.",
            names=", ".join(FEATURE_NAMES),
        )
    names = [_normalize(cell) for cell in table[0]]
    if not any(name in FEATURE_NAMES for name in names):
        return [0, 1, 2, 3], 0
    missing = [name for name in FEATURE_NAMES if name not in names]
    if missing:
        raise MeasurementsError(
            "The CSV's header has no column {missing}.", missing=", ".join(missing)
        )
    return [names.index(name) for name in FEATURE_NAMES], 1


def _normalize(cell: str) -> str:
    """Spell a column's name as ours: `Sepal Length (cm)` is `sepal_length`."""
    name = cell.strip().lower().removesuffix("(cm)").removesuffix("_cm").strip()
    return name.replace(" ", "_").replace(".", "_")


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
