"""What the experiments of a tab share: their devices, time limit, figures, card and axes."""

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from time import perf_counter

from iris_mlp.compare.measured import MeasuredMachine
from iris_mlp.config import host_limits, is_zerogpu
from iris_mlp.devices import list_devices
from iris_mlp.strings import Translate

DEVICE_TINTS = ("var(--iris-train)", "var(--iris-test)")
"""Colours of the CPU and of the GPU."""


class TimeLimit:
    """When an experiment has to end: the visitor's Stop, or the cap of this host.

    Args:
        stop: Set by the Stop button; None where nobody can press it.
    """

    def __init__(self, stop: threading.Event | None) -> None:
        self._stop = stop
        self._deadline = perf_counter() + host_limits().wall_s

    def is_over(self) -> bool:
        """Tell whether to end now and to show what was measured so far."""
        return perf_counter() > self._deadline or (self._stop is not None and self._stop.is_set())


def list_compared() -> list[str]:
    """Return the devices of an experiment: the CPU and, where there is one, the first GPU."""
    # On ZeroGPU this process sees a GPU that only a forked worker may use.
    return ["cpu"] if is_zerogpu() else list_devices()[:2]


def name_device(device: str) -> str:
    """Return the word for a device, which both languages write the same."""
    return "CPU" if device == "cpu" else "GPU"


def label_measured(machine: MeasuredMachine, t: Translate) -> str:
    """Return where and when this project measured, as plain text."""
    return t(
        "compare.measured_label",
        gpu=machine.gpu,
        cpu=machine.cpu,
        date=machine.measured_on,
        torch=machine.torch,
    )


def tint_of(device: str) -> str:
    """Return the colour of a device."""
    return DEVICE_TINTS[device != "cpu"]


def format_digits(value: float) -> str:
    """Return a number with three digits that count, and thousands apart."""
    size = abs(value)
    digits = f"{size:,.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"
    return f"−{digits}" if value < 0 else digits


def format_us(us: float) -> str:
    """Return microseconds in the unit that suits them."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if abs(us) >= 0.9995 * size:
            return f"{format_digits(us / size)} {unit}"
    return f"{format_digits(us)} µs"


def format_s(seconds: float) -> str:
    """Return seconds in the unit that suits them."""
    return format_us(1e6 * seconds)


def format_bytes(count: float) -> str:
    """Return bytes in the unit that suits them."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{format_digits(count / size)} {unit}"
    return f"{count:,.0f} B"


def round_count(count: float) -> str:
    """Return a size that is only about so, with two digits that count."""
    digits = 1 - math.floor(math.log10(count)) if count > 0 else 0
    return f"{round(count, min(digits, 0)):,.0f}"


def render_card(
    picture: str, conclusion: str, note: str = "", done: float | None = None, step: str = ""
) -> str:
    """Return the card of an experiment as HTML: progress, picture, conclusion and small print.

    Args:
        picture: HTML of the picture.
        conclusion: The sentence, as plain text.
        note: Small print, as plain text.
        done: Share of the work that is done, from 0 to 1; None when nothing runs.
        step: What is being done, as plain text.
    """
    # The same nodes in every state, since Gradio keeps those that stay: bars then move smoothly.
    # Steps stand in the small print, which is not live: a screen reader hears the end alone.
    state = "idle" if done is None else "running"
    percent = round(100 * (done or 0))
    return (
        f'<div class="exp-card {state}"><div class="exp-progress" role="progressbar" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" '
        f'aria-label="{escape(step)}" aria-hidden="{str(done is None).lower()}" '
        f'style="--done:{percent}%"></div>{picture}'
        f'<p class="exp-conclusion" role="status" aria-live="polite">{escape(conclusion)}</p>'
        f'<p class="exp-note">{escape(note if done is None else step)}</p></div>'
    )


