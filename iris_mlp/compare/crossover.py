"""The crossover: how much work an epoch must hold before another device computes it faster."""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor, nn

from iris_mlp.data import load_split
from iris_mlp.devices import explain_failure, list_devices, resolve_device, synchronize
from iris_mlp.errors import SettingsError
from iris_mlp.model import IrisMLP, build_model
from iris_mlp.training import StopSignal

Axis = Literal["hidden", "rows", "models"]

AXES: dict[Axis, tuple[int, ...]] = {
    "hidden": (10, 40, 160, 640, 2_560, 10_240, 40_960),
    "rows": (120, 480, 1_920, 7_680, 30_720, 122_880, 491_520),
    "models": (1, 4, 16, 64, 256, 1_024, 4_096),
}
"""Values of each axis; the others stay at the lesson's 10 units, 120 rows, one model."""

MAX_VALUE: dict[Axis, int] = {"hidden": 65_536, "rows": 1_000_000, "models": 10_000}
BLOCKS = 5


@dataclass(frozen=True)
class Point:
    """Time of one epoch of the eager loop at one size.

    Attributes:
        device: Where it ran.
        axis: What is varied.
        value: Its size.
        epoch_us: Microseconds of an epoch, median of the blocks.
        low_us: Fastest block.
        high_us: Slowest block.
    """

    device: str
    axis: Axis
    value: int
    epoch_us: float
    low_us: float
    high_us: float


CrossoverKey = Literal[
    "missing", "tie", "first_always", "second_always", "crosses", "crosses_often"
]


@dataclass(frozen=True)
class Crossover:
    """Which of two devices is faster where, on one axis.

    Attributes:
        key: `missing` (fewer than two sizes that both measured), `tie` (spreads overlap at every
            size), `first_always`, `second_always` (wherever the spreads are apart), `crosses` once,
            or `crosses_often` (noise: measure again).
        value: The size where the lines cross; None unless they cross once.
        first_wins_small: Whether the first device is the faster one below the crossing; None
            unless they cross once.
        smallest_ratio: Time of the second over that of the first at the smallest size where the
            spreads are apart; None where there is none.
        largest_ratio: The same at the largest such size.
        first_decided: The smallest size where the spreads are apart.
        last_decided: The largest one.
        between: The decided sizes on either side of the crossing; None unless they cross once.
    """

    key: CrossoverKey
    value: float | None = None
    first_wins_small: bool | None = None
    smallest_ratio: float | None = None
    largest_ratio: float | None = None
    first_decided: int | None = None
    last_decided: int | None = None
    between: tuple[int, int] | None = None


