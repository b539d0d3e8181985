"""What a button asks for of a visitor's GPU time, in a line beside it; only where a GPU is lent."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from iris_mlp.devices import list_devices
from iris_mlp.errors import IrisMlpError
from iris_mlp.lent_gpu import is_lent
from iris_mlp.ui.language import request_translator
from iris_mlp.ui.run_button import QUICK


def build_gpu_seconds() -> gr.HTML | None:
    """Build the line; None where no GPU is lent, and nothing has to be told."""
    if not is_lent(list_devices()):
        return None
    return gr.HTML(elem_classes="gpu-seconds", apply_default_css=False)


def tell_gpu_seconds(
    line: gr.HTML | None, estimate: Callable[..., int], inputs: Sequence[Any] = ()
) -> None:
    """Let the line tell what would be asked for with the values of some inputs.

    Args:
        line: What `build_gpu_seconds` returned.
        estimate: Returns the seconds of GPU time; 0 for none.
        inputs: The components that it is given the values of.
    """
    if line is None:
        return

    def tell(request: gr.Request, *values: Any) -> str:
        try:
            seconds = estimate(*values)
        except IrisMlpError:  # said when the button is pressed
            return ""
        return request_translator(request)("common.gpu_seconds", seconds=seconds) * bool(seconds)

    gr.on(None, tell, list(inputs), line, **QUICK)
