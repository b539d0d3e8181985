"""Which column of a table is which length, and which one names the species."""

from collections import Counter
from typing import NamedTuple

from iris_mlp.classify.columns import (
    UNITS_CM,
    Feature,
    is_placeholder,
    is_species_column,
    match_feature,
    match_species,
    order_classes,
    read_number,
)
from iris_mlp.classify.rows import Line
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES, FEATURE_RANGES_CM
from iris_mlp.errors import MeasurementsError

MAX_PREAMBLE = 30
"""So many rows may stand before the header or the first flower."""
_SLACK = 1.2
"""A flower may be so much larger or smaller than the 150 before its unit is doubted."""


class Columns(NamedTuple):
    """Where the lengths stand, what the columns are called, and the first row below."""

    features: list[int]
    units: list[str | None]
    header: list[str]
    first: int


def find_columns(
    table: list[Line], notes: list[MeasurementsError]
) -> tuple[Columns, list[int] | None]:
    """Return where the lengths stand, and the classes of numbers where a first line tells them."""
    for at, line in enumerate(table[:MAX_PREAMBLE]):
        cells = [line.cells[0].lstrip("#%/ "), *line.cells[1:]]
        if len(cells) > 1 and not cells[0] and match_feature(cells[1]) and line.cells[0]:
            cells = cells[1:]  # "# sepal_length …": the sign stands in a cell of its own
        features = [match_feature(cell) for cell in cells]
        if sum(feature is not None for feature in features) >= 2:
            _tell_skipped(table[:at], notes)
            return _read_header(cells, features, table[at + 1 :], at + 1, notes), None
    at = _find_first_flower(table)
    classes = order_classes(table[at].cells[2:]) if len(table[at].cells) == 5 else None
    if classes and read_number(table[at].cells[1]) == (4.0, None):
        _tell_skipped(table[: at + 1], notes)  # scikit-learn's first line: 150,4,setosa,…
        return _assume_order(table, at + 1, [], notes), classes
    return _find_placeholders(table, at, notes), None


def _find_first_flower(table: list[Line]) -> int:
    """Return the index of the first row of numbers, which tells it from a header."""
    for at, line in enumerate(table[:MAX_PREAMBLE]):
        if len(line.cells) >= 4 and sum(read_number(cell) is not None for cell in line.cells) >= 2:
            return at
    raise MeasurementsError(
        "No row holds four lengths; line {line} reads {text}. Write one flower a row: {names}.",
        line=table[0].number,
        text=quote(", ".join(table[0].cells)),
        names=", ".join(FEATURE_NAMES),
    )


def _find_placeholders(table: list[Line], at: int, notes: list[MeasurementsError]) -> Columns:
    """Return the columns of a table whose header, if any, does not name the lengths."""
    cells = table[at].cells
    counted = [cell for cell in cells if cell]
    starts = (0, 1) if len(table) > at + 1 else (0,)
    if counted in ([str(start + i) for i in range(len(counted))] for start in starts):
        _tell_skipped(table[:at], notes)
        return _assume_order(table, at + 1, cells, notes)
    header: list[str] = []
    if at and sum(map(bool, table[at - 1].cells)) >= 4:
        header = table[at - 1].cells
        if not all(map(is_placeholder, header)):
            raise MeasurementsError(
                "The header names none of the lengths: {text}. Call the columns {names}.",
                text=quote("; ".join(header)),
                names=", ".join(FEATURE_NAMES),
            )
    _tell_skipped(table[: at - bool(header)], notes)
    return _assume_order(table, at, header, notes)


def _assume_order(
    table: list[Line], first: int, header: list[str], notes: list[MeasurementsError]
) -> Columns:
    """Return the columns of a table that does not name them: four together that fit a flower."""
    rows = table[first:]
    if not rows:
        return Columns([0, 1, 2, 3], [None] * 4, list(FEATURE_NAMES), first)
    count = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    full = [row.cells for row in rows[:1000] if len(row.cells) == count]
    is_numeric = [
        sum(read_number(cells[i]) is not None for cells in full) * 2 > len(full)
        for i in range(count)
    ]
    starts = [i for i in range(count - 3) if count == 4 or all(is_numeric[i : i + 4])]
    if len(starts) > 1:
        fits = {i: sum(_fits(cells[i : i + 4]) for cells in full) for i in starts}
        starts = [i for i in starts if fits[i] * 2 > len(full) and fits[i] == max(fits.values())]
    if len(starts) != 1:
        raise MeasurementsError(
            "Which columns are the lengths cannot be told from {text}; "
            "add a first row with the names {names}.",
            text=quote(", ".join(rows[0].cells)),
            names=", ".join(FEATURE_NAMES),
        )
    start = starts[0]
    notes.append(
        MeasurementsError(
            "No header names the lengths: columns {first} to {last} are taken as {names}.",
            first=start + 1,
            last=start + 4,
            names=", ".join(FEATURE_NAMES),
        )
    )
    if len(header) != count:
        header = [f"column_{i + 1}" for i in range(count)]
        header[start : start + 4] = FEATURE_NAMES
    return Columns(list(range(start, start + 4)), [None] * 4, header, first)


