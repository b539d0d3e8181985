"""Which flower and which network the tab looks into, and what every panel of it has."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.errors import SettingsError
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.inside.walkthrough import Walkthrough, walk_through
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.flower import find_species, read_flower
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator
from iris_mlp.ui.run_button import PRIVATE
from iris_mlp.ui.templates import render

OWN = "own"
"""Stands for the flower's true species or, of a flower outside the data, the predicted one."""

PANELS = ("calling", "path", "data", "walk", "placement", "relu", "step")

LIVE: dict[str, Any] = PRIVATE | {
    "concurrency_id": "inside",
    "concurrency_limit": 4,
    "trigger_mode": "always_last",
}

Values = dict[Any, Any]
"""What Gradio gives for a set of inputs: the value of each component."""

Show = Callable[[Values, Translate], Values]
"""Turns the values of a panel's inputs into those of its outputs."""


@dataclass(frozen=True)
class Panel:
    """A panel of the tab.

    Attributes:
        show: Fills it from the values of its inputs.
        inputs: What it is made from.
        outputs: What it fills.
    """

    show: Show
    inputs: set[Any]
    outputs: set[Any]

    def refresh(self, *events: Any) -> None:
        """Fill the panel at each of these events."""
        gr.on(events, answer(self.show), self.inputs, list(self.outputs), **LIVE)


@dataclass(frozen=True)
class Flower:
    """The flower and the weights of the Classify tab, and its species as the visitor says it.

    Attributes:
        lengths: Its value is the four lengths in cm.
        classifier: What answers there, a `Classifier`, or None before the page has loaded.
        true_class: The species, or `OWN`.
    """

    lengths: gr.HTML
    classifier: gr.State
    true_class: gr.Radio

    @property
    def inputs(self) -> set[Any]:
        """The components that it is read from."""
        return {self.lengths, self.classifier, self.true_class}

    def take_checkpoint(self, values: Values) -> Checkpoint:
        """Return the weights, or the shipped ones before the page has loaded."""
        return self._take_classifier(values).checkpoint

    def list_lengths(self, values: Values) -> list[float]:
        """Return the four lengths in cm."""
        return read_flower(values[self.lengths])

    def send(self, values: Values) -> Walkthrough:
        """Send the flower through the network, as one of a species."""
        lengths_cm, species = self.list_lengths(values), values[self.true_class]
        if species == OWN:
            index = find_species(lengths_cm)
            if index is None:
                lengths = np.array([lengths_cm])
                index = int(self._take_classifier(values).predict(lengths).classes[0])
        elif species in CLASS_NAMES:
            index = CLASS_NAMES.index(species)
        else:
            raise SettingsError("The species must be one of {names}.", names=", ".join(CLASS_NAMES))
        return walk_through(self.take_checkpoint(values), lengths_cm, index)

    def _take_classifier(self, values: Values) -> Classifier:
        return values[self.classifier] or shipped_classifier()


def answer(show: Show) -> Callable[[Values, gr.Request], Values]:
    """Return the handler of an event: it speaks the visitor's language and tells what is wrong."""

    @user_errors
    def handle(values: Values, request: gr.Request) -> Values:
        return show(values, request_translator(request))

    return handle


@contextmanager
def panel(name: str) -> Generator[None]:
    """Lay out a panel that begins with its words."""
    with gr.Column(elem_id=f"inside-{name}", elem_classes="inside-panel foldable"):
        build_prose(f"inside.{name}", script=mount("panels"))
        yield


def add_html(name: str, script: str | None = None) -> gr.HTML:
    """Add a picture to the panel that is being laid out."""
    return gr.HTML(elem_id=f"inside-{name}-view", js_on_load=script, apply_default_css=False)


def build_subject(flower: Flower, view: gr.HTML) -> Panel:
    """Return the head of the tab: flower, network, and the links to its panels."""

    def show(values: Values, t: Translate) -> Values:
        return {
            view: render(
                "subject.html",
                t=t,
                panels=PANELS,
                lengths=dict(zip(FEATURE_NAMES, flower.list_lengths(values))),
                network=f"4 → {flower.take_checkpoint(values).hidden:,} → {len(CLASS_NAMES)}",
                torch=torch.__version__,
            )
        }

    return Panel(show, flower.inputs, {view})


def add_subject() -> gr.HTML:
    """Add the head of the tab, whose links open the panels."""
    return add_html("subject", mount("panels"))
