"""The rows of the race: bars of what ran here, was measured elsewhere, or was published."""

from collections.abc import Sequence
from html import escape

from iris_mlp.compare.measured import MeasuredMachine
from iris_mlp.compare.published import PublishedRun
from iris_mlp.compare.race import Contender, Standing
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.experiment import (
    Scale,
    cover_decades,
    format_s,
    label_measured,
    name_device,
    tint_of,
)

LOG_RATIO = 20
"""Bars that differ by more are drawn on a logarithmic scale."""


def name_contender(contender: Contender, t: Translate) -> str:
    """Return a contender in words, as plain text."""
    return t(f"compare.name_{_find_way(contender)}", device=name_device(contender.device))


def name_way(contender: Contender, t: Translate) -> str:
    """Return how a contender computes, as plain text."""
    return t(f"compare.way_{_find_way(contender)}", every=f"{contender.record_every:,}")


def _find_way(contender: Contender) -> str:
    rarely = contender.engine == "eager" and contender.record_every > 1
    return "eager_rarely" if rarely else contender.engine


def choose_scale(
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


def render_row(
    contender: Contender, standing: Standing | None, projected: bool, scale: Scale, t: Translate
) -> str:
    """Return the bar of a contender of this race, empty until its first lap."""
    share = low = high = 0.0
    time = spread = "–"
    if standing is not None:
        share, low, high = (
            scale.share(s) for s in (standing.median_s, standing.low_s, standing.high_s)
        )
        time = ("≈ " if projected else "") + format_s(standing.median_s)
        spread = _write_spread(standing)
        if standing.laps < 2:
            low = high = 0.0
            spread = t("compare.one_lap")
    return (
        f'<div class="race-row" style="--tint:{tint_of(contender.device)}"><span class="race-name">'
        f"<b>{name_device(contender.device)}</b> {escape(name_way(contender, t))}</span>"
        f'<span class="race-track"><i class="race-bar" style="--share:{share:.4f}"></i>'
        f'<i class="race-spread" style="--low:{low:.4f};--high:{high:.4f}"></i></span>'
        f'<span class="race-time"><b>{escape(time)}</b><small>{escape(spread)}</small></span></div>'
    )


def _write_spread(standing: Standing) -> str:
    return f"{format_s(standing.low_s)} – {format_s(standing.high_s)}"


def render_published(run: PublishedRun, scale: Scale, t: Translate) -> str:
    """Return the bar of a time that others published."""
    date = run.measured_on or t("compare.date_unknown")
    texts = (run.machine, f"{run.elapsed_s:.2f} s", date)
    return _render_past(run.contender, run.elapsed_s, texts, scale, t)


def render_measured(
    standing: Standing, machine: MeasuredMachine, scale: Scale, t: Translate
) -> str:
    """Return the bar of what this project measured on another machine."""
    name = machine.cpu if standing.contender.device == "cpu" else machine.gpu
    texts = (name, format_s(standing.median_s), _write_spread(standing))
    return _render_past(standing.contender, standing.median_s, texts, scale, t)


def render_pending(contender: Contender, t: Translate) -> str:
    """Return the row of what nobody has measured: a name without a bar."""
    return (
        f'<div class="race-row pending"><span class="race-name">'
        f"<b>{name_device(contender.device)}</b> {escape(name_way(contender, t))}</span>"
        f'<span class="race-track"></span><span class="race-time"><b>–</b>'
        f"<small>{escape(t('compare.not_measured'))}</small></span></div>"
    )


def _render_past(
    contender: Contender, seconds: float, texts: tuple[str, str, str], scale: Scale, t: Translate
) -> str:
    machine, time, note = map(escape, texts)
    device = contender.device
    return (
        f'<div class="race-row published" style="--tint:{tint_of(device)}">'
        f'<span class="race-name"><b>{name_device(device)}</b> {escape(name_way(contender, t))}'
        f'<small>{machine}</small></span><span class="race-track"><i class="race-bar" '
        f'style="--share:{scale.share(seconds):.4f}"></i></span><span class="race-time">'
        f"<b>{time}</b><small>{note}</small></span></div>"
    )


def render_axis(scale: Scale, t: Translate) -> str:
    """Return the scale under the bars."""
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


def describe(
    standings: dict[Contender, Standing],
    measured: MeasuredMachine | None,
    published: Sequence[PublishedRun],
    pending: Sequence[Contender],
    t: Translate,
) -> str:
    """Return all bars in words, for those who do not see them."""

    def say(standing: Standing) -> str:
        return t(
            "compare.race_bar_alt",
            name=name_contender(standing.contender, t),
            time=format_s(standing.median_s),
            low=format_s(standing.low_s),
            high=format_s(standing.high_s),
            laps=standing.laps,
        )

    said = [say(standing) for standing in standings.values()]
    if measured:
        said.append(label_measured(measured, t))
        said += [say(standing) for standing in measured.standings]
    said += [
        t(
            "compare.published_alt",
            name=name_contender(run.contender, t),
            machine=run.machine,
            time=f"{run.elapsed_s:.2f} s",
        )
        for run in published
    ]
    said += [t("compare.pending_alt", name=name_contender(contender, t)) for contender in pending]
    return t("compare.race_alt", bars=t("compare.list_separator").join(said))
