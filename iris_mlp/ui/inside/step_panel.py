"""One training step twice: the formulas beside autograd, number by number."""

from html import escape
from itertools import islice
from typing import Any

import gradio as gr
import numpy as np

from iris_mlp.config import TrainConfig
from iris_mlp.errors import SettingsError
from iris_mlp.inference import Classifier
from iris_mlp.inside.training_step import (
    StepTensor,
    TrainingStep,
    step_batch,
    step_flower,
)
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import render_code, render_folded
from iris_mlp.ui.errors import translate_error, user_errors
from iris_mlp.ui.inside.walkthrough_panel import (
    format_difference,
    format_number,
    send_flower,
    take_checkpoint,
)
from iris_mlp.ui.language import request_translator

ROWS = ("flower", "batch")
MAX_ROWS = 48
MAX_COLUMNS = 48
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


@user_errors
def take_step(
    request: gr.Request,
    classifier: Classifier | None,
    true_class: str,
    rows: str,
    lr: float | None,
    flower: object,
) -> str | Any:
    """Take one training step on the flower or on the 120 training rows.

    A refused learning rate is answered in the place of the numbers, which would be of another one.
    """
    if lr is None:  # the visitor has just emptied the field
        return gr.skip()
    if rows not in ROWS:
        raise SettingsError("rows must be one of {choices}.", choices=", ".join(ROWS))
    try:
        lr = TrainConfig(lr=lr).lr
    except SettingsError as error:
        sentence = translate_error(error, request_translator(request))
        return f'<p class="inside-refused" role="status">{escape(sentence)}</p>'
    checkpoint = take_checkpoint(classifier)
    if rows == "batch":
        step = step_batch(checkpoint, lr)
    else:
        walk = send_flower(classifier, true_class, flower)
        step = step_flower(checkpoint, walk.lengths_cm, walk.true_class, lr)
    return render_step(step, request_translator(request))


def render_step(step: TrainingStep, t: Translate) -> str:
    """Return the formulas, both losses, and each tensor's gradients and update twice."""
    formulas = "".join(
        f'<li><span class="formula">{escape(formula)}</span> '
        f"<span>{escape(t(f'inside.formula_{name}'))}</span></li>"
        for name, formula in FORMULAS
    )
    largest = max(float(np.abs(tensor.updated_by_optimizer).max()) for tensor in step.tensors)
    verdict = t(
        "inside.step_verdict",
        numbers=sum(tensor.before.size for tensor in step.tensors),
        gradients=format_difference(step.max_gradient_difference),
        updates=format_difference(step.max_update_difference),
        relative=format_difference(step.max_update_difference / largest if largest else 0),
    )
    biases = {tensor.name: tensor.by_hand for tensor in step.tensors if "bias" in tensor.name}
    silent = int((biases["fc1.bias"] == 0).sum())
    note = _describe_losses(step, t)
    if silent and biases["fc2.bias"].any():  # else nothing came as far as ReLU
        shut = t("inside.step_silent", silent=silent, hidden=biases["fc1.bias"].size)
        note = t("inside.two_sentences", first=note, second=shut)
    tensors = "".join(_render_tensor(tensor, t) for tensor in step.tensors)
    source = render_code(step.source, t("inside.code_that_ran"))
    return (
        f'<p class="inside-verdict" role="status">{escape(verdict)}</p>'
        f'<p class="inside-note">{escape(note)}</p>'
        f'<div class="inside-pair step-pair"><ol class="formulas">{formulas}</ol>{source}</div>'
        f'<div class="step-tensors">{tensors}</div>'
    )


def draw_heat(values: np.ndarray, label: str) -> str:
    """Return a tensor as a grid, its longer side across: colour by sign, strength by size.

    Args:
        values: One or two dimensions; at most `MAX_COLUMNS` columns are drawn.
        label: The text alternative.
    """
    grid = values.reshape(len(values), -1)
    if len(grid) > grid.shape[1]:
        grid = grid.T
    grid = np.nan_to_num(grid[:, :MAX_COLUMNS])
    largest = float(np.abs(grid).max()) or 1.0
    rows, columns = grid.shape
    cells = "".join(
        f'<rect class="{"p" if value >= 0 else "n"}" x="{column * CELL_PX}" y="{row * CELL_PX}" '
        f'fill-opacity="{abs(float(value)) / largest:.3f}"/>'
        for (row, column), value in np.ndenumerate(grid)
    )
    width, height = columns * CELL_PX, rows * CELL_PX
    return (
        f'<svg class="heat" role="img" aria-label="{escape(label)}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">{cells}</svg>'
    )


def _describe_losses(step: TrainingStep, t: Translate) -> str:
    return t(
        "inside.step_losses",
        rows=step.rows,
        by_hand=f"{step.loss_by_hand:.8f}",
        by_autograd=f"{step.loss_by_autograd:.8f}",
    )


def _render_tensor(tensor: StepTensor, t: Translate) -> str:
    shape = str(tensor.before.shape)
    opened = tensor.name == "fc2.bias"  # three numbers, where backward begins
    pictures = "".join(
        f"<figure>{draw_heat(values, _describe_heat(tensor.name, values, key, t))}"
        f"<figcaption>{escape(t(f'inside.{key}'))}</figcaption></figure>"
        for key, values in (("by_hand", tensor.by_hand), ("by_autograd", tensor.by_autograd))
    )
    return (
        f'<section class="step-tensor"><div><h3><code>{escape(tensor.name)}</code> '
        f"<small>{escape(shape)}</small></h3>"
        f'<div class="heats">{pictures}</div></div>'
        f"{render_folded(t('inside.numbers'), _render_numbers(tensor, t), opened)}</section>"
    )


def _describe_heat(name: str, values: np.ndarray, key: str, t: Translate) -> str:
    return t(
        "inside.heat_alt",
        name=name,
        way=t(f"inside.{key}"),
        count=values.size,
        low=format_number(float(values.min())),
        high=format_number(float(values.max())),
    )


def _render_numbers(tensor: StepTensor, t: Translate) -> str:
    columns = ("entry", "before", "by_hand", "by_autograd", "difference", "after_hand", "after_sgd")
    heads = "".join(f'<th scope="col">{escape(t(f"inside.{name}"))}</th>' for name in columns)
    rows = []
    for index in islice(np.ndindex(tensor.before.shape), MAX_ROWS):
        by_hand, by_autograd = float(tensor.by_hand[index]), float(tensor.by_autograd[index])
        cells = (
            _format(float(tensor.before[index])),
            _format(by_hand),
            _format(by_autograd),
            format_difference(abs(by_hand - by_autograd)),
            _format(float(tensor.updated_by_hand[index])),
            _format(float(tensor.updated_by_optimizer[index])),
        )
        entry = ", ".join(map(str, index))
        body = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row"><code>[{entry}]</code></th>{body}</tr>')
    cut = ""
    if tensor.before.size > MAX_ROWS:
        text = t("inside.more_numbers", shown=MAX_ROWS, total=tensor.before.size)
        cut = f'<p class="inside-note">{escape(text)}</p>'
    return (
        f'<div class="inside-table" tabindex="0" role="group" aria-label="{escape(tensor.name)}">'
        f'<table class="numbers"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{cut}"
    )


def _format(value: float) -> str:
    """Return a number with the digits that float32 holds."""
    return "0" if value == 0 else f"{value:.7g}".replace("-", "−")
