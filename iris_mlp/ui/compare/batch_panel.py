"""The batch size: noise of the gradient, loss in equal time, and the memory that a step takes."""

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from html import escape

import gradio as gr

from iris_mlp.batch_size import (
    RACE_BATCH_SIZES,
    CurvePoint,
    GradientNoise,
    compute_noise,
    conclude_batch_sizes,
    measure_noise,
    race_batch_sizes,
    train_to,
)
from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.errors import IrisMlpError, SettingsError
from iris_mlp.memory import (
    CARD_SIZES_GIB,
    TrainingMemory,
    estimate_memory,
    find_largest_batch,
    measure_memory,
)
from iris_mlp.overhead.measured import load_measured
from iris_mlp.ui.compare.experiment import (
    Plot,
    Scale,
    TimeLimit,
    format_bytes,
    format_digits,
    label_measured,
    list_compared,
    name_device,
    render_card,
    spread_labels,
)
from iris_mlp.ui.errors import translate_error, user_errors
from iris_mlp.ui.strings import Translate, request_translator

WALL_S = 2.0
"""Seconds of training that each batch size gets."""

SAMPLES = 2_000
MAX_ROWS = 10**12
LESSON_ON_CPU = TrainConfig(device="cpu")
TINTS = ("negative", "test", "positive", "train")
DASHES = ("none", "7 3", "2 3", "9 3 2 3")

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# The law falls to zero at the full batch, which a logarithmic axis cannot show: this is its floor.
_NOISE_FLOOR, _NOISE_TOP = 1e-6, 100.0


@user_errors
def run_batches(
    stop: threading.Event | None, epoch: int, request: gr.Request, wall_s: float = WALL_S
) -> Iterator[tuple[str, str]]:
    """Draw the noise, then race the batch sizes; yield the cards of both."""
    t, limit = request_translator(request), TimeLimit(stop)
    points: list[CurvePoint] = []
    noise = render_noise(sample_noise(epoch), epoch, t)
    yield noise, render_curves(points, t, wall_s, done=0.0)
    if not limit.is_over():
        for point in race_batch_sizes(LESSON_ON_CPU, RACE_BATCH_SIZES, wall_s):
            points.append(point)
            if limit.is_over():
                break
            spent_s = sum(curve[-1].elapsed_s for curve in _group(points).values())
            done = min(spent_s / wall_s / len(RACE_BATCH_SIZES), 1.0)
            yield noise, render_curves(points, t, wall_s, done)
    yield noise, render_curves(points, t, wall_s)


@user_errors
def show_noise(epoch: int, request: gr.Request) -> str:
    """Return the card of the noise at an epoch of the lesson run."""
    return render_noise(sample_noise(epoch), epoch, request_translator(request))


@lru_cache(maxsize=256)
def sample_noise(epoch: int) -> GradientNoise:
    """Measure the noise at an epoch of the lesson run, whose weights are the same each time."""
    fused = TrainConfig(device="cpu", engine="fused")
    return measure_noise(train_to(fused, epoch), samples=SAMPLES)


def render_noise(noise: GradientNoise | None, epoch: int, t: Translate) -> str:
    """Return the card of the noise as HTML; None before the first time."""
    # The axes are the same at every epoch, so that the line is seen to move.
    plot = Plot(Scale(0.85, 150, is_log=True), Scale(_NOISE_FLOOR, _NOISE_TOP, is_log=True))
    drawn = ""
    conclusion = t("compare.noise_nothing") if noise is None else write_noise(noise, epoch, t)
    if noise is not None:
        sizes = range(1, TRAIN_ROWS + 1)
        law = [(size, compute_noise(noise.trace, TRAIN_ROWS, size)) for size in sizes]
        drawn += f'<path class="law" d="{plot.trace(law)}"/>'
        _, signal = plot.place(1, noise.squared_norm)
        drawn += (
            f'<path class="floor" d="M{plot.left} {signal}H{plot.width - plot.right}"/>'
            f'<text class="halo" x="{plot.left + 6}" y="{signal - 5}">'
            f"{escape(t('compare.signal'))}</text>"
        )
        for point in noise.points:
            x, y = plot.place(point.batch_size, point.sampled)
            reach = 3 * point.standard_error
            _, low = plot.place(point.batch_size, point.sampled - reach)
            _, high = plot.place(point.batch_size, point.sampled + reach)
            drawn += (
                f'<path class="error" d="M{x} {low}V{high}M{x - 3} {low}h6M{x - 3} {high}h6"/>'
                f'<circle class="dot{"" if point.agrees else " off"}" cx="{x}" cy="{y}" r="3.5"/>'
            )
        x, y = plot.place(TRAIN_ROWS, 0)
        drawn += f'<text class="end strong halo" x="{x - 8}" y="{y - 6}">0</text>'
    said = t("compare.list_separator").join(
        t(
            "compare.noise_point_alt",
            size=p.batch_size,
            sampled=f"{p.sampled:.2g}",
            exact=f"{p.exact:.2g}",
        )
        for p in (noise.points if noise else ())
    )
    svg = plot.draw(
        drawn,
        t("compare.noise_alt", epoch=f"{epoch:,}", points=said or t("compare.no_points")),
        (t("compare.batch_axis"), t("compare.noise_axis")),
        (lambda size: f"{size:g}", _show_power),
        (1, 2, 4, 8, 16, 32, 64, 120),
    )
    return render_card(
        f'<figure class="exp-plot noise">{svg}</figure>', conclusion, t("compare.noise_note")
    )


