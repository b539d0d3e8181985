"""Devices: a model and an input on two of them, what `.to` gives back, and what has one."""

import inspect
from typing import Any

import gradio as gr
import torch

from iris_mlp.devices import list_devices
from iris_mlp.inside.placement import (
    META,
    RECORDED,
    Moves,
    Placement,
    list_places,
    run_mismatch,
    run_moves,
    run_placement,
    try_moving,
)
from iris_mlp.lent_gpu import ask_for_s, is_lent, run_on_devices
from iris_mlp.model import build_model
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import render_code, render_run, shorten_numbers
from iris_mlp.ui.gpu_seconds import build_gpu_seconds, tell_gpu_seconds
from iris_mlp.ui.inside.flower import Flower, Panel, Values, add_html, answer, panel
from iris_mlp.ui.language import page_i18n
from iris_mlp.ui.run_button import PRIVATE, TimeLimit, training_slots
from iris_mlp.ui.templates import render

MISMATCH_S = 1.0


def build(flower: Flower) -> Panel:
    """Lay out and wire the panel."""
    with panel("placement"):
        with gr.Row(elem_classes="inside-controls"):
            model_device, input_device = (
                gr.Radio(
                    list_places(),
                    value=device,
                    label=page_i18n()(f"inside.{name}_device"),
                    elem_id=f"inside-{name}-device",
                    min_width=200,
                )
                for name, device in (("model", "cpu"), ("input", META))
            )
        lent, lend = _list_lent(), None
        if lent:
            lend = gr.Button(page_i18n()("inside.lend"), size="sm", elem_id="inside-lend")
            tell_gpu_seconds(build_gpu_seconds(), _estimate_s)
        placed, moves = add_html("placement"), add_html("moves")

    def place(values: Values, t: Translate) -> Values:
        scaled = shorten_numbers(flower.send(values).scaled)
        run = run_placement(values[model_device], values[input_device], scaled)
        return {placed: render_placement(run, t)}

    def place_on_lent(values: Values, t: Translate) -> Values:
        scaled = shorten_numbers(flower.send(values).scaled)
        answers = run_on_devices(
            run_mismatch, lent, scaled, stop=TimeLimit(None), estimate_s=_estimate_s
        )
        (run,) = answers
        return {placed: render_placement(run, t)}

    def show(values: Values, t: Translate) -> Values:
        return place(values, t) | {moves: render_moves(run_moves(), t)}

    inputs = {*flower.inputs, model_device, input_device}
    Panel(place, inputs, {placed}).refresh(model_device.input, input_device.input)
    if lend is not None:
        events: dict[str, Any] = {"trigger_mode": "once", **training_slots(), **PRIVATE}
        lend.click(answer(place_on_lent), set(flower.inputs), [placed], **events)
    return Panel(show, inputs, {placed, moves})


def _estimate_s() -> int:
    return ask_for_s(MISMATCH_S)


def _list_lent() -> list[str]:
    devices = list_devices()[1:2]
    return devices if is_lent(devices) else []


def render_placement(placement: Placement, t: Translate) -> str:
    """Return what came of the devices chosen and, where it failed, the mended code."""
    blocks = [render_run(placement.placed, t("inside.as_chosen"), t)]
    if placement.mended is not None:
        blocks.append(render_run(placement.mended, t("inside.mended"), t))
        verdict = t("inside.refused", version=torch.__version__)
    else:
        on_meta = placement.placed.names["logits"].device.type == META
        verdict = t("inside.runs_on_meta" if on_meta else "inside.runs")
    return render(
        "placement.html",
        t=t,
        verdict_text=verdict,
        blocks=blocks,
        source=render_code(inspect.getsource(build_model), "build_model"),
        recorded=RECORDED,
    )


def render_moves(moves: Moves, t: Translate) -> str:
    """Return what `.to` gives back for a tensor and for a module, and what has none."""
    other = moves.other
    return render(
        "moves.html",
        t=t,
        block=render_run(moves.snippet, t("inside.what_to_returns"), t),
        facts=[
            (code, answer, t(f"inside.{key}_{answer}"))
            for code, answer, key in (
                ('x.to("cpu") is x', moves.tensor_is_same_when_there, "tensor_there"),
                (f'x.to("{other}") is x', moves.tensor_is_same_when_moved, "tensor_moved"),
                (f'model.to("{other}") is model', moves.module_is_same_when_moved, "module_moved"),
            )
        ],
        movables=try_moving(),
    )