@dataclass(frozen=True)
class Scale:
    """One direction of a plot.

    Attributes:
        low: Value at its beginning.
        high: Value at its end.
        is_log: Whether equal ratios, instead of equal differences, are equally far apart.
    """

    low: float
    high: float
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 (low) to 1 (high); values beyond lie at the end."""
        if self.is_log:
            place = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return min(max(place, 0.0), 1.0)

    def ticks(self, most: int = 5) -> list[float]:
        """Return at most so many round values within it, about."""
        if self.is_log:
            first = math.ceil(math.log10(self.low) - 1e-9)
            last = math.floor(math.log10(self.high) + 1e-9)
            stride = max(1, math.ceil((last - first + 1) / (most + 1)))
            return [10.0**power for power in range(first, last + 1, stride)]
        rough = (self.high - self.low) / most
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step + 1e-9)
        return [step * count for count in range(first, last + 1)]


def cover_decades(values: Iterable[float], low: float, high: float) -> Scale:
    """Return a logarithmic scale of whole decades from `low` to `high` and over all values."""
    positive = [value for value in values if value > 0]
    return Scale(
        10.0 ** math.floor(math.log10(min([low, *positive])) + 1e-9),
        10.0 ** math.ceil(math.log10(max([high, *positive])) - 1e-9),
        is_log=True,
    )


@dataclass(frozen=True)
class Plot:
    """The frame of a line plot, drawn as SVG.

    Attributes:
        x: Scale from left to right.
        y: Scale from bottom to top.
        width: Of the whole drawing, in px of its own.
        height: The same.
    """

    x: Scale
    y: Scale
    width: int = 340
    height: int = 270
    left: int = 52
    right: int = 14
    top: int = 30
    bottom: int = 42

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies in the drawing."""
        across = self.width - self.left - self.right
        up = self.height - self.top - self.bottom
        return (
            round(self.left + across * self.x.share(x), 1),
            round(self.height - self.bottom - up * self.y.share(y), 1),
        )

    def trace(self, points: Iterable[tuple[float, float]]) -> str:
        """Return the path through points that are given in their own units."""
        return "M" + "L".join("{} {}".format(*self.place(x, y)) for x, y in points)

    def draw(
        self,
        content: str,
        alternative: str,
        titles: tuple[str, str],
        show: tuple[Callable[[float], str], Callable[[float], str]],
        x_ticks: Iterable[float] | None = None,
    ) -> str:
        """Return the whole SVG.

        Args:
            content: SVG of what the axes frame.
            alternative: The picture in words, as plain text.
            titles: Of the two axes, as plain text; the second stands above.
            show: What writes a tick of each axis.
            x_ticks: Ticks from left to right; left out, round values.
        """
        bottom, right = self.height - self.bottom, self.width - self.right
        grid, texts = "", ""
        for tick in self.x.ticks() if x_ticks is None else x_ticks:
            x, _ = self.place(tick, self.y.low)
            grid += f"M{x} {self.top}V{bottom}"
            texts += (
                f'<text class="middle" x="{x}" y="{bottom + 16}">{escape(show[0](tick))}</text>'
            )
        for tick in self.y.ticks():
            _, y = self.place(self.x.low, tick)
            grid += f"M{self.left} {y}H{right}"
            texts += (
                f'<text class="end" x="{self.left - 6}" y="{y + 4}">{escape(show[1](tick))}</text>'
            )
        return (
            f'<svg role="img" viewBox="0 0 {self.width} {self.height}" '
            f'aria-label="{escape(alternative)}"><path class="grid" d="{grid}"/>'
            f'<path class="axis" d="M{self.left} {self.top}V{bottom}H{right}"/>{texts}'
            f'<text class="title" x="2" y="14">{escape(titles[1])}</text>'
            f'<text class="title middle" x="{(self.left + right) / 2}" y="{self.height - 6}">'
            f"{escape(titles[0])}</text>{content}</svg>"
        )


def spread_labels(wanted: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Move heights of labels apart so that none covers another, in their own order.

    Args:
        wanted: Where each label would like to stand, in px.
        gap: The least distance of two.
        low: Top of the room, in px.
        high: Bottom of the room.
    """
    heights = list(wanted)
    order = sorted(range(len(heights)), key=heights.__getitem__)
    at = low
    for index in order:
        heights[index] = at = max(heights[index], at)
        at += gap
    at = high
    for index in reversed(order):
        heights[index] = at = min(heights[index], at)
        at -= gap
    return heights
