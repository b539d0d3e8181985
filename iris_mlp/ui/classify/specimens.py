"""Flowers worth looking at: one typical of each species, and the hardest for a model."""

from dataclasses import dataclass
from functools import cache
from html import escape

import numpy as np

from iris_mlp.data import CLASS_NAMES, load_flowers
from iris_mlp.inference import Classifier
from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import format_percent, render_mark, render_name, short_name

HARDEST = 10


@dataclass(frozen=True)
class HardFlower:
    """A flower of the data that a model gets wrong, or nearly so.

    Attributes:
        row: Its index among the 150.
        species: What it is.
        predicted: What the model says.
        confidence: The model's confidence in that.
        margin: Confidence in the true species less that in the best other one.
    """

    row: int
    species: int
    predicted: int
    confidence: float
    margin: float


@cache
def find_typical(species: int) -> int:
    """Return the row of the flower that is nearest to all others of its species."""
    flowers, classes = load_flowers()
    rows = np.flatnonzero(classes == species)
    own = flowers[rows]
    distances = np.linalg.norm(own[:, None] - own[None], axis=2).sum(axis=1)
    return int(rows[distances.argmin()])


def rank_hardest(classifier: Classifier, count: int = HARDEST) -> list[HardFlower]:
    """Return the flowers with the smallest margins, the worst mistake first."""
    flowers, species = load_flowers()
    probabilities = classifier.predict(flowers).probabilities
    rows = np.arange(len(flowers))
    own = probabilities[rows, species]
    others = probabilities.copy()
    others[rows, species] = -1.0
    margins = own - others.max(axis=1)
    return [
        HardFlower(
            row=int(row),
            species=int(species[row]),
            predicted=int(probabilities[row].argmax()),
            confidence=float(probabilities[row].max()),
            margin=float(margins[row]),
        )
        for row in margins.argsort(kind="stable")[:count]
    ]


def render_specimens(classifier: Classifier, t: Translate) -> str:
    """Return a button for each typical and each hard flower, as HTML; a click sends its row."""
    typical = "".join(
        f'<button type="button" class="specimen" data-row="{find_typical(k)}">'
        f"{render_name(k, t)}</button>"
        for k in range(len(CLASS_NAMES))
    )
    hardest = "".join(_render_hard(flower, t) for flower in rank_hardest(classifier))
    return "".join(
        f'<div class="specimens" role="group" aria-label="{escape(t(key))}">'
        f"<p>{escape(t(key))}</p><div>{buttons}</div></div>"
        for key, buttons in (("classify.typical", typical), ("classify.hardest", hardest))
    )


def _render_hard(flower: HardFlower, t: Translate) -> str:
    outcome = "right" if flower.species == flower.predicted else "wrong"
    label = t(
        f"classify.hardest_{outcome}",
        number=flower.row + 1,
        species=short_name(flower.species, t),
        predicted=short_name(flower.predicted, t),
        confidence=format_percent(flower.confidence),
    )
    mistaken = f"→{render_mark(flower.predicted)}" if outcome == "wrong" else ""
    return (
        f'<button type="button" class="specimen {outcome}" data-row="{flower.row}" '
        f'title="{escape(label)}" aria-label="{escape(label)}">'
        f"{render_mark(flower.species)}{mistaken}<span>{flower.row + 1}</span></button>"
    )
