"""The CPU vs GPU tab: experiments on the visitor's own machine, one panel each."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from iris_mlp.ui.compare import batch, crossover, ledger, memory, race, visitor_race
from iris_mlp.ui.language import request_translator
from iris_mlp.ui.run_button import QUICK


@dataclass(frozen=True)
class CompareTab:
    """What the layout needs of this tab.

    Attributes:
        on_load: Handler that fills the empty pictures in the visitor's language.
        on_load_outputs: Its outputs; it has no inputs.
    """

    on_load: Any
    on_load_outputs: list[Any]


def build(checkpoint: gr.State) -> CompareTab:
    """Lay out and wire the tab.

    Args:
        checkpoint: The weights of the visitor's last run, a `Checkpoint` or None.
    """
    with gr.Column(elem_classes="experiments"):
        panels = (
            race.build(),
            ledger.build(),
            crossover.build(checkpoint),
            batch.build(),
            memory.build(),
        )
        visitor_race.build()
    # One runs at a time, since two would slow each other down.
    running = [panel for panel in panels if panel.buttons and panel.ended]
    for panel in running:
        others = [other.buttons.start for other in running if other is not panel and other.buttons]
        assert panel.buttons
        assert panel.ended
        panel.buttons.start.click(partial(_switch, len(others), False), None, others, **QUICK)
        for outcome in (panel.ended.success, panel.ended.failure):
            outcome(partial(_switch, len(others), True), None, others, **QUICK)

    def load_page(request: gr.Request) -> dict[Any, str]:
        t = request_translator(request)
        return {view: html for panel in panels for view, html in panel.show_first(t).items()}

    return CompareTab(load_page, [view for panel in panels for view in panel.pictures])


def _switch(count: int, interactive: bool) -> list[Any]:
    return [gr.update(interactive=interactive)] * count
