"""The Inside PyTorch tab: what really runs behind `model(x)`, with the visitor's flower."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from iris_mlp.config import default_lr
from iris_mlp.data import CLASS_NAMES
from iris_mlp.inference import Classifier
from iris_mlp.inside.call_path import LAYERS
from iris_mlp.inside.callables import run_counter
from iris_mlp.inside.placement import META, list_places, run_moves
from iris_mlp.inside.relu import compare_relu
from iris_mlp.ui.components.code_block import shorten_numbers
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.inside.call_path_panel import trace_calls
from iris_mlp.ui.inside.calling_panel import add_numbers, call_again, render_toy, start_counter
from iris_mlp.ui.inside.placement_panel import place, render_moves
from iris_mlp.ui.inside.relu_panel import render_relu
from iris_mlp.ui.inside.step_panel import ROWS, take_step
from iris_mlp.ui.inside.subject_panel import GO_TO_PANEL, render_subject
from iris_mlp.ui.inside.walkthrough_panel import (
    CHOOSE_UNIT,
    OWN,
    choose_unit,
    render_strips,
    send_flower,
    show_unit,
    take_checkpoint,
)
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE

FIRST_CALLS = 2
FIRST_TERMS = (3, 5)
RELU_UNITS = 12
"""Pre-activations on which the three forms of ReLU are run."""


class View(NamedTuple):
    """What the tab shows, in the order of the components."""

    subject: str
    counter: str
    adder: str
    comparison: str
    paths: str
    strips: str
    unit_index: int
    unit: str
    placement: str
    moves: str
    relu: str
    step: str


@dataclass(frozen=True)
class InsideTab:
    """What the layout needs of this tab.

    Attributes:
        on_load: Handler that fills the tab for the visitor's flower and weights; to run whenever
            the visitor opens the tab, since both may have changed on the Classify tab.
        on_load_inputs: Its inputs.
        on_load_outputs: Its outputs.
    """

    on_load: Any
    on_load_inputs: list[Any]
    on_load_outputs: list[Any]


@user_errors
def fill_tab(
    request: gr.Request,
    classifier: Classifier | None,
    calls: int,
    a: float | None,
    b: float | None,
    hooked: list[str],
    every_call: bool,
    true_class: str,
    unit: int,
    model_device: str,
    input_device: str,
    rows: str,
    lr: float | None,
    flower: object,
) -> View:
    """Run every panel for the flower and the weights of the Classify tab."""
    t = request_translator(request)
    checkpoint = take_checkpoint(classifier)
    walk = send_flower(classifier, true_class, flower)
    unit = unit if unit < checkpoint.hidden else 0
    comparison, paths = trace_calls(request, classifier, hooked, every_call, flower)
    return View(
        subject=render_subject(walk, checkpoint, t),
        counter=render_toy(run_counter(calls), t),
        adder=add_numbers(request, a, b),
        comparison=comparison,
        paths=paths,
        strips=render_strips(walk, unit, t),
        unit_index=unit,
        unit=show_unit(checkpoint, walk, unit, t),
        placement=place(request, classifier, model_device, input_device, flower),
        moves=render_moves(run_moves(), t),
        relu=render_relu(compare_relu(shorten_numbers(walk.pre_activation[:RELU_UNITS])), t),
        step=take_step(request, classifier, true_class, rows, lr, flower),
    )


@user_errors
def choose_class(
    request: gr.Request,
    classifier: Classifier | None,
    true_class: str,
    unit: int,
    rows: str,
    lr: float | None,
    flower: object,
) -> tuple[str, str]:
    """Work out loss and step for another true species; return the strips and the step."""
    walk = send_flower(classifier, true_class, flower)
    strips = render_strips(walk, unit, request_translator(request))
    return strips, take_step(request, classifier, true_class, rows, lr, flower)


def build(flower: gr.HTML, classifier: gr.State) -> InsideTab:
    """Lay out and wire the tab.

    Args:
        flower: Its value is the four lengths in cm, of the Classify tab.
        classifier: What answers there, a `Classifier`, or None before the page has loaded.
    """
    i18n = page_i18n()

    def add_panel(name: str) -> gr.Column:
        column = gr.Column(elem_id=f"inside-{name}", elem_classes="inside-panel")
        with column:
            build_prose(f"inside.{name}")
        return column

    def add_html(name: str, script: str | None = None) -> gr.HTML:
        return gr.HTML(elem_id=f"inside-{name}-view", js_on_load=script, apply_default_css=False)

    calls, unit_index = gr.State(FIRST_CALLS), gr.State(0)
    with gr.Column(elem_classes="inside"):
        subject = add_html("subject", GO_TO_PANEL)
        with add_panel("calling"):
            with gr.Row(elem_classes="inside-controls"):
                call = gr.Button("counter()", size="sm", variant="primary", elem_id="inside-call")
                restart = gr.Button(
                    i18n("inside.new_counter"), size="sm", elem_id="inside-new-counter"
                )
            counter = add_html("counter")
            with gr.Row(elem_classes="inside-controls"):
                a = gr.Number(FIRST_TERMS[0], label="a", elem_id="inside-a", min_width=120)
                b = gr.Number(FIRST_TERMS[1], label="b", elem_id="inside-b", min_width=120)
            adder = add_html("adder")
        with add_panel("path"):
            hooked = gr.CheckboxGroup(
                list(LAYERS),
                value=["model", "fc1"],
                label=i18n("inside.hooked"),
                info=i18n("inside.hooked_info"),
                elem_id="inside-hooked",
            )
            comparison = add_html("comparison")
            every_call = gr.Checkbox(
                label=i18n("inside.every_call"),  # pyright: ignore[reportArgumentType]
                elem_id="inside-every-call",
                container=False,
            )
            paths = add_html("paths")
        with add_panel("walk"):
            true_class = gr.Radio(
                [
                    (i18n("inside.own"), OWN),
                    *((i18n(f"common.{name}"), name) for name in CLASS_NAMES),
                ],
                value=OWN,
                label=i18n("inside.true_class"),
                elem_id="inside-true-class",
            )
            strips = add_html("strips", CHOOSE_UNIT)
            unit = add_html("unit")
        with add_panel("placement"):
            with gr.Row(elem_classes="inside-controls"):
                model_device, input_device = (
                    gr.Radio(
                        list_places(),
                        value=device,
                        label=i18n(f"inside.{name}_device"),
                        elem_id=f"inside-{name}-device",
                        min_width=200,
                    )
                    for name, device in (("model", "cpu"), ("input", META))
                )
            placement = add_html("placement")
            moves = add_html("moves")
        with add_panel("relu"):
            relu = add_html("relu")
        with add_panel("step"):
            with gr.Row(elem_classes="inside-controls"):
                rows = gr.Radio(
                    [(i18n(f"inside.rows_{name}"), name) for name in ROWS],
                    value=ROWS[0],
                    label=i18n("inside.rows"),
                    elem_id="inside-rows",
                    min_width=200,
                )
                lr = gr.Number(
                    default_lr("sgd"), label=i18n("inside.lr"), elem_id="inside-lr", min_width=120
                )
            step = add_html("step")

    wiring: dict[str, Any] = PRIVATE | {"concurrency_id": "inside", "concurrency_limit": 4}
    live: dict[str, Any] = wiring | {"trigger_mode": "always_last"}
    call.click(call_again, calls, [calls, counter, call], **wiring)
    restart.click(start_counter, None, [calls, counter, call], **wiring)
    gr.on([a.input, b.input], add_numbers, [a, b], adder, **live)
    gr.on(
        [hooked.input, every_call.input],
        trace_calls,
        [classifier, hooked, every_call, flower],
        [comparison, paths],
        **live,
    )
    strips.choose(choose_unit, [classifier, flower], [unit_index, unit], **live)
    true_class.input(
        choose_class,
        [classifier, true_class, unit_index, rows, lr, flower],
        [strips, step],
        **live,
    )
    gr.on(
        [model_device.input, input_device.input],
        place,
        [classifier, model_device, input_device, flower],
        placement,
        **live,
    )
    gr.on(
        [rows.input, lr.input],
        take_step,
        [classifier, true_class, rows, lr, flower],
        step,
        **live,
    )
    inputs = [classifier, calls, a, b, hooked, every_call, true_class, unit_index]
    inputs += [model_device, input_device, rows, lr, flower]
    view = [subject, counter, adder, comparison, paths, strips, unit_index, unit]
    view += [placement, moves, relu, step]
    return InsideTab(fill_tab, inputs, view)
