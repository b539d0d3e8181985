"""The Inside PyTorch tab: what really runs behind `model(x)`, with the visitor's flower."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from iris_mlp.data import CLASS_NAMES
from iris_mlp.strings import Translate
from iris_mlp.ui.inside import calling, data, path, placement, relu, step, walk
from iris_mlp.ui.inside.flower import (
    OWN,
    Flower,
    Values,
    add_subject,
    answer,
    build_subject,
)
from iris_mlp.ui.language import page_i18n


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
    on_load_inputs: set[Any]
    on_load_outputs: list[Any]


def build(lengths: gr.HTML, classifier: gr.State) -> InsideTab:
    """Lay out and wire the tab.

    Args:
        lengths: Its value is the four lengths in cm, of the Classify tab.
        classifier: What answers there, a `Classifier`, or None before the page has loaded.
    """
    i18n = page_i18n()
    true_class = gr.Radio(
        [
            (i18n("inside.own"), OWN),
            *((i18n(f"common.{name}"), name) for name in CLASS_NAMES),
        ],
        value=OWN,
        label=i18n("inside.true_class"),
        elem_id="inside-true-class",
        render=False,
    )
    flower = Flower(lengths, classifier, true_class)
    with gr.Column(elem_classes="inside"):
        panels = (
            build_subject(flower, add_subject()),
            calling.build(),
            path.build(flower),
            data.build(),
            walk.build(flower),
            placement.build(flower),
            relu.build(flower),
            step.build(flower),
        )

    def show(values: Values, t: Translate) -> Values:
        return {view: shown for panel in panels for view, shown in panel.show(values, t).items()}

    inputs = set().union(*(panel.inputs for panel in panels))
    outputs = list(set().union(*(panel.outputs for panel in panels)))
    return InsideTab(answer(show), inputs, outputs)
