"""The memory that a training step takes, and the largest batch that fits on a card."""

from dataclasses import fields
from html import escape

import gradio as gr

from iris_mlp.compare.measured import load_measured
from iris_mlp.compare.memory import (
    CARD_SIZES_GIB,
    TrainingMemory,
    estimate_memory,
    find_largest_batch,
    measure_memory,
)
from iris_mlp.errors import IrisMlpError, SettingsError
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.experiment import format_bytes, label_measured, list_compared, name_device
from iris_mlp.ui.errors import translate_error
from iris_mlp.ui.language import request_translator

MAX_ROWS = 10**9
_DIGITS_SHOWN = 3


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


def _answer_memory(
    hidden: float | None, rows: float | None, optimizer: str, t: Translate, measured: bool
) -> str:
    try:
        # A number field gives a float, and one that is empty gives nothing.
        if rows is not None and rows > MAX_ROWS:
            raise SettingsError(
                "No card holds more than {most:,} rows; choose fewer.", most=MAX_ROWS
            )
        width, batch = (int(n) if n is not None and n == n // 1 else 0 for n in (hidden, rows))
        computed = estimate_memory(width, batch, optimizer)
        found = measure_memory(width, batch, optimizer, list_compared()[-1]) if measured else None
    except IrisMlpError as error:
        refusal = f'<p class="exp-refused" role="status">{escape(translate_error(error, t))}</p>'
        return f'<div class="exp-card">{refusal}</div>'
    return render_memory(computed, width, batch, optimizer, t, found)


def render_memory(
    memory: TrainingMemory,
    hidden: int,
    rows: int,
    optimizer: str,
    t: Translate,
    found: TrainingMemory | None = None,
) -> str:
    """Return the memory of a training step, and the largest batch of each card, as HTML.

    Args:
        memory: What was computed.
        hidden: Units of the hidden layer.
        rows: Rows of the batch.
        optimizer: `sgd` or `adam`.
        t: Translator of the visitor's language.
        found: What was measured, if it was.
    """
    names = [field.name for field in fields(TrainingMemory)]
    most = max(getattr(memory, name) for name in names)
    body = ""
    for name in names:
        count, real = getattr(memory, name), found and getattr(found, name)
        body += (
            f'<tr class="{name}"><th scope="row">{escape(t(f"compare.{name}"))}</th>'
            f'<td class="share" style="--share:{count / most:.4f}"><i></i></td>'
            f"<td>{escape(format_bytes(count))}</td>"
        )
        if found is not None:
            shown = t("compare.unknown") if real is None else format_bytes(real)
            body += f"<td>{escape(shown)}</td>"
        body += "</tr>"
    heads = ["", "", t("compare.computed")]
    if found is not None:
        heads.append(t("compare.measured_on", device=name_device(list_compared()[-1])))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    largest = {gib: find_largest_batch(hidden, optimizer, gib) for gib in CARD_SIZES_GIB}
    cards = "".join(
        f"<li><b>{gib} GB</b><span>{escape(_shorten_count(count, t))}</span></li>"
        for gib, count in largest.items()
    )
    return (
        f'<div class="exp-card"><table class="memory"><caption>'
        f"{escape(t('compare.memory_caption'))}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f'<p class="memory-heading">{escape(t("compare.memory_cards"))}</p>'
        f'<ul class="memory-cards">{cards}</ul><p class="exp-conclusion" role="status" '
        f'aria-live="polite">{escape(write_memory(memory, hidden, rows, largest, t))}</p>'
        f'<p class="exp-note">{escape(_write_memory_note(t))}</p></div>'
    )


def _write_memory_note(t: Translate) -> str:
    """Say what is left out and, where there is no GPU, which figures come from one."""
    notes = [t("compare.memory_note")]
    if len(list_compared()) < 2:
        machine = load_measured()
        if machine is None:
            notes.append(t("compare.memory_no_gpu"))
        for step in machine.steps if machine else ():
            computed = estimate_memory(step.hidden, step.batch_size, step.optimizer)
            notes.append(
                t(
                    "compare.memory_measured",
                    hidden=f"{step.hidden:,}",
                    rows=f"{step.batch_size:,}",
                    optimizer=step.optimizer,
                    found=format_bytes(step.memory.total_bytes or 0),
                    computed=format_bytes(computed.total_bytes or 0),
                )
            )
        if machine:
            notes.append(t("compare.memory_measured_by", label=label_measured(machine, t)))
    return t("compare.sentence_gap").join(notes)


def write_memory(
    memory: TrainingMemory, hidden: int, rows: int, largest: dict[int, int], t: Translate
) -> str:
    """Return the sentence of the memory as plain text."""
    total = memory.total_bytes
    assert total is not None
    smallest = min(largest)
    key = "fits" if rows <= largest[smallest] else "tight"
    return t(
        f"compare.memory_{key}",
        hidden=f"{hidden:,}",
        rows=f"{rows:,}",
        total=format_bytes(total),
        card=smallest,
        largest=_shorten(largest[smallest]),
    )


def _shorten_count(count: int, t: Translate) -> str:
    return t("compare.rows_fit", count=_shorten(count))


def _shorten(count: int) -> str:
    """Return a number of rows that fit, rounded down to the digits that the formula is worth."""
    step = 10 ** max(0, len(str(count)) - _DIGITS_SHOWN)
    return f"{count // step * step:,}"
