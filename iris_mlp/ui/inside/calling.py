"""Objects that are called: a counter that remembers, an adder, and where a layer's call is."""

from typing import Any

import gradio as gr

from iris_mlp.inside.callables import MAX_CALLS, ToyRun, find_call, run_adder, run_counter
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import render_code, render_run
from iris_mlp.ui.inside.flower import Panel, Values, add_html, answer, panel
from iris_mlp.ui.language import page_i18n
from iris_mlp.ui.run_button import PRIVATE
from iris_mlp.ui.templates import render

FIRST_CALLS = 2
FIRST_TERMS = (3, 5)


def build() -> Panel:
    """Lay out and wire the panel."""
    calls = gr.State(FIRST_CALLS)
    with panel("calling"):
        with gr.Row(elem_classes="inside-controls"):
            call = gr.Button("counter()", size="sm", variant="primary", elem_id="inside-call")
            restart = gr.Button(
                page_i18n()("inside.new_counter"), size="sm", elem_id="inside-new-counter"
            )
        counter = add_html("counter")
        with gr.Row(elem_classes="inside-controls"):
            a, b = (
                gr.Number(term, label=name, elem_id=f"inside-{name}", min_width=120)
                for name, term in zip("ab", FIRST_TERMS, strict=True)
            )
        adder = add_html("adder")
        lookup = add_html("lookup")

    def count(number: int, t: Translate) -> Values:
        shown = render_toy(run_counter(number), t)
        return {calls: number, counter: shown, call: gr.update(interactive=number < MAX_CALLS)}

    def add(values: Values, t: Translate) -> Values:
        if values[a] is None or values[b] is None:  # the visitor has just emptied a field
            return {adder: gr.skip()}
        return {adder: render_toy(run_adder(values[a], values[b]), t)}

    def show(values: Values, t: Translate) -> Values:
        found = render_run(find_call(), t("inside.found_call"), t)
        return count(values[calls], t) | add(values, t) | {lookup: found}

    once: dict[str, Any] = PRIVATE | {"concurrency_id": "inside", "concurrency_limit": 4}
    counted = [calls, counter, call]
    call.click(answer(lambda values, t: count(values[calls] + 1, t)), {calls}, counted, **once)
    restart.click(answer(lambda _, t: count(1, t)), {calls}, counted, **once)
    Panel(add, {a, b}, {adder}).refresh(a.input, b.input)
    return Panel(show, {calls, a, b}, {*counted, adder, lookup})


def render_toy(run: ToyRun, t: Translate) -> str:
    """Return a toy class beside the code that called it."""
    return render(
        "pair.html",
        blocks=[
            render_code(run.source, t("inside.the_class")),
            render_run(run.snippet, t("inside.the_calls"), t),
        ],
    )
