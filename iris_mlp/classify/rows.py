"""A file's text split into rows and cells, whatever separates them."""

import csv
import io
import re
from typing import NamedTuple

from iris_mlp.classify.columns import read_number
from iris_mlp.errors import MeasurementsError

MAX_COLUMNS = 256
_SEPARATORS = (",", ";", "\t", "|", " ")


class Line(NamedTuple):
    """A row of a file.

    Attributes:
        number: The line on which it begins, from 1.
        cells: What stands there, without blanks around.
    """

    number: int
    cells: list[str]


def split_rows(text: str) -> list[Line]:
    """Return the rows that are not blank, split by the separator that gives most numbers."""
    text = text.lstrip("\ufeff").replace("，", ",").replace("；", ";")
    if attributes := re.findall(r"(?im)^\s*@attribute\s+('[^']*'|\"[^\"]*\"|\S+)", text):
        text = _drop_arff_header(text, [name.strip("'\"") for name in attributes])
    separators = _SEPARATORS
    if told := re.match(r"sep=(.)\s*?(\r\n|\r|\n)", text, re.IGNORECASE):  # Excel's own mark
        separators, text = (told[1],), told[2] + text[told.end() :]
    start = "".join(text.splitlines(keepends=True)[:200])
    best = max(separators, key=lambda separator: _count_numbers(_parse(start, separator)))
    return _parse(text, best)


def _drop_arff_header(text: str, attributes: list[str]) -> str:
    """Return Weka's ARFF as CSV of the same lines; its comments become blank."""
    head, *body = re.split(r"(?im)^\s*@data\b.*$", text, maxsplit=1)
    blank = "\n" * len(head.splitlines())
    header = ",".join(f'"{name}"' for name in attributes)
    return blank + header + re.sub(r"(?m)^\s*%.*$", "", "".join(body))


def _parse(text: str, separator: str) -> list[Line]:
    lines = []
    if separator == " ":
        for number, line in enumerate(io.StringIO(text, newline=None), start=1):
            cells = [cell.strip('"') for cell in re.findall(r'"[^"]*"|\S+', line)]
            lines.append(Line(number, cells))
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        number = 1
        try:
            for cells in reader:
                lines.append(Line(number, [cell.strip() for cell in cells]))
                number = reader.line_num + 1
        except csv.Error as error:
            raise MeasurementsError(
                "The CSV cannot be read: {reason}.", reason=str(error)
            ) from error
    lines = [line for line in lines if not re.fullmatch(r"[-:=+|\s]*", "".join(line.cells))]
    if any(len(line.cells) > MAX_COLUMNS for line in lines):
        raise MeasurementsError(
            "The CSV has a row of more than {most} values; give four lengths a flower.",
            most=MAX_COLUMNS,
        )
    return lines


def _count_numbers(lines: list[Line]) -> int:
    """Return how many numbers there are, of each row four at most."""
    return sum(min(4, sum(read_number(cell) is not None for cell in line.cells)) for line in lines)
