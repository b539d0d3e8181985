"""One flower through the network: every tensor as a strip of heat, one unit's sum in full."""

import inspect
import math
from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.errors import SettingsError
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.inside.walkthrough import (
    UnitArithmetic,
    Walkthrough,
    explain_unit,
    walk_through,
)
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import render_code, render_folded
from iris_mlp.ui.components.flower import find_species, read_flower
from iris_mlp.ui.components.species import short_name
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator

OWN = "own"
"""Stands for the flower's true species or, of a flower outside the data, the predicted one."""

MAX_CELLS = 48
"""Hidden units that are shown of a wide layer."""

# Script of the strips: their buttons send `choose` with `unit`.
CHOOSE_UNIT = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-unit]");
  if (!button) return;
  // Here and not by drawing anew, which would take the focus from the button.
  for (const other of element.querySelectorAll("button[data-unit]"))
    other.setAttribute("aria-pressed", other.dataset.unit === button.dataset.unit);
  trigger("choose", { unit: Number(button.dataset.unit) });
});
"""


@user_errors
def choose_unit(
    request: gr.Request,
    event: gr.EventData,
    classifier: Classifier | None,
    flower: object,
) -> tuple[Any, str]:
    """Write out the hidden unit that the visitor clicked."""
    unit = getattr(event, "unit", None)
    walk = send_flower(classifier, OWN, flower)
    return unit, show_unit(take_checkpoint(classifier), walk, unit, request_translator(request))


def take_checkpoint(classifier: Classifier | None) -> Checkpoint:
    """Return the weights of the Classify tab, or the shipped ones before the page has loaded."""
    return (classifier or shipped_classifier()).checkpoint


def send_flower(classifier: Classifier | None, true_class: str, flower: object) -> Walkthrough:
    """Send the flower of the Classify tab through the network, as one of a species."""
    lengths_cm = read_flower(flower)
    if true_class == OWN:
        index = find_species(lengths_cm)
        if index is None:
            prediction = (classifier or shipped_classifier()).predict(np.array([lengths_cm]))
            index = int(prediction.classes[0])
    elif true_class in CLASS_NAMES:
        index = CLASS_NAMES.index(true_class)
    else:
        raise SettingsError("The species must be one of {names}.", names=", ".join(CLASS_NAMES))
    return walk_through(take_checkpoint(classifier), lengths_cm, index)


def show_unit(checkpoint: Checkpoint, walk: Walkthrough, unit: Any, t: Translate) -> str:
    """Work out one hidden unit for the flower and return it as HTML."""
    sums = explain_unit(checkpoint, walk.scaled, unit)
    return render_unit(sums, walk.pre_activation[unit], t)


def render_strips(walk: Walkthrough, unit: int, t: Translate) -> str:
    """Return each tensor on the flower's way as a row of numbers on tinted ground.

    The hidden units are buttons that carry their index as `data-unit`.
    """
    features = [t(f"common.{name}") for name in FEATURE_NAMES]
    species = [short_name(k, t) for k in range(len(CLASS_NAMES))]
    units = range(min(len(walk.hidden), MAX_CELLS))
    true = species[walk.true_class]
    stages = (
        ("lengths", "", _render_plain([f"{cm:g}" for cm in walk.lengths_cm], features)),
        ("scaled", "x = (cm − min) / (max − min)", _render_cells(walk.scaled, features)),
        ("fc1", "z = W₁ x + b₁", _render_units(walk.pre_activation, units, unit, "z")),
        ("relu", "h = max(0, z)", _render_units(walk.hidden, units, unit, "h")),
        ("fc2", "logits = W₂ h + b₂", _render_cells(walk.logits, species)),
        ("softmax", "p = exp(logits) / Σ exp(logits)", _render_cells(walk.probabilities, species)),
        ("loss", f"L = −ln p({true})", _render_plain([format_number(walk.loss)], [f"L({true})"])),
    )
    rows = "".join(
        f'<li class="stage stage-{name}"><p><b>{escape(t(f"inside.stage_{name}"))}</b>'
        f'<span class="formula">{escape(formula)}</span></p>{cells}</li>'
        for name, formula, cells in stages
    )
    more = len(walk.hidden) - len(units)
    note = t("inside.more_units", shown=len(units), total=len(walk.hidden)) if more else ""
    source = render_code(inspect.getsource(walk_through), "walk_through")
    return (
        f'<ol class="stages">{rows}</ol><p class="inside-note">{escape(note)}</p>'
        f"{render_folded(t('inside.source_walk'), source)}"
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
            f"{escape(t(f'common.{term.feature}'))} <code>fc1.weight[{unit}, {i}] × x[{i}]</code>",
            f"{format_number(term.weight)}\N{NO-BREAK SPACE}× {format_number(term.value)}",
            term.product,
        )
        for i, term in enumerate(sums.terms)
    ]
    rows.append((f"{escape(t('inside.bias'))} <code>fc1.bias[{unit}]</code>", "", sums.bias))
    lines = "".join(
        f'<tr><th scope="row">{name}</th><td class="factors">{product}</td>'
        f"<td>{format_number(value, signed=True)}</td>"
        f'<td class="bar-cell" aria-hidden="true">{_draw_bar(value / largest)}</td></tr>'
        for name, product, value in rows
    )
    key = "unit_active" if sums.activation > 0 else "unit_silent"
    verdict = t(f"inside.{key}", unit=unit)
    check = t(
        "inside.unit_check",
        value=format_number(by_pytorch),
        difference=format_difference(abs(by_pytorch - sums.total)),
    )
    caption = escape(t("inside.unit_caption", unit=unit))
    return (
        f'<div class="unit-sum"><div class="inside-table" tabindex="0" role="group" '
        f'aria-label="{caption}"><table><caption>{caption}</caption><tbody>{lines}</tbody><tfoot>'
        f'<tr><th scope="row"><code>z[{unit}]</code> {escape(t("inside.sum"))}</th><td></td>'
        f"<td>{format_number(sums.total, signed=True)}</td><td></td></tr>"
        f'<tr><th scope="row"><code>h[{unit}]</code> max(0, z[{unit}])</th><td></td>'
        f"<td>{format_number(sums.activation)}</td><td></td></tr></tfoot></table></div>"
        f"<p>{escape(verdict)}</p>"
        f'<p class="inside-note">{escape(check)}</p></div>'
    )


def format_difference(value: float) -> str:
    """Return the size of a difference with two significant digits, and a true minus sign."""
    return f"{value:.1e}".replace("-", "−")


def format_number(value: float, signed: bool = False) -> str:
    """Return a number with six significant digits or so, and a true minus sign."""
    if value == 0:
        return "0"
    sign = "+" if signed else ""
    wide = not math.isfinite(value) or not 1e-4 <= abs(value) < 1e5
    text = f"{value:{sign}.3e}" if wide else f"{value:{sign}.4f}"
    return text.replace("-", "−")


def tint(value: float, largest: float) -> str:
    """Return CSS that tints a cell: the colour by the sign, its strength by the size."""
    share = abs(value) / largest if largest and math.isfinite(value / largest) else 0.0
    name = "positive" if value >= 0 else "negative"
    return f"--tint:var(--iris-{name});--heat:{share:.3f}"


def _render_plain(texts: Sequence[str], names: Sequence[str]) -> str:
    cells = "".join(
        f"<li><small>{escape(name)}</small>{escape(text)}</li>" for name, text in zip(names, texts)
    )
    return f'<ol class="cells">{cells}</ol>'


def _render_cells(values: Sequence[float], names: Sequence[str]) -> str:
    largest = max(map(abs, values))
    cells = "".join(
        f'<li style="{tint(value, largest)}"><small>{escape(name)}</small>'
        f"{escape(format_number(value))}</li>"
        for name, value in zip(names, values)
    )
    return f'<ol class="cells">{cells}</ol>'


def _render_units(values: Sequence[float], units: range, chosen: int, symbol: str) -> str:
    largest = max(map(abs, values))
    cells = "".join(
        f'<li><button type="button" data-unit="{i}" aria-pressed="{str(i == chosen).lower()}" '
        f'style="{tint(values[i], largest)}"><small>{symbol}[{i}]</small>'
        f"{escape(format_number(values[i]))}</button></li>"
        for i in units
    )
    return f'<ol class="cells units">{cells}</ol>'


def _draw_bar(share: float) -> str:
    side = "right" if share >= 0 else "left"
    return f'<span class="product {side}" style="--share:{abs(share):.3f}"></span>'
