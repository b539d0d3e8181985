"""The Hardware tab: this machine and the visitor's, what names mean, cards side by side."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from iris_mlp.hardware import detect_hardware
from iris_mlp.strings import Translate
from iris_mlp.ui.hardware import cards, machine, names, your_computer
from iris_mlp.ui.run_button import PRIVATE


@dataclass(frozen=True)
class HardwareTab:
    """What the layout needs of this tab.

    Attributes:
        on_load: Handler that looks at the machine and fills the tab in the visitor's language.
        on_load_outputs: Its outputs; it has no inputs.
    """

    on_load: Any
    on_load_outputs: list[Any]


def build() -> HardwareTab:
    """Lay out and wire the tab."""
    wiring: dict[str, Any] = PRIVATE | {"concurrency_id": "hardware", "concurrency_limit": 2}
    with gr.Column(elem_classes="hardware"):
        shown_machine = machine.build(wiring)
        shown_yours = your_computer.build(wiring)
        name, shown_names = names.build(wiring)
        shown_cards = cards.build(name, wiring)
    return HardwareTab(load_page, [*shown_machine, *shown_yours, *shown_names, *shown_cards])


def load_page(request: gr.Request) -> list[str]:
    """Fill the whole tab."""
    panels = (machine.show_machine, your_computer.show_panel, names.show_first, cards.show_cards)
    return [value for show in panels for value in show(request)]


def describe_badge(t: Translate) -> str:
    """Return the machine in one line of plain text; the caller escapes it."""
    return machine.describe_machine(detect_hardware(), t)
