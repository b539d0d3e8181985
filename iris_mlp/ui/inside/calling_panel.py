"""Objects that are called: a counter that remembers, an adder that the visitor gives numbers."""

from typing import Any

import gradio as gr

from iris_mlp.inside.callables import MAX_CALLS, ToyRun, run_adder, run_counter
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import render_code, render_pair, render_run
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator


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


def render_toy(run: ToyRun, t: Translate) -> str:
    """Return a toy class beside the code that called it."""
    return render_pair(
        render_code(run.source, t("inside.the_class")),
        render_run(run.snippet, t("inside.the_calls"), t),
    )