def _fits(cells: list[str]) -> bool:
    numbers = [number[0] for cell in cells if (number := read_number(cell))]
    return len(numbers) == 4 and any(
        is_flower([length * factor for length in numbers]) for factor in UNITS_CM.values()
    )


def _read_header(
    cells: list[str],
    features: list[Feature | None],
    rows: list[Line],
    first: int,
    notes: list[MeasurementsError],
) -> Columns:
    found: dict[int, int] = {}
    for column, feature in enumerate(features):
        if feature is not None and found.setdefault(feature.place, column) != column:
            raise MeasurementsError(
                "Two columns are {name}: {first} and {second}; rename one.",
                name=FEATURE_NAMES[feature.place],
                first=quote(cells[found[feature.place]]),
                second=quote(cells[column]),
            )
    missing = [name for index, name in enumerate(FEATURE_NAMES) if index not in found]
    if missing:
        raise MeasurementsError(
            "The CSV's header has no column {missing}.", missing=", ".join(missing)
        )
    places = [found[index] for index in range(4)]
    units = [feature.unit for place in places if (feature := features[place])]
    if foreign := {unit for unit in units if unit not in (None, "cm")}:
        notes.append(
            MeasurementsError(
                "The header gives lengths in {unit}; they are converted to cm.",
                unit=", ".join(sorted(map(str, foreign))),
            )
        )
    counts = Counter(len(row.cells) for row in rows if row.cells[-1])
    if counts and counts.most_common(1)[0][0] == len(cells) + 1:
        # R's write.table leaves out the name of the first column, the rows' names.
        cells, places = ["", *cells], [place + 1 for place in places]
    return Columns(places, units, cells, first)


def _tell_skipped(lines: list[Line], notes: list[MeasurementsError]) -> None:
    if not lines:
        return
    text = quote(", ".join(filter(None, lines[0].cells)))
    if len(lines) == 1:
        note = MeasurementsError(
            "Line {line} stands above the flowers and is left out: {text}.",
            line=lines[0].number,
            text=text,
        )
    else:
        note = MeasurementsError(
            "Lines {line} to {last} stand above the flowers and are left out, beginning with "
            "{text}.",
            line=lines[0].number,
            last=lines[-1].number,
            text=text,
        )
    notes.append(note)


def find_species(
    columns: Columns,
    rows: list[list[str]],
    classes: list[int] | None,
    notes: list[MeasurementsError],
) -> tuple[int | None, list[int | None]]:
    """Return the column that names the species, if any, and the class of each row."""
    untold = None
    for column in range(len(columns.header)):
        cells = [row[column] if column < len(row) else "" for row in rows]
        filled = [cell for cell in cells if cell]
        if column in columns.features or not filled:
            continue
        species = [match_species(cell) for cell in cells]
        known = sum(kind is not None for kind in species)
        if known * 2 > len(filled):
            if strange := [c for c, kind in zip(cells, species) if c and kind is None]:
                notes.append(
                    MeasurementsError(
                        "Species other than {names} are not compared, such as {text} "
                        "({count} in all).",
                        names=", ".join(CLASS_NAMES),
                        text=quote(strange[0]),
                        count=len(strange),
                    )
                )
            return column, species
        name = columns.header[column]
        is_last = max(columns.features) + 1 == column == len(columns.header) - 1
        if is_species_column(name) or (is_last and is_placeholder(name)):
            numbers = [number[0] for cell in filled if (number := read_number(cell))]
            base = 1 if not classes and min(numbers, default=0) == 1 else 0
            # Two numbers alone may mean any two species, or something else.
            told = {base, base + 2} <= set(numbers) or classes
            if not told or not set(numbers) <= {base, base + 1, base + 2}:
                untold = untold or (name if numbers and is_species_column(name) else None)
                continue
            order = classes or [0, 1, 2]
            notes.append(
                MeasurementsError(
                    "The numbers {numbers} in the column {text} are taken as {names}.",
                    numbers=", ".join(str(base + i) for i in range(3)),
                    text=quote(name),
                    names=", ".join(CLASS_NAMES[i] for i in order),
                )
            )
            return column, [
                order[int(number[0]) - base] if (number := read_number(cell)) else None
                for cell in cells
            ]
    if untold:
        notes.append(
            MeasurementsError(
                "The numbers in the column {text} do not tell which species they are; they are "
                "not compared.",
                text=quote(untold),
            )
        )
    return None, [None] * len(rows)


def is_flower(lengths_cm: list[float]) -> bool:
    """Whether four lengths are about those of one of the 150 flowers."""
    return all(
        low / _SLACK <= length <= high * _SLACK
        for length, (low, high) in zip(lengths_cm, FEATURE_RANGES_CM)
    )


def quote(text: str) -> str:
    """Return what stands in a file as a sentence shows it: in quotes, and not too much of it."""
    shown = repr(text[:80])
    return shown if len(shown) <= 80 else shown[:79] + "…"
