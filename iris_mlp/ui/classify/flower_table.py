"""The answers for many flowers: the first rows of the table."""

from html import escape

import numpy as np

from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.inference import Prediction, list_extrapolated
from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import format_percent, render_name

PREVIEW_ROWS = 10


def render_flower_table(lengths_cm: np.ndarray, prediction: Prediction, t: Translate) -> str:
    """Return how many flowers of each species there are, and the first of them, as HTML.

    Args:
        lengths_cm: Lengths in cm, shape (n, 4).
        prediction: What the network makes of them, n rows.
        t: Translator of the visitor's language.
    """
    shown = min(len(lengths_cm), PREVIEW_ROWS)
    counts = np.bincount(prediction.classes, minlength=len(CLASS_NAMES))
    summary = " ".join(f"<li>{render_name(k, t)} {n:,}</li>" for k, n in enumerate(counts))
    header = "".join(
        f'<th scope="col">{escape(t(key))}</th>'
        for key in (
            "classify.csv_label",
            "classify.csv_confidence",
            *(f"common.{name}" for name in FEATURE_NAMES),
        )
    )
    rows = "".join(_render_row(lengths_cm[i], prediction, i, t) for i in range(shown))
    caption = t("classify.csv_caption", shown=shown, rows=f"{len(lengths_cm):,}")
    return (
        f'<ul class="flower-counts">{summary}</ul><div class="flower-table" tabindex="0">'
        f'<table aria-describedby="flower-note"><thead><tr>{header}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        f'<p class="flower-note" id="flower-note">{escape(caption)}</p>'
    )


def _render_row(lengths_cm: np.ndarray, prediction: Prediction, row: int, t: Translate) -> str:
    outside = list_extrapolated(lengths_cm.tolist())
    cells = ""
    for name, length in zip(FEATURE_NAMES, lengths_cm.tolist()):
        note = f' class="outside" title="{escape(t("classify.csv_outside"))}"'
        cells += f"<td{note if name in outside else ''}>{length:g}</td>"
    species = int(prediction.classes[row])
    confidence = escape(format_percent(float(prediction.probabilities[row, species])))
    return f"<tr><td>{render_name(species, t)}</td><td>{confidence}</td>{cells}</tr>"
