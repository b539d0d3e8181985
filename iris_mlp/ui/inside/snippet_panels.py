"""Panels that run a short text: objects that are called, devices, ReLU in three spellings."""

import inspect
from html import escape

import torch

from iris_mlp.introspection.callables import ToyRun
from iris_mlp.introspection.placement import META, Moves, Placement
from iris_mlp.introspection.relu_forms import ReluComparison
from iris_mlp.model import build_model
from iris_mlp.ui.inside.code_block import render_code, render_folded, render_run
from iris_mlp.ui.inside.walkthrough_panel import format_number
from iris_mlp.ui.strings import Translate


def render_toy(run: ToyRun, t: Translate) -> str:
    """Return a toy class beside the code that called it."""
    return _pair(
        render_code(run.source, t("inside.the_class")),
        render_run(run.snippet, t("inside.the_calls"), t),
    )


def render_placement(placement: Placement, t: Translate) -> str:
    """Return what came of the devices chosen and, where it failed, the mended code."""
    placed, mended = placement.placed, placement.mended
    if mended is None:
        shown = render_run(placed, t("inside.as_chosen"), t)
        key = "runs_on_meta" if placed.names["logits"].device.type == META else "runs"
        verdict = t(f"inside.{key}")
    else:
        shown = _pair(
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
    return _pair(
        render_run(moves.snippet, t("inside.what_to_returns"), t),
        f'<ul class="inside-facts">{items}</ul>',
    )


def render_relu(comparison: ReluComparison, t: Translate) -> str:
    """Return the three forms as rows over the same numbers, and when each is used."""
    cells = "".join(f"<td>{escape(format_number(value))}</td>" for value in comparison.before)
    rows = [f'<tr class="before"><th scope="row"><code>z</code></th>{cells}</tr>']
    uses, sources = [], []
    for form in comparison.forms:
        cells = "".join(
            f'<td class="{"on" if value else "off"}">{escape(format_number(value))}</td>'
            for value in form.values
        )
        rows.append(f'<tr><th scope="row"><code>{escape(form.form)}</code></th>{cells}</tr>')
        use = escape(t(f"inside.use_{form.form}"))
        uses.append(f"<dt><code>{escape(form.form)}</code></dt><dd>{use}</dd>")
        if form.source:
            sources.append(render_code(form.source, form.form))
    verdict = t("inside.relu_equal" if comparison.are_equal else "inside.relu_differ")
    label = escape(t("inside.relu_table"))
    return (
        f'<p class="inside-verdict">{escape(verdict)}</p>'
        f'<div class="inside-table" tabindex="0" role="group" aria-label="{label}">'
        f'<table class="relu">{"".join(rows)}</table></div>'
        f'<dl class="inside-uses">{"".join(uses)}</dl>'
        f"{render_run(comparison.snippet, t('inside.code_that_ran'), t)}"
        f"{render_folded(t('inside.source_relu'), ''.join(sources))}"
    )


def _pair(left: str, right: str) -> str:
    return f'<div class="inside-pair">{left}{right}</div>'
