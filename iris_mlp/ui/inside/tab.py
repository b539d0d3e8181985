"""The Inside PyTorch tab: what really runs behind `model(x)`, with the visitor's flower."""

from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import TrainConfig, default_lr
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.errors import SettingsError
from iris_mlp.inference import Classifier, read_lengths, shipped_classifier
from iris_mlp.introspection.call_path import LAYERS, trace_call
from iris_mlp.introspection.callables import MAX_CALLS, run_adder, run_counter
from iris_mlp.introspection.placement import META, list_places, run_moves, run_placement
from iris_mlp.introspection.relu_forms import compare_relu
from iris_mlp.introspection.training_step import step_batch, step_flower
from iris_mlp.introspection.walkthrough import Walkthrough, explain_unit, walk_through
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.inside.call_path_panel import render_comparison, render_paths
from iris_mlp.ui.inside.snippet_panels import (
    render_moves,
    render_placement,
    render_relu,
    render_toy,
)
from iris_mlp.ui.inside.step_panel import render_step
from iris_mlp.ui.inside.walkthrough_panel import render_strips, render_unit
from iris_mlp.ui.strings import Translate, page_i18n, request_translator

PANELS = ("calling", "path", "walk", "placement", "relu", "step")
PREDICTED = "predicted"
ROWS = ("flower", "batch")
FIRST_CALLS = 2
FIRST_TERMS = (3, 5)
RELU_UNITS = 12
"""Pre-activations on which the three forms of ReLU are run."""

_CHOOSE_UNIT = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-unit]");
  if (!button) return;
  // Here and not by drawing anew, which would take the focus from the button.
  for (const other of element.querySelectorAll("button[data-unit]"))
    other.setAttribute("aria-pressed", other.dataset.unit === button.dataset.unit);
  trigger("choose", { unit: Number(button.dataset.unit) });
});
"""
# Gradio's page has a base address, so that a bare "#panel" would load the page anew.
_GO_TO_PANEL = """
element.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  const panel = link && document.getElementById(link.hash.slice(1));
  if (!panel) return;
  event.preventDefault();
  panel.scrollIntoView();
  panel.tabIndex = -1;
  panel.focus({ preventScroll: true });
});
"""


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


# Handlers take the request first, so that the four lengths can come last as one argument.


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
    *lengths_cm: float | None,
) -> View:
    """Run every panel for the flower and the weights of the Classify tab."""
    t = request_translator(request)
    checkpoint = _take_checkpoint(classifier)
    walk = _walk(classifier, true_class, lengths_cm)
    unit = unit if unit < checkpoint.hidden else 0
    comparison, paths = trace_calls(request, classifier, hooked, every_call, *lengths_cm)
    return View(
        subject=render_subject(walk, checkpoint, t),
        counter=render_toy(run_counter(calls), t),
        adder=add_numbers(request, a, b),
        comparison=comparison,
        paths=paths,
        strips=render_strips(walk, unit, t),
        unit_index=unit,
        unit=_explain(checkpoint, walk, unit, t),
        placement=place(request, classifier, model_device, input_device, *lengths_cm),
        moves=render_moves(run_moves(), t),
        relu=render_relu(compare_relu(_round(walk.pre_activation[:RELU_UNITS])), t),
        step=take_step(request, classifier, true_class, rows, lr, *lengths_cm),
    )


def call_again(request: gr.Request, calls: int) -> tuple[int, str, Any]:
    """Call the counter once more; return the calls so far, the run and the button."""
    return count_calls(request, calls + 1)


def start_counter(request: gr.Request) -> tuple[int, str, Any]:
    """Make a new counter and call it once."""
    return count_calls(request, 1)


@user_errors
def count_calls(request: gr.Request, calls: int) -> tuple[int, str, Any]:
    """Call a new counter some times; the button rests when no more calls are allowed."""
    shown = render_toy(run_counter(calls), request_translator(request))
    return calls, shown, gr.update(interactive=calls < MAX_CALLS)


@user_errors
def add_numbers(request: gr.Request, a: float | None, b: float | None) -> str | Any:
    """Call the adder with the visitor's two numbers."""
    if a is None or b is None:  # the visitor has just emptied a field
        return gr.skip()
    return render_toy(run_adder(a, b), request_translator(request))


