"""ReLU in three spellings over the same numbers."""

from iris_mlp.inside.relu import ReluComparison, compare_relu
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.components.code_block import render_code, render_run, shorten_numbers
from iris_mlp.ui.inside.flower import Flower, Panel, Values, add_html, panel
from iris_mlp.ui.templates import render

SHOWN_UNITS = 12


def build(flower: Flower) -> Panel:
    """Lay out the panel."""
    with panel("relu"):
        view = add_html("relu")

    def show(values: Values, t: Translate) -> Values:
        z = shorten_numbers(flower.send(values).pre_activation[:SHOWN_UNITS])
        return {view: render_relu(compare_relu(z), t)}

    return Panel(show, flower.inputs, {view})


def render_relu(comparison: ReluComparison, t: Translate) -> str:
    """Return the three forms as rows over the same numbers, and when each is used."""
    return render(
        "relu.html",
        t=t,
        before=[numbers.decimal(value) for value in comparison.before],
        forms=[
            (form.form, [(numbers.decimal(value), bool(value)) for value in form.values])
            for form in comparison.forms
        ],
        are_equal=comparison.are_equal,
        block=render_run(comparison.snippet, t("inside.code_that_ran"), t),
        sources=[render_code(f.source, f.form) for f in comparison.forms if f.source],
    )
