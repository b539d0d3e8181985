"""The crossover: time of an epoch against the work in it, one plot for each kind of work."""

import threading
from collections.abc import Iterator, Sequence
from html import escape
from typing import Literal

import gradio as gr
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.overhead.crossover import (
    AXES,
    Axis,
    Crossover,
    Point,
    conclude_crossover,
    measure_crossover,
    measure_point,
)
from iris_mlp.overhead.measured import load_measured
from iris_mlp.overhead.published import LaunchCosts, derive_launch_costs
from iris_mlp.ui.compare.experiment import (
    Plot,
    Scale,
    TimeLimit,
    cover_decades,
    format_digits,
    format_us,
    label_measured,
    list_compared,
    name_device,
    render_card,
    round_count,
    tint_of,
)
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.strings import Translate, request_translator

POINT_S = 0.2
LESSON_HIDDEN = 10
PUBLISHED = "published"
"""Stands for the card of others among the devices of points."""


@user_errors
def run_crossover(
    stop: threading.Event | None,
    checkpoint: Checkpoint | None,
    request: gr.Request,
    point_s: float = POINT_S,
    axes: Sequence[Axis] = tuple(AXES),
) -> Iterator[str]:
    """Measure the visitor's model and each size, and yield the card after each of them."""
    t, limit = request_translator(request), TimeLimit(stop)
    devices = list_compared()
    points: list[Point] = []
    mine: list[Point] = []
    yield render_crossover(points, mine, devices, t, done=0.0)
    hidden = read_hidden(checkpoint)
    measured_below = hidden in AXES["hidden"] and "hidden" in axes
    for device in devices:
        if not measured_below and not limit.is_over():
            mine.append(measure_point(device, "hidden", hidden, point_s))
    total = len(devices) * sum(len(AXES[axis]) for axis in axes)
    if not limit.is_over():
        for point in measure_crossover(axes, devices, point_s):
            points.append(point)
            if point.axis == "hidden" and point.value == hidden:
                mine.append(point)  # one model has one time, in the line and in its ring
            if limit.is_over():
                break
            yield render_crossover(points, mine, devices, t, done=len(points) / total)
    yield render_crossover(points, mine, devices, t)


def read_hidden(checkpoint: Checkpoint | None) -> int:
    """Return the hidden units of the visitor's model, or those of the lesson."""
    return LESSON_HIDDEN if checkpoint is None else len(checkpoint.state["fc1.bias"])


def render_crossover(
    points: Sequence[Point],
    mine: Sequence[Point],
    devices: Sequence[str],
    t: Translate,
    done: float | None = None,
) -> str:
    """Return the card of the crossover as HTML.

    Args:
        points: What was measured; none before the first time.
        mine: The visitor's model on each device.
        devices: The CPU, and the GPU where there is one.
        t: Translator of the visitor's language.
        done: Share of the points that are measured; None when nothing runs.
    """
    measured = load_measured() if len(devices) < 2 else None
    floors = () if len(devices) > 1 or measured else derive_launch_costs()
    shown, names = list(devices), [name_device(device) for device in devices]
    drawn = list(points)
    if measured:
        shown.append(measured.device)
        names.append(f"GPU: {label_measured(measured, t)}")
        drawn += measured.points
    highest = [p.high_us for p in [*drawn, *mine]]
    lowest = [p.low_us for p in [*drawn, *mine]]
    y = cover_decades([*highest, *lowest], 100, 1e6)
    plots = "".join(_draw_axis(axis, drawn, mine, shown, floors, y, t) for axis in AXES)
    conclusion = write_crossover(points, devices, t)
    legend = _render_legend(shown, names, floors, t)
    return render_card(
        picture=f'{legend}<div class="exp-plots three">{plots}</div>',
        conclusion=t("compare.measuring") if done is not None else conclusion,
        note=_write_note(mine, bool(floors), t),
        done=done,
        step=t("compare.cross_step"),
    )


