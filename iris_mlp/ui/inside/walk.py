"""One flower through the network: every tensor as a strip of heat, one unit's sum in full."""

import inspect
import math
from collections.abc import Sequence
from typing import Any

import gradio as gr

from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.inside.walkthrough import UnitArithmetic, Walkthrough, explain_unit, walk_through
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.code_block import render_code
from iris_mlp.ui.components.species import short_name
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.inside.flower import LIVE, Flower, Panel, Values, add_html, panel
from iris_mlp.ui.language import request_translator
from iris_mlp.ui.templates import render

MAX_CELLS = 48
"""Hidden units that are shown of a wide layer."""


def build(flower: Flower) -> Panel:
    """Lay out and wire the panel, in which the visitor also says the flower's species."""
    unit_index = gr.State(0)
    with panel("walk"):
        flower.true_class.render()
        strips = add_html("strips", mount("strips", "choose"))
        unit = add_html("unit")

    def show(values: Values, t: Translate) -> Values:
        walk, checkpoint = flower.send(values), flower.take_checkpoint(values)
        index = values[unit_index] if values[unit_index] < checkpoint.hidden else 0
        sums = explain_unit(checkpoint, walk.scaled, index)
        return {
            strips: render_strips(walk, index, t),
            unit_index: index,
            unit: render_unit(sums, walk.pre_activation[index], t),
        }

    @user_errors
    def choose(values: Values, request: gr.Request, event: gr.EventData) -> Values:
        index = getattr(event, "unit", None)
        walk = flower.send(values)
        sums = explain_unit(flower.take_checkpoint(values), walk.scaled, index)  # type: ignore[arg-type]
        shown = render_unit(sums, walk.pre_activation[sums.unit], request_translator(request))
        return {unit_index: index, unit: shown}

    strips.choose(choose, flower.inputs, [unit_index, unit], **LIVE)
    whole = Panel(show, {*flower.inputs, unit_index}, {strips, unit_index, unit})
    whole.refresh(flower.true_class.input)
    return whole


def render_strips(walk: Walkthrough, unit: int, t: Translate) -> str:
    """Return each tensor on the flower's way as a row of numbers on tinted ground.

    The hidden units are buttons that carry their index as `data-unit`.
    """
    features = [t(f"common.{name}") for name in FEATURE_NAMES]
    species = [short_name(k, t) for k in range(len(CLASS_NAMES))]
    shown = min(len(walk.hidden), MAX_CELLS)
    true = species[walk.true_class]
    stages = (
        ("lengths", "", "", _list_cells(walk.lengths_cm, features)),
        ("scaled", "x = (cm − min) / (max − min)", "tinted", _list_cells(walk.scaled, features)),
        ("fc1", "z = W₁ x + b₁", "units", _list_units(walk.pre_activation, shown, "z")),
        ("relu", "h = max(0, z)", "units", _list_units(walk.hidden, shown, "h")),
        ("fc2", "logits = W₂ h + b₂", "tinted", _list_cells(walk.logits, species)),
        (
            "softmax",
            "p = exp(logits) / Σ exp(logits)",
            "tinted",
            _list_cells(walk.probabilities, species),
        ),
        ("loss", f"L = −ln p({true})", "", _list_cells([walk.loss], [f"L({true})"])),
    )
    total = len(walk.hidden)
    return render(
        "strips.html",
        t=t,
        stages=stages,
        chosen=unit,
        note=t("inside.more_units", shown=shown, total=total) if total > shown else "",
        source=render_code(inspect.getsource(walk_through), "walk_through"),
    )


def render_unit(sums: UnitArithmetic, by_pytorch: float, t: Translate) -> str:
    """Return one hidden unit's sum, a product a line with a bar of its size.

    Args:
        sums: The arithmetic.
        by_pytorch: What fc1 itself gave for this unit, float32.
        t: Translator of the visitor's language.
    """
    unit = sums.unit
    largest = max(*(abs(term.product) for term in sums.terms), abs(sums.bias)) or 1.0
    rows = [
        (
            t(f"common.{term.feature}"),
            f"fc1.weight[{unit}, {i}] × x[{i}]",
            f"{numbers.decimal(term.weight)}\N{NO-BREAK SPACE}× {numbers.decimal(term.value)}",
            term.product,
        )
        for i, term in enumerate(sums.terms)
    ]
    rows.append((t("inside.bias"), f"fc1.bias[{unit}]", "", sums.bias))
    return render(
        "unit.html",
        t=t,
        unit=unit,
        rows=[
            (name, code, factors, numbers.decimal(value, signed=True), value / largest)
            for name, code, factors, value in rows
        ],
        total=numbers.decimal(sums.total, signed=True),
        activation=numbers.decimal(sums.activation),
        verdict=t("inside.unit_active" if sums.activation > 0 else "inside.unit_silent", unit=unit),
        check=t(
            "inside.unit_check",
            value=numbers.decimal(by_pytorch),
            difference=numbers.difference(abs(by_pytorch - sums.total)),
        ),
    )


def _list_cells(values: Sequence[float], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return cells with the tint of their sign and the share of the largest of them."""
    largest = max(map(abs, values))
    return [
        {
            "name": name,
            "text": numbers.decimal(value),
            "plain": f"{value:g}",
            "tint": "positive" if value >= 0 else "negative",
            "heat": abs(value) / largest if largest and math.isfinite(value / largest) else 0.0,
        }
        for name, value in zip(names, values)
    ]


def _list_units(values: Sequence[float], shown: int, symbol: str) -> list[dict[str, Any]]:
    return _list_cells(values, [f"{symbol}[{i}]" for i in range(shown)])
