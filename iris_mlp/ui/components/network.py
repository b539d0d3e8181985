"""The network as a drawing: weights as lines, and what each unit does at this flower."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import FEATURE_NAMES
from iris_mlp.inference import Prediction
from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import color_of, format_percent, short_name

MAX_UNITS = 24
WIDTH_PX, HEIGHT_PX = 640, 400
INPUT_X, HIDDEN_X, OUTPUT_X = 158, 326, 490
TOP, BOTTOM = 16, 384


def describe_model(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return weights and scaler as `static/model.js` takes them, ready for JSON."""
    return {
        "hidden": checkpoint.hidden,
        "scaler_min": list(checkpoint.scaler.minimum),
        "scaler_max": list(checkpoint.scaler.maximum),
        **{name.replace(".", "_"): tensor.tolist() for name, tensor in checkpoint.state.items()},
    }


def rank_units(checkpoint: Checkpoint) -> list[int]:
    """Return the hidden units that matter most, at most `MAX_UNITS`, in their own order.

    A unit counts by the norm of its incoming weights and bias times that of its outgoing ones;
    the product stays the same when ReLU lets a factor move from one side to the other.
    """
    state = checkpoint.state
    incoming = state["fc1.weight"].square().sum(dim=1) + state["fc1.bias"].square()
    strength = incoming.sqrt() * state["fc2.weight"].norm(dim=0)
    strongest = strength.argsort(descending=True, stable=True)[:MAX_UNITS]
    return sorted(strongest.tolist())


def draw_network(
    checkpoint: Checkpoint, lengths_cm: Sequence[float], prediction: Prediction, t: Translate
) -> str:
    """Return the network as an SVG with its legend.

    Args:
        checkpoint: The weights in use.
        lengths_cm: The four lengths of the visitor's flower.
        prediction: What the network makes of it, one row.
        t: Translator of the visitor's language.
    """
    units = rank_units(checkpoint)
    activations = np.nan_to_num(prediction.hidden[0])
    inputs_y, hidden_y, outputs_y = _spread(4, 86), _spread(len(units), 37), _spread(3, 118)
    lines_in = _draw_lines(
        (INPUT_X, inputs_y),
        (HIDDEN_X, hidden_y),
        checkpoint.state["fc1.weight"].numpy()[units].T,
        [[activations[unit] > 0 for unit in units]] * 4,
    )
    lines_out = _draw_lines(
        (HIDDEN_X, hidden_y),
        (OUTPUT_X, outputs_y),
        checkpoint.state["fc2.weight"].numpy()[:, units].T,
        [[activations[unit] > 0] * 3 for unit in units],
    )
    return (
        f'<figure class="network"><figcaption><b>{escape(t("classify.network"))}</b></figcaption>'
        f'<svg role="img" width="{WIDTH_PX}" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" '
        f'aria-label="{escape(_describe(checkpoint, prediction, t))}">'
        f'<g class="weights">{lines_in}{lines_out}</g>'
        f"{_draw_inputs(checkpoint, lengths_cm, inputs_y, t)}"
        f"{_draw_hidden(units, activations, hidden_y, t)}"
        f"{_draw_outputs(prediction, outputs_y, t)}</svg>"
        f"{_draw_legend(checkpoint.hidden, len(units), t)}</figure>"
    )


def _spread(count: int, step: float) -> list[float]:
    """Return the heights of a layer's units, evenly around the middle."""
    step = min(step, (BOTTOM - TOP) / max(1, count))
    middle = (TOP + BOTTOM) / 2
    return [middle + (i - (count - 1) / 2) * step for i in range(count)]


def _draw_lines(
    start: tuple[float, list[float]],
    end: tuple[float, list[float]],
    weights: np.ndarray,
    active: list[list[bool]],
) -> str:
    """Return one curve a weight; `weights` and `active` have shape (from, to)."""
    (x0, starts), (x1, ends) = start, end
    largest = float(np.abs(weights).max()) or 1.0
    bend = round((x0 + x1) / 2)
    lines = []
    for i, y0 in enumerate(starts):
        for j, y1 in enumerate(ends):
            weight = float(weights[i, j])
            kind = ("p" if weight >= 0 else "n") + ("" if active[i][j] else " off")
            width = 0.25 + 3.75 * abs(weight) / largest
            lines.append(
                f'<path class="{kind}" stroke-width="{width:.2f}" '
                f'd="M{x0} {y0:.0f}C{bend} {y0:.0f} {bend} {y1:.0f} {x1} {y1:.0f}"/>'
            )
    return "".join(lines)


