"""The network as the browser takes it: its numbers, and the words of its drawing."""

from typing import Any

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import FEATURE_NAMES
from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import short_names

_LEGEND = ("positive", "negative", "size", "active", "silent")


def describe_model(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return weights and scaler as `static/model.js` takes them, ready for JSON."""
    return {
        "hidden": checkpoint.hidden,
        "scaler_min": list(checkpoint.scaler.minimum),
        "scaler_max": list(checkpoint.scaler.maximum),
        **{name.replace(".", "_"): tensor.tolist() for name, tensor in checkpoint.state.items()},
    }


def network_texts(t: Translate) -> dict[str, Any]:
    """Return the words of `static/network_view.js`."""
    keys = ("scaled", "logit", "unit", "hidden", "strongest", "alt")
    return {
        "title": t("classify.network"),
        "species": short_names(t),
        "features": [t(f"common.{name}") for name in FEATURE_NAMES],
        "legend": {name: t(f"classify.legend_{name}") for name in _LEGEND},
        "separator": t("classify.separator"),
        **{key: t(f"classify.network_{key}") for key in keys},
    }