@user_errors
def trace_calls(
    request: gr.Request,
    classifier: Classifier | None,
    hooked: list[str],
    every_call: bool,
    *lengths_cm: float | None,
) -> tuple[str, str]:
    """Trace both ways to run the model; return what the hooks did and the two trees."""
    t = request_translator(request)
    checkpoint = _take_checkpoint(classifier)
    # A model of this call's own: hooks and a profile function must meet no other visitor.
    model = checkpoint.build_model()
    x = torch.from_numpy(checkpoint.scaler.scale(np.array([read_lengths(lengths_cm)])))
    call = trace_call(model, x, "call", hooked)
    forward = trace_call(model, x, "forward", hooked)
    return render_comparison(call, forward, t), render_paths(call, forward, every_call, t)


@user_errors
def choose_unit(
    request: gr.Request,
    event: gr.EventData,
    classifier: Classifier | None,
    *lengths_cm: float | None,
) -> tuple[Any, str]:
    """Write out the hidden unit that the visitor clicked."""
    unit = getattr(event, "unit", None)
    walk = _walk(classifier, PREDICTED, lengths_cm)
    return unit, _explain(_take_checkpoint(classifier), walk, unit, request_translator(request))


@user_errors
def choose_class(
    request: gr.Request,
    classifier: Classifier | None,
    true_class: str,
    unit: int,
    rows: str,
    lr: float | None,
    *lengths_cm: float | None,
) -> tuple[str, str]:
    """Work out loss and step for another true species; return the strips and the step."""
    walk = _walk(classifier, true_class, lengths_cm)
    strips = render_strips(walk, unit, request_translator(request))
    return strips, take_step(request, classifier, true_class, rows, lr, *lengths_cm)


@user_errors
def place(
    request: gr.Request,
    classifier: Classifier | None,
    model_device: str,
    input_device: str,
    *lengths_cm: float | None,
) -> str:
    """Put a model and the flower on two devices and run it."""
    scaled = _walk(classifier, PREDICTED, lengths_cm).scaled
    run = run_placement(model_device, input_device, _round(scaled))
    return render_placement(run, request_translator(request))


@user_errors
def take_step(
    request: gr.Request,
    classifier: Classifier | None,
    true_class: str,
    rows: str,
    lr: float | None,
    *lengths_cm: float | None,
) -> str | Any:
    """Take one training step on the flower or on the 120 training rows."""
    if lr is None:  # the visitor has just emptied the field
        return gr.skip()
    if rows not in ROWS:
        raise SettingsError("rows must be one of {choices}.", choices=", ".join(ROWS))
    lr = TrainConfig(lr=lr).lr  # which refuses what is not a learning rate
    checkpoint = _take_checkpoint(classifier)
    if rows == "batch":
        step = step_batch(checkpoint, lr)
    else:
        walk = _walk(classifier, true_class, lengths_cm)
        step = step_flower(checkpoint, lengths_cm, walk.true_class, lr)
    return render_step(step, request_translator(request))


def render_subject(walk: Walkthrough, checkpoint: Checkpoint, t: Translate) -> str:
    """Return which flower and network the tab looks into, and links to its panels."""
    lengths = "".join(
        f"<div><dt>{escape(t(f'common.{name}'))}</dt><dd>{length:.1f} cm</dd></div>"
        for name, length in zip(FEATURE_NAMES, walk.lengths_cm)
    )
    network = f"4 → {checkpoint.hidden:,} → {len(CLASS_NAMES)}"
    links = "".join(
        f'<a href="#inside-{name}">{escape(t(f"inside.link_{name}"))}</a>' for name in PANELS
    )
    return (
        f'<nav class="inside-links" aria-label="{escape(t("inside.panels"))}">{links}</nav>'
        f'<div class="inside-subject"><p>{escape(t("inside.subject"))}</p><dl>{lengths}'
        f"<div><dt>{escape(t('inside.network'))}</dt><dd>{network}</dd></div>"
        f"<div><dt>PyTorch</dt><dd>{escape(torch.__version__)}</dd></div></dl></div>"
    )


