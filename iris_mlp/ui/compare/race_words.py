"""What the race says: names of those who run, and sentences from their numbers alone."""

from iris_mlp.compare.compared import name_device
from iris_mlp.compare.published import PublishedRun
from iris_mlp.compare.race import Contender, Standing, is_loop
from iris_mlp.compare.verdict import Comparison, Verdict, compare
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers

_SUBJECTS = {
    "one_function": "engine",
    "one_graph": "launches",
    "cheap_launches": "devices",
    "faster_device": "devices",
    "fewer_reads": "reads",
}
"""What differs in the pairs that bear out a reason."""


def name_contender(contender: Contender, t: Translate) -> str:
    """Return a contender in words, as plain text."""
    return t(f"compare.name_{_find_way(contender)}", device=name_device(contender.device))


def name_way(contender: Contender, t: Translate) -> str:
    """Return how a contender computes, as plain text."""
    return t(f"compare.way_{_find_way(contender)}", every=f"{contender.record_every:,}")


def write_duel(
    standings: dict[Contender, Standing], rival: PublishedRun | None, t: Translate
) -> str:
    """Return the one sentence of CPU against GPU; empty before both have run twice.

    Args:
        standings: What ran here.
        rival: The GPU's published time, where there is no GPU here.
        t: Translator of the visitor's language.
    """
    loops = {c.device: s for c, s in standings.items() if is_loop(c) and s.laps > 1}
    here, machine, where = loops.pop("cpu", None), "GPU", "here"
    there = next(iter(loops.values()), None)
    if there is None and rival is not None:
        machine, where = rival.machine, "published"
        # One run without a spread: what is compared with it has one.
        there = Standing(rival.contender, rival.elapsed_s, rival.elapsed_s, rival.elapsed_s, 2)
    if here is None or there is None:
        return ""
    result = compare("devices", here, there)
    return t(
        f"compare.duel_{result.key}",
        machine=machine,
        origin=t(f"compare.duel_{where}"),
        here=numbers.seconds(here.median_s),
        there=numbers.seconds(there.median_s),
        ratio=numbers.digits(1 / result.ratio if result.key == "slower" else result.ratio),
    )


def write_verdict(verdict: Verdict, standings: dict[Contender, Standing], t: Translate) -> str:
    """Return the sentence of a race as plain text, from its numbers alone."""
    if verdict.leader is None:
        return t("compare.race_nothing")
    values = {
        "leader": name_contender(verdict.leader, t),
        "time": numbers.seconds(standings[verdict.leader].median_s),
        "others": t("compare.and").join(name_contender(tied, t) for tied in verdict.tied),
    }
    if verdict.key == "wins" and verdict.runner_up is not None:
        values |= {
            "ratio": numbers.digits(verdict.ratio or 0.0),
            "second": name_contender(verdict.runner_up, t),
            "second_time": numbers.seconds(standings[verdict.runner_up].median_s),
            "reason": _write_reason(verdict, t),
        }
    return t(f"compare.race_{verdict.key}", **values)


def write_pair(pair: Comparison, t: Translate) -> str:
    """Return what one difference does, as plain text."""
    # Of two devices the loop is named, of two loops the device.
    device, way = name_device(pair.second.device), name_way(pair.second, t)
    return t(
        f"compare.pair_{pair.key}",
        what=t(f"compare.pair_{pair.subject}", device=device, way=way),
        ratio=numbers.digits(1 / pair.ratio if pair.key == "slower" else pair.ratio),
    )


def _write_reason(verdict: Verdict, t: Translate) -> str:
    """Return the cause, beside the contender over which it was gained: seldom the runner-up."""
    subject = _SUBJECTS.get(verdict.reason)
    for pair in verdict.comparisons:
        if pair.subject != subject or verdict.leader not in (pair.first, pair.second):
            continue
        leads = pair.first == verdict.leader
        if pair.key != ("faster" if leads else "slower"):
            continue
        why, base = t(f"compare.reason_{verdict.reason}"), pair.second if leads else pair.first
        if base == verdict.runner_up:
            return t("compare.because", why=why)
        gain = numbers.digits(pair.ratio if leads else 1 / pair.ratio)
        return t("compare.because_over", why=why, gain=gain, base=name_contender(base, t))
    return t("compare.because_unknown")


def _find_way(contender: Contender) -> str:
    rarely = contender.engine == "eager" and contender.record_every > 1
    return "eager_rarely" if rarely else contender.engine
