"""What a model keeps on a card: large ones that do not fit, and a step of this one, measured."""

from dataclasses import fields
from typing import Any

import gradio as gr

from iris_mlp.compare.compared import list_compared, name_device
from iris_mlp.compare.memory import (
    CARD_SIZES_GIB,
    GIB,
    TrainingMemory,
    estimate_memory,
    measure_memory_on,
)
from iris_mlp.compare.vram import MODES, PRESETS, find_largest
from iris_mlp.config import DEFAULTS, OPTIMIZER_NAMES, TRAIN_ROWS
from iris_mlp.errors import IrisMlpError, SettingsError
from iris_mlp.lent_gpu import ask_for_s, run_on_devices
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.compare.panel import Panel, experiment
from iris_mlp.ui.errors import translate_error
from iris_mlp.ui.gpu_seconds import build_gpu_seconds, tell_gpu_seconds
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE, TimeLimit, training_slots
from iris_mlp.ui.templates import render

MOST_DOUBLINGS = 12
STEP_S = 2.0
USUAL = ("resnet50", "training", 5)
"""The model, the mode and the doublings of the batch that are shown first."""


def build() -> Panel:
    """Lay out and wire the panel, which is computed at every touch."""
    i18n = page_i18n()
    with experiment("memory", ["vram", "memory"]) as (words, pictures), words:
        model = gr.Radio(
            [(i18n(f"compare.vram_{name}"), name) for name in PRESETS],
            value=USUAL[0],
            label=i18n("compare.vram_model"),
            elem_id="vram-model",
        )
        mode = gr.Radio(
            [(i18n(f"compare.vram_{name}"), name) for name in MODES],
            value=USUAL[1],
            label=i18n("compare.vram_mode"),
            elem_id="vram-mode",
        )
        doublings = gr.Slider(
            0,
            MOST_DOUBLINGS,
            USUAL[2],
            step=1,
            label=i18n("compare.vram_batch"),
            buttons=[],
            elem_id="vram-batch",
        )
        with gr.Accordion(i18n("compare.memory_own"), open=False, elem_id="memory-own"):
            with gr.Row():
                hidden = gr.Number(
                    DEFAULTS.hidden, label=i18n("compare.memory_hidden"), min_width=110
                )
                rows = gr.Number(TRAIN_ROWS, label=i18n("compare.memory_rows"), min_width=110)
            optimizer = gr.Radio(
                [(label, name) for name, label in OPTIMIZER_NAMES.items()],
                value=DEFAULTS.optimizer,
                label=i18n("compare.memory_optimizer"),
            )
            measure = gr.Button(i18n("compare.memory_start"), elem_id="memory-start")
            tell_gpu_seconds(build_gpu_seconds(), lambda: ask_for_s(STEP_S))
    live: dict[str, Any] = {"trigger_mode": "always_last"} | PRIVATE
    preset, sizes = [model, mode, doublings], [hidden, rows, optimizer]
    gr.on([control.input for control in preset], show_vram, preset, pictures[0], **live)
    gr.on([control.input for control in sizes], show_memory, sizes, pictures[1], **live)
    measure.click(
        measure_step, sizes, pictures[1], trigger_mode="once", **training_slots(), **PRIVATE
    )

    def show_first(t: Translate) -> dict[gr.HTML, str]:
        step = estimate_memory(DEFAULTS.hidden, TRAIN_ROWS, DEFAULTS.optimizer)
        return {
            pictures[0]: render_vram(*USUAL, t),
            pictures[1]: render_memory(step, DEFAULTS.hidden, TRAIN_ROWS, t),
        }

    return Panel(show_first, pictures)


def show_vram(model: str, mode: str, doublings: float, request: gr.Request) -> str:
    """Return the card of a large model's memory as HTML."""
    return render_vram(model, mode, doublings, request_translator(request))


