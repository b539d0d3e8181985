"""The visitor's flower: four lengths that the browser holds, and the words of its drawing."""

from typing import Any

from iris_mlp.data import load_flowers
from iris_mlp.inference import read_lengths
from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import full_names, short_names


def read_flower(value: object) -> list[float]:
    """Return the four lengths in cm that the page sent, checked.

    Raises:
        MeasurementsError: They are not four lengths.
    """
    return read_lengths(value if isinstance(value, list) else [])


def find_species(lengths_cm: list[float]) -> int | None:
    """Return the true species of a flower of the data; None where no flower has these lengths.

    No two flowers of different species have the same four lengths.
    """
    flowers, species = load_flowers()
    same = (abs(flowers - lengths_cm) < 0.01).all(axis=1)
    return int(species[same.argmax()]) if same.any() else None


def flower_texts(t: Translate) -> dict[str, Any]:
    """Return the words of `static/flower.js`."""
    return {
        "species": short_names(t),
        "full": full_names(t),
        "caption": t("classify.flower_caption"),
        "alt": t("classify.flower_alt"),
    }
