"""The race: the lesson run by each engine on each device, as bars that grow lap by lap."""

import threading
from collections.abc import Iterator, Sequence
from html import escape

import gradio as gr
import torch

from iris_mlp.overhead.published import PublishedRun, load_published
from iris_mlp.overhead.race import (
    LESSON,
    Absence,
    Contender,
    Lap,
    Standing,
    find_contenders,
    race,
    summarize,
)
from iris_mlp.overhead.verdict import Comparison, Verdict, conclude
from iris_mlp.ui.compare.experiment import (
    Scale,
    TimeLimit,
    cover_decades,
    format_digits,
    format_s,
    list_compared,
    name_device,
    render_card,
    tint_of,
)
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.strings import Translate, request_translator

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

LOG_RATIO = 20
"""Bars that differ by more are drawn on a logarithmic scale."""


@user_errors
def run_race(stop: threading.Event | None, lap_epochs: int, request: gr.Request) -> Iterator[str]:
    """Race all contenders and yield the card after each lap."""
    t, limit = request_translator(request), TimeLimit(stop)
    devices = list_compared()
    laps: list[Lap] = []
    yield render_race([], laps, devices, t, done=0.0)
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
) -> str:
    """Return the card of the race as HTML.

    Args:
        contenders: Who takes part, in the order of the bars; none before the first race.
        laps: What was measured.
        devices: The CPU, and the GPU where there is one.
        t: Translator of the visitor's language.
        absences: Engines that cannot run here.
        done: Share of the laps that are run; None when the race is over, or has not begun.
    """
    standings = {standing.contender: standing for standing in summarize(laps)}
    # Times of others stand in for a GPU, and only where there is none.
    published = () if len(devices) > 1 else load_published()
    scale = _choose_scale(list(standings.values()), published, done is not None)
    projected = {lap.contender for lap in laps if lap.is_projected}
    rows = "".join(_render_row(c, standings.get(c), c in projected, scale, t) for c in contenders)
    if published:
        rows += f'<p class="race-heading">{escape(t("compare.race_published"))}</p>'
    rows += "".join(_render_published(run, scale, t) for run in published)
    chart = (
        f'<div class="race" role="img" aria-label="{escape(_describe(standings, published, t))}">'
        f"{rows}{_render_axis(scale, t)}</div>"
    )
    verdict = conclude(list(standings.values()))
    step = t("compare.race_step", lap=len(laps), laps=REPEATS * len(contenders))
    waits = done is not None
    return render_card(
        picture=chart + _render_pairs(verdict, t),
        conclusion=t("compare.measuring") if waits else write_verdict(verdict, standings, t),
        note=_write_note(laps, absences, t),
        done=done,
        step=step if contenders else t("compare.race_warm_up"),
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


def name_contender(contender: Contender, t: Translate) -> str:
    """Return a contender in words, as plain text."""
    return t(f"compare.name_{_find_way(contender)}", device=name_device(contender.device))


def _name_way(contender: Contender, t: Translate) -> str:
    return t(f"compare.way_{_find_way(contender)}", every=f"{contender.record_every:,}")


def _find_way(contender: Contender) -> str:
    rarely = contender.engine == "eager" and contender.record_every > 1
    return "eager_rarely" if rarely else contender.engine


def _choose_scale(
    standings: Sequence[Standing], published: Sequence[PublishedRun], is_running: bool
) -> Scale:
    """Return the scale of the bars; while laps run it has room for the fastest to come."""
    times = [s.low_s for s in standings] + [s.high_s for s in standings]
    times += [run.elapsed_s for run in published]
    if is_running:
        return cover_decades(times, 0.001, 10)
    if times and max(times) / min(times) > LOG_RATIO:
        # A bar that begins where the scale does would have no length.
        return cover_decades(times, min(times) / 3, max(times))
    return Scale(0, 1.05 * max(times, default=1))


def _render_row(
    contender: Contender, standing: Standing | None, projected: bool, scale: Scale, t: Translate
) -> str:
    share = low = high = 0.0
    time = spread = "–"
    if standing is not None:
        share, low, high = (
            scale.share(s) for s in (standing.median_s, standing.low_s, standing.high_s)
        )
        time = ("≈ " if projected else "") + format_s(standing.median_s)
        spread = f"{format_s(standing.low_s)} – {format_s(standing.high_s)}"
        if standing.laps < 2:
            low = high = 0.0
            spread = t("compare.one_lap")
    return (
        f'<div class="race-row" style="--tint:{tint_of(contender.device)}"><span class="race-name">'
        f"<b>{name_device(contender.device)}</b> {escape(_name_way(contender, t))}</span>"
        f'<span class="race-track"><i class="race-bar" style="--share:{share:.4f}"></i>'
        f'<i class="race-spread" style="--low:{low:.4f};--high:{high:.4f}"></i></span>'
        f'<span class="race-time"><b>{escape(time)}</b><small>{escape(spread)}</small></span></div>'
    )


def _render_published(run: PublishedRun, scale: Scale, t: Translate) -> str:
    tint = tint_of(run.contender.device)
    date = run.measured_on or t("compare.date_unknown")
    return (
        f'<div class="race-row published" style="--tint:{tint}"><span class="race-name">'
        f"<b>{name_device(run.contender.device)}</b> {escape(_name_way(run.contender, t))}"
        f"<small>{escape(run.machine)}</small></span>"
        f'<span class="race-track"><i class="race-bar" style="--share:'
        f'{scale.share(run.elapsed_s):.4f}"></i></span><span class="race-time">'
        f"<b>{run.elapsed_s:.2f} s</b><small>{escape(date)}</small></span></div>"
    )


def _render_axis(scale: Scale, t: Translate) -> str:
    ticks = "".join(
        f'<i style="--at:{scale.share(tick):.4f}"><span>{_show_tick(tick)}</span></i>'
        for tick in scale.ticks(5)
    )
    kind = t("compare.scale_log" if scale.is_log else "compare.scale_linear")
    return (
        f'<div class="race-row race-axis"><span class="race-name">{escape(kind)}</span>'
        f'<span class="race-track">{ticks}</span></div>'
    )


def _show_tick(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 or seconds == 0 else f"{1_000 * seconds:g} ms"


def _render_pairs(verdict: Verdict, t: Translate) -> str:
    """Return the pairs that differ in one thing, with what that thing does, as a list."""
    items = "".join(f"<li>{escape(_write_pair(pair, t))}</li>" for pair in verdict.comparisons)
    return f'<ul class="exp-list">{items}</ul>'


def _write_pair(pair: Comparison, t: Translate) -> str:
    # Of two devices the loop is named, of two loops the device.
    device, way = name_device(pair.second.device), _name_way(pair.second, t)
    return t(
        f"compare.pair_{pair.key}",
        what=t(f"compare.pair_{pair.subject}", device=device, way=way),
        ratio=format_digits(1 / pair.ratio if pair.key == "slower" else pair.ratio),
    )


def _describe(
    standings: dict[Contender, Standing], published: Sequence[PublishedRun], t: Translate
) -> str:
    said = [
        t(
            "compare.race_bar_alt",
            name=name_contender(contender, t),
            time=format_s(standing.median_s),
            low=format_s(standing.low_s),
            high=format_s(standing.high_s),
            laps=standing.laps,
        )
        for contender, standing in standings.items()
    ]
    said += [
        t(
            "compare.published_alt",
            name=name_contender(run.contender, t),
            machine=run.machine,
            time=f"{run.elapsed_s:.2f} s",
        )
        for run in published
    ]
    return t("compare.race_alt", bars=t("compare.list_separator").join(said))


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
