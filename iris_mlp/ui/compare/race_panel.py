"""The race: the lesson run by each engine on each device, as bars that grow lap by lap."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

import gradio as gr
import torch

from iris_mlp.compare.measured import MeasuredMachine, load_measured
from iris_mlp.compare.published import PublishedRun, load_published
from iris_mlp.compare.race import (
    LESSON,
    Absence,
    Contender,
    Lap,
    Standing,
    find_contenders,
    list_candidates,
    race,
    summarize,
)
from iris_mlp.compare.verdict import Comparison, Verdict, compare, conclude
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.experiment import (
    TimeLimit,
    format_digits,
    format_s,
    label_measured,
    list_compared,
    name_device,
    render_card,
)
from iris_mlp.ui.compare.race_rows import (
    choose_scale,
    describe,
    name_contender,
    name_way,
    render_axis,
    render_measured,
    render_pending,
    render_published,
    render_row,
)
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator

LAP_EPOCHS = (1_000, 20_000)
"""Epochs of a lap that a visitor may choose; the first is projected to the whole run."""

REPEATS = 3
_SUBJECTS = {
    "one_function": "engine",
    "one_graph": "launches",
    "cheap_launches": "devices",
    "faster_device": "devices",
    "fewer_reads": "reads",
}
"""What differs in the pairs that bear out a reason."""


@user_errors
def run_race(stop: threading.Event | None, lap_epochs: int, request: gr.Request) -> Iterator[str]:
    """Race all contenders and yield the card after each lap."""
    t, limit = request_translator(request), TimeLimit(stop)
    devices = list_compared()
    laps: list[Lap] = []
    yield render_race(list_candidates(devices), laps, devices, t, done=0.0, is_warm=False)
    contenders, absences = find_contenders(devices)
    total = REPEATS * len(contenders)
    yield render_race(contenders, laps, devices, t, absences, done=0.0)
    if not limit.is_over():
        for lap in race(contenders, LESSON, lap_epochs, REPEATS):
            laps.append(lap)
            if limit.is_over():
                break
            yield render_race(contenders, laps, devices, t, absences, done=len(laps) / total)
    yield render_race(contenders, laps, devices, t, absences)


def render_race(
    contenders: Sequence[Contender],
    laps: Sequence[Lap],
    devices: Sequence[str],
    t: Translate,
    absences: Sequence[Absence] = (),
    done: float | None = None,
    is_warm: bool = True,
) -> str:
    """Return the card of the race as HTML.

    Args:
        contenders: Who takes part, in the order of the bars.
        laps: What was measured.
        devices: The CPU, and the GPU where there is one.
        t: Translator of the visitor's language.
        absences: Engines that cannot run here.
        done: Share of the laps that are run; None when the race is over, or has not begun.
        is_warm: Whether every engine has answered, so that laps may begin.
    """
    standings = {standing.contender: standing for standing in summarize(laps)}
    # Earlier measurements and times of others stand in for a GPU, and only where there is none.
    alone = len(devices) < 2
    published = load_published() if alone else ()
    measured = load_measured() if alone else None
    past = measured.standings if measured else ()
    scale = choose_scale([*standings.values(), *past], published, done is not None)
    projected = {lap.contender for lap in laps if lap.is_projected}
    rows = "".join(render_row(c, standings.get(c), c in projected, scale, t) for c in contenders)
    if measured:
        heading = t("compare.race_measured", label=label_measured(measured, t))
        rows += f'<p class="race-heading">{escape(heading)}</p>'
        rows += "".join(render_measured(standing, measured, scale, t) for standing in past)
    if published:
        rows += f'<p class="race-heading">{escape(t("compare.race_published"))}</p>'
    rows += "".join(render_published(run, scale, t) for run in published)
    # The engines that make a GPU fast are named also where nobody has measured them.
    known = {run.contender for run in published}
    pending = [c for c in list_candidates(["cuda"]) if alone and not measured and c not in known]
    if pending:
        rows += f'<p class="race-heading">{escape(t("compare.race_pending"))}</p>'
    rows += "".join(render_pending(contender, t) for contender in pending)
    said = describe(standings, measured, published, pending, t)
    chart = (
        f'<div class="race" role="img" aria-label="{escape(said)}">'
        f"{rows}{render_axis(scale, t)}</div>"
    )
    verdict = conclude(list(standings.values()))
    if verdict.key == "alone" and len(contenders) > 1:  # stopped before the others had their lap
        verdict = replace(verdict, key="too_few")
    step = t("compare.race_step", lap=len(laps), laps=REPEATS * len(contenders))
    conclusion = write_verdict(verdict, standings, t)
    if alone and standings:
        against = write_against(standings, measured, published, t)
        conclusion = t("compare.sentence_gap").join(filter(None, [conclusion, against]))
    waits = done is not None
    return render_card(
        picture=chart + ("" if waits else _render_pairs(verdict, t)),
        conclusion=t("compare.measuring") if waits else conclusion,
        note=_write_note(laps, absences, t),
        done=done,
        step=step if is_warm else t("compare.race_warm_up"),
    )


def write_verdict(verdict: Verdict, standings: dict[Contender, Standing], t: Translate) -> str:
    """Return the sentence of a race as plain text, from its numbers alone."""
    if verdict.leader is None:
        return t("compare.race_nothing")
    leader, best = name_contender(verdict.leader, t), standings[verdict.leader]
    if verdict.key == "alone":
        return t("compare.race_alone", leader=leader, time=format_s(best.median_s))
    if verdict.key == "too_few":
        return t("compare.race_too_few", leader=leader, time=format_s(best.median_s))
    if verdict.key == "tie":
        others = t("compare.and").join(name_contender(tied, t) for tied in verdict.tied)
        return t("compare.race_tie", leader=leader, others=others, time=format_s(best.median_s))
    assert verdict.runner_up is not None
    assert verdict.ratio is not None
    return t(
        "compare.race_wins",
        leader=leader,
        time=format_s(best.median_s),
        ratio=format_digits(verdict.ratio),
        second=name_contender(verdict.runner_up, t),
        second_time=format_s(standings[verdict.runner_up].median_s),
        reason=_write_reason(verdict, t),
    )


def write_against(
    standings: dict[Contender, Standing],
    measured: MeasuredMachine | None,
    published: Sequence[PublishedRun],
    t: Translate,
) -> str:
    """Set this CPU's eager loop against the same loop on a GPU elsewhere; empty without either."""
    here = standings.get(Contender("cpu", "eager", 1))
    there, machine, origin = None, "", ""
    if measured is not None:
        machine, origin = measured.gpu, t("compare.origin_measured", date=measured.measured_on)
        there = next((s for s in measured.standings if _is_gpu_loop(s.contender)), None)
    elif run := next((run for run in published if _is_gpu_loop(run.contender)), None):
        machine, origin = run.machine, t("compare.origin_published")
        # One run without a spread: what is compared with it has one.
        there = Standing(run.contender, run.elapsed_s, run.elapsed_s, run.elapsed_s, 2)
    if here is None or there is None or here.laps < 2:
        return ""
    result = compare("devices", here, there)
    ratio = 1 / result.ratio if result.key == "slower" else result.ratio
    return t(
        f"compare.against_{result.key}",
        machine=machine,
        origin=origin,
        here=format_s(here.median_s),
        there=format_s(there.median_s),
        ratio=format_digits(ratio),
    )


