"""Where CPU and GPU cross: how the time of an epoch grows with the work in it."""

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from typing import Any

import gradio as gr
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.compare.compared import list_compared, name_device
from iris_mlp.compare.crossover import (
    AXES,
    Axis,
    Crossover,
    Point,
    conclude_crossover,
    measure_sizes,
)
from iris_mlp.compare.published import LaunchCosts, derive_launch_costs
from iris_mlp.config import DEFAULTS
from iris_mlp.lent_gpu import ask_for_s, run_on_devices
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.compare.panel import Panel, date_note, experiment, keep, recall
from iris_mlp.ui.errors import keep_measured, user_errors
from iris_mlp.ui.gpu_seconds import build_gpu_seconds, tell_gpu_seconds
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import RunButtons, TimeLimit
from iris_mlp.ui.templates import render

POINT_S = 0.2
PUBLISHED = "published"
"""Stands for the card of others among the devices of points."""


def build(checkpoint: gr.State) -> Panel:
    """Lay out and wire the panel.

    Args:
        checkpoint: The weights of the visitor's last run, a `Checkpoint` or None.
    """
    with experiment("crossover", ["crossover"]) as (words, pictures), words:
        buttons = RunButtons(page_i18n()("compare.crossover_start"), "crossover-")
        seconds = build_gpu_seconds()
    ended = buttons.run(run_crossover, [checkpoint], pictures)
    tell_gpu_seconds(seconds, lambda: _estimate_s(POINT_S))

    def show_first(t: Translate) -> dict[gr.HTML, str]:
        points, day = recall("crossover", [])
        return {pictures[0]: render_crossover(points, [], list_compared(), t, measured_on=day)}

    return Panel(show_first, pictures, buttons, ended)


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
    hidden = DEFAULTS.hidden if checkpoint is None else checkpoint.hidden
    total = len(devices) * sum(len(AXES[axis]) for axis in axes)
    answers = run_on_devices(
        measure_sizes,
        devices,
        *(axes, point_s, hidden),
        stop=limit,
        estimate_s=lambda: _estimate_s(point_s, axes),
    )
    with keep_measured(t), closing(answers):
        for point in answers:
            if point.axis == "hidden" and point.value == hidden:
                mine.append(point)  # one model has one time, in the line and in its ring
            if point.axis in axes and point.value in AXES[point.axis]:
                points.append(point)
            yield render_crossover(points, mine, devices, t, done=len(points) / total)
    if len(points) == total:
        keep("crossover", points, devices)
    yield render_crossover(points, mine, devices, t)


def _estimate_s(point_s: float, axes: Sequence[Axis] = tuple(AXES)) -> int:
    """Return the seconds of GPU time that the GPU's part asks for, models being built meanwhile."""
    return ask_for_s(2 * point_s * (1 + sum(len(AXES[axis]) for axis in axes)))


def render_crossover(
    points: Sequence[Point],
    mine: Sequence[Point],
    devices: Sequence[str],
    t: Translate,
    done: float | None = None,
    measured_on: date | None = None,
) -> str:
    """Return the card of the crossover as HTML.

    Args:
        points: What was measured; none before the first time.
        mine: The visitor's model on each device.
        devices: The CPU, and the GPU where there is one.
        t: Translator of the visitor's language.
        done: Share of the points that are measured; None when nothing runs.
        measured_on: The day, where another visitor measured them.
    """
    floors = () if len(devices) > 1 else derive_launch_costs()
    times = [us for p in (*points, *mine) for us in (p.low_us, p.high_us)]
    low, high = min([100, *times]), max([1e6, *times])
    y = {
        "low": 10.0 ** math.floor(math.log10(low)),
        "high": 10.0 ** math.ceil(math.log10(high)),
        "log": True,
        "unit": "us",
        "title": t("compare.epoch_time"),
    }
    return render(
        "crossover.html",
        t=t,
        plots=[
            (plot_axis(axis, points, mine, devices, floors, y, t), _describe(axis, points, t))
            for axis in AXES
        ],
        devices=devices,
        floors=[(floor.machine, numbers.micros(floor.epoch_us)) for floor in floors],
        conclusion=t("compare.measuring")
        if done is not None
        else write_crossover(points, devices, t),
        note=date_note(_write_note(mine, bool(floors), t), measured_on, t),
        done=done,
    )