def write_crossover(points: Sequence[Point], devices: Sequence[str], t: Translate) -> str:
    """Return the sentence of the crossover as plain text, from the measured points alone."""
    if not points:
        return t("compare.cross_nothing")
    measured = load_measured() if len(devices) < 2 else None
    if len(devices) < 2 and measured is None:
        return _write_bound(points, t)
    if measured:
        points, devices = [*points, *measured.points], [*devices, measured.device]
    clauses = t("compare.clause_gap").join(
        _write_clause(axis, conclude_crossover(points, axis, *devices[:2]), devices, t)
        for axis in AXES
    )
    if measured:
        return t("compare.cross_measured", label=label_measured(measured, t), clauses=clauses)
    return t("compare.cross_sentence", clauses=clauses)


def _write_clause(axis: Axis, result: Crossover, devices: Sequence[str], t: Translate) -> str:
    first, second = (name_device(device) for device in devices[:2])
    values: dict[str, str] = {"axis": t(f"compare.axis_{axis}"), "first": first, "second": second}
    key = result.key
    if key == "crosses" and result.value is not None:
        winner, loser = (second, first) if result.first_wins_small else (first, second)
        values |= {"winner": winner, "loser": loser}
        values["value"] = t(f"compare.count_{axis}", count=round_count(result.value))
    if result.smallest_ratio is not None and result.largest_ratio is not None:
        ratios = (result.smallest_ratio, result.largest_ratio)
        if key == "second_always":
            ratios = (1 / ratios[0], 1 / ratios[1])
        values |= {"small": format_digits(ratios[0]), "large": format_digits(ratios[1])}
    return t(f"compare.cross_{key}", **values)


def _write_bound(points: Sequence[Point], t: Translate) -> str:
    """Say where this CPU takes longer than the fixed cost of a card that others measured.

    A card with a fixed cost an epoch cannot win before that; from there on it may. Sizes whose
    spread reaches over that cost decide nothing.
    """
    floors = derive_launch_costs()
    if not floors:
        return t("compare.cross_no_gpu")
    floor, reached, unsure = floors[0], [], []
    for axis in AXES:
        line = [p for p in points if p.axis == axis]
        flat = [floor.epoch_us] * 3
        card = [Point(PUBLISHED, axis, p.value, *flat) for p in line]
        result = conclude_crossover([*line, *card], axis, "cpu", PUBLISHED)
        if result.key == "missing":
            continue
        if result.key == "second_always":
            reached.append(t("compare.bound_already", axis=t(f"compare.axis_{axis}")))
        elif result.key == "first_always":
            count = t(f"compare.count_{axis}", count=f"{line[-1].value:,}")
            reached.append(t("compare.bound_beyond", count=count))
        elif result.value is not None and result.first_wins_small:
            count = t(f"compare.count_{axis}", count=round_count(result.value))
            reached.append(t("compare.bound_from", count=count))
        else:
            unsure.append(t(f"compare.axis_{axis}"))
    bound = t("compare.cross_no_gpu")
    if reached:
        bound = t(
            "compare.cross_bound",
            machine=floor.machine,
            cost=format_us(floor.epoch_us),
            reached=t("compare.bound_gap").join(reached),
        )
    if not unsure:
        return bound
    scatter = t("compare.bound_noise", axes=t("compare.and").join(unsure))
    return t("compare.sentence_gap").join([bound, scatter])