def write_noise(noise: GradientNoise, epoch: int, t: Translate) -> str:
    """Return the sentence of the noise as plain text, from its numbers alone."""
    agreeing = sum(point.agrees for point in noise.points)
    values = {
        "epoch": f"{epoch:,}",
        "agreeing": agreeing,
        "sizes": len(noise.points),
        "ratio": format_digits(noise.trace / noise.squared_norm) if noise.squared_norm else "∞",
        # Where the law equals the squared gradient: tr S / B (N - B) / (N - 1) = |g|^2.
        "even": round(
            noise.trace * TRAIN_ROWS / (noise.squared_norm * (TRAIN_ROWS - 1) + noise.trace)
        ),
    }
    size = "noisy" if noise.trace > noise.squared_norm else "calm"
    law = "holds" if agreeing == len(noise.points) else "differs"
    return t(f"compare.noise_{size}", **values, law=t(f"compare.law_{law}", **values))


def render_curves(
    points: Sequence[CurvePoint], t: Translate, wall_s: float = WALL_S, done: float | None = None
) -> str:
    """Return the card of the loss curves as HTML.

    Args:
        points: What was measured; none before the first time.
        t: Translator of the visitor's language.
        wall_s: Seconds that each batch size gets.
        done: Share of the time that has gone by; None when nothing runs.
    """
    losses = [point.test_loss for point in points]
    plot = Plot(Scale(0, wall_s), Scale(0, max([1.2, *losses]) if points else 1.2), right=44)
    curves, drawn = _group(points), ""
    ends = [plot.place(curve[-1].elapsed_s, curve[-1].test_loss)[1] for curve in curves.values()]
    heights = spread_labels(ends, 13, plot.top + 6, plot.height - plot.bottom - 2)
    for (size, curve), height in zip(curves.items(), heights):
        style = RACE_BATCH_SIZES.index(size) % len(TINTS)
        path = plot.trace((point.elapsed_s, point.test_loss) for point in curve)
        x, y = plot.place(curve[-1].elapsed_s, curve[-1].test_loss)
        drawn += (
            f'<g style="--tint:var(--iris-{TINTS[style]})"><path class="curve" d="{path}" '
            f'style="stroke-dasharray:{DASHES[style]}"/>'
            f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>'
            f'<text class="label" x="{x + 7}" y="{height + 4:.1f}">{size}</text></g>'
        )
    _, ranked = conclude_batch_sizes(points)
    said = t("compare.list_separator").join(_say_end(point, t) for point in ranked)
    svg = plot.draw(
        drawn,
        t("compare.curves_alt", points=said or t("compare.no_points")),
        (t("compare.curves_x"), t("compare.curves_y")),
        (lambda s: f"{s:g}", lambda loss: f"{loss:.2g}"),
    )
    waits = done is not None
    return render_card(
        picture=f'<figure class="exp-plot">{svg}</figure>',
        conclusion=t("compare.measuring") if waits else write_curves(points, t, wall_s),
        note="" if not ranked else t("compare.curves_note", points=said),
        done=done,
        step=t("compare.curves_step"),
    )


def write_curves(points: Sequence[CurvePoint], t: Translate, wall_s: float = WALL_S) -> str:
    """Return the sentence of the race of batch sizes as plain text."""
    key, ranked = conclude_batch_sizes(points)
    if not points:
        return t("compare.curves_nothing", seconds=f"{wall_s:g}")
    if key == "too_few":
        return t("compare.curves_too_few")
    best, second, last = ranked[0], ranked[1], ranked[-1]
    return t(
        f"compare.curves_{key}",
        seconds=f"{ranked[0].elapsed_s:.1f}",
        size=best.batch_size,
        loss=f"{best.test_loss:.3f}",
        updates=f"{best.updates:,}",
        second=second.batch_size,
        second_loss=f"{second.test_loss:.3f}",
        last=last.batch_size,
        last_loss=f"{last.test_loss:.3f}",
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
        largest=f"{largest[smallest]:,}",
    )


def _group(points: Sequence[CurvePoint]) -> dict[int, list[CurvePoint]]:
    curves: dict[int, list[CurvePoint]] = {}
    for point in points:
        curves.setdefault(point.batch_size, []).append(point)
    return curves


def _say_end(point: CurvePoint, t: Translate) -> str:
    return t(
        "compare.curve_alt",
        size=point.batch_size,
        loss=f"{point.test_loss:.3f}",
        updates=f"{point.updates:,}",
    )


def _shorten_count(count: int, t: Translate) -> str:
    return t("compare.rows_fit", count=f"{count:,}")


def _show_power(value: float) -> str:
    digits = str(round(math.log10(value))).translate(_SUPERSCRIPTS)
    return f"{value:g}" if value >= 0.01 else f"10{digits}"
