"""The crossover of CPU and GPU: how the time of an epoch grows with the work in it."""

import threading
from collections.abc import Iterator, Sequence

import gradio as gr
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.compare.crossover import (
    AXES,
    Axis,
    Crossover,
    Point,
    conclude_crossover,
    measure_crossover,
    measure_point,
)
from iris_mlp.compare.measured import load_measured
from iris_mlp.compare.published import derive_launch_costs
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.crossover_plot import draw_axis, render_legend
from iris_mlp.ui.compare.experiment import (
    TimeLimit,
    cover_decades,
    format_digits,
    format_us,
    label_measured,
    list_compared,
    name_device,
    render_card,
    round_count,
)
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator

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
    plots = "".join(draw_axis(axis, drawn, mine, shown, floors, y, t) for axis in AXES)
    conclusion = write_crossover(points, devices, t)
    legend = render_legend(shown, names, floors, t)
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
    key: str = result.key
    if result.value is not None:
        winner, loser = (second, first) if result.first_wins_small else (first, second)
        values |= {"winner": winner, "loser": loser, "value": _write_crossing(axis, result, t)}
    elif result.smallest_ratio is not None and result.largest_ratio is not None:
        ratios = (result.smallest_ratio, result.largest_ratio)
        if key == "second_always":
            ratios = (1 / ratios[0], 1 / ratios[1])
        sizes = (result.first_decided, result.last_decided)
        values |= {"small": format_digits(ratios[0]), "large": format_digits(ratios[1])}
        values |= {
            name: t(f"compare.count_{axis}", count=f"{size:,}")
            for name, size in zip(("small_size", "large_size"), sizes)
        }
        if key != "crosses_often" and sizes[0] == sizes[1]:
            key = key.replace("always", "once")
    return t(f"compare.cross_{key}", **values)


def _write_crossing(axis: Axis, result: Crossover, t: Translate) -> str:
    """Say where the lines cross, and between which decided sizes that lies."""
    assert result.value is not None
    assert result.between is not None
    low, high = (f"{size:,}" for size in result.between)
    count = t(f"compare.count_{axis}", count=round_count(result.value))
    return t("compare.crossing", count=count, low=low, high=high)


def _write_bound(points: Sequence[Point], t: Translate) -> str:
    """Say where this CPU takes longer than the fixed cost of a card that others measured.

    A card with a fixed cost an epoch cannot win before that; from there on it may. Sizes whose
    spread reaches over that cost decide nothing.
    """
    floors = derive_launch_costs()
    if not floors:
        return t("compare.cross_no_gpu")
    floor, reached, unsure = floors[0], [], []
    # The smallest size is the same model on every axis: it counts when all of them agree.
    lesson = [p for p in points if p.value == AXES[p.axis][0]]
    slow_lesson = all(p.low_us > floor.epoch_us for p in lesson)
    for axis in AXES:
        line = [p for p in points if p.axis == axis]
        flat = [floor.epoch_us] * 3
        card = [Point(PUBLISHED, axis, p.value, *flat) for p in line]
        result = conclude_crossover([*line, *card], axis, "cpu", PUBLISHED)
        if result.key == "missing":
            continue
        if result.key == "second_always" and slow_lesson:
            reached.append(t("compare.bound_already", axis=t(f"compare.axis_{axis}")))
        elif result.key == "first_always":
            count = t(f"compare.count_{axis}", count=f"{result.last_decided:,}")
            reached.append(t("compare.bound_beyond", count=count))
        elif result.value is not None and result.first_wins_small:
            reached.append(t("compare.bound_from", count=_write_crossing(axis, result, t)))
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