def _draw_axis(
    axis: Axis,
    points: Sequence[Point],
    mine: Sequence[Point],
    devices: Sequence[str],
    floors: Sequence[LaunchCosts],
    y: Scale,
    t: Translate,
) -> str:
    values = AXES[axis]
    plot = Plot(
        Scale(values[0] / 1.6, values[-1] * 1.6, is_log=True), y, 300, 260, left=54, right=8
    )
    drawn, said = "", []
    for floor in floors:
        _, height = plot.place(values[0], floor.epoch_us)
        drawn += f'<path class="floor" d="M{plot.left} {height}H{plot.width - plot.right}"/>'
    for device in devices:
        line = [p for p in points if p.axis == axis and p.device == device]
        drawn += _draw_line(plot, line, device)
        if line:
            times = t("compare.list_separator").join(
                f"{t(f'compare.count_{axis}', count=f'{p.value:,}')} {format_us(p.epoch_us)}"
                for p in line
            )
            said.append(f"{name_device(device)}: {times}")
    if axis == "hidden":
        for point in mine:
            x, height = plot.place(point.value, point.epoch_us)
            drawn += f'<circle class="mine" cx="{x}" cy="{height}" r="7.5"/>'
    if len(devices) > 1:
        crossing = conclude_crossover(points, axis, *devices[:2])
        if crossing.value is not None:
            drawn += _draw_crossing(plot, crossing.value)
    # Every other size has room for its number.
    ticks, numbers = values[::2], t("compare.list_separator").join(said) or t("compare.no_points")
    return plot.draw(
        drawn,
        t("compare.cross_alt", axis=t(f"compare.axis_{axis}"), points=numbers),
        (t(f"compare.title_{axis}"), t("compare.epoch_time")),
        (lambda value: _shorten(value), _show_us),
        ticks,
    )


def _draw_line(plot: Plot, line: Sequence[Point], device: str) -> str:
    if not line:
        return ""
    kind: Literal["cpu", "gpu"] = "cpu" if device == "cpu" else "gpu"
    marks, bars = "", ""
    for point in line:
        x, y = plot.place(point.value, point.epoch_us)
        low, high = (plot.place(point.value, us)[1] for us in (point.low_us, point.high_us))
        bars += f"M{x} {low}V{high}"
        if kind == "cpu":
            marks += f'<circle class="dot" cx="{x}" cy="{y}" r="3.5"/>'
        else:
            marks += f'<rect class="dot" x="{x - 3.5}" y="{y - 3.5}" width="7" height="7"/>'
    path = plot.trace((point.value, point.epoch_us) for point in line)
    return (
        f'<g style="--tint:{tint_of(device)}"><path class="spread" d="{bars}"/>'
        f'<path class="curve" d="{path}"/>{marks}</g>'
    )


def _draw_crossing(plot: Plot, value: float) -> str:
    x, _ = plot.place(value, plot.y.low)
    side, gap = ("end", -5) if x > plot.width / 2 else ("start", 5)
    return (
        f'<path class="crossing" d="M{x} {plot.top}V{plot.height - plot.bottom}"/>'
        f'<text class="{side} strong" x="{x + gap}" y="{plot.top + 12}">'
        f"≈ {round_count(value)}</text>"
    )


def _render_legend(
    devices: Sequence[str], names: Sequence[str], floors: Sequence[LaunchCosts], t: Translate
) -> str:
    items = "".join(
        f'<li class="{"cpu" if device == "cpu" else "gpu"}" style="--tint:{tint_of(device)}">'
        f"{escape(name)}</li>"
        for device, name in zip(devices, names, strict=True)
    )
    items += f'<li class="mine">{escape(t("compare.your_model"))}</li>'
    items += "".join(
        '<li class="floor">'
        + escape(t("compare.floor", machine=floor.machine, cost=format_us(floor.epoch_us)))
        + "</li>"
        for floor in floors
    )
    return f'<ul class="exp-legend">{items}</ul>'


def _write_note(mine: Sequence[Point], with_floor: bool, t: Translate) -> str:
    assumed = t("compare.floor_assumes") if with_floor else ""
    if not mine:
        return assumed
    times = t("compare.list_separator").join(
        f"{name_device(point.device)} {format_us(point.epoch_us)}" for point in mine
    )
    note = t(
        "compare.cross_note",
        hidden=f"{mine[0].value:,}",
        times=times,
        threads=torch.get_num_threads(),
    )
    return t("compare.sentence_gap").join(filter(None, [note, assumed]))


def _shorten(value: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:g}"


def _show_us(us: float) -> str:
    return format_us(us).replace(".00", "").replace(".0", "")
