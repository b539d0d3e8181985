"""What sets runs of several batch sizes apart, from their points alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

import numpy as np

from iris_mlp.compare.batch import CurvePoint, group_curves

LEVEL = 0.1
"""Mean losses over equal steps that differ by no more than this share are called level.

With single rows the loss wavers by 10 % from one turn to the next, and its mean over the later half
of two seconds lies from 0 to 5 % above that of the full batch, depending on the seed.
"""

MIN_ROUNDS, MIN_STEPS = 8, 500
"""Turns and steps of every run without which there is no verdict."""

_CHANCE = 0.05


@dataclass(frozen=True)
class Pace:
    """The steps per second of one run: median of its turns."""

    batch_size: int
    steps_per_s: float


@dataclass(frozen=True)
class BatchVerdict:
    """What sets the batch sizes apart: how far a step goes, or how many fit into a second.

    A run that diverged is left out.

    Attributes:
        key: `level` when the test losses over equally many steps agree within `LEVEL`, `differ`
            when they do not; `too_few` when not every size has trained for `MIN_ROUNDS` turns and
            `MIN_STEPS` steps.
        at_steps: The runs after as many steps as the slowest one took, best first, each with the
            mean of its test loss over the later half of these steps.
        in_time: The runs after the time of the shortest one in the same way.
        fastest: The pace of the fastest run; None with `too_few`.
        slowest: The pace of the slowest one.
        rounds: Rounds in which the two are compared, without those that are even.
        wins: Those in which the fastest was the faster one.
        paces_differ: Whether that is more often than chance explains.
        pace_explains: Whether that makes most of what sets these two apart in equal time.
    """

    key: Literal["level", "differ", "too_few"]
    at_steps: tuple[CurvePoint, ...] = ()
    in_time: tuple[CurvePoint, ...] = ()
    fastest: Pace | None = None
    slowest: Pace | None = None
    rounds: int = 0
    wins: int = 0
    paces_differ: bool = False
    pace_explains: bool = False


def conclude_batch_sizes(points: Sequence[CurvePoint]) -> BatchVerdict:
    """Say what sets the runs of `race_batch_sizes` apart, from their points alone."""
    curves = group_curves(points).values()
    finite = [curve for curve in curves if math.isfinite(curve[-1].test_loss)]
    rounds = min((len(curve) - 1 for curve in finite), default=0)
    steps = min((curve[-1].updates for curve in finite), default=0)
    if len(finite) < 2 or rounds < MIN_ROUNDS or steps < MIN_STEPS:
        return BatchVerdict("too_few")
    at_steps = _rank(finite, lambda point: point.updates)
    in_time = _rank(finite, lambda point: point.elapsed_s)
    paces = {
        curve[0].batch_size: [
            (b.updates - a.updates) / (b.elapsed_s - a.elapsed_s)
            for a, b in pairwise(curve[: rounds + 1])
        ]
        for curve in finite
    }
    ranked = sorted((Pace(size, median(pace)) for size, pace in paces.items()), key=_read_pace)
    slowest, fastest = ranked[0], ranked[-1]
    turns = zip(paces[fastest.batch_size], paces[slowest.batch_size], strict=True)
    faster = [fast > slow for fast, slow in turns if fast != slow]
    wins, pairs = sum(faster), math.comb(len(finite), 2)
    differ = wins_by_sign(wins, len(faster), pairs)
    per_step, per_time = (
        losses[slowest.batch_size] - losses[fastest.batch_size]
        for losses in map(_read_losses, (at_steps, in_time))
    )
    best, worst = at_steps[0].test_loss, at_steps[-1].test_loss
    return BatchVerdict(
        key="level" if worst - best <= LEVEL * worst else "differ",
        at_steps=at_steps,
        in_time=in_time,
        fastest=fastest,
        slowest=slowest,
        rounds=len(faster),
        wins=wins,
        paces_differ=differ,
        pace_explains=differ and per_time > 2 * abs(per_step),
    )


def wins_by_sign(wins: int, rounds: int, pairs: int = 1) -> bool:
    """Tell whether one of two wins more rounds than chance explains at the 5 % level.

    The two-sided sign test: without a difference each round is a toss of a coin. The level is
    divided by the number of pairs from which this one was picked (Bonferroni). Source: W. J.
    Conover, Practical Nonparametric Statistics, 3rd edition (1999), section 3.4.
    """
    tail = sum(math.comb(rounds, k) for k in range(wins, rounds + 1)) / 2**rounds
    return 2 * tail <= _CHANCE / pairs


def _read_pace(pace: Pace) -> float:
    return pace.steps_per_s


def _read_losses(ranking: Sequence[CurvePoint]) -> dict[int, float]:
    return {point.batch_size: point.test_loss for point in ranking}


def _rank(
    curves: Sequence[list[CurvePoint]], measure: Callable[[CurvePoint], float]
) -> tuple[CurvePoint, ...]:
    """Return the runs, best first, where the one that went least far by some measure ended."""
    end = min(measure(curve[-1]) for curve in curves)
    return tuple(
        sorted(
            (_read_curve(curve, measure, end) for curve in curves),
            key=lambda point: point.test_loss,
        )
    )


def _read_curve(
    curve: Sequence[CurvePoint], measure: Callable[[CurvePoint], float], end: float
) -> CurvePoint:
    """Return where a run stood, on straight lines between its points.

    Its test loss is the mean over the later half, as the last value alone wavers.
    """
    places = [measure(point) for point in curve]
    losses = [point.test_loss for point in curve]

    def read(values: list[float]) -> float:
        return float(np.interp(end, places, values))

    return CurvePoint(
        batch_size=curve[0].batch_size,
        epoch=int(read([point.epoch for point in curve])),
        updates=round(read([point.updates for point in curve])),
        elapsed_s=read([point.elapsed_s for point in curve]),
        train_loss=None,
        test_loss=float(np.interp(np.linspace(end / 2, end, 101), places, losses).mean()),
    )
