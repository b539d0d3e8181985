"""The verdict of a race: who wins, by how much, and why, from the numbers alone."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal

from iris_mlp.compare.race import Contender, Standing

ComparisonKey = Literal["faster", "slower", "tie", "too_few"]
Subject = Literal["devices", "reads", "launches", "engine"]


@dataclass(frozen=True)
class Comparison:
    """Two contenders that differ in one thing.

    Attributes:
        subject: What differs: `devices` (the same loop elsewhere), `reads` (the loss is read
            rarely instead of every epoch), `launches` (one graph instead of many launches),
            `engine` (one compiled function instead of the eager loop).
        first: The contender that the sentence is about.
        second: What it is compared with.
        ratio: Median of the second over that of the first; above 1 the first is faster.
        key: `faster`, `slower`, `tie` (the spreads overlap) or `too_few` (a single lap).
    """

    subject: Subject
    first: Contender
    second: Contender
    ratio: float
    key: ComparisonKey


VerdictKey = Literal["nothing", "alone", "too_few", "tie", "wins"]
Reason = Literal[
    "none",
    "within_spread",
    "one_function",
    "one_graph",
    "cheap_launches",
    "faster_device",
    "fewer_reads",
]


@dataclass(frozen=True)
class Verdict:
    """Who won, by how much, and why.

    Attributes:
        key: `nothing` was measured, one ran `alone`, `too_few` laps for a verdict, a `tie` (spreads
            overlap), or one `wins`.
        leader: The contender with the smallest median.
        tied: Others whose spread overlaps the leader's.
        runner_up: The next one.
        ratio: Median of the runner-up over that of the leader.
        reason: What the measured comparisons say: `one_function` (a fused engine beat the eager
            loop on its device), `one_graph` (a captured graph did), `cheap_launches` (the CPU beat
            a GPU at the same loop), `faster_device` (a GPU beat the CPU at it), `fewer_reads` (a
            loss recorded rarely beat one recorded always), `within_spread`, or `none`.
        comparisons: The pairs that differ in one thing.
    """

    key: VerdictKey
    leader: Contender | None
    tied: tuple[Contender, ...]
    runner_up: Contender | None
    ratio: float | None
    reason: Reason
    comparisons: tuple[Comparison, ...]


def conclude(standings: Sequence[Standing]) -> Verdict:
    """Say who won, by how much and why, from the numbers alone.

    Two contenders tie when their spreads (slowest and fastest lap) overlap.
    """
    ranked = sorted(standings, key=lambda standing: standing.median_s)
    comparisons = tuple(_compare_pairs(ranked))
    if not ranked:
        return Verdict("nothing", None, (), None, None, "none", ())
    leader = ranked[0]
    if len(ranked) == 1:
        return Verdict("alone", leader.contender, (), None, None, "none", ())
    tied = tuple(s.contender for s in ranked[1:] if s.low_s <= leader.high_s)
    key: VerdictKey = "tie" if tied else "wins"
    if any(standing.laps < 2 for standing in ranked):
        key = "too_few"
    reasons: dict[str, Reason] = {"wins": _find_reason(leader.contender, comparisons)}
    reasons["tie"] = "within_spread"
    return Verdict(
        key=key,
        leader=leader.contender,
        tied=tied if key == "tie" else (),
        runner_up=ranked[1].contender,
        ratio=ranked[1].median_s / leader.median_s,
        reason=reasons.get(key, "none"),
        comparisons=comparisons,
    )


def compare(subject: Subject, first: Standing, second: Standing) -> Comparison:
    """Compare two standings; a tie when their spreads overlap."""
    key: ComparisonKey = "tie"
    if min(first.laps, second.laps) < 2:
        key = "too_few"
    elif first.high_s < second.low_s:
        key = "faster"
    elif second.high_s < first.low_s:
        key = "slower"
    ratio = second.median_s / first.median_s
    return Comparison(subject, first.contender, second.contender, ratio, key)


def _compare_pairs(standings: Sequence[Standing]) -> Generator[Comparison]:
    """Yield the pairs that differ in one thing, the first being what the lesson recommends."""
    by = {
        (s.contender.device, s.contender.engine, s.contender.record_every > 1): s for s in standings
    }
    for (device, engine, rarely), standing in by.items():
        pairs: list[tuple[Subject, tuple[str, str, bool]]] = []
        if engine == "eager" and device == "cpu":
            others = [key for key in by if key[0] != "cpu" and key[1:] == (engine, rarely)]
            pairs.extend(("devices", other) for other in others)
        if engine == "eager" and rarely:
            pairs.append(("reads", (device, "eager", False)))
        if engine == "cuda-graph":
            pairs.append(("launches", (device, "eager", rarely)))
        if engine == "fused":
            pairs.append(("engine", (device, "eager", rarely)))
        for subject, other in pairs:
            if other in by:
                yield compare(subject, standing, by[other])


def _find_reason(winner: Contender, comparisons: Sequence[Comparison]) -> Reason:
    """Return the reason that the measured pairs bear out; the strongest cause first."""
    won = {c.subject for c in comparisons if c.first == winner and c.key == "faster"}
    lost_to = {c.subject for c in comparisons if c.second == winner and c.key == "slower"}
    if "engine" in won:
        return "one_function"
    if "launches" in won:
        return "one_graph"
    if "devices" in lost_to:
        return "faster_device"
    if "devices" in won:
        return "cheap_launches"
    return "fewer_reads" if "reads" in won else "none"
