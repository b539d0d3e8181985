"""The batch size: noise of the gradient, and the loss that each size reaches in equal time."""

import math
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import gradio as gr

from iris_mlp.compare.batch import RACE_BATCH_SIZES, CurvePoint, group_curves, race_batch_sizes
from iris_mlp.compare.batch_verdict import LEVEL, MIN_ROUNDS, MIN_STEPS, conclude_batch_sizes
from iris_mlp.compare.noise import (
    Arrows,
    GradientNoise,
    compute_noise,
    draw_arrows,
    measure_noise,
    train_to,
)
from iris_mlp.config import DEFAULTS, TRAIN_ROWS, TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.compare.panel import Panel, experiment
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE, RunButtons, TimeLimit
from iris_mlp.ui.templates import render

WALL_S = 2.0
"""Seconds of training that each batch size gets."""

SAMPLES = 2_000
NOISE_EPOCH_STEP = 100
LESSON_ON_CPU = TrainConfig(device="cpu")
TINTS = ("negative", "test", "positive", "train")
DASHES = ("none", "7 3", "2 3", "9 3 2 3")

# The law falls to zero at the full batch, which a logarithmic axis cannot show: this is its floor.
_NOISE_FLOOR, _NOISE_TOP = 1e-6, 100.0


def build() -> Panel:
    """Lay out and wire the panel."""
    i18n = page_i18n()
    with experiment("batch", ["arrows", "noise", "curves"]) as (words, pictures), words:
        buttons = RunButtons(i18n("compare.batch_start"), "batch-")
        epoch = gr.Slider(
            0,
            DEFAULTS.epochs,
            0,
            step=NOISE_EPOCH_STEP,
            label=i18n("compare.noise_epoch"),
            buttons=[],
            elem_id="noise-epoch",
        )
    ended = buttons.run(run_batches, [epoch], pictures)
    epoch.input(
        show_noise,
        epoch,
        pictures[:2],
        trigger_mode="always_last",
        concurrency_id="noise",
        **PRIVATE,
    )

    def show_first(t: Translate) -> dict[gr.HTML, str]:
        arrows, noise = render_noise(None, 0, t)
        return dict(zip(pictures, (arrows, noise, render_curves([], t)), strict=True))

    return Panel(show_first, pictures, buttons, ended)


@user_errors
def show_noise(epoch: int, request: gr.Request) -> tuple[str, str]:
    """Return the cards of the arrows and of the noise at an epoch of the lesson run."""
    return render_noise(sample_noise(epoch), epoch, request_translator(request))


@user_errors
def run_batches(
    stop: threading.Event | None, epoch: int, request: gr.Request, wall_s: float = WALL_S
) -> Iterator[tuple[str, str, str]]:
    """Draw the noise, then race the batch sizes; yield the three cards."""
    t, limit = request_translator(request), TimeLimit(stop)
    points: list[CurvePoint] = []
    arrows, noise = render_noise(sample_noise(epoch), epoch, t)
    yield arrows, noise, render_curves(points, t, wall_s, done=0.0)
    if not limit.is_set():
        for point in race_batch_sizes(LESSON_ON_CPU, RACE_BATCH_SIZES, wall_s):
            points.append(point)
            if limit.is_set():
                break
            spent_s = sum(curve[-1].elapsed_s for curve in group_curves(points).values())
            done = min(spent_s / wall_s / len(RACE_BATCH_SIZES), 1.0)
            yield arrows, noise, render_curves(points, t, wall_s, done)
    yield arrows, noise, render_curves(points, t, wall_s)


@lru_cache(maxsize=256)
def sample_noise(epoch: int) -> tuple[GradientNoise, tuple[Arrows, ...]]:
    """Measure the noise at an epoch of the lesson run, whose weights are the same each time."""
    model = train_to(TrainConfig(device="cpu", engine="fused"), epoch)
    return measure_noise(model, samples=SAMPLES), draw_arrows(model, RACE_BATCH_SIZES)


def render_noise(
    sampled: tuple[GradientNoise, tuple[Arrows, ...]] | None, epoch: int, t: Translate
) -> tuple[str, str]:
    """Return the cards of the arrows and of the law as HTML; None before the first time."""
    noise, arrows = sampled or (None, ())
    spec = plot_noise(noise, t)
    said = t("compare.list_separator").join(
        t(
            "compare.noise_point_alt",
            size=p.batch_size,
            sampled=f"{p.sampled:.2g}",
            exact=f"{p.exact:.2g}",
        )
        for p in (noise.points if noise else ())
    )
    none, at = t("compare.no_points"), f"{epoch:,}"
    law = render(
        "plots.html",
        plots=[(spec, t("compare.noise_alt", epoch=at, points=said or none), "noise", "")],
        conclusion=write_noise(noise, epoch, t) if noise else t("compare.noise_nothing"),
        note=t("compare.noise_note"),
        done=None,
        step="",
    )
    uphill = [(a.batch_size, sum(along < 0 for along, _ in a.tips), len(a.tips)) for a in arrows]
    fan = render(
        "plots.html",
        plots=[
            (spec, t("compare.arrows_alt", size=size), "arrows", t("compare.arrows_of", size=size))
            for size, spec in plot_arrows(arrows, t)
        ],
        conclusion=t("compare.arrows_nothing")
        if not arrows
        else t(
            "compare.arrows_uphill",
            epoch=at,
            counts=t("compare.list_separator").join(
                t("compare.arrows_count", size=size, count=count, draws=draws)
                for size, count, draws in uphill
            ),
        ),
        note=t("compare.arrows_note"),
        done=None,
        step="",
    )
    return fan, law