def plot_axis(
    axis: Axis,
    points: Sequence[Point],
    mine: Sequence[Point],
    devices: Sequence[str],
    floors: Sequence[LaunchCosts],
    y: dict[str, Any],
    t: Translate,
) -> dict[str, Any]:
    """Return the plot of one kind of work; the scale of the time `y` is the same in each."""
    values = AXES[axis]
    series = [
        {
            "draw": "line dots" if device == "cpu" else "line squares",
            "name": name_device(device).lower(),
            "points": [
                (p.value, p.epoch_us, p.low_us, p.high_us)
                for p in points
                if p.axis == axis and p.device == device
            ],
        }
        for device in devices
    ]
    if axis == "hidden":
        series.append({"draw": "ring", "points": [(p.value, p.epoch_us) for p in mine]})
    crossing = conclude_crossover(points, axis, *devices[:2]) if len(devices) > 1 else None
    at = crossing and crossing.value
    # Every other size has room for its number.
    return {
        "width": 300,
        "height": 260,
        "right": 8,
        "x": {
            "low": values[0] / 1.6,
            "high": values[-1] * 1.6,
            "log": True,
            "unit": "count",
            "ticks": values[::2],
            "title": t(f"compare.title_{axis}"),
        },
        "y": y,
        "series": series,
        "levels": [{"at": floor.epoch_us, "name": "floor"} for floor in floors],
        "crossings": [{"at": at, "label": f"≈ {numbers.about(at)}"}] if at else [],
    }


def write_crossover(points: Sequence[Point], devices: Sequence[str], t: Translate) -> str:
    """Return the sentence of the crossover as plain text, from the measured points alone."""
    if not points:
        return t("compare.cross_nothing")
    if len(devices) < 2:
        return _write_bound(points, t)
    clauses = t("compare.clause_gap").join(
        _write_clause(axis, conclude_crossover(points, axis, *devices[:2]), devices, t)
        for axis in AXES
    )
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
        values |= {"small": numbers.digits(ratios[0]), "large": numbers.digits(ratios[1])}
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
    count = t(f"compare.count_{axis}", count=numbers.about(result.value))
    return t("compare.crossing", count=count, low=low, high=high)


def _write_bound(points: Sequence[Point], t: Translate) -> str:
    """Say where this CPU takes longer than the fixed cost of a card that others measured.

    A card with a fixed cost an epoch cannot win before that; from there on it may. Sizes whose
    spread reaches over that cost decide nothing.
    """
    floor, reached, unsure = derive_launch_costs()[0], [], []
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
    sentences = [t("compare.cross_no_gpu")]
    if reached:
        sentences = [
            t(
                "compare.cross_bound",
                machine=floor.machine,
                cost=numbers.micros(floor.epoch_us),
                reached=t("compare.bound_gap").join(reached),
            )
        ]
    if unsure:
        sentences.append(t("compare.bound_noise", axes=t("compare.and").join(unsure)))
    return t("compare.sentence_gap").join(sentences)


def _describe(axis: Axis, points: Sequence[Point], t: Translate) -> str:
    said = [
        f"{name_device(p.device)} {t(f'compare.count_{axis}', count=f'{p.value:,}')} "
        f"{numbers.micros(p.epoch_us)}"
        for p in points
        if p.axis == axis
    ]
    shown = t("compare.list_separator").join(said) or t("compare.no_points")
    return t("compare.cross_alt", axis=t(f"compare.axis_{axis}"), points=shown)


def _write_note(mine: Sequence[Point], with_floor: bool, t: Translate) -> str:
    assumed = t("compare.floor_assumes") if with_floor else ""
    if not mine:
        return assumed
    times = t("compare.list_separator").join(
        f"{name_device(point.device)} {numbers.micros(point.epoch_us)}" for point in mine
    )
    note = t(
        "compare.cross_note",
        hidden=f"{mine[0].value:,}",
        times=times,
        threads=torch.get_num_threads(),
    )
    return t("compare.sentence_gap").join(filter(None, [note, assumed]))