def _round(values: list[float]) -> list[float]:
    """Shorten numbers that become part of the code that is shown and run."""
    return [round(value, 4) for value in values]


def _take_checkpoint(classifier: Classifier | None) -> Checkpoint:
    return (classifier or shipped_classifier()).checkpoint


def _walk(
    classifier: Classifier | None, true_class: str, lengths_cm: tuple[float | None, ...]
) -> Walkthrough:
    """Send the flower through the network; its true species may be the predicted one."""
    if true_class == PREDICTED:
        lengths = np.array([read_lengths(lengths_cm)])
        index = int((classifier or shipped_classifier()).predict(lengths).classes[0])
    elif true_class in CLASS_NAMES:
        index = CLASS_NAMES.index(true_class)
    else:
        raise SettingsError("The species must be one of {names}.", names=", ".join(CLASS_NAMES))
    return walk_through(_take_checkpoint(classifier), lengths_cm, index)


def _explain(checkpoint: Checkpoint, walk: Walkthrough, unit: Any, t: Translate) -> str:
    sums = explain_unit(checkpoint, walk.scaled, unit)
    return render_unit(sums, walk.pre_activation[unit], t)


def build(sliders: list[gr.Slider], classifier: gr.State) -> InsideTab:
    """Lay out and wire the tab.

    Args:
        sliders: The four lengths in cm, of the Classify tab.
        classifier: What answers there, a `Classifier`, or None before the page has loaded.
    """
    i18n = page_i18n()

    def add_panel(name: str) -> gr.Column:
        column = gr.Column(elem_id=f"inside-{name}", elem_classes="inside-panel")
        with column:
            gr.Markdown(i18n(f"inside.{name}"), elem_classes="inside-heading")  # pyright: ignore[reportArgumentType]
        return column

    def add_html(name: str, script: str | None = None) -> gr.HTML:
        return gr.HTML(elem_id=f"inside-{name}-view", js_on_load=script, apply_default_css=False)

    calls, unit_index = gr.State(FIRST_CALLS), gr.State(0)
    with gr.Column(elem_classes="inside"):
        subject = add_html("subject", _GO_TO_PANEL)
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
                    (i18n("inside.predicted"), PREDICTED),
                    *((i18n(f"common.{name}"), name) for name in CLASS_NAMES),
                ],
                value=PREDICTED,
                label=i18n("inside.true_class"),
                elem_id="inside-true-class",
            )
            strips = add_html("strips", _CHOOSE_UNIT)
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

    wiring: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_id": "inside",
        "concurrency_limit": 4,
    }
    live = {**wiring, "trigger_mode": "always_last"}
    call.click(call_again, calls, [calls, counter, call], **wiring)
    restart.click(start_counter, None, [calls, counter, call], **wiring)
    gr.on([a.input, b.input], add_numbers, [a, b], adder, **live)
    gr.on(
        [hooked.input, every_call.input],
        trace_calls,
        [classifier, hooked, every_call, *sliders],
        [comparison, paths],
        **live,
    )
    strips.choose(choose_unit, [classifier, *sliders], [unit_index, unit], **live)
    true_class.input(
        choose_class,
        [classifier, true_class, unit_index, rows, lr, *sliders],
        [strips, step],
        **live,
    )
    gr.on(
        [model_device.input, input_device.input],
        place,
        [classifier, model_device, input_device, *sliders],
        placement,
        **live,
    )
    gr.on(
        [rows.input, lr.input],
        take_step,
        [classifier, true_class, rows, lr, *sliders],
        step,
        **live,
    )
    inputs = [classifier, calls, a, b, hooked, every_call, true_class, unit_index]
    inputs += [model_device, input_device, rows, lr, *sliders]
    view = [subject, counter, adder, comparison, paths, strips, unit_index, unit]
    view += [placement, moves, relu, step]
    return InsideTab(fill_tab, inputs, view)