def _draw_inputs(
    checkpoint: Checkpoint, lengths_cm: Sequence[float], heights: list[float], t: Translate
) -> str:
    scaled = checkpoint.scaler.scale(np.asarray(lengths_cm, dtype=np.float64))
    parts = []
    for name, length, value, y in zip(FEATURE_NAMES, lengths_cm, scaled.tolist(), heights):
        text = t("classify.network_scaled", length=f"{length:.1f}", scaled=f"{value:.2f}")
        fill = min(max(value, 0.0), 1.0)
        parts.append(
            f'<circle class="unit" cx="{INPUT_X}" cy="{y:.0f}" r="9" style="--fill:{fill:.2f}"/>'
            f'<text class="end name" x="{INPUT_X - 17}" y="{y - 2:.0f}">'
            f"{escape(t(f'common.{name}'))}</text>"
            f'<text class="end detail" x="{INPUT_X - 17}" y="{y + 15:.0f}">{escape(text)}</text>'
        )
    return "".join(parts)


def _draw_hidden(
    units: list[int], activations: np.ndarray, heights: list[float], t: Translate
) -> str:
    largest = float(activations.max()) or 1.0
    radius = min(12.0, 0.43 * (BOTTOM - TOP) / max(1, len(units)))
    parts = []
    for unit, y in zip(units, heights):
        value = float(activations[unit])
        tip = t("classify.network_unit", number=unit + 1, activation=f"{value:.2f}")
        kind = "unit" if value > 0 else "unit silent"
        parts.append(
            f'<circle class="{kind}" cx="{HIDDEN_X}" cy="{y:.1f}" r="{radius:.1f}" '
            f'style="--fill:{value / largest:.2f}"><title>{escape(tip)}</title></circle>'
        )
    return "".join(parts)


def _draw_outputs(prediction: Prediction, heights: list[float], t: Translate) -> str:
    parts = []
    for k, y in enumerate(heights):
        confidence = float(np.nan_to_num(prediction.probabilities[0, k]))
        logit = t(
            "classify.network_logit", logit=f"{prediction.logits[0, k]:.2f}".replace("-", "−")
        )
        parts.append(
            f'<circle class="unit output" cx="{OUTPUT_X}" cy="{y:.0f}" r="13" '
            f'style="--unit:{color_of(k)};--fill:{confidence:.2f}"/>'
            f'<text class="name" x="{OUTPUT_X + 22}" y="{y - 8:.0f}">'
            f"{escape(short_name(k, t))}</text>"
            f'<text class="percent" x="{OUTPUT_X + 22}" y="{y + 10:.0f}">'
            f"{escape(format_percent(confidence))}</text>"
            f'<text class="detail" x="{OUTPUT_X + 22}" y="{y + 27:.0f}">{escape(logit)}</text>'
        )
    return "".join(parts)


def _draw_legend(hidden: int, shown: int, t: Translate) -> str:
    key = "network_strongest" if shown < hidden else "network_hidden"
    units = t(f"classify.{key}", hidden=f"{hidden:,}", shown=shown)
    items = "".join(
        f'<li class="{name}">{escape(t(f"classify.legend_{name}"))}</li>'
        for name in ("positive", "negative", "size", "active", "silent")
    )
    return f'<ul class="legend"><li class="units">{escape(units)}</li>{items}</ul>'


def _describe(checkpoint: Checkpoint, prediction: Prediction, t: Translate) -> str:
    outputs = t("classify.separator").join(
        f"{short_name(k, t)} {format_percent(p)}"
        for k, p in enumerate(prediction.probabilities[0].tolist())
    )
    active = int((prediction.hidden[0] > 0).sum())
    return t(
        "classify.network_alt",
        hidden=f"{checkpoint.hidden:,}",
        active=f"{active:,}",
        outputs=outputs,
    )
