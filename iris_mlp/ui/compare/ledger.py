"""Where the time of an epoch goes: its parts, its timeline, and what reading the loss costs."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from statistics import fmean
from typing import Any

import gradio as gr

from iris_mlp.compare.compared import list_compared, name_device
from iris_mlp.compare.ledger import TOLERANCE, Ledger, measure_costs
from iris_mlp.compare.profiling import Profile
from iris_mlp.compare.published import derive_launch_costs
from iris_mlp.compare.reads import RECORD_EVERY, ReadCost, ReadPoint, conclude_reads
from iris_mlp.config import TRAIN_ROWS
from iris_mlp.lent_gpu import ask_for_s, run_on_devices
from iris_mlp.strings import Translate
from iris_mlp.ui import numbers
from iris_mlp.ui.compare.panel import Panel, date_note, experiment, keep, recall
from iris_mlp.ui.errors import keep_measured, user_errors
from iris_mlp.ui.gpu_seconds import build_gpu_seconds, tell_gpu_seconds
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import RunButtons, TimeLimit
from iris_mlp.ui.templates import render

LEDGER_S = 2.5
READS_S = 4.0
PROFILE_S = 1.5
READ_REPEATS = 5


@dataclass
class DeviceCosts:
    """What was measured on one device so far."""

    device: str
    ledger: Ledger | None = None
    reads: list[ReadPoint] = field(default_factory=list)


def build() -> Panel:
    """Lay out and wire the panel."""
    with experiment("ledger", ["ledger"]) as (words, pictures), words:
        buttons = RunButtons(page_i18n()("compare.ledger_start"), "ledger-")
        seconds = build_gpu_seconds()
    ended = buttons.run(run_ledger, [], pictures)
    tell_gpu_seconds(seconds, lambda: ask_for_s(LEDGER_S + READS_S + PROFILE_S))

    def show_first(t: Translate) -> dict[gr.HTML, str]:
        costs, day = recall("ledger", [])
        return {pictures[0]: render_ledger(costs, list_compared(), t, measured_on=day)}

    return Panel(show_first, pictures, buttons, ended)


@user_errors
def run_ledger(
    stop: threading.Event | None,
    request: gr.Request,
    ledger_s: float = LEDGER_S,
    reads_s: float = READS_S,
) -> Iterator[str]:
    """Measure the parts and the reads on each device, and yield the card as it fills."""
    t, limit = request_translator(request), TimeLimit(stop)
    costs: list[DeviceCosts] = []
    devices = list_compared()
    most = READ_REPEATS * len(RECORD_EVERY)
    answers = run_on_devices(
        measure_costs,
        devices,
        *(ledger_s, reads_s, READ_REPEATS),
        stop=limit,
        estimate_s=lambda: ask_for_s(ledger_s + reads_s + PROFILE_S),
    )
    with keep_measured(t), closing(answers):
        for device, found in answers:
            if isinstance(found, Ledger):
                costs[-1].ledger = found
            elif found is None:
                costs.append(DeviceCosts(device))
            else:
                costs[-1].reads.append(found)
            part = 0.6 * len(costs[-1].reads) / most + (0.1 if found is None else 0.4)
            yield render_ledger(costs, devices, t, (len(costs) - 1 + part) / len(devices))
    if len(costs) == len(devices) and len(costs[-1].reads) == most:
        keep("ledger", costs, devices)
    yield render_ledger(costs, devices, t)


def render_ledger(
    costs: Sequence[DeviceCosts],
    devices: Sequence[str],
    t: Translate,
    done: float | None = None,
    measured_on: date | None = None,
) -> str:
    """Return the card as HTML.

    Args:
        costs: What was measured; none before the first time.
        devices: The CPU, and the GPU where there is one.
        t: Translator of the visitor's language.
        done: Share of the work that is done; None when nothing runs.
        measured_on: The day, where another visitor measured it.
    """
    sentences = [
        t("compare.ledger_stopped", device=name_device(cost.device))
        if cost.ledger is None
        else write_ledger(cost.ledger, t)
        for cost in costs
    ]
    if done is not None:
        sentences = [t("compare.measuring")]
    return render(
        "ledger.html",
        t=t,
        # What was stopped is told below; there is nothing of it to draw.
        devices=[_show_device(c, t) for c in costs if c.ledger is not None or done is not None],
        conclusion=t("compare.sentence_gap").join(sentences or [t("compare.ledger_nothing")]),
        note=date_note("" if len(devices) > 1 else _write_published(t), measured_on, t),
        done=done,
    )


def write_ledger(ledger: Ledger, t: Translate) -> str:
    """Return the sentence of the parts as plain text, from their numbers alone."""
    wall, profile = ledger.wall_us, ledger.profile
    values = {
        "device": name_device(ledger.device),
        "wall": numbers.micros(wall),
        "gap": f"{abs(ledger.unaccounted_us) / wall:.1%}",
        "launches": f"{profile.kernel_launches:.0f}",
    }
    key = ledger.arithmetic_key
    busy = ledger.arithmetic_us if ledger.arithmetic_us is not None else profile.kernel_us
    if ledger.key == "noisy":
        return t("compare.ledger_noisy", **values, allowed=f"{TOLERANCE:.0%}")
    if key in ("negative", "excess"):
        return t("compare.ledger_untold", **values)
    if key == "noise":
        busy, kind = _find_most(ledger), "noise"
    else:
        kind = "arithmetic" if ledger.arithmetic_us is not None else "kernels"
    if busy is None:
        return t("compare.ledger_sum", **values)
    values |= {"busy": numbers.micros(busy), "share": f"{busy / wall:.0%}"}
    return t(f"compare.ledger_{kind}_{'small' if busy < wall / 2 else 'large'}", **values)


def write_reads(cost: ReadCost, t: Translate) -> str:
    """Return the sentence of the fit as plain text: a cost, or noise."""
    return t(
        f"compare.reads_{cost.key}",
        read=numbers.micros(cost.read_us or 0.0),
        low=numbers.micros(cost.read_us_low or 0.0),
        high=numbers.micros(cost.read_us_high or 0.0),
        epoch=numbers.micros(cost.epoch_us or 0.0),
    )


def _show_device(cost: DeviceCosts, t: Translate) -> dict[str, Any]:
    """Return what the template shows of one device."""
    shown: dict[str, Any] = {"device": cost.device, "bar": None, "timeline": None, "fit": None}
    if cost.ledger is not None:
        shown |= {"bar": _show_bar(cost.ledger, t)}
        shown |= {"timeline": show_timeline(cost.ledger.profile, cost.device, t)}
    if cost.reads:
        result = conclude_reads(cost.reads)
        shown["sentence"] = write_reads(result, t)
        shown["fit"] = plot_fit(cost.reads, result, cost.device, t)
        epochs = f"{cost.reads[0].epochs:,}"
        shown["fit_alt"] = t(
            "compare.reads_alt", runs=len(cost.reads), epochs=epochs, sentence=shown["sentence"]
        )
    return shown


def _show_bar(ledger: Ledger, t: Translate) -> dict[str, Any]:
    parts = [("python", ledger.python_and_dispatch_us)]
    if ledger.arithmetic_us is not None:
        parts.append(("arithmetic", ledger.arithmetic_us))
    elif ledger.arithmetic_fit is not None:
        parts = [("undivided", ledger.python_and_dispatch_us)]
    parts += [("optimizer", ledger.optimizer_us), ("item", ledger.item_us)]
    accounted = sum(us for _, us in parts)
    # What is missing is hatched; parts that add up to more than the wall time stand over its mark.
    parts.append(("unaccounted", ledger.unaccounted_us))
    sums = t(
        "compare.ledger_sums",
        parts=numbers.micros(accounted),
        wall=numbers.micros(ledger.wall_us),
        low=numbers.micros(ledger.wall_low_us),
        high=numbers.micros(ledger.wall_high_us),
    )
    said = t("compare.list_separator").join(
        f"{t(f'compare.part_{name}')} {numbers.micros(us)}" for name, us in parts
    )
    device = name_device(ledger.device)
    return {
        "parts": [
            {
                "name": name,
                "width": max(us, 0.0) / max(accounted, ledger.wall_us),
                "time": numbers.micros(us),
                "share": numbers.percent(us / ledger.wall_us),
            }
            for name, us in parts
        ],
        "at": ledger.wall_us / max(accounted, ledger.wall_us),
        "sums": sums,
        "alt": t("compare.ledger_alt", device=device, parts=said, sums=sums),
        "details": _list_details(ledger, t),
    }


def show_timeline(profile: Profile, device: str, t: Translate) -> dict[str, Any] | None:
    """Return one epoch as lanes of spans, in shares of its length; None without a profile."""
    if not profile.timeline:
        return None
    whole = max(span.start_us + span.elapsed_us for span in profile.timeline)
    host = [span for span in profile.timeline if span.kind != "kernel"]
    kernels = [span for span in profile.timeline if span.kind == "kernel"]
    calls = [span for span in host if span.kind != "launch"]
    on_host = sum(span.elapsed_us for span in calls)
    busy = sum(span.elapsed_us for span in kernels)
    key = "kernels" if kernels else ("host" if device == "cpu" else "host_gpu")
    return {
        "lanes": [
            (name, [(s.kind, s.name, s.start_us / whole, s.elapsed_us / whole) for s in spans])
            for name, spans in (("CPU", host), ("GPU", kernels))
            if spans
        ],
        "whole": numbers.micros(whole),
        "sentence": t(
            f"compare.timeline_{key}",
            calls=len(calls),
            gaps=f"{1 - on_host / whole:.0%}",
            kernels=len(kernels),
            idle=f"{1 - busy / whole:.0%}",
        ),
    }


def plot_fit(
    points: Sequence[ReadPoint], result: ReadCost, device: str, t: Translate
) -> dict[str, Any]:
    """Return the runs, the line through them, and the fan of lines that its interval allows."""
    times_ms = [1e3 * point.elapsed_s for point in points]
    margin = 0.15 * (max(times_ms) - min(times_ms)) or 0.05 * times_ms[0]
    most, series = points[0].epochs, []
    if (fit := result.fit) is not None:
        reads = fmean(point.reads for point in points)
        middle = 1e3 * (fit.intercept + fit.slope * reads)

        def line(slope: float) -> list[tuple[float, float]]:
            return [(x, middle + 1e3 * slope * (x - reads)) for x in (0, most)]

        low, high = line(fit.slope_low), line(fit.slope_high)
        series.append({"draw": "area", "points": [low[0], high[1], low[1], high[0]]})
        series.append({"draw": "line", "points": line(fit.slope)})
    dots = [(point.reads, ms) for point, ms in zip(points, times_ms)]
    series.append({"draw": "dots", "points": dots})
    name = name_device(device).lower()
    return {
        "x": {"low": 0, "high": 1.04 * most, "title": t("compare.reads_x")},
        "y": {
            "low": min(times_ms) - margin,
            "high": max(times_ms) + margin,
            "title": t("compare.reads_y", epochs=f"{most:,}"),
        },
        "series": [{**one, "name": name} for one in series],
    }


def _find_most(ledger: Ledger) -> float:
    """Return the most that arithmetic inside the noise may take: never more than its stages."""
    assert ledger.arithmetic_fit is not None
    return min(TRAIN_ROWS * ledger.arithmetic_fit.slope_high, ledger.computing_us)


def _list_details(ledger: Ledger, t: Translate) -> list[str]:
    profile, details = ledger.profile, []
    if ledger.arithmetic_fit is not None:
        fit, key = ledger.arithmetic_fit, ledger.arithmetic_key
        slope, low, high = (TRAIN_ROWS * us for us in (fit.slope, fit.slope_low, fit.slope_high))
        values = {"slope": slope, "low": low, "high": high, "most": ledger.computing_us}
        values |= {"high": _find_most(ledger)} if key == "noise" else {}
        shown = {name: numbers.micros(us) for name, us in values.items()}
        details.append(t(f"compare.arithmetic_{key}", **shown))
    if profile.kernel_us is not None:
        launches, busy = f"{profile.kernel_launches:.0f}", numbers.micros(profile.kernel_us)
        details.append(t("compare.profile_kernels", launches=launches, busy=busy))
    details.append(
        t(
            "compare.profile",
            calls=f"{profile.operator_calls:.0f}",
            wall=numbers.micros(profile.wall_us),
            python=f"{profile.python_us / profile.wall_us:.0%}",
        )
    )
    return details


def _write_published(t: Translate) -> str:
    return t("compare.sentence_gap").join(
        t(
            "compare.ledger_published",
            machine=cost.machine,
            epoch=f"{numbers.digits(cost.epoch_us)} µs",
            read=f"{numbers.digits(cost.read_us)} µs",
        )
        for cost in derive_launch_costs()
    )
