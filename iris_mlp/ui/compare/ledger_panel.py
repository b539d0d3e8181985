"""The time ledger: the parts of an epoch as one bar, and what reading the loss costs."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from statistics import fmean

import gradio as gr

from iris_mlp.compare.ledger import TOLERANCE, Ledger, measure_ledger
from iris_mlp.compare.measured import MeasuredMachine, load_measured
from iris_mlp.compare.published import derive_launch_costs
from iris_mlp.compare.reads import (
    RECORD_EVERY,
    ReadCost,
    ReadPoint,
    conclude_reads,
    measure_reads,
)
from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.experiment import (
    Plot,
    Scale,
    TimeLimit,
    format_digits,
    format_us,
    label_measured,
    list_compared,
    name_device,
    render_card,
    tint_of,
)
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator

LEDGER_S = 2.5
READS_S = 4.0
READ_REPEATS = 5


@dataclass
class DeviceCosts:
    """What was measured on one device so far."""

    device: str
    ledger: Ledger | None = None
    reads: list[ReadPoint] = field(default_factory=list)


@user_errors
def run_ledger(
    stop: threading.Event | None,
    request: gr.Request,
    ledger_s: float = LEDGER_S,
    reads_s: float = READS_S,
) -> Iterator[str]:
    """Measure the ledger and the reads on each device, and yield the card as it fills."""
    t, limit = request_translator(request), TimeLimit(stop)
    costs: list[DeviceCosts] = []
    devices = list_compared()
    for number, device in enumerate(devices):
        if limit.is_over():
            break
        costs.append(DeviceCosts(device))
        yield render_ledger(costs, devices, t, (number + 0.1) / len(devices))
        config = TrainConfig(device=device)
        costs[-1].ledger = measure_ledger(config, ledger_s, limit.is_over)
        points = costs[-1].reads
        most = READ_REPEATS * len(RECORD_EVERY)
        if costs[-1].ledger is not None:
            yield render_ledger(costs, devices, t, (number + 0.4) / len(devices))
        if limit.is_over():
            break
        for point in measure_reads(config, repeats=READ_REPEATS, budget_s=reads_s):
            points.append(point)
            yield render_ledger(
                costs, devices, t, (number + 0.4 + 0.6 * len(points) / most) / len(devices)
            )
            if limit.is_over():
                break
    yield render_ledger(costs, devices, t)


def render_ledger(
    costs: Sequence[DeviceCosts], devices: Sequence[str], t: Translate, done: float | None = None
) -> str:
    """Return the card of the ledger as HTML.

    Args:
        costs: What was measured; none before the first time.
        devices: The CPU, and the GPU where there is one.
        t: Translator of the visitor's language.
        done: Share of the work that is done; None when nothing runs.
    """
    # A ledger that was stopped is told below; there is nothing of it to draw.
    drawn = [cost for cost in costs if cost.ledger is not None or done is not None]
    picture = "".join(_render_device(cost, t) for cost in drawn)
    if not drawn:
        picture = f'<div class="exp-empty">{escape(t("compare.ledger_empty"))}</div>'
    measured = load_measured() if len(devices) < 2 else None
    if measured:
        picture += _render_measured(measured, t)
    sentences = [
        t("compare.ledger_stopped", device=name_device(cost.device))
        if cost.ledger is None
        else write_ledger(cost.ledger, t)
        for cost in costs
    ]
    if done is not None:
        sentences = [t("compare.measuring")]
    elif not sentences:
        sentences = [t("compare.ledger_nothing")]
    return render_card(
        picture=picture,
        conclusion=t("compare.sentence_gap").join(sentences),
        note="" if len(devices) > 1 or measured else _write_published(t),
        done=done,
        step=t("compare.ledger_step"),
    )


def write_ledger(ledger: Ledger, t: Translate) -> str:
    """Return the sentence of a ledger as plain text, from its numbers alone."""
    device, wall = name_device(ledger.device), ledger.wall_us
    gap = f"{abs(ledger.unaccounted_us) / wall:.1%}"
    if ledger.key == "noisy":
        return t("compare.ledger_noisy", device=device, gap=gap, allowed=f"{TOLERANCE:.0%}")
    key = ledger.arithmetic_key
    if key in ("negative", "excess"):
        return t("compare.ledger_untold", device=device, wall=format_us(wall), gap=gap)
    if key == "noise":
        most = _find_most(ledger)
        return t(
            f"compare.ledger_noise_{'small' if most < wall / 2 else 'large'}",
            device=device,
            wall=format_us(wall),
            most=format_us(most),
            share=f"{most / wall:.0%}",
            gap=gap,
        )
    busy = ledger.arithmetic_us if ledger.arithmetic_us is not None else ledger.profile.kernel_us
    if busy is None:
        return t("compare.ledger_sum", device=device, wall=format_us(wall), gap=gap)
    kind = "arithmetic" if ledger.arithmetic_us is not None else "kernels"
    size = "small" if busy < wall / 2 else "large"
    return t(
        f"compare.ledger_{kind}_{size}",
        device=device,
        wall=format_us(wall),
        busy=format_us(busy),
        share=f"{busy / wall:.0%}",
        launches=f"{ledger.profile.kernel_launches:.0f}",
        gap=gap,
    )


def write_reads(cost: ReadCost, t: Translate) -> str:
    """Return the sentence of the fit as plain text: a cost, or noise."""
    if cost.read_us is None or cost.read_us_low is None or cost.read_us_high is None:
        return t("compare.reads_too_few")
    return t(
        f"compare.reads_{cost.key}",
        read=format_us(cost.read_us),
        low=format_us(cost.read_us_low),
        high=format_us(cost.read_us_high),
        epoch=format_us(cost.epoch_us or 0.0),
    )


def _render_device(cost: DeviceCosts, t: Translate, label: str = "") -> str:
    parts = "" if cost.ledger is None else _render_bar(cost.ledger, t)
    fit = "" if not cost.reads else _render_fit(cost, t)
    small = f"<small>{escape(label)}</small>" if label else ""
    return f'<div class="ledger"><h3>{name_device(cost.device)}{small}</h3>{parts}{fit}</div>'


def _render_measured(machine: MeasuredMachine, t: Translate) -> str:
    """Draw what this project measured on a GPU elsewhere."""
    costs = DeviceCosts(machine.device, machine.ledger, list(machine.reads))
    return _render_device(costs, t, label_measured(machine, t))


def _find_most(ledger: Ledger) -> float:
    """Return the most that arithmetic inside the noise may take: never more than its stages."""
    assert ledger.arithmetic_fit is not None
    return min(TRAIN_ROWS * ledger.arithmetic_fit.slope_high, ledger.computing_us)


def _list_parts(ledger: Ledger) -> list[tuple[str, float]]:
    parts = [("python", ledger.python_and_dispatch_us)]
    if ledger.arithmetic_us is not None:
        parts.append(("arithmetic", ledger.arithmetic_us))
    elif ledger.arithmetic_fit is not None:
        parts = [("undivided", ledger.python_and_dispatch_us)]
    return [*parts, ("optimizer", ledger.optimizer_us), ("item", ledger.item_us)]


def _render_bar(ledger: Ledger, t: Translate) -> str:
    parts = _list_parts(ledger)
    accounted = sum(us for _, us in parts)
    whole = max(accounted, ledger.wall_us)
    # What is missing is hatched; parts that add up to more than the wall time stand over its mark.
    missing = [("unaccounted", max(ledger.unaccounted_us, 0.0))]
    bar = "".join(
        f'<i class="{name}" style="--share:{us / whole:.4f}"></i>' for name, us in parts + missing
    )
    legend = "".join(
        f'<div class="{name}"><dt>{escape(t(f"compare.part_{name}"))}</dt><dd>'
        f"{escape(format_us(us))} <small>{_write_share(us / ledger.wall_us)}</small></dd></div>"
        for name, us in [*parts, ("unaccounted", ledger.unaccounted_us)]
    )
    said = t("compare.list_separator").join(
        f"{t(f'compare.part_{name}')} {format_us(us)}" for name, us in parts
    )
    sums = t(
        "compare.ledger_sums",
        parts=format_us(accounted),
        wall=format_us(ledger.wall_us),
        low=format_us(ledger.wall_low_us),
        high=format_us(ledger.wall_high_us),
    )
    alternative = t("compare.ledger_alt", device=name_device(ledger.device), parts=said, sums=sums)
    return (
        f'<div class="ledger-bar" role="img" aria-label="{escape(alternative)}">{bar}'
        f'<b style="--at:{ledger.wall_us / whole:.4f}"></b></div>'
        f'<p class="ledger-sums">{escape(sums)}</p><dl class="ledger-parts">{legend}</dl>'
        f'<ul class="exp-list">{_list_details(ledger, t)}</ul>'
    )


def _write_share(share: float) -> str:
    return f"{abs(share):.0%}" if share > -0.005 else f"−{-share:.0%}"


def _list_details(ledger: Ledger, t: Translate) -> str:
    profile, details = ledger.profile, []
    if ledger.arithmetic_fit is not None:
        fit, key = ledger.arithmetic_fit, ledger.arithmetic_key
        slope, low, high = (TRAIN_ROWS * us for us in (fit.slope, fit.slope_low, fit.slope_high))
        if key == "noise":
            high = _find_most(ledger)
        details.append(
            t(
                f"compare.arithmetic_{key}",
                slope=format_us(slope),
                low=format_us(low),
                high=format_us(high),
                most=format_us(ledger.computing_us),
            )
        )
    if profile.kernel_us is not None:
        launches, busy = f"{profile.kernel_launches:.0f}", format_us(profile.kernel_us)
        details.append(t("compare.profile_kernels", launches=launches, busy=busy))
    details.append(
        t(
            "compare.profile",
            calls=f"{profile.operator_calls:.0f}",
            wall=format_us(profile.wall_us),
            python=f"{profile.python_us / profile.wall_us:.0%}",
        )
    )
    return "".join(f"<li>{escape(detail)}</li>" for detail in details)


def _render_fit(cost: DeviceCosts, t: Translate) -> str:
    """Draw the runs, the line through them, and the fan of lines that its interval allows."""
    points, result = cost.reads, conclude_reads(cost.reads)
    times_ms = [1e3 * point.elapsed_s for point in points]
    margin = 0.15 * (max(times_ms) - min(times_ms)) or 0.05 * times_ms[0]
    most = points[0].epochs
    plot = Plot(Scale(0, 1.04 * most), Scale(min(times_ms) - margin, max(times_ms) + margin))
    drawn = ""
    if (fit := result.fit) is not None:
        reads = fmean(point.reads for point in points)
        middle = 1e3 * fit.intercept + 1e3 * fit.slope * reads

        def line(slope: float) -> list[tuple[float, float]]:
            return [(x, middle + 1e3 * slope * (x - reads)) for x in (0, most)]

        low, high = line(fit.slope_low), line(fit.slope_high)
        fan = [low[0], high[1], low[1], high[0]]
        drawn += f'<path class="fan" d="{plot.trace(fan)}Z"/>'
        drawn += f'<path class="fit" d="{plot.trace(line(fit.slope))}"/>'
    for point, ms in zip(points, times_ms):
        x, y = plot.place(point.reads, ms)
        drawn += f'<circle class="dot" cx="{x}" cy="{y}" r="3.5"/>'
    sentence = write_reads(result, t)
    svg = plot.draw(
        drawn,
        t("compare.reads_alt", runs=len(points), epochs=f"{most:,}", sentence=sentence),
        (t("compare.reads_x"), t("compare.reads_y", epochs=f"{most:,}")),
        (lambda n: f"{n:,.0f}", lambda ms: f"{ms:,.4g}"),
    )
    return (
        f'<figure class="exp-plot ledger-fit" style="--tint:{tint_of(cost.device)}">{svg}'
        f"<figcaption>{escape(sentence)}</figcaption></figure>"
    )


def _write_published(t: Translate) -> str:
    return t("compare.sentence_gap").join(
        t(
            "compare.ledger_published",
            machine=cost.machine,
            epoch=f"{format_digits(cost.epoch_us)} µs",
            read=f"{format_digits(cost.read_us)} µs",
        )
        for cost in derive_launch_costs()
    )
