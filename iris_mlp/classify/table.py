"""A table of flowers as people write it: commas or not, with a header or without, in any order."""

from dataclasses import dataclass

import numpy as np

from iris_mlp.classify.columns import UNITS_CM, read_number
from iris_mlp.classify.encoding import decode
from iris_mlp.classify.layout import Columns, find_columns, find_species, is_flower, quote
from iris_mlp.classify.rows import split_rows
from iris_mlp.errors import MeasurementsError
from iris_mlp.files import name_kind
from iris_mlp.inference import read_lengths

MAX_ROWS = 10_000
MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        number: Its number among the rows below the header, from 1.
        line: The line of the file on which it begins, from 1.
        cells: What stands there, a text a column.
        lengths_cm: The four lengths; None where they cannot be read.
        species: The class that the row names, if it names one.
        warning: Why it cannot be read, or what is odd about it; None where all is well.
    """

    number: int
    line: int
    cells: tuple[str, ...]
    lengths_cm: tuple[float, ...] | None
    species: int | None
    warning: MeasurementsError | None


@dataclass(frozen=True)
class FlowerTable:
    """Flowers with all that their file says of them.

    Attributes:
        header: The names of all columns, each once.
        rows: All rows, those that cannot be read among them.
        notes: What was assumed in reading, as sentences that are shown and never raised.
        species_column: The column that names the species, or None.
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[MeasurementsError, ...]
    species_column: int | None

    @property
    def flowers(self) -> list[Row]:
        """The rows that could be read, in their order."""
        return [row for row in self.rows if row.lengths_cm is not None]

    @property
    def lengths_cm(self) -> np.ndarray:
        """Lengths of the rows that could be read, shape (n, 4)."""
        return np.array([row.lengths_cm for row in self.flowers])


def read_table(data: bytes) -> FlowerTable:
    """Read flowers from an untrusted file.

    Separators are commas, semicolons, tabs, bars or blanks; numbers have a point or a comma;
    columns are found by their names in several languages, or by their place where they have none.
    What has to be assumed is told in the notes, and a row that cannot be read stays, with why.

    Raises:
        MeasurementsError: Nothing can be read; the sentence says why.
    """
    if len(data) > MAX_BYTES:
        raise MeasurementsError(
            "The CSV is larger than {most_mib} MiB; split it.", most_mib=MAX_BYTES // 1024**2
        )
    if kind := name_kind(data):
        raise MeasurementsError(
            "This is {kind}, not a table as text; save the flowers as CSV.", kind=kind
        )
    text, guessed = decode(data)
    notes = []
    if guessed:
        notes.append(
            MeasurementsError("The file is not UTF-8; it was read as {encoding}.", encoding=guessed)
        )
    table = split_rows(text)
    if not table:
        raise MeasurementsError("The CSV is empty; give one row of four lengths in cm a flower.")
    columns, classes = find_columns(table, notes)
    lines = table[columns.first :]
    if not lines:
        raise MeasurementsError("The CSV holds no flower; give one row of four lengths in cm each.")
    if len(lines) > MAX_ROWS:
        raise MeasurementsError(
            "The CSV holds {rows:,} rows; at most {most:,} are read, so split it.",
            rows=len(lines),
            most=MAX_ROWS,
        )
    cells = [_fit(line.cells, len(columns.header)) for line in lines]
    species_column, species = find_species(columns, cells, classes, notes)
    rows = tuple(
        _read_row(number, line.number, row, columns, kind)
        for number, (line, row, kind) in enumerate(zip(lines, cells, species), start=1)
    )
    lengths_cm = [row.lengths_cm for row in rows if row.lengths_cm]
    if not lengths_cm:
        raise MeasurementsError(
            "Line {line} (row {row}): {reason}",
            line=rows[0].line,
            row=rows[0].number,
            reason=rows[0].warning,
        )
    if len(lengths_cm) > 1 and np.max(lengths_cm) <= 1:
        notes.append(
            MeasurementsError("All lengths are from 0 to 1, as scaled ones are; give them in cm.")
        )
    return FlowerTable(tuple(_make_unique(columns.header)), rows, tuple(notes), species_column)


def _fit(cells: list[str], count: int) -> list[str]:
    """Take away empty cells beyond the last column."""
    while len(cells) > count and not cells[-1]:
        cells = cells[:-1]
    return cells


def _read_row(
    number: int, line: int, cells: list[str], columns: Columns, species: int | None
) -> Row:
    lengths_cm, warning = None, None
    try:
        if len(cells) != len(columns.header):
            raise MeasurementsError(
                "{count} values where {columns} are expected: {text}.",
                count=len(cells),
                columns=len(columns.header),
                text=quote(", ".join(cells)),
            )
        lengths_cm, warning = _read_lengths(cells, columns)
    except MeasurementsError as error:
        warning = error
    return Row(number, line, tuple(cells), lengths_cm, species, warning)


def _read_lengths(
    cells: list[str], columns: Columns
) -> tuple[tuple[float, ...], MeasurementsError | None]:
    values: list[object] = []
    bare: list[float] = []
    units = set()
    for place, named in zip(columns.features, columns.units):
        found = read_number(cells[place])
        if found is None:
            values.append(cells[place])
            continue
        unit = found[1] or named or "cm"
        units.add(unit)
        bare.append(found[0])
        values.append(round(found[0] * UNITS_CM[unit], 6))
    lengths_cm = read_lengths(values)
    return tuple(lengths_cm), doubt_lengths(lengths_cm, bare, ", ".join(sorted(units)))


def doubt_lengths(
    lengths_cm: list[float], bare: list[float] | None = None, unit: str = "cm"
) -> MeasurementsError | None:
    """Return what the lengths of one flower look like, where they are no flower's as they stand.

    Args:
        lengths_cm: The lengths as they were read.
        bare: The numbers as they were written.
        unit: The unit or units in which they were read.
    """
    if is_flower(lengths_cm):
        return None
    for other, factor in UNITS_CM.items():
        if other != unit and is_flower([length * factor for length in bare or lengths_cm]):
            return MeasurementsError(
                "The lengths look like {unit}, not {assumed}; give them in cm, or name the unit in "
                "the header, as in sepal_length_{suffix}.",
                unit=other,
                assumed=unit,
                suffix="in" if other == "inches" else other,
            )
    sepal_length, sepal_width, petal_length, petal_width = lengths_cm
    if is_flower([petal_length, petal_width, sepal_length, sepal_width]):
        return MeasurementsError(
            "Sepals and petals look exchanged; check the order of the columns."
        )
    if is_flower([sepal_width, sepal_length, petal_width, petal_length]):
        return MeasurementsError(
            "Lengths and widths look exchanged; check the order of the columns."
        )
    return None


def _make_unique(header: list[str]) -> list[str]:
    """Return the names with the empty ones numbered and repeated ones told apart."""
    names: list[str] = []
    for number, name in enumerate(header, start=1):
        name, plain = name or f"column_{number}", name
        while name in names:
            name = f"{plain}_{number}" if plain else f"{name}_"
        names.append(name)
    return names
