"""The answers for many flowers: how many there are of each, and the first rows of the table."""

from html import escape

import numpy as np

from iris_mlp.classify.answers import compare, list_warnings
from iris_mlp.classify.table import FlowerTable, Row
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.inference import Prediction, list_extrapolated
from iris_mlp.strings import Translate
from iris_mlp.ui.components.confusion import render_confusion
from iris_mlp.ui.components.species import format_percent, render_name
from iris_mlp.ui.errors import translate_error

PREVIEW_ROWS = 10
MOST_REMARKS = 6


def render_flower_table(table: FlowerTable, prediction: Prediction, t: Translate) -> str:
    """Return what was assumed, what is odd, how many are right, and the first flowers, as HTML.

    Args:
        table: The flowers.
        prediction: What the network makes of those that could be read.
        t: Translator of the visitor's language.
    """
    flowers = table.flowers
    shown = min(len(flowers), PREVIEW_ROWS)
    counts = np.bincount(prediction.classes, minlength=len(CLASS_NAMES))
    summary = " ".join(f"<li>{render_name(k, t)} {n:,}</li>" for k, n in enumerate(counts))
    header = "".join(
        f'<th scope="col">{escape(t(key))}</th>'
        for key in (
            "classify.csv_row",
            "classify.csv_label",
            "classify.csv_confidence",
            *(f"common.{name}" for name in FEATURE_NAMES),
        )
    )
    rows = "".join(_render_row(flowers[i], prediction, i, t) for i in range(shown))
    caption = t("classify.csv_caption", shown=shown, rows=f"{len(flowers):,}")
    return (
        f'{_render_remarks(table, t)}<ul class="flower-counts">{summary}</ul>'
        f"{_render_comparison(table, prediction, t)}"
        f'<div class="flower-table" tabindex="0">'
        f'<table aria-describedby="flower-note"><thead><tr>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<p class="flower-note" id="flower-note">{escape(caption)}</p>'
    )


def _render_remarks(table: FlowerTable, t: Translate) -> str:
    """Return what was assumed in reading and what is odd about the rows."""
    warnings = list_warnings(table)
    items = "".join(f"<li>{escape(translate_error(note, t))}</li>" for note in table.notes)
    items += "".join(
        f'<li class="warning">{escape(translate_error(warning, t))}</li>'
        for warning in warnings[:MOST_REMARKS]
    )
    if hidden := len(warnings[MOST_REMARKS:]):
        items += f'<li class="warning">{escape(t("classify.csv_more", count=hidden))}</li>'
    return f'<ul class="flower-remarks">{items}</ul>' if items else ""


def _render_comparison(table: FlowerTable, prediction: Prediction, t: Translate) -> str:
    comparison = compare(table, prediction)
    if comparison is None:
        return ""
    sentence = t(
        "classify.csv_accuracy",
        accuracy=f"{comparison.right / comparison.rows:.1%}",
        right=f"{comparison.right:,}",
        rows=f"{comparison.rows:,}",
    )
    matrix = render_confusion(comparison.confusion.tolist(), t("classify.csv_confusion"), t)
    return f'<div class="flower-comparison"><p>{escape(sentence)}</p>{matrix}</div>'


def _render_row(flower: Row, prediction: Prediction, index: int, t: Translate) -> str:
    lengths_cm = flower.lengths_cm or ()
    outside = list_extrapolated(lengths_cm)
    cells = ""
    for name, length in zip(FEATURE_NAMES, lengths_cm):
        note = f' class="outside" title="{escape(t("classify.csv_outside"))}"'
        cells += f"<td{note if name in outside else ''}>{length:g}</td>"
    species = int(prediction.classes[index])
    confidence = escape(format_percent(float(prediction.probabilities[index, species])))
    return (
        f"<tr><td>{flower.number:,}</td><td>{render_name(species, t)}</td>"
        f"<td>{confidence}</td>{cells}</tr>"
    )
