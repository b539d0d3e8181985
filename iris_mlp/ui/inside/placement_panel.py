"""A model and an input on two devices, and what `.to` gives back."""

import inspect
from html import escape

import gradio as gr
import torch

from iris_mlp.inference import Classifier
from iris_mlp.inside.placement import META, Moves, Placement, run_placement
from iris_mlp.model import build_model
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import (
    render_code,
    render_folded,
    render_pair,
    render_run,
    shorten_numbers,
)
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.inside.walkthrough_panel import OWN, send_flower
from iris_mlp.ui.language import request_translator


@user_errors
def place(
    request: gr.Request,
    classifier: Classifier | None,
    model_device: str,
    input_device: str,
    flower: object,
) -> str:
    """Put a model and the flower on two devices and run it."""
    scaled = send_flower(classifier, OWN, flower).scaled
    run = run_placement(model_device, input_device, shorten_numbers(scaled))
    return render_placement(run, request_translator(request))


def render_placement(placement: Placement, t: Translate) -> str:
    """Return what came of the devices chosen and, where it failed, the mended code."""
    placed, mended = placement.placed, placement.mended
    if mended is None:
        shown = render_run(placed, t("inside.as_chosen"), t)
        key = "runs_on_meta" if placed.names["logits"].device.type == META else "runs"
        verdict = t(f"inside.{key}")
    else:
        shown = render_pair(
            render_run(placed, t("inside.as_chosen"), t),
            render_run(mended, t("inside.mended"), t),
        )
        verdict = t("inside.refused", version=torch.__version__)
    source = render_code(inspect.getsource(build_model), "build_model")
    return (
        f'<p class="inside-verdict" role="status">{escape(verdict)}</p>{shown}'
        f"{render_folded(t('inside.source_build_model'), source)}"
    )


def render_moves(moves: Moves, t: Translate) -> str:
    """Return what `.to` gives back for a tensor and for a module."""
    facts = (
        ('x.to("cpu") is x', moves.tensor_is_same_when_there, "tensor_there"),
        (f'x.to("{moves.other}") is x', moves.tensor_is_same_when_moved, "tensor_moved"),
        (f'model.to("{moves.other}") is model', moves.module_is_same_when_moved, "module_moved"),
    )
    items = "".join(
        f"<li><code>{escape(code)}</code> <b>{answer}</b> "
        f"<span>{escape(t(f'inside.{key}_{answer}'))}</span></li>"
        for code, answer, key in facts
    )
    return render_pair(
        render_run(moves.snippet, t("inside.what_to_returns"), t),
        f'<ul class="inside-facts">{items}</ul>',
    )
