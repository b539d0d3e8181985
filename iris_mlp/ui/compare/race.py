"""The race: CPU against GPU at the lesson's loop, then the other ways to compute the same run."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date

import gradio as gr
import torch

from iris_mlp.compare.compared import list_compared, name_device
from iris_mlp.compare.published import PublishedRun, load_published
from iris_mlp.compare.race import (
    LESSON,
    Absence,
    Contender,
    Lap,
    Standing,
    estimate_race_s,
    is_loop,
    list_candidates,
    race_all,
    summarize,
)
from iris_mlp.compare.verdict import conclude
from iris_mlp.lent_gpu import is_lent, run_on_devices
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.compare.panel import Panel, date_note, experiment, keep, recall
from iris_mlp.ui.compare.race_words import (
    name_way,
    write_duel,
    write_pair,
    write_verdict,
)
from iris_mlp.ui.errors import keep_measured, user_errors
from iris_mlp.ui.gpu_seconds import build_gpu_seconds, tell_gpu_seconds
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import RunButtons, TimeLimit
from iris_mlp.ui.templates import render

LAP_EPOCHS = (1_000, 5_000, 20_000)
"""Epochs of a run that a visitor may choose; fewer than all are projected to the whole."""

USUAL_EPOCHS = 5_000
REPEATS = 3
MOST_LENT_S = 25
"""Of the GPU time that a visitor has in a day, one race asks for no more."""


@dataclass(frozen=True)
class Row:
    """One bar.

    Attributes:
        device: Where it runs.
        way: How it computes.
        machine: Whose time it is; empty for this machine.
        time: The time, or a dash.
        note: Small print beside it.
        share: Length of the bar, from 0 to 1.
        state: `live`, `replay` (the browser moves the bar at its published pace), `published`,
            `pending`, or empty.
        replay_s: Seconds that a replayed bar takes from end to end.
    """

    device: str
    way: str
    machine: str = ""
    time: str = "–"
    note: str = ""
    share: float = 0.0
    state: str = ""
    replay_s: float = 0.0


@dataclass(frozen=True)
class Meeting:
    """Everything that a card of the race shows.

    Attributes:
        devices: The CPU, and the GPU where there is one.
        contenders: Who takes part, in the order of the bars.
        laps: Every run that is over.
        running: The run that goes on.
        absences: Ways that cannot run here.
        lap_epochs: Epochs of a run.
    """

    devices: Sequence[str]
    contenders: Sequence[Contender]
    laps: Sequence[Lap] = ()
    running: Lap | None = None
    absences: Sequence[Absence] = ()
    lap_epochs: int = USUAL_EPOCHS


def build() -> Panel:
    """Lay out and wire the panel."""
    i18n = page_i18n()
    devices, counts = list_compared(), LAP_EPOCHS
    if is_lent(devices):
        counts = [n for n in counts if estimate_race_s(devices, n, REPEATS) <= MOST_LENT_S]
    with experiment("race", ["race"]) as (words, pictures), words:
        buttons = RunButtons(i18n("compare.race_start"), "race-")
        seconds = build_gpu_seconds()
        epochs = gr.Radio(
            [(i18n(f"compare.lap_{count}"), count) for count in counts],
            value=min(USUAL_EPOCHS, counts[-1]),
            label=i18n("compare.lap"),
        )
    ended = buttons.run(run_race, [epochs], pictures)
    tell_gpu_seconds(seconds, lambda count: estimate_race_s(devices, count, REPEATS), [epochs])

    def show_first(t: Translate) -> dict[gr.HTML, str]:
        meeting, measured_on = recall("race", Meeting(devices, list_candidates(devices)))
        return {pictures[0]: render_race(meeting, t, measured_on=measured_on)}

    return Panel(show_first, pictures, buttons, ended)


@user_errors
def run_race(stop: threading.Event | None, lap_epochs: int, request: gr.Request) -> Iterator[str]:
    """Race CPU against GPU, then everyone else; yield the card whenever something has moved."""
    t, limit, devices = request_translator(request), TimeLimit(stop), list_compared()
    candidates, laps = list_candidates(devices), []
    meeting = Meeting(devices, candidates, lap_epochs=lap_epochs)
    yield render_race(meeting, t, done=0.0)
    answers = run_on_devices(
        *(race_all, devices, lap_epochs, REPEATS),
        stop=limit,
        estimate_s=lambda: estimate_race_s(devices, lap_epochs, REPEATS),
    )
    with keep_measured(t), closing(answers):
        for found in answers:
            if isinstance(found, Absence):
                meeting = replace(meeting, absences=[*meeting.absences, found])
                continue
            laps += [found] if found.is_over else []
            done = len(laps) / (REPEATS * len(candidates))
            yield render_race(replace(meeting, laps=laps, running=found), t, done)
    absent = {(absence.device, absence.engine) for absence in meeting.absences}
    here = [c for c in candidates if (c.device, c.engine) not in absent]
    meeting = replace(meeting, laps=laps, contenders=here)
    if len(laps) == REPEATS * len(here):
        keep("race", meeting, devices)
    yield render_race(meeting, t)


def render_race(
    meeting: Meeting, t: Translate, done: float | None = None, measured_on: date | None = None
) -> str:
    """Return the card of the race as HTML.

    Args:
        meeting: What is known.
        t: Translator of the visitor's language.
        done: Share of the runs that are over; None when the race is over, or has not begun.
        measured_on: The day, where another visitor raced.
    """
    standings = {standing.contender: standing for standing in summarize(meeting.laps)}
    alone = len(meeting.devices) < 2
    published = load_published() if alone else ()
    rival = next((run for run in published if run.contender.device != "cpu"), None)
    first = [c for c in meeting.contenders if is_loop(c)]
    others = [c for c in meeting.contenders if not is_loop(c)]
    duel = draw_rows(first, standings, meeting, t, done, rival)
    acts = [(t("compare.race_duel"), duel)]
    rest = draw_rows(others, standings, meeting, t, done)
    if alone:
        ran = {run.contender for run in published}
        pending = [c for c in list_candidates(["cuda"]) if c not in ran]
        rest += [
            Row(c.device, name_way(c, t), note=t("compare.not_measured"), state="pending")
            for c in pending
        ]
    acts.append((t("compare.race_others"), rest))
    in_others = meeting.running is not None and not is_loop(meeting.running.contender)
    verdict = conclude(list(standings.values()))
    if verdict.key == "alone" and len(meeting.contenders) > 1:  # stopped before the others ran
        verdict = replace(verdict, key="too_few")
    sentences = [
        write_duel(standings, rival, t) if done is None or in_others else "",
        t("compare.measuring") if done is not None else write_verdict(verdict, standings, t),
    ]
    slow = max((run for run in published if run.contender.device == "cpu"), default=None, key=_time)
    return render(
        "race.html",
        t=t,
        acts=acts,
        alt=_describe(acts, t),
        conclusion=t("compare.sentence_gap").join(filter(None, sentences)),
        done=done,
        step=_write_step(meeting, t),
        note=date_note(_write_note(meeting, t), measured_on, t),
        pairs=[write_pair(pair, t) for pair in verdict.comparisons] if done is None else [],
        published=[draw_published(run, min(map(_time, published)), t) for run in published],
        slow=slow,
        slow_time=slow and numbers.seconds(slow.elapsed_s),
    )


def draw_rows(
    contenders: Sequence[Contender],
    standings: dict[Contender, Standing],
    meeting: Meeting,
    t: Translate,
    done: float | None,
    rival: PublishedRun | None = None,
) -> list[Row]:
    """Return the bars of one act.

    While it runs, a bar is the share of the epochs that are done. When it is over, a bar is how
    far each had come when the fastest one finished.
    """
    running = meeting.running.contender if meeting.running and done is not None else None
    times = [standings[c].median_s for c in contenders if c in standings]
    times += [rival.elapsed_s] if rival else []
    best: float = min(times, default=0.0)
    goes_on = done is not None and (running is None or running in contenders)
    rows = []
    for contender in contenders:
        row = Row(contender.device, name_way(contender, t))
        if (standing := standings.get(contender)) is not None:
            projected = "≈ " if meeting.lap_epochs < LESSON.epochs else ""
            spread = f"{numbers.seconds(standing.low_s)} – {numbers.seconds(standing.high_s)}"
            row = replace(
                row,
                time=projected + numbers.seconds(standing.median_s),
                note=spread if standing.laps > 1 else t("compare.one_lap"),
                share=1.0 if goes_on else best / standing.median_s,
            )
        if contender == running and (lap := meeting.running) is not None:
            epochs = t("compare.epochs_done", epochs=f"{lap.epochs:,}")
            share = lap.epochs / meeting.lap_epochs
            row = replace(
                row, time=numbers.seconds(lap.elapsed_s), note=epochs, share=share, state="live"
            )
        rows.append(row)
    if rival is not None:
        row = draw_published(rival, best if standings else 0.0, t)
        if goes_on:
            pace_s = rival.elapsed_s * meeting.lap_epochs / rival.epochs
            row = replace(row, share=1.0, state="published replay", replay_s=pace_s)
        rows.append(row)
    return rows


def draw_published(run: PublishedRun, best_s: float, t: Translate) -> Row:
    """Return the bar of a time that others published."""
    return Row(
        run.contender.device,
        name_way(run.contender, t),
        run.machine,
        numbers.seconds(run.elapsed_s),
        t("compare.origin_published"),
        best_s / run.elapsed_s,
        "published",
    )


def _write_step(meeting: Meeting, t: Translate) -> str:
    if meeting.running is None:
        return t("compare.race_warm_up")
    total = REPEATS * len(meeting.contenders)
    return t("compare.race_step", lap=min(len(meeting.laps) + 1, total), laps=total)


def _write_note(meeting: Meeting, t: Translate) -> str:
    notes = []
    if meeting.laps:
        if meeting.lap_epochs < LESSON.epochs:
            counts = {"epochs": f"{meeting.lap_epochs:,}", "all": f"{LESSON.epochs:,}"}
            notes.append(t("compare.race_projected", **counts))
        notes.append(t("compare.race_threads", threads=torch.get_num_threads()))
    notes += [
        t("compare.race_absent", device=name_device(absence.device), engine=absence.engine)
        for absence in meeting.absences
    ]
    return t("compare.sentence_gap").join(notes)


def _describe(acts: Sequence[tuple[str, Sequence[Row]]], t: Translate) -> str:
    """Return all bars in words, for those who do not see them."""
    said = [
        " ".join(filter(None, [name_device(row.device), row.way, row.machine, row.time, row.note]))
        for _, rows in acts
        for row in rows
    ]
    return t("compare.race_alt", bars=t("compare.clause_gap").join(said))


def _time(run: PublishedRun) -> float:
    return run.elapsed_s