class ModelStack(nn.Module):
    """Many models of the lesson's shape, trained at once by batched matrix products.

    The layers of all models lie in one tensor each, so that an epoch launches as many kernels for
    a thousand models as for one.

    Args:
        models: The models, all of one width.
    """

    def __init__(self, models: Sequence[IrisMLP]) -> None:
        super().__init__()

        def stack(layer: str, name: str) -> nn.Parameter:
            tensors = [getattr(getattr(model, layer), name).detach() for model in models]
            return nn.Parameter(torch.stack(tensors))

        self.weight1, self.bias1 = stack("fc1", "weight"), stack("fc1", "bias")
        self.weight2, self.bias2 = stack("fc2", "weight"), stack("fc2", "bias")

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled inputs of shape (n, 4) to logits of shape (models, n, 3)."""
        inputs = x.expand(len(self.weight1), -1, -1)
        hidden = torch.baddbmm(self.bias1.unsqueeze(1), inputs, self.weight1.mT).relu()
        return torch.baddbmm(self.bias2.unsqueeze(1), hidden, self.weight2.mT)


def make_step(device: torch.device, axis: Axis, value: int) -> Callable[[], None]:
    """Return a function that runs one epoch of SGD at lr 0.01; nothing reads the loss.

    Args:
        device: Where the tensors lie.
        axis: What is varied; rows beyond 120 repeat the training rows.
        value: Its size.
    """
    split = load_split().to(device)
    x, y = split.x_train, split.y_train
    if axis == "rows":
        rows = torch.arange(value, device=device) % len(y)
        x, y = x[rows], y[rows]
    model: nn.Module
    if axis == "models":
        # The values do not matter to the clock: a few models, repeated, are built faster.
        seeds = [build_model(10, seed) for seed in range(min(value, 16))]
        model = ModelStack([seeds[i % len(seeds)] for i in range(value)]).to(device)
    else:
        model = build_model(value if axis == "hidden" else 10, seed=0).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    targets = y.repeat(value) if axis == "models" else y

    def step() -> None:
        logits = model(x).flatten(0, -2)
        # Summed over the models and averaged over the rows: each model gets its own gradient.
        loss = nn.functional.cross_entropy(logits, targets, reduction="sum") / len(y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def measure_point(device: str, axis: Axis, value: int, point_s: float = 0.2) -> Point:
    """Measure the time of an epoch at one size.

    Args:
        device: A device that is here.
        axis: What is varied.
        value: Its size.
        point_s: Seconds that this may take, about; an epoch that is slower is still run 9 times.

    Raises:
        SettingsError: The size is out of range.
        DeviceError: The device is not there.
    """
    if not 1 <= value <= MAX_VALUE[axis]:
        raise SettingsError(
            "{name} must be from 1 to {most:,}, not {value!r}.",
            name=axis,
            most=MAX_VALUE[axis],
            value=value,
        )
    place = resolve_device(device)
    step = make_step(place, axis, value)
    step()
    warm_s = min(_time(step, place, 1) for _ in range(3))
    epochs = min(1_000, max(1, int(point_s / BLOCKS / warm_s)))
    blocks_us = [1e6 * _time(step, place, epochs) / epochs for _ in range(BLOCKS)]
    return Point(device, axis, value, median(blocks_us), min(blocks_us), max(blocks_us))


def measure_crossover(
    axes: Sequence[Axis] = tuple(AXES),
    devices: Sequence[str] | None = None,
    point_s: float = 0.2,
) -> Generator[Point]:
    """Yield the time of an epoch for each size of each axis, the devices taking turns.

    A size that does not fit into a device's memory ends its line on that axis. May be closed at
    any point.

    Args:
        axes: What to vary.
        devices: Where; left out, on all devices that are here.
        point_s: Seconds for each point, about.

    Raises:
        DeviceError: A device is not there, or fails.
    """
    for device in list_devices() if devices is None else devices:
        with explain_failure(torch.device(device)):
            measure_point(device, "hidden", 10, point_s)  # not counted: it finds the device cold
    for axis in axes:
        going = list(list_devices() if devices is None else devices)
        for value in AXES[axis]:
            for device in list(going):
                try:
                    yield measure_point(device, axis, value, point_s)
                except torch.OutOfMemoryError:
                    going.remove(device)


def measure_sizes(
    devices: Sequence[str],
    axes: Sequence[Axis],
    point_s: float,
    hidden: int,
    stop: StopSignal,
) -> Generator[Point]:
    """Yield what `measure_crossover` does, after a model of so many units where that is not in it.

    Raises:
        DeviceError: A device is not there, or fails.
    """
    if hidden not in AXES["hidden"] or "hidden" not in axes:
        for device in devices:
            if not stop.is_set():
                yield measure_point(device, "hidden", hidden, point_s)
    if not stop.is_set():
        for point in measure_crossover(axes, devices, point_s):
            yield point
            if stop.is_set():
                return


def find_crossings(
    values: Sequence[float], first_us: Sequence[float], second_us: Sequence[float]
) -> list[float]:
    """Return where two lines cross that are straight between their points on log-log axes.

    Args:
        values: Sizes, growing.
        first_us: Times of the first device at each.
        second_us: Times of the second.
    """
    gaps = [math.log(a / b) for a, b in zip(first_us, second_us, strict=True)]
    logs = [math.log(value) for value in values]
    crossings = []
    for i, gap in enumerate(gaps):
        if gap == 0:
            crossings.append(float(values[i]))
        elif i + 1 < len(gaps) and gap * gaps[i + 1] < 0:
            share = gap / (gap - gaps[i + 1])
            crossings.append(math.exp(logs[i] + share * (logs[i + 1] - logs[i])))
    return crossings


def conclude_crossover(points: Sequence[Point], axis: Axis, first: str, second: str) -> Crossover:
    """Say where the lines of two devices cross, from the measured points alone.

    A size counts as decided where the spreads of the two devices are apart; the crossing is
    looked for between decided sizes and never beyond the measured ones.
    """
    times = {(p.device, p.value): p for p in points if p.axis == axis}
    values = sorted(v for d, v in times if d == first and (second, v) in times)
    if len(values) < 2:
        return Crossover("missing")
    pairs = [(times[first, value], times[second, value]) for value in values]
    # 1 where the first device is faster, -1 where the second one is.
    decided = [
        (i, 1 if a.high_us < b.low_us else -1)
        for i, (a, b) in enumerate(pairs)
        if a.high_us < b.low_us or b.high_us < a.low_us
    ]
    if not decided:
        return Crossover("tie")
    ratios = [pairs[i][1].epoch_us / pairs[i][0].epoch_us for i, _ in decided]

    result = Crossover(
        "first_always" if decided[0][1] > 0 else "second_always",
        smallest_ratio=ratios[0],
        largest_ratio=ratios[-1],
        first_decided=values[decided[0][0]],
        last_decided=values[decided[-1][0]],
    )
    flips = [(i, j) for (i, u), (j, v) in pairwise(decided) if u != v]
    if len(flips) > 1:
        return replace(result, key="crosses_often")
    if not flips:
        return result
    low, high = flips[0]
    between = slice(low, high + 1)
    crossing = find_crossings(
        values[between],
        [a.epoch_us for a, _ in pairs[between]],
        [b.epoch_us for _, b in pairs[between]],
    )[0]
    return replace(
        result,
        key="crosses",
        value=crossing,
        first_wins_small=decided[0][1] > 0,
        between=(values[low], values[high]),
    )


def _time(step: Callable[[], None], device: torch.device, epochs: int) -> float:
    synchronize(device)
    started = perf_counter()
    for _ in range(epochs):
        step()
    synchronize(device)
    return perf_counter() - started