def _is_gpu_loop(contender: Contender) -> bool:
    return contender == Contender(contender.device, "eager", 1) and contender.device != "cpu"


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
        gain = format_digits(pair.ratio if leads else 1 / pair.ratio)
        return t("compare.because_over", why=why, gain=gain, base=name_contender(base, t))
    return t("compare.because_unknown")


def _render_pairs(verdict: Verdict, t: Translate) -> str:
    """Return the pairs that differ in one thing, with what that thing does, as a list."""
    items = "".join(f"<li>{escape(_write_pair(pair, t))}</li>" for pair in verdict.comparisons)
    return f'<ul class="exp-list">{items}</ul>'


def _write_pair(pair: Comparison, t: Translate) -> str:
    # Of two devices the loop is named, of two loops the device.
    device, way = name_device(pair.second.device), name_way(pair.second, t)
    return t(
        f"compare.pair_{pair.key}",
        what=t(f"compare.pair_{pair.subject}", device=device, way=way),
        ratio=format_digits(1 / pair.ratio if pair.key == "slower" else pair.ratio),
    )


def _write_note(laps: Sequence[Lap], absences: Sequence[Absence], t: Translate) -> str:
    notes = []
    projected = next((lap for lap in laps if lap.is_projected), None)
    if projected is not None:
        notes.append(
            t("compare.race_projected", epochs=f"{projected.epochs:,}", all=f"{LESSON.epochs:,}")
        )
    if laps:
        notes.append(t("compare.race_threads", threads=torch.get_num_threads()))
    notes += [
        t("compare.race_absent", device=name_device(absence.device), engine=absence.engine)
        for absence in absences
    ]
    return t("compare.sentence_gap").join(notes)
