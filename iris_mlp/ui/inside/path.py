"""`model(x)` against `model.forward(x)`: two traces as trees, and the hooks that fired."""

from typing import Any, get_args, get_type_hints

import gradio as gr
import torch

from iris_mlp.inside.call_path import (
    LAYERS,
    CallTrace,
    Firing,
    Frame,
    Shape,
    get_sources,
    trace_call,
)
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import highlight, render_code
from iris_mlp.ui.inside.flower import Flower, Panel, Values, add_html, panel
from iris_mlp.ui.language import page_i18n
from iris_mlp.ui.templates import render

HOOK_KINDS: tuple[str, ...] = get_args(get_type_hints(Firing)["kind"])
SOURCES = {
    "module_call": "torch.nn.Module.__call__",
    "forward": "IrisMLP.forward",
    "hooks": "add_hooks",
    "call_impl": "torch.nn.Module._call_impl",
}


def build(flower: Flower) -> Panel:
    """Lay out and wire the panel."""
    i18n = page_i18n()
    with panel("path"):
        hooked = gr.CheckboxGroup(
            list(LAYERS),
            value=["model", "fc1"],
            label=i18n("inside.hooked"),
            info=i18n("inside.hooked_info"),
            elem_id="inside-hooked",
        )
        comparison = add_html("comparison")
        every_call = gr.Checkbox(
            label=i18n("inside.every_call"),  # pyright: ignore[reportArgumentType]
            elem_id="inside-every-call",
            container=False,
        )
        paths = add_html("paths")

    def show(values: Values, t: Translate) -> Values:
        # A model of this call's own: hooks and a profile function must meet no other visitor.
        model = flower.take_checkpoint(values).build_model()
        x = torch.tensor([flower.send(values).scaled])
        call = trace_call(model, x, "call", values[hooked])
        forward = trace_call(model, x, "forward", values[hooked])
        return {
            comparison: render_comparison(call, forward, t),
            paths: render_paths(call, forward, values[every_call], t),
        }

    whole = Panel(show, {*flower.inputs, hooked, every_call}, {comparison, paths})
    whole.refresh(hooked.input, every_call.input)
    return whole


def render_comparison(call: CallTrace, forward: CallTrace, t: Translate) -> str:
    """Return what happened in words and, hook by hook, which way it fired."""
    same = call.logits == forward.logits
    logits = t("inside.logits_same" if same else "inside.logits_differ")
    return render(
        "firings.html",
        t=t,
        text=t("inside.two_sentences", first=_conclude(call, forward, t), second=logits),
        firings=[
            (
                firing,
                _join_shapes((firing.input_shape,), firing.output_shape),
                [_find_order(firing, trace) for trace in (call, forward)],
            )
            for firing in call.firings
        ],
    )


def render_paths(call: CallTrace, forward: CallTrace, every_call: bool, t: Translate) -> str:
    """Return both traces side by side, and the sources that they went through.

    Args:
        call: Trace of `model(x)`.
        forward: Trace of `model.forward(x)`.
        every_call: Also show calls that only look up attributes or ask about modes.
        t: Translator of the visitor's language.
    """
    sources = get_sources()
    return render(
        "paths.html",
        t=t,
        layers=LAYERS,
        traces=[
            {
                "code": highlight(trace.code)[0],
                "total": len(trace.frames),
                "shown": len(frames),
                "tree": nest([_describe_frame(frame) for frame in frames]),
            }
            for trace in (call, forward)
            for frames in ([f for f in trace.frames if every_call or f.is_main],)
        ],
        sources=[render_code(sources[name], caption) for name, caption in SOURCES.items()],
    )


def nest(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return frames, which come in the order of their beginning, as a tree of `calls`."""
    root: dict[str, Any] = {"depth": -1, "calls": []}
    above = [root]
    for frame in frames:
        while above[-1]["depth"] >= frame["depth"]:
            above.pop()
        above[-1]["calls"].append(frame)
        above.append(frame)
    return root["calls"]


def _describe_frame(frame: Frame) -> dict[str, Any]:
    hook = frame.name.rpartition(".")[2] in HOOK_KINDS
    name = frame.alias or (frame.name.rpartition(".")[2] if hook else frame.name)
    return {
        "depth": frame.depth,
        "calls": [],
        "layer": frame.layer,
        "kind": "hook" if hook else frame.kind,
        "is_main": frame.is_main,
        "name": name,
        "real": frame.name if frame.alias else "",
        "shapes": _join_shapes(frame.input_shapes, frame.output_shape),
        "source": frame.source if frame.kind == "c" else "",
        "where": "" if frame.file[:1] == "<" else f"{frame.file}:{frame.line}",
    }


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


def _find_order(firing: Firing, trace: CallTrace) -> int | None:
    return trace.firings.index(firing) + 1 if firing in trace.firings else None


def _join_shapes(inputs: tuple[Shape, ...], output: Shape | None) -> str:
    given = ", ".join(map(str, inputs))
    return f"{given} → {output}".strip() if output is not None else given
