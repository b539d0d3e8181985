"""The race on the visitor's own computer: the browser measures, and its laps are judged here."""

import math
from collections.abc import Sequence
from statistics import median

from iris_mlp.compare.race import LESSON, RARELY, Contender, Standing
from iris_mlp.compare.verdict import Verdict, conclude
from iris_mlp.errors import SettingsError

WAYS = {
    "javascript": Contender("browser:cpu", "fused", 1),
    "read_each": Contender("browser:gpu", "eager", 1),
    "read_rarely": Contender("browser:gpu", "eager", RARELY),
    "one_dispatch": Contender("browser:gpu", "fused", 1),
}
"""Each way as the race knows it: a loop of one dispatch an epoch, or all epochs in few calls."""
MOST_LAPS = 40
MOST_S = 3600.0


Times = dict[Contender, list[float]]
"""Seconds of a full run, one a lap, of each way."""


def read_laps(sent: object) -> Times:
    """Return what the laps that a browser sent come to; they are untrusted.

    Args:
        sent: A list of objects with `way`, a key of `WAYS`; `epochs`, those that were run; and
            `elapsed_s`.

    Raises:
        SettingsError: Something of it is not a lap.
    """
    times: Times = {}
    for lap in sent if isinstance(sent, list) and len(sent) <= MOST_LAPS else [None]:
        contender, full_s = _read_lap(lap)
        times.setdefault(contender, []).append(full_s)
    return times


def judge(times: Times, is_software: bool) -> tuple[Sequence[Standing], Verdict]:
    """Return the standings and the verdict.

    Args:
        times: What `read_laps` returned.
        is_software: Whether the GPU is software on the CPU, from which nothing follows.
    """
    standings = [
        Standing(contender, median(all_s), min(all_s), max(all_s), len(all_s))
        for contender, all_s in times.items()
    ]
    real = [s for s in standings if not (is_software and s.contender.device == "browser:gpu")]
    return standings, conclude(real)


def _read_lap(lap: object) -> tuple[Contender, float]:
    match lap:
        case {"way": str(way), "epochs": int(epochs), "elapsed_s": int() | float() as elapsed_s}:
            is_lap = way in WAYS and 1 <= epochs <= LESSON.epochs
            if is_lap and math.isfinite(elapsed_s) and 0 < elapsed_s <= MOST_S:
                return WAYS[way], elapsed_s * LESSON.epochs / epochs
    raise SettingsError("The laps that your browser sent cannot be read; race again.")
