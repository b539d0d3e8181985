"""What a model says of a table of flowers: rows, warnings, and how many it gets right."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from iris_mlp.classify.table import FlowerTable, Row
from iris_mlp.data import CLASS_NAMES
from iris_mlp.errors import MeasurementsError
from iris_mlp.inference import Prediction, list_extrapolated


@dataclass(frozen=True)
class Comparison:
    """The model's answers against the species that the table names.

    Attributes:
        confusion: Rows by true class and predicted class, shape (3, 3).
    """

    confusion: np.ndarray

    @property
    def rows(self) -> int:
        """How many rows name their species."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """How many of them are answered with it."""
        return int(self.confusion.trace())


def compare(table: FlowerTable, prediction: Prediction) -> Comparison | None:
    """Hold the answers against the species that the table names; None where it names none."""
    confusion = np.zeros((len(CLASS_NAMES), len(CLASS_NAMES)), int)
    for row, predicted in zip(table.flowers, prediction.classes):
        if row.species is not None:
            confusion[row.species, predicted] += 1
    return Comparison(confusion) if confusion.any() else None


def list_warnings(table: FlowerTable) -> list[MeasurementsError]:
    """Return what is odd about the rows, a sentence for each cause with its first row."""
    rows_by_cause: dict[str, list[Row]] = {}
    for row in table.rows:
        if row.warning:
            rows_by_cause.setdefault(str(row.warning), []).append(row)
    return [_tell(rows) for rows in rows_by_cause.values()]


def _tell(rows: list[Row]) -> MeasurementsError:
    values = {"line": rows[0].line, "row": rows[0].number, "reason": rows[0].warning}
    if len(rows) == 1:
        return MeasurementsError("Line {line} (row {row}): {reason}", **values)
    return MeasurementsError(
        "{count} rows, the first on line {line} (row {row}): {reason}", count=len(rows), **values
    )


def write_csv(table: FlowerTable, prediction: Prediction) -> str:
    """Return the table as CSV: each row's number and columns, the answer, and what is odd."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    number, *answer = (
        _name_apart(name, table.header) for name in ("row", "label", *CLASS_NAMES, "warning")
    )
    writer.writerow([number, *table.header, *answer])
    answers = iter(zip(prediction.classes, prediction.probabilities.tolist()))
    for row in table.rows:
        cells = [*row.cells[: len(table.header)], *[""] * (len(table.header) - len(row.cells))]
        if row.lengths_cm is None:
            told = [""] * (1 + len(CLASS_NAMES))
        else:
            predicted, confidences = next(answers)
            told = [CLASS_NAMES[predicted], *(f"{c:.6f}" for c in confidences)]
        warning = str(row.warning or "")
        if not warning and (outside := list_extrapolated(row.lengths_cm or ())):
            warning = f"outside the range of the data: {', '.join(outside)}"
        writer.writerow([row.number, *cells, *told, warning])
    return out.getvalue()


def describe(table: FlowerTable, prediction: Prediction) -> dict[str, Any]:
    """Return the answers, and all that there is to say of the table, as JSON values."""
    flowers = [
        {"row": row.number, "line": row.line, "columns": dict(zip(table.header, row.cells))}
        | prediction.describe(index)
        | {
            "lengths_cm": row.lengths_cm,
            "extrapolated": list_extrapolated(row.lengths_cm or ()),
            "species": None if row.species is None else CLASS_NAMES[row.species],
            "warning": str(row.warning) if row.warning else None,
        }
        for index, row in enumerate(table.flowers)
    ]
    unread = [
        {"row": row.number, "line": row.line, "cells": row.cells, "reason": str(row.warning)}
        for row in table.rows
        if row.lengths_cm is None
    ]
    comparison = compare(table, prediction)
    return {
        "flowers": flowers,
        "unread": unread,
        "notes": [str(note) for note in table.notes],
        "comparison": comparison
        and {
            "rows": comparison.rows,
            "right": comparison.right,
            "accuracy": comparison.right / comparison.rows,
            "classes": CLASS_NAMES,
            "confusion": comparison.confusion.tolist(),
        },
    }


def _name_apart(name: str, taken: tuple[str, ...]) -> str:
    """Return a column's name that the table does not have yet."""
    while name in taken:
        name = f"answer_{name}"
    return name
