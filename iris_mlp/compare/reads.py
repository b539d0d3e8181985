"""What reading the loss costs: T = a + b n over runs that read it n times."""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from iris_mlp.compare.lesson_loop import LessonLoop
from iris_mlp.config import TrainConfig

RECORD_EVERY = (1, 2, 4, 10, 50, 500)
MIN_EPOCHS, MAX_EPOCHS = 20, 2_000
"""Of one timed run, the same for all runs."""


@dataclass(frozen=True)
class ReadPoint:
    """One timed run.

    Attributes:
        record_every: The loss was read every so many epochs.
        epochs: Epochs of the run.
        reads: How often it was read.
        elapsed_s: Seconds of the run.
    """

    record_every: int
    epochs: int
    reads: int
    elapsed_s: float


@dataclass(frozen=True)
class LineFit:
    """The least-squares line y = intercept + slope x, the slope with its 95 % interval."""

    intercept: float
    slope: float
    slope_low: float
    slope_high: float

    @property
    def is_inside_noise(self) -> bool:
        """Whether zero lies in the slope's interval: the points show no dependence."""
        return self.slope_low <= 0 <= self.slope_high


def fit_line(x: Sequence[float], y: Sequence[float]) -> LineFit:
    """Fit a line through three points or more; the interval is Student's with n - 2 degrees."""
    from scipy.stats import linregress, t  # slow to import, and only a fit needs it

    line: Any = linregress(x, y)
    # Times that are all the same have no scatter, for which SciPy gives NaN.
    margin = float(t.ppf(0.975, len(x) - 2) * np.nan_to_num(line.stderr))
    slope = float(line.slope)
    return LineFit(float(line.intercept), slope, slope - margin, slope + margin)


ReadKey = Literal["costs", "inside_noise", "saves", "too_few"]


@dataclass(frozen=True)
class ReadCost:
    """The fit, and what it says.

    Attributes:
        key: `costs` (the slope's interval lies above zero), `inside_noise` (it holds zero, so
            these points show no cost), `saves` (it lies below zero, which no theory expects:
            something else slowed the runs), `too_few` points for a fit.
        fit: The line, in seconds; None with too few points.
        epoch_us: Microseconds of an epoch without reading: a over the epochs.
        read_us: Microseconds of one read: b.
        read_us_low: Lower end of its 95 % interval.
        read_us_high: Upper end.
    """

    key: ReadKey
    fit: LineFit | None = None
    epoch_us: float | None = None
    read_us: float | None = None
    read_us_low: float | None = None
    read_us_high: float | None = None


def measure_reads(
    config: TrainConfig,
    record_every: Sequence[int] = RECORD_EVERY,
    repeats: int = 5,
    budget_s: float = 4.0,
) -> Generator[ReadPoint]:
    """Time the plain loop for each number of reads, in a random order each time.

    Args:
        config: Device, hidden units, optimizer, learning rate and seed of the loop.
        record_every: Epochs between two reads.
        repeats: Runs for each number of reads.
        budget_s: Seconds for all of them, about; the epochs of a run are chosen by it.

    Raises:
        DeviceError: The device is not there.
    """
    loop = LessonLoop(config)
    loop.time_epochs(20)
    run_s = budget_s / (repeats * len(record_every))
    epochs = min(max(int(run_s / (loop.time_epochs(20) / 20)), MIN_EPOCHS), MAX_EPOCHS)
    order = random.Random(0)
    for _ in range(repeats):
        for every in order.sample(list(record_every), len(record_every)):
            elapsed_s = loop.time_epochs(epochs, record_every=every)
            yield ReadPoint(every, epochs, epochs // every, elapsed_s)


def conclude_reads(points: Sequence[ReadPoint]) -> ReadCost:
    """Fit T = a + b n and say whether the slope stands out of the noise."""
    reads = [point.reads for point in points]
    if len(points) < 3 or len(set(reads)) < 2:
        return ReadCost("too_few")
    fit = fit_line(reads, [point.elapsed_s for point in points])
    key: ReadKey = "costs" if fit.slope_low > 0 else "saves"
    if fit.is_inside_noise:
        key = "inside_noise"
    return ReadCost(
        key=key,
        fit=fit,
        epoch_us=1e6 * fit.intercept / points[0].epochs,
        read_us=1e6 * fit.slope,
        read_us_low=1e6 * fit.slope_low,
        read_us_high=1e6 * fit.slope_high,
    )
