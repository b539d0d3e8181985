"""The ledger: where the time of one epoch of the lesson's loop goes."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles
from time import perf_counter
from typing import Literal

from iris_mlp.compare.lesson_loop import STAGES, LessonLoop
from iris_mlp.compare.profiling import Profile, profile_loop
from iris_mlp.compare.reads import LineFit, ReadPoint, fit_line, measure_reads
from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.training import StopSignal

ROW_MULTIPLES = (1, 2, 4, 8, 16)
"""The training rows are repeated so often to see what grows with them: the arithmetic."""

TOLERANCE = 0.05
BLOCK_EPOCHS = 5
"""Blocks are short, so that most run without another process in between."""

MIN_BLOCKS = 12

_ARITHMETIC_STAGES = ("forward", "loss", "backward")


LedgerKey = Literal["adds_up", "noisy"]
ArithmeticKey = Literal["clear", "noise", "negative", "excess"]


@dataclass(frozen=True)
class Ledger:
    """The parts of one epoch in microseconds.

    `python_and_dispatch_us + (arithmetic_us or 0) + optimizer_us + item_us + unaccounted_us` is
    `wall_us`. The wall time comes from runs without any clock inside.

    Attributes:
        device: Where it ran.
        key: `adds_up` when at most 5 % are unaccounted for, else `noisy`: measure again.
        wall_us: An epoch, mean of the quiet blocks (see `average_quiet`).
        wall_low_us: A quarter of the blocks were faster.
        wall_high_us: A quarter of the blocks were slower.
        stages_us: Each of `STAGES`, clocked.
        python_and_dispatch_us: Forward, loss, zero_grad and backward without the arithmetic.
        arithmetic_us: On the CPU what grows with the rows, at 120 rows; None where the line makes
            no sense (see `arithmetic_key`), and on a GPU, where kernels run beside the host (see
            `profile.kernel_us`).
        arithmetic_fit: The line through the time of an epoch over the rows; None on a GPU.
        optimizer_us: The optimizer's step.
        item_us: Reading the loss: on a GPU also the waiting.
        unaccounted_us: Wall time without all of these.
        profile: The same epoch in torch.profiler.
    """

    device: str
    key: LedgerKey
    wall_us: float
    wall_low_us: float
    wall_high_us: float
    stages_us: dict[str, float]
    python_and_dispatch_us: float
    arithmetic_us: float | None
    arithmetic_fit: LineFit | None
    optimizer_us: float
    item_us: float
    unaccounted_us: float
    profile: Profile

    @property
    def computing_us(self) -> float:
        """The stages in which arithmetic is done, with their overhead."""
        return sum(self.stages_us[name] for name in _ARITHMETIC_STAGES)

    @property
    def arithmetic_key(self) -> ArithmeticKey | None:
        """What the slope over the rows says; None on a GPU.

        `clear`, or inside the `noise`; `negative` (more rows took less time) and `excess` (the
        slope comes to more than its stages take) are no arithmetic, but a disturbed measurement.
        """
        fit = self.arithmetic_fit
        return None if fit is None else judge_arithmetic(fit, self.computing_us)


def measure_ledger(
    config: TrainConfig, budget_s: float = 3.0, is_over: Callable[[], bool] = lambda: False
) -> Ledger | None:
    """Measure where one epoch's time goes.

    Blocks without a clock inside, blocks with one around each stage and blocks with more rows take
    turns; see `average_quiet` for what becomes of them.

    Args:
        config: Device, hidden units, optimizer, learning rate and seed of the loop.
        budget_s: Seconds that this may take, about.
        is_over: Asked between blocks whether to end now.

    Returns:
        The ledger; None when it was ended before it was whole.

    Raises:
        DeviceError: The device is not there.
    """
    loop = LessonLoop(config)
    loop.time_epochs(20)
    on_cpu = loop.device.type == "cpu"
    taller = [LessonLoop(config, multiple) for multiple in ROW_MULTIPLES] if on_cpu else []
    walls: list[float] = []
    clocks: list[tuple[float, ...]] = []
    growing: dict[int, list[float]] = {multiple: [] for multiple in ROW_MULTIPLES}
    started = perf_counter()
    while len(walls) < MIN_BLOCKS or perf_counter() - started < budget_s:
        if is_over():
            return None
        walls.append(1e6 * loop.time_epochs(BLOCK_EPOCHS) / BLOCK_EPOCHS)
        clocks.append(tuple(1e6 * s / BLOCK_EPOCHS for s in loop.clock_stages(BLOCK_EPOCHS)))
        if len(walls) % 4 == 0:
            for multiple, tall in zip(ROW_MULTIPLES, taller, strict=on_cpu):
                stages = dict(zip(STAGES, tall.clock_stages(BLOCK_EPOCHS), strict=True))
                computing = sum(stages[name] for name in _ARITHMETIC_STAGES)
                growing[multiple].append(1e6 * computing / BLOCK_EPOCHS)
    # Quiet blocks alone: one that another process disturbed would tilt the line.
    rows = [float(TRAIN_ROWS * multiple) for multiple in growing]
    quiet_us = [sum(average_quiet([(us,) for us in block])) for block in growing.values() if block]
    fit = fit_line(rows, quiet_us) if on_cpu else None
    return balance(
        device=str(loop.device),
        walls_us=walls,
        stages_us=dict(zip(STAGES, average_quiet(clocks), strict=True)),
        arithmetic_fit=fit,
        profile=profile_loop(loop),
    )


def measure_costs(
    devices: Sequence[str], ledger_s: float, reads_s: float, repeats: int, stop: StopSignal
) -> Generator[tuple[str, Ledger | ReadPoint | None]]:
    """Yield what is found on each device, with its name: None as it begins, its ledger, its reads.

    Args:
        devices: Where.
        ledger_s: Seconds for the ledger, about.
        reads_s: Seconds for the reads, about.
        repeats: Runs for each number of reads.
        stop: Ends it.

    Raises:
        DeviceError: A device is not there, or fails.
    """
    for device in devices:
        if stop.is_set():
            return
        config = TrainConfig(device=device)
        yield device, None
        ledger = measure_ledger(config, ledger_s, stop.is_set)
        if ledger is None:
            return
        yield device, ledger
        for point in measure_reads(config, repeats=repeats, budget_s=reads_s):
            yield device, point
            if stop.is_set():
                return


def average_quiet(blocks: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the mean of the quieter half of some blocks, without its fastest tenth of them all.

    Blocks are ranked by the sum of their parts, so that those that another process disturbed are
    left out, and the parts of a block stay together: medians part by part would add up to less
    than any block took.
    """
    ranked = sorted(blocks, key=sum)
    first = len(ranked) // 10
    quiet = ranked[first : max(len(ranked) // 2, first + 1)]
    return tuple(fmean(part) for part in zip(*quiet, strict=True))


def balance(
    device: str,
    walls_us: Sequence[float],
    stages_us: dict[str, float],
    arithmetic_fit: LineFit | None,
    profile: Profile,
) -> Ledger:
    """Enter measured times into a ledger whose parts add up to the wall time.

    Args:
        device: Where they were measured.
        walls_us: An epoch in each block without a clock inside; two or more.
        stages_us: Each of `STAGES`.
        arithmetic_fit: Microseconds of forward, loss and backward over the rows; None on a GPU.
        profile: The profile to go with it.
    """
    low, _, high = quantiles(walls_us, n=4, method="inclusive")
    (wall,) = average_quiet([(wall_us,) for wall_us in walls_us])
    computing = sum(stages_us[name] for name in _ARITHMETIC_STAGES)
    arithmetic = None
    if arithmetic_fit and judge_arithmetic(arithmetic_fit, computing) in ("clear", "noise"):
        arithmetic = min(max(TRAIN_ROWS * arithmetic_fit.slope, 0.0), computing)
    unaccounted = wall - sum(stages_us.values())
    return Ledger(
        device=device,
        key="adds_up" if abs(unaccounted) <= TOLERANCE * wall else "noisy",
        wall_us=wall,
        wall_low_us=low,
        wall_high_us=high,
        stages_us=stages_us,
        python_and_dispatch_us=computing + stages_us["zero_grad"] - (arithmetic or 0.0),
        arithmetic_us=arithmetic,
        arithmetic_fit=arithmetic_fit,
        optimizer_us=stages_us["optimizer"],
        item_us=stages_us["item"],
        unaccounted_us=unaccounted,
        profile=profile,
    )


def judge_arithmetic(fit: LineFit, computing_us: float) -> ArithmeticKey:
    """Say whether a line over the rows can be the arithmetic of stages that take so long."""
    if fit.is_inside_noise:
        return "noise"
    if fit.slope < 0:
        return "negative"
    return "excess" if TRAIN_ROWS * fit.slope > computing_us else "clear"