def render_vram(model: str, mode: str, doublings: float, t: Translate) -> str:
    """Return the blocks of a model beside the cards as HTML; a refusal stands in its place.

    Args:
        model: One of `PRESETS`.
        mode: `training` or `inference`.
        doublings: The batch is two to the power of it.
        t: Translator of the visitor's language.
    """
    if model not in PRESETS or mode not in MODES or doublings not in range(MOST_DOUBLINGS + 1):
        refused = SettingsError("Choose a model, a mode and a batch that the page offers.")
        return render("refused.html", sentence=translate_error(refused, t))
    preset, batch = PRESETS[model], 2 ** int(doublings)
    if not preset.trains:
        mode = "inference"
    blocks = preset.compute(mode, batch)
    largest = {gib: find_largest(preset, mode, gib) for gib in CARD_SIZES_GIB}
    fitting = [gib for gib, most in largest.items() if batch <= most]
    whole = max(blocks.total, max(CARD_SIZES_GIB) * GIB)
    key = "all" if len(fitting) == len(largest) else f"some_{mode}" if fitting else "none"
    values = {
        "model": t(f"compare.vram_{model}"),
        "mode": t(f"compare.vram_{mode}"),
        "batch": f"{batch:,}",
        "total": numbers.size(blocks.total),
        "card": min(fitting, default=0),
    }
    sentences = [t(f"compare.vram_fits_{key}", **values)]
    if not preset.trains:
        sentences.insert(0, t("compare.vram_frozen"))
    return render(
        "vram.html",
        t=t,
        title=t("compare.vram_caption", **values),
        blocks=[
            (field.name, getattr(blocks, field.name) / whole, numbers.size(amount))
            for field in fields(blocks)
            if (amount := getattr(blocks, field.name))
        ],
        cards=[
            {
                "gib": gib,
                "width": gib * GIB / whole,
                "fits": batch <= most,
                "most": t(f"compare.vram_unit_{model}", count=numbers.at_least(most)),
                "room": most > 0,
            }
            for gib, most in largest.items()
        ],
        formulas=t(f"compare.vram_formula_{model}_{mode}"),
        conclusion=t("compare.sentence_gap").join(sentences),
    )


def show_memory(
    hidden: float | None, rows: float | None, optimizer: str, request: gr.Request
) -> str:
    """Return the memory of a training step as HTML; a refused size is answered in its place."""
    return _answer_memory(hidden, rows, optimizer, request_translator(request), measured=False)


def measure_step(
    hidden: float | None, rows: float | None, optimizer: str, request: gr.Request
) -> str:
    """Run that step here, on the GPU where there is one, and show both."""
    return _answer_memory(hidden, rows, optimizer, request_translator(request), measured=True)


def _answer_memory(hidden: Any, rows: Any, optimizer: str, t: Translate, measured: bool) -> str:
    try:
        computed = estimate_memory(hidden, rows, optimizer)
        found, limit, last = None, TimeLimit(None), list_compared()[-1:]
        if measured:
            answers = run_on_devices(
                *(measure_memory_on, last, hidden, rows, optimizer),
                stop=limit,
                estimate_s=lambda: ask_for_s(STEP_S),
            )
            found = next(iter(list(answers)), None)
    except IrisMlpError as error:
        return render("refused.html", sentence=translate_error(error, t))
    return render_memory(computed, int(hidden), int(rows), t, found)


def render_memory(
    memory: TrainingMemory,
    hidden: int,
    rows: int,
    t: Translate,
    found: TrainingMemory | None = None,
) -> str:
    """Return the memory of a training step of this model as HTML.

    Args:
        memory: What was computed.
        hidden: Units of the hidden layer.
        rows: Rows of the batch.
        t: Translator of the visitor's language.
        found: What was measured, if it was.
    """
    names = [field.name for field in fields(TrainingMemory)]
    most = max(getattr(memory, name) for name in names)
    table = []
    for name in names:
        count, real = getattr(memory, name), found and getattr(found, name)
        shown = t("compare.unknown") if real is None else numbers.size(real)
        label = t(f"compare.{name}")
        table.append((name, label, count / most, numbers.size(count), shown if found else None))
    device = name_device(list_compared()[-1])
    total = numbers.size(memory.total_bytes or 0)
    return render(
        "memory.html",
        t=t,
        table=table,
        measured_on=t("compare.measured_on", device=device) if found else None,
        conclusion=t("compare.memory_total", hidden=f"{hidden:,}", rows=f"{rows:,}", total=total),
    )
