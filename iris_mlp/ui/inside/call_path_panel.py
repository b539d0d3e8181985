"""`model(x)` against `model.forward(x)`: two traces as trees, and the hooks that fired."""

import re
from html import escape
from typing import get_args, get_type_hints

import gradio as gr
import numpy as np
import torch

from iris_mlp.inference import Classifier
from iris_mlp.inside.call_path import (
    CallTrace,
    Firing,
    Frame,
    Shape,
    get_sources,
    trace_call,
)
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import highlight, render_code, render_folded
from iris_mlp.ui.components.flower import read_flower
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.inside.walkthrough_panel import take_checkpoint
from iris_mlp.ui.language import request_translator

HOOK_KINDS: tuple[str, ...] = get_args(get_type_hints(Firing)["kind"])


@user_errors
def trace_calls(
    request: gr.Request,
    classifier: Classifier | None,
    hooked: list[str],
    every_call: bool,
    flower: object,
) -> tuple[str, str]:
    """Trace both ways to run the model; return what the hooks did and the two trees."""
    t = request_translator(request)
    checkpoint = take_checkpoint(classifier)
    # A model of this call's own: hooks and a profile function must meet no other visitor.
    model = checkpoint.build_model()
    x = torch.from_numpy(checkpoint.scaler.scale(np.array([read_flower(flower)])))
    call = trace_call(model, x, "call", hooked)
    forward = trace_call(model, x, "forward", hooked)
    return render_comparison(call, forward, t), render_paths(call, forward, every_call, t)


def render_comparison(call: CallTrace, forward: CallTrace, t: Translate) -> str:
    """Return what happened in words and, hook by hook, which way it fired."""
    same = call.logits == forward.logits
    logits = t("inside.logits_same" if same else "inside.logits_differ")
    text = t("inside.two_sentences", first=_conclude(call, forward, t), second=logits)
    return (
        f'<p class="inside-verdict" role="status">{escape(text)}</p>'
        f"{_render_firings(call, forward, t)}"
    )


def render_paths(call: CallTrace, forward: CallTrace, every_call: bool, t: Translate) -> str:
    """Return both traces side by side, and the sources that they went through.

    Args:
        call: Trace of `model(x)`.
        forward: Trace of `model.forward(x)`.
        every_call: Also show calls that only look up attributes or ask about modes.
        t: Translator of the visitor's language.
    """
    trees = "".join(_render_trace(trace, every_call, t) for trace in (call, forward))
    layers = "".join(
        f'<li class="layer-{layer}">{layer}</li>' for layer in ("model", "fc1", "relu", "fc2")
    )
    sources = get_sources()
    listings = "".join(
        render_code(sources[name], caption)
        for name, caption in (
            ("module_call", "torch.nn.Module.__call__"),
            ("forward", "IrisMLP.forward"),
            ("hooks", "add_hooks"),
            ("call_impl", "torch.nn.Module._call_impl"),
        )
    )
    return (
        f'<ul class="layer-legend" aria-label="{escape(t("inside.layers"))}">{layers}</ul>'
        f'<div class="inside-pair">{trees}</div>'
        f"{render_folded(t('inside.source_path'), listings)}"
    )


def _conclude(call: CallTrace, forward: CallTrace, t: Translate) -> str:
    if not call.firings:
        return t(
            "inside.no_hooks",
            call=len(call.frames),
            forward=len(forward.frames),
            more=len(call.frames) - len(forward.frames),
        )
    passed_over = sorted(
        {firing.layer for firing in set(call.firings) - set(forward.firings)},
        key=[firing.layer for firing in call.firings].index,
    )
    if not passed_over:
        return t("inside.same_hooks", count=len(call.firings))
    key = "some_hooks" if forward.firings else "other_hooks"
    return t(
        f"inside.{key}",
        call=len(call.firings),
        forward=len(forward.firings),
        layers=", ".join(passed_over),
    )


