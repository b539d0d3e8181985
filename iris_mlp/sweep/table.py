"""The table of a sweep: one row for each training, written as they end, and read to go on."""

import csv
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from iris_mlp.config import TrainConfig
from iris_mlp.errors import OutputError, SettingsError
from iris_mlp.sweep.results import COLUMNS, SETTINGS, LaneResult, Tally
from iris_mlp.sweep.settings import SweepConfig

_ROWS_AT_ONCE = 10_000
"""Rows that a Parquet file takes at a time."""
_TEXTS = ("optimizer", "device", "outcome")
_NUMBERS = ("epochs", "hidden", "batch_size", "seed", "epochs_done")


def write_table(path: Path, results: Iterable[LaneResult], *, append: bool = False) -> None:
    """Write one row for each result as it comes, so that an interrupted sweep keeps its rows.

    Args:
        path: A CSV, or a Parquet file where the name ends so.
        results: The results.
        append: Go on after the last whole row of a CSV.

    Raises:
        OutputError: The path cannot be written, or what Parquet needs is not installed.
    """
    try:
        if path.suffix == ".parquet":
            _write_parquet(path, results)
        else:
            with path.open("r+" if append else "w", newline="", encoding="utf-8") as file:
                if append:
                    file.truncate(file.seek(_count_whole_bytes(path)))
                write_rows(file, results, header=not append)
    except OSError as error:
        raise OutputError(
            "Cannot write {path}: {reason}; choose a path in a folder that exists "
            "and that you may write to.",
            path=path,
            reason=error.strerror,
        ) from error


def write_rows(file: TextIO, results: Iterable[LaneResult], *, header: bool = True) -> None:
    """Write results to an open file as CSV, with every digit."""
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    if header:
        writer.writeheader()
    for result in results:
        writer.writerow(result.to_row())


def check_format(path: Path, resume: bool) -> None:
    """Refuse, before any training, a table that could not be written at its end.

    Raises:
        OutputError: What Parquet needs is not installed, or a Parquet file would have to go on.
    """
    if path.suffix != ".parquet":
        return
    if resume:
        raise OutputError(
            "{path} is a Parquet file, which cannot be continued; let a sweep that is to be "
            "resumed write a CSV.",
            path=path,
        )
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise OutputError(
            "Parquet needs the package pyarrow, and it is not installed here; "
            "install it, or write a CSV."
        ) from None


class FinishedLanes:
    """The trainings of a sweep whose rows are in a CSV already.

    Ten million of them take 160 MB while they are read.

    Args:
        path: The CSV; without it, or with nothing in it, none has ended.
        config: The settings of the sweep.
        tally: Counts each row.

    Raises:
        SettingsError: The file is not the table of this sweep; the sentence names the row.
    """

    def __init__(self, path: Path, config: SweepConfig, tally: Tally) -> None:
        self._path = path
        keys = np.fromiter(self._read_keys(tally), np.int64)
        tally.resumed = tally.done
        self.rows = len(keys)
        self._keys, self._counts = np.unique(keys, return_counts=True)
        left = self._counts.copy()
        for _ in self._leave_out(config, left):
            pass
        if left.any():
            strange = set(self._keys[left > 0].tolist())
            number = next(i for i, key in enumerate(self._read_keys(), 2) if key in strange)
            raise SettingsError(
                "Line {line} of {path} is no training of this sweep, or is there twice; give the "
                "settings with which it was begun, or another file.",
                line=number,
                path=path,
            )

    def leave_out(self, config: SweepConfig) -> Iterator[TrainConfig]:
        """Yield the settings of those lanes of the sweep that have no row."""
        return self._leave_out(config, self._counts.copy())

    def _leave_out(self, config: SweepConfig, left: np.ndarray) -> Iterator[TrainConfig]:
        for lane in config:
            key = _make_key(lane)
            place = int(np.searchsorted(self._keys, key))
            if place < len(left) and self._keys[place] == key and left[place]:
                left[place] -= 1
            else:
                yield lane

    def _read_keys(self, tally: Tally | None = None) -> Iterator[int]:
        with closing(_read_results(self._path)) as results:
            for result in results:
                if tally:
                    tally.add(result)
                yield _make_key(result.config)


def _make_key(config: TrainConfig) -> int:
    """Return what tells trainings apart; two of ten million share one with odds of 1 in 10^5."""
    return hash(tuple(getattr(config, name) for name in SETTINGS))


def _read_results(path: Path) -> Generator[LaneResult]:
    """Yield the results of a CSV, without a last row that was cut off in writing."""
    whole = _count_whole_bytes(path)
    if not whole:
        return
    with path.open(newline="", encoding="latin-1") as file:  # a character is a byte
        reader = csv.reader(_limit(file, whole))
        if tuple(next(reader)) != COLUMNS:
            raise SettingsError(
                "{path} is not a table of this version's sweeps; name another file.", path=path
            )
        for row in reader:
            try:
                yield _read_row(row)
            except (ValueError, SettingsError):
                raise SettingsError(
                    "Line {line} of {path} cannot be read; delete it, and its training runs again.",
                    line=reader.line_num,
                    path=path,
                ) from None


def _read_row(row: list[str]) -> LaneResult:
    values: dict[str, Any] = {}
    for name, text in zip(COLUMNS, row, strict=True):
        if name in _TEXTS:
            values[name] = text
        else:
            values[name] = (int if name in _NUMBERS else float)(text) if text else None
    if values["outcome"] not in ("completed", "diverged"):
        raise ValueError(values["outcome"])
    settings = {name: values.pop(name) for name in (*SETTINGS, "device")}
    config = TrainConfig(engine="fused", record_every=settings["epochs"], **settings)
    return LaneResult(config=config, **values)


def _limit(lines: Iterable[str], length: int) -> Iterator[str]:
    for line in lines:
        length -= len(line)
        if length < 0:
            return
        yield line


def _count_whole_bytes(path: Path) -> int:
    """Return where the last line that has an end ends; 0 where there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, size - 2**16))
            return start + file.read().rfind(b"\n") + 1
    except FileNotFoundError:
        return 0


def _write_parquet(path: Path, results: Iterable[LaneResult]) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    kinds = {**dict.fromkeys(_TEXTS, pa.string()), **dict.fromkeys(_NUMBERS, pa.int64())}
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in COLUMNS])
    rows: list[dict[str, Any]] = []

    def write() -> None:
        writer.write_batch(pa.RecordBatch.from_pylist(rows, schema))
        rows.clear()

    with ParquetWriter(path, schema) as writer:
        try:
            for result in results:
                rows.append(result.to_row())
                if len(rows) == _ROWS_AT_ONCE:
                    write()
        finally:
            write()  # also those of a sweep that breaks
