"""One training step twice: the formulas beside autograd, number by number; and `zero_grad`."""

from itertools import islice
from typing import Any

import gradio as gr
import numpy as np

from iris_mlp.config import TrainConfig, default_lr
from iris_mlp.errors import SettingsError
from iris_mlp.inside.snippet import Snippet
from iris_mlp.inside.training_step import (
    StepTensor,
    TrainingStep,
    run_accumulation,
    step_batch,
    step_flower,
)
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.components.code_block import render_code, render_run
from iris_mlp.ui.errors import translate_error
from iris_mlp.ui.inside.flower import Flower, Panel, Values, add_html, panel
from iris_mlp.ui.language import page_i18n
from iris_mlp.ui.templates import render

ROWS = ("flower", "batch")
MAX_ROWS = 48
MAX_SIDE = 48
"""Rows and columns of a tensor that are drawn at most."""

CELL_PX = 18

# Bishop's formulas in the order of the calculation; `backward_by_hand` is their code.
FORMULAS = (
    ("softmax", "p = softmax(logits)"),
    ("d_logits", "δ₂ = ∂L/∂logits = (p − y) / n"),
    ("fc2", "∂L/∂W₂ = δ₂ᵀ h,  ∂L/∂b₂ = Σ δ₂"),
    ("d_z", "δ₁ = ∂L/∂z = (δ₂ W₂) ⊙ [z > 0]"),
    ("fc1", "∂L/∂W₁ = δ₁ᵀ x,  ∂L/∂b₁ = Σ δ₁"),
    ("sgd", "W ← W − lr · ∂L/∂W"),
)
COLUMNS = ("entry", "before", "by_hand", "by_autograd", "difference", "after_hand", "after_sgd")


def build(flower: Flower) -> Panel:
    """Lay out and wire the panel."""
    i18n = page_i18n()
    with panel("step"):
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
        step, accumulated = add_html("step"), add_html("accumulation")

    def take(values: Values, t: Translate) -> Values:
        if values[lr] is None:  # the visitor has just emptied the field
            return {step: gr.skip()}
        if values[rows] not in ROWS:
            raise SettingsError("rows must be one of {choices}.", choices=", ".join(ROWS))
        try:
            rate = TrainConfig(lr=values[lr]).lr
        except SettingsError as error:
            # In the place of the numbers, which would be of another learning rate.
            return {step: render("refusal.html", sentence=translate_error(error, t))}
        checkpoint = flower.take_checkpoint(values)
        if values[rows] == "batch":
            return {step: render_step(step_batch(checkpoint, rate), t)}
        walk = flower.send(values)
        return {
            step: render_step(step_flower(checkpoint, walk.lengths_cm, walk.true_class, rate), t)
        }

    def show(values: Values, t: Translate) -> Values:
        run = run_accumulation(flower.take_checkpoint(values))
        return take(values, t) | {accumulated: render_accumulation(run, t)}

    inputs = {*flower.inputs, rows, lr}
    Panel(take, inputs, {step}).refresh(rows.input, lr.input, flower.true_class.input)
    return Panel(show, inputs, {step, accumulated})


def render_step(step: TrainingStep, t: Translate) -> str:
    """Return the formulas, both losses, and each tensor's gradients and update twice."""
    largest = max(float(np.abs(tensor.updated_by_optimizer).max()) for tensor in step.tensors)
    biases = {tensor.name: tensor.by_hand for tensor in step.tensors if "bias" in tensor.name}
    silent = int((biases["fc1.bias"] == 0).sum())
    note = t(
        "inside.step_losses",
        rows=step.rows,
        by_hand=f"{step.loss_by_hand:.8f}",
        by_autograd=f"{step.loss_by_autograd:.8f}",
    )
    if silent and biases["fc2.bias"].any():  # else nothing came as far as ReLU
        shut = t("inside.step_silent", silent=silent, hidden=biases["fc1.bias"].size)
        note = t("inside.two_sentences", first=note, second=shut)
    return render(
        "step.html",
        t=t,
        verdict_text=t(
            "inside.step_verdict",
            numbers=sum(tensor.before.size for tensor in step.tensors),
            gradients=numbers.difference(step.max_gradient_difference),
            updates=numbers.difference(step.max_update_difference),
            relative=numbers.difference(step.max_update_difference / largest if largest else 0),
        ),
        note=note,
        formulas=FORMULAS,
        source=render_code(step.source, t("inside.code_that_ran")),
        tensors=[_show_tensor(tensor, t) for tensor in step.tensors],
        columns=[t(f"inside.{column}") for column in COLUMNS],
        cell_px=CELL_PX,
    )


def render_accumulation(run: Snippet, t: Translate) -> str:
    """Return the gradients of `fc2.bias` after each call of backward, number by number."""
    once, twice, again = (run.names[name].tolist() for name in ("once", "twice", "again"))
    return render(
        "accumulation.html",
        t=t,
        doubles=run.output == ("True True",),
        block=render_run(run, t("inside.code_that_ran"), t),
        rows=[
            (f"fc2.bias[{i}]", *map(numbers.exact, values))
            for i, values in enumerate(zip(once, twice, again, strict=True))
        ],
    )


def draw_heat(values: np.ndarray) -> dict[str, Any]:
    """Return a tensor as the cells of a grid, rows down and columns across as its shape says.

    Args:
        values: One dimension, which is a row, or two; a wide tensor is cut.

    Returns:
        Rows, columns, and for each cell its row, its column, its sign and its share of the
        largest.
    """
    grid = np.nan_to_num(np.atleast_2d(values)[:MAX_SIDE, :MAX_SIDE])
    largest = float(np.abs(grid).max()) or 1.0
    cells = [
        (row, column, "p" if value >= 0 else "n", abs(float(value)) / largest)
        for (row, column), value in np.ndenumerate(grid)
    ]
    return {"rows": grid.shape[0], "columns": grid.shape[1], "cells": cells}


def _show_tensor(tensor: StepTensor, t: Translate) -> dict[str, Any]:
    heats = []
    for key, values in (("by_hand", tensor.by_hand), ("by_autograd", tensor.by_autograd)):
        said = t(
            "inside.heat_alt",
            name=tensor.name,
            way=t(f"inside.{key}"),
            count=values.size,
            low=numbers.decimal(float(values.min())),
            high=numbers.decimal(float(values.max())),
        )
        heats.append((t(f"inside.{key}"), said, draw_heat(values)))
    cut = {"shown": MAX_ROWS, "total": tensor.before.size}
    return {
        "name": tensor.name,
        "shape": str(tensor.before.shape),
        "opened": tensor.name == "fc2.bias",  # three numbers, where backward begins
        "heats": heats,
        "rows": [
            (", ".join(map(str, index)), _list_numbers(tensor, index))
            for index in islice(np.ndindex(tensor.before.shape), MAX_ROWS)
        ],
        "cut": t("inside.more_numbers", **cut) if tensor.before.size > MAX_ROWS else "",
    }


def _list_numbers(tensor: StepTensor, index: tuple[int, ...]) -> list[str]:
    by_hand, by_autograd = float(tensor.by_hand[index]), float(tensor.by_autograd[index])
    return [
        numbers.exact(float(tensor.before[index])),
        numbers.exact(by_hand),
        numbers.exact(by_autograd),
        numbers.difference(abs(by_hand - by_autograd)),
        numbers.exact(float(tensor.updated_by_hand[index])),
        numbers.exact(float(tensor.updated_by_optimizer[index])),
    ]