def _render_firings(call: CallTrace, forward: CallTrace, t: Translate) -> str:
    if not call.firings:
        return ""
    rows = []
    for firing in call.firings:
        cells = "".join(_render_firing(firing, trace, t) for trace in (call, forward))
        shapes = _join_shapes((firing.input_shape,), firing.output_shape)
        kind = escape(firing.kind).replace("_", "_<wbr>")
        rows.append(
            f'<tr class="layer-{firing.layer}"><th scope="row"><code>{escape(firing.layer)}</code> '
            f'{kind} <span class="shapes">{shapes}</span></th>{cells}</tr>'
        )
    label = escape(t("inside.hook"))
    return (
        f'<div class="inside-table" tabindex="0" role="group" aria-label="{label}">'
        f'<table class="firings"><thead><tr><th scope="col">{label}</th>'
        f'<th scope="col"><code>model(x)</code></th>'
        f'<th scope="col"><code>model.<wbr>forward(x)</code></th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _render_firing(firing: Firing, trace: CallTrace, t: Translate) -> str:
    if firing not in trace.firings:
        return f'<td class="passed">{escape(t("inside.passed_over"))}</td>'
    order = trace.firings.index(firing) + 1
    return f'<td class="fired">{escape(t("inside.fired", order=order))}</td>'


def _render_trace(trace: CallTrace, every_call: bool, t: Translate) -> str:
    frames = [frame for frame in trace.frames if every_call or frame.is_main]
    count = t("inside.calls_shown", shown=len(frames), total=len(trace.frames))
    line = highlight(trace.code)[0]
    return (
        f'<section class="call-path"><h3><code>{line}</code></h3>'
        f'<p class="count">{escape(count)}</p>{_render_tree(frames, t)}</section>'
    )


def _render_tree(frames: list[Frame], t: Translate) -> str:
    """Return frames, which come in the order of their beginning, as nested lists."""
    parts, depths = [], []
    for frame in frames:
        if not depths or frame.depth > depths[-1]:
            parts.append("<ol>")
            depths.append(frame.depth)
        else:
            parts.append("</li>")
            while frame.depth < depths[-1]:
                parts.append("</ol></li>")
                depths.pop()
        parts.append(_render_frame(frame, t))
    parts.append("</li></ol>" * len(depths))
    return f'<div class="call-tree">{"".join(parts)}</div>'


def _render_frame(frame: Frame, t: Translate) -> str:
    """Return the beginning of a list item; its calls follow inside."""
    hook = frame.name.rpartition(".")[2] in HOOK_KINDS
    name = frame.alias or (frame.name.rpartition(".")[2] if hook else frame.name)
    kind = "hook" if hook else frame.kind
    notes = []
    if frame.alias:
        notes.append(f'<span class="real">{_breakable(frame.name)}</span>')
    if kind != "python":
        notes.append(f'<span class="tag">{escape(t(f"inside.kind_{kind}"))}</span>')
    shapes = _join_shapes(frame.input_shapes, frame.output_shape)
    if shapes:
        notes.append(f'<span class="shapes">{shapes}</span>')
    source = f"<code>{escape(frame.source)}</code> " if frame.kind == "c" else ""
    where = f"{source}{_breakable(f'{frame.file}:{frame.line}')}" if frame.file[:1] != "<" else ""
    quiet = "" if frame.is_main else " quiet"
    return (
        f'<li class="layer-{frame.layer} {kind}{quiet}"><div class="call"><code>{_breakable(name)}'
        f'</code> {" ".join(notes)}<span class="where">{where}</span></div>'
    )


def _breakable(path: str) -> str:
    """Return a dotted name or a file as HTML that breaks at its joints, where it has to."""
    return re.sub(r"[./]", r"\g<0><wbr>", escape(path))


def _join_shapes(inputs: tuple[Shape, ...], output: Shape | None) -> str:
    given = ", ".join(map(str, inputs))
    return f"{given} → {output}".strip() if output is not None else given
