"""The batch size: noise of the gradient, and the loss that each size reaches in equal time."""

import threading
from collections.abc import Iterator, Sequence

import gradio as gr

from iris_mlp.compare.batch import RACE_BATCH_SIZES, CurvePoint, group_curves, race_batch_sizes
from iris_mlp.compare.batch_verdict import LEVEL, MIN_ROUNDS, MIN_STEPS, conclude_batch_sizes
from iris_mlp.config import TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.experiment import (
    Plot,
    Scale,
    TimeLimit,
    format_digits,
    render_card,
    spread_labels,
)
from iris_mlp.ui.compare.noise_panel import render_noise, sample_noise
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator

WALL_S = 2.0
"""Seconds of training that each batch size gets."""

LESSON_ON_CPU = TrainConfig(device="cpu")
TINTS = ("negative", "test", "positive", "train")
DASHES = ("none", "7 3", "2 3", "9 3 2 3")


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
            spent_s = sum(curve[-1].elapsed_s for curve in group_curves(points).values())
            done = min(spent_s / wall_s / len(RACE_BATCH_SIZES), 1.0)
            yield noise, render_curves(points, t, wall_s, done)
    yield noise, render_curves(points, t, wall_s)


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
    curves, drawn = group_curves(points), ""
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
    trained = [curve[-1] for curve in curves.values() if len(curve) > 1]
    said = t("compare.list_separator").join(_say_end(point, t) for point in trained)
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
        note="" if not trained else t("compare.curves_note", points=said),
        done=done,
        step=t("compare.curves_step"),
    )


def write_curves(points: Sequence[CurvePoint], t: Translate, wall_s: float = WALL_S) -> str:
    """Return the sentences of the race of batch sizes as plain text.

    First how far a step goes, then how many fit into a second, then what both come to in time.
    """
    if not points:
        return t("compare.curves_nothing", seconds=f"{wall_s:g}")
    result = conclude_batch_sizes(points)
    if result.key == "too_few" or result.fastest is None or result.slowest is None:
        return t("compare.curves_too_few", turns=MIN_ROUNDS, steps=MIN_STEPS)
    fast, slow = result.fastest, result.slowest
    low, high = result.at_steps[0], result.at_steps[-1]
    first, last = result.in_time[0], result.in_time[-1]
    time = "in_time"
    if result.key == "level" and not result.paces_differ:
        time = "in_time_level"
    elif result.key == "level" and result.pace_explains:
        by_size = {point.batch_size: point for point in result.in_time}
        time, first, last = "in_time_by_pace", by_size[fast.batch_size], by_size[slow.batch_size]
    return t("compare.sentence_gap").join(
        (
            t(
                f"compare.curves_{result.key}",
                steps=f"{low.updates:,}",
                best=low.batch_size,
                low=f"{low.test_loss:.3f}",
                worst=high.batch_size,
                high=f"{high.test_loss:.3f}",
                allowed=f"{LEVEL:.0%}",
            ),
            t(
                "compare.curves_paces" if result.paces_differ else "compare.curves_paces_level",
                fast=fast.batch_size,
                fast_pace=format_digits(fast.steps_per_s),
                slow=slow.batch_size,
                slow_pace=format_digits(slow.steps_per_s),
                wins=result.wins,
                rounds=result.rounds,
            ),
            t(
                f"compare.curves_{time}",
                seconds=f"{first.elapsed_s:.1f}",
                size=first.batch_size,
                loss=f"{first.test_loss:.3f}",
                last=last.batch_size,
                last_loss=f"{last.test_loss:.3f}",
            ),
        )
    )


def _say_end(point: CurvePoint, t: Translate) -> str:
    return t(
        "compare.curve_alt",
        size=point.batch_size,
        loss=f"{point.test_loss:.3f}",
        updates=f"{point.updates:,}",
    )
