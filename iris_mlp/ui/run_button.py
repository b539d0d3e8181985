"""Start and Stop of long work, which may have to wait for a place, and how events are wired."""

import threading
import weakref
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import gradio as gr
from gradio.events import Dependency

from iris_mlp.config import host_limits
from iris_mlp.hardware.core_limits import usable_cores
from iris_mlp.ui.language import page_i18n

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""No endpoint, and nothing is covered while it runs."""
QUICK: dict[str, Any] = PRIVATE | {"queue": False}
"""Past the queue it is one request instead of two and a stream, but no warning gets through."""


LONG_WORK = "training"
"""Name of the queue's lane for work that shares the cores; `turns.py` gives its places."""
_switches: weakref.WeakSet[threading.Event] = weakref.WeakSet()


def make_switch() -> threading.Event:
    """Return a switch that ends a run: set by the visitor's Stop, and where the server ends."""
    switch = threading.Event()
    _switches.add(switch)
    return switch


def stop_all() -> None:
    """Ask every run to end; each keeps what it reached, as at Stop."""
    for switch in list(_switches):
        switch.set()


def training_slots() -> dict[str, Any]:
    """Return the places that all long work shares, since it shares the cores."""
    return {"concurrency_id": LONG_WORK, "concurrency_limit": usable_cores()}


class TimeLimit:
    """When long work has to end, as a `StopSignal`: the visitor's Stop, or the cap of this host.

    Args:
        stop: Set by the Stop button; None where nobody can press it.
    """

    def __init__(self, stop: threading.Event | None) -> None:
        self._stop = stop
        self._deadline = perf_counter() + host_limits().wall_s

    def is_set(self) -> bool:
        """Tell whether to end now and to show what was measured so far."""
        return perf_counter() > self._deadline or (self._stop is not None and self._stop.is_set())


class RunButtons:
    """Start and Stop in a row, and below them the line for a visitor who waits for a place.

    Args:
        label: What Start says.
        prefix: Begins the names of the two buttons in the page: `race-` for `race-start`.

    Attributes:
        start: The button that starts the work.
        stop: The switch that Stop sets, a `threading.Event`; None before the first run.
    """

    def __init__(self, label: Any, prefix: str = "") -> None:
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button(label, variant="primary", elem_id=f"{prefix}start")
            self._stop_button = gr.Button(
                page_i18n()("common.stop"), interactive=False, elem_id=f"{prefix}stop"
            )
        # `accessibility.js` writes the place in the queue into it.
        self._waiting = gr.HTML(
            '<p class="run-place" role="status"></p>',
            elem_classes="run-waiting",
            apply_default_css=False,
        )
        self.stop = gr.State()

    def run(
        self, handler: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]
    ) -> Dependency:
        """Let Start run a handler, whose first input is the switch, once there is a free place.

        Returns:
            The end of the run, to hang further steps on.
        """
        buttons = [self.start, self._stop_button]
        began = self.start.click(
            begin, self.stop, [self.stop, *buttons], trigger_mode="once", **QUICK
        )
        tracked: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": self._waiting}
        ended = began.then(
            handler,
            [self.stop, *inputs],
            list(outputs),
            **(PRIVATE | training_slots() | tracked),
        )
        # Not `then`, which an error of this event does not reach.
        for outcome in (ended.success, ended.failure):
            outcome(release, None, buttons, **QUICK)
        self._stop_button.click(request_stop, self.stop, **QUICK)
        return ended


def begin(old_stop: threading.Event | None) -> tuple[threading.Event, Any, Any]:
    """Answer at once: a run may have to wait for its place, and can be stopped from now on.

    What is left of the run before, such as its comparison, ends.
    """
    request_stop(old_stop)
    return make_switch(), gr.update(interactive=False), gr.update(interactive=True)


def request_stop(stop: threading.Event | None) -> None:
    """Ask this visitor's run to end; it keeps what it reached."""
    if stop is not None:
        stop.set()


def release() -> tuple[Any, Any]:
    """Let the visitor start again."""
    return gr.update(interactive=True), gr.update(interactive=False)
