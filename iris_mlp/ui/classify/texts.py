"""The words of what the browser draws in the Classify tab."""

from typing import Any

from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.strings import Translate
from iris_mlp.ui.components.flower import flower_texts
from iris_mlp.ui.components.network import network_texts
from iris_mlp.ui.components.plane import plane_texts
from iris_mlp.ui.components.species import full_names, short_names

_VERDICT = ("confidences", "inside", "extrapolated", "extrapolated_length", "separator")


def desk_texts(t: Translate) -> dict[str, Any]:
    """Return the words of `static/classify.js`, a part of the page under each key."""
    species = short_names(t)
    return {
        "verdict": {
            "lead": t("classify.verdict_lead"),
            "species": species,
            "full": full_names(t),
            "latin": [f"Iris {name}" for name in CLASS_NAMES],
            "features": [t(f"common.{name}") for name in FEATURE_NAMES],
            "true": {name: t(f"classify.true_{name}") for name in ("right", "wrong", "unknown")},
            **{key: t(f"classify.{key}") for key in _VERDICT},
        },
        "lengths": {
            "names": [t(f"classify.{name}_cm") for name in FEATURE_NAMES],
            "field": t("classify.length_field"),
            "range": t("classify.length_range"),
        },
        "specimens": {
            "species": species,
            **{key: t(f"classify.{key}") for key in ("typical", "hardest")},
            **{key: t(f"classify.{key}") for key in ("hardest_right", "hardest_wrong")},
        },
        "flower": flower_texts(t),
        "sepal": plane_texts("sepal", t),
        "petal": plane_texts("petal", t),
        "plane_legend": t("classify.plane_legend"),
        "network": network_texts(t),
        "save": t("common.save_figure"),
    }
