"""The plots of the crossover, one for each kind of work, and their legend."""

from collections.abc import Sequence
from html import escape
from typing import Literal

from iris_mlp.compare.crossover import AXES, Axis, Point, conclude_crossover
from iris_mlp.compare.published import LaunchCosts
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.experiment import Plot, Scale, format_us, name_device, round_count, tint_of


def draw_axis(
    axis: Axis,
    points: Sequence[Point],
    mine: Sequence[Point],
    devices: Sequence[str],
    floors: Sequence[LaunchCosts],
    y: Scale,
    t: Translate,
) -> str:
    """Return the plot of one kind of work as SVG.

    Args:
        axis: The kind of work.
        points: What was measured, of every kind.
        mine: The visitor's model on each device.
        devices: What gets a line.
        floors: What an epoch costs at least on the cards that others measured.
        y: Scale of the time, the same in each plot.
        t: Translator of the visitor's language.
    """
    values = AXES[axis]
    plot = Plot(
        Scale(values[0] / 1.6, values[-1] * 1.6, is_log=True), y, 300, 260, left=54, right=8
    )
    drawn, said = "", []
    for floor in floors:
        _, height = plot.place(values[0], floor.epoch_us)
        drawn += f'<path class="floor" d="M{plot.left} {height}H{plot.width - plot.right}"/>'
    for device in devices:
        line = [p for p in points if p.axis == axis and p.device == device]
        drawn += _draw_line(plot, line, device)
        if line:
            times = t("compare.list_separator").join(
                f"{t(f'compare.count_{axis}', count=f'{p.value:,}')} {format_us(p.epoch_us)}"
                for p in line
            )
            said.append(f"{name_device(device)}: {times}")
    if axis == "hidden":
        for point in mine:
            x, height = plot.place(point.value, point.epoch_us)
            drawn += f'<circle class="mine" cx="{x}" cy="{height}" r="7.5"/>'
    if len(devices) > 1:
        crossing = conclude_crossover(points, axis, *devices[:2])
        if crossing.value is not None:
            drawn += _draw_crossing(plot, crossing.value)
    # Every other size has room for its number.
    ticks, numbers = values[::2], t("compare.list_separator").join(said) or t("compare.no_points")
    return plot.draw(
        drawn,
        t("compare.cross_alt", axis=t(f"compare.axis_{axis}"), points=numbers),
        (t(f"compare.title_{axis}"), t("compare.epoch_time")),
        (lambda value: _shorten(value), _show_us),
        ticks,
    )


def render_legend(
    devices: Sequence[str], names: Sequence[str], floors: Sequence[LaunchCosts], t: Translate
) -> str:
    """Return the legend of all plots as HTML."""
    items = "".join(
        f'<li class="{"cpu" if device == "cpu" else "gpu"}" style="--tint:{tint_of(device)}">'
        f"{escape(name)}</li>"
        for device, name in zip(devices, names, strict=True)
    )
    items += f'<li class="mine">{escape(t("compare.your_model"))}</li>'
    items += "".join(
        '<li class="floor">'
        + escape(t("compare.floor", machine=floor.machine, cost=format_us(floor.epoch_us)))
        + "</li>"
        for floor in floors
    )
    return f'<ul class="exp-legend">{items}</ul>'


def _draw_line(plot: Plot, line: Sequence[Point], device: str) -> str:
    if not line:
        return ""
    kind: Literal["cpu", "gpu"] = "cpu" if device == "cpu" else "gpu"
    marks, bars = "", ""
    for point in line:
        x, y = plot.place(point.value, point.epoch_us)
        low, high = (plot.place(point.value, us)[1] for us in (point.low_us, point.high_us))
        bars += f"M{x} {low}V{high}"
        if kind == "cpu":
            marks += f'<circle class="dot" cx="{x}" cy="{y}" r="3.5"/>'
        else:
            marks += f'<rect class="dot" x="{x - 3.5}" y="{y - 3.5}" width="7" height="7"/>'
    path = plot.trace((point.value, point.epoch_us) for point in line)
    return (
        f'<g style="--tint:{tint_of(device)}"><path class="spread" d="{bars}"/>'
        f'<path class="curve" d="{path}"/>{marks}</g>'
    )


def _draw_crossing(plot: Plot, value: float) -> str:
    x, _ = plot.place(value, plot.y.low)
    side, gap = ("end", -5) if x > plot.width / 2 else ("start", 5)
    return (
        f'<path class="crossing" d="M{x} {plot.top}V{plot.height - plot.bottom}"/>'
        f'<text class="{side} strong" x="{x + gap}" y="{plot.top + 12}">'
        f"≈ {round_count(value)}</text>"
    )


def _shorten(value: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:g}"


def _show_us(us: float) -> str:
    return format_us(us).replace(".00", "").replace(".0", "")