def plot_arrows(arrows: Sequence[Arrows], t: Translate) -> list[tuple[int, dict[str, Any]]]:
    """Return a plot for each batch size, all of one scale, so that the fans are seen to close."""
    tips = [tip for a in arrows for tip in a.tips]
    reach = 1.1 * max([1.2, *(abs(value) for tip in tips for value in tip)])
    axis = {"low": -reach, "high": reach}
    return [
        (
            size,
            {
                "width": 214,
                "height": 224,
                "right": 8,
                "x": {**axis, "title": t("compare.arrows_x")},
                "y": {**axis, "title": t("compare.arrows_y")},
                "series": [
                    {"draw": "arrows", "name": "drawn", "points": tips},
                    {"draw": "arrows", "name": "full", "points": [(1, 0)] if arrows else []},
                ],
            },
        )
        for size, tips in [(a.batch_size, a.tips) for a in arrows]
        or [(size, ()) for size in RACE_BATCH_SIZES]
    ]


def plot_noise(noise: GradientNoise | None, t: Translate) -> dict[str, Any]:
    """Return the plot of the law; its axes are the same at every epoch, so that it is seen to move.

    Args:
        noise: What was measured; None before the first time.
        t: Translator of the visitor's language.
    """
    series: list[dict[str, Any]] = []
    levels: list[dict[str, Any]] = []
    if noise is not None:
        sizes = range(1, TRAIN_ROWS + 1)
        law = [(size, compute_noise(noise.trace, TRAIN_ROWS, size)) for size in sizes]
        series.append({"draw": "line", "name": "law", "points": law})
        for name, agrees in (("samples", True), ("samples off", False)):
            points = [
                (p.batch_size, p.sampled, p.sampled - 3 * error, p.sampled + 3 * error)
                for p in noise.points
                if p.agrees == agrees
                for error in (p.standard_error,)
            ]
            series.append({"draw": "dots", "name": name, "points": points})
        levels = [{"at": noise.squared_norm, "name": "floor", "label": t("compare.signal")}]
    return {
        "x": {
            "low": 0.85,
            "high": 150,
            "log": True,
            "ticks": [1, 2, 4, 8, 16, 32, 64, 120],
            "title": t("compare.batch_axis"),
        },
        "y": {
            "low": _NOISE_FLOOR,
            "high": _NOISE_TOP,
            "log": True,
            "unit": "power",
            "title": t("compare.noise_axis"),
        },
        "series": series,
        "levels": levels,
    }


def write_noise(noise: GradientNoise, epoch: int, t: Translate) -> str:
    """Return the sentence of the noise as plain text, from its numbers alone."""
    if not (noise.trace or noise.squared_norm):
        return t("compare.noise_zero", epoch=f"{epoch:,}")
    agreeing = sum(point.agrees for point in noise.points)
    values = {
        "epoch": f"{epoch:,}",
        "agreeing": agreeing,
        "sizes": len(noise.points),
        "ratio": numbers.digits(noise.trace / noise.squared_norm) if noise.squared_norm else "∞",
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
    finite = [point for point in points if math.isfinite(point.test_loss)]
    curves = group_curves(finite)
    spec = {
        "right": 44,
        "x": {"low": 0, "high": wall_s, "title": t("compare.curves_x")},
        "y": {
            "low": 0,
            "high": max([1.2, *(point.test_loss for point in finite)]),
            "title": t("compare.curves_y"),
        },
        "series": [
            {
                "draw": "line",
                "name": f"tint-{TINTS[RACE_BATCH_SIZES.index(size)]}",
                "dash": DASHES[RACE_BATCH_SIZES.index(size)],
                "label": str(size),
                "points": [(point.elapsed_s, point.test_loss) for point in curve],
            }
            for size, curve in curves.items()
        ],
    }
    said = t("compare.list_separator").join(
        t(
            "compare.curve_alt",
            size=curve[-1].batch_size,
            loss=f"{curve[-1].test_loss:.3f}",
            updates=f"{curve[-1].updates:,}",
        )
        for curve in curves.values()
        if len(curve) > 1
    )
    alt = t("compare.curves_alt", points=said or t("compare.no_points"))
    waits = done is not None
    return render(
        "plots.html",
        plots=[(spec, alt, "", "")],
        conclusion=t("compare.measuring") if waits else write_curves(points, t, wall_s),
        note=t("compare.curves_note", points=said) if said else "",
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
    values = {
        "steps": f"{low.updates:,}",
        "best": low.batch_size,
        "low": f"{low.test_loss:.3f}",
        "worst": high.batch_size,
        "high": f"{high.test_loss:.3f}",
        "allowed": f"{LEVEL:.0%}",
        "fast": fast.batch_size,
        "fast_pace": numbers.digits(fast.steps_per_s),
        "slow": slow.batch_size,
        "slow_pace": numbers.digits(slow.steps_per_s),
        "wins": result.wins,
        "rounds": result.rounds,
        "seconds": f"{first.elapsed_s:.1f}",
        "size": first.batch_size,
        "loss": f"{first.test_loss:.3f}",
        "last": last.batch_size,
        "last_loss": f"{last.test_loss:.3f}",
    }
    paces = "paces" if result.paces_differ else "paces_level"
    return t("compare.sentence_gap").join(
        t(f"compare.curves_{key}", **values) for key in (result.key, paces, time)
    )
