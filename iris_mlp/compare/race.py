"""The race: the lesson run on each device and engine that is there."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from iris_mlp.config import TrainConfig
from iris_mlp.errors import DIVERGED, DeviceError, SettingsError
from iris_mlp.lent_gpu import estimate_duration_s
from iris_mlp.training import Progress, StopSignal, prepare_run

RARELY = 2_000
"""Epochs between two reads of the loss where it is "recorded rarely", as in the lesson."""

LESSON = TrainConfig()


@dataclass(frozen=True)
class Contender:
    """One way to compute the run.

    Attributes:
        device: A device of `iris_mlp.devices.list_devices`.
        engine: An engine of `iris_mlp.config.ENGINES`.
        record_every: The loss is read every so many epochs.
    """

    device: str
    engine: str
    record_every: int

    def configure(self, config: TrainConfig) -> TrainConfig:
        """Return the settings of this contender's run."""
        return replace(
            config, device=self.device, engine=self.engine, record_every=self.record_every
        )


@dataclass(frozen=True)
class Absence:
    """An engine that cannot run on a device here, and the sentence that says why."""

    device: str
    engine: str
    reason: str


@dataclass(frozen=True)
class Lap:
    """One run, while it goes on and when it is over.

    Attributes:
        contender: What runs.
        repeat: Which of its runs, counted from 1.
        epochs: Epochs done.
        elapsed_s: Seconds that they took.
        full_s: Seconds of all epochs of the lesson: measured when all were run, else projected
            from the speed after the first report, so that a start is paid once.
        is_projected: Whether `full_s` is a projection.
        is_over: Whether every epoch of this run is done.
        final_loss: Last recorded training loss; None when none was.
    """

    contender: Contender
    repeat: int
    epochs: int
    elapsed_s: float
    full_s: float
    is_projected: bool
    is_over: bool
    final_loss: float | None


@dataclass(frozen=True)
class Standing:
    """A contender's laps together, in seconds of a full run."""

    contender: Contender
    median_s: float
    low_s: float
    high_s: float
    laps: int


def list_candidates(devices: Sequence[str]) -> list[Contender]:
    """Return what may be raced; whether all of it runs here, `find_contenders` finds out.

    A graph is raced with the loss recorded rarely, so that it differs from the rarely recording
    loop by its launches.

    Args:
        devices: Where, such as `compared.list_compared` returns them.
    """
    candidates = []
    for device in devices:
        candidates += [Contender(device, "eager", 1), Contender(device, "eager", RARELY)]
        if device.startswith("cuda"):
            candidates.append(Contender(device, "cuda-graph", RARELY))
        candidates.append(Contender(device, "fused", 1))
    return candidates


def find_contenders(
    candidates: Sequence[Contender],
) -> tuple[list[Contender], list[Absence]]:
    """Ask each candidate whether it runs here, by training one epoch with it.

    The first answer of a compiled engine may take as long as its compiler.

    Returns:
        The contenders, and the engines that are absent with the reason of each.
    """
    contenders, absences = [], []
    for contender in candidates:
        try:
            for _ in prepare_run(contender.configure(replace(LESSON, epochs=1))):
                pass
        except (DeviceError, SettingsError) as error:
            absences.append(Absence(contender.device, contender.engine, str(error)))
        else:
            contenders.append(contender)
    return contenders, absences


def is_loop(contender: Contender) -> bool:
    """Tell whether it is the lesson's own loop, in which CPU and GPU meet first."""
    return contender == Contender(contender.device, "eager", 1)


def race_all(
    devices: Sequence[str], lap_epochs: int, repeats: int, stop: StopSignal
) -> Generator[Lap | Absence]:
    """Race the lesson's loops on some devices, then their other ways; yield also who is absent."""
    candidates = list_candidates(devices)
    for loops in (True, False):
        if stop.is_set():
            return
        contenders, absences = find_contenders([c for c in candidates if is_loop(c) == loops])
        yield from absences
        for lap in race(contenders, LESSON, lap_epochs, repeats):
            yield lap
            if stop.is_set():
                return


def estimate_race_s(devices: Sequence[str], lap_epochs: int, repeats: int) -> int:
    """Return the seconds of GPU time that the GPU's part of `race_all` asks for."""
    lap = replace(LESSON, epochs=lap_epochs)
    on_gpu = [c.configure(lap) for c in list_candidates(devices) if c.device != "cpu"]
    return estimate_duration_s(*on_gpu * repeats)


def race(
    contenders: Sequence[Contender],
    config: TrainConfig = LESSON,
    lap_epochs: int | None = None,
    repeats: int = 3,
) -> Generator[Lap]:
    """Run the contenders in turns and yield each run as it goes on; may be closed at any point.

    Args:
        contenders: What to race, as `find_contenders` returns it.
        config: The settings of the run; device, engine and record-every come from the contender.
        lap_epochs: Epochs of a run, from which all of the settings are projected; left out, all.
        repeats: Runs of each contender. Turns are taken, and begin one further each time, so that
            a machine that gets slower or busy is so for everyone.

    Raises:
        SettingsError: The settings make the run diverge, or an engine cannot serve them.
        DeviceError: A contender cannot run here.
    """
    lap_epochs = min(lap_epochs or config.epochs, config.epochs)
    for contender in contenders:
        for _ in run_lap(contender, config, lap_epochs=1, repeat=0):  # warm-up, not counted
            pass
    for repeat in range(1, repeats + 1):
        shift = (repeat - 1) % max(len(contenders), 1)
        for contender in [*contenders[shift:], *contenders[:shift]]:
            yield from run_lap(contender, config, lap_epochs, repeat)


def run_lap(
    contender: Contender, config: TrainConfig, lap_epochs: int, repeat: int
) -> Generator[Lap]:
    """Yield one run several times a second and once when it is over; see `race`."""
    run = prepare_run(contender.configure(replace(config, epochs=lap_epochs)))
    first: Progress | None = None
    for progress in run:
        first = first or progress
        yield Lap(
            contender=contender,
            repeat=repeat,
            epochs=progress.epoch,
            elapsed_s=progress.elapsed_s,
            full_s=project_s(first, progress, config.epochs),
            is_projected=lap_epochs < config.epochs,
            is_over=progress.epoch == lap_epochs,
            final_loss=progress.train_loss,
        )
    if run.result().outcome != "completed":
        raise SettingsError(DIVERGED, lr=config.lr)


def project_s(first: Progress, last: Progress, epochs: int) -> float:
    """Return the seconds of a full run from its first and its last report.

    What is left goes on at the speed between the two, so that a slow start is paid once.
    """
    done, spent_s = last.epoch, last.elapsed_s
    if done > first.epoch:
        done, spent_s = done - first.epoch, spent_s - first.elapsed_s
    return last.elapsed_s + (epochs - last.epoch) * spent_s / done


def summarize(laps: Sequence[Lap]) -> list[Standing]:
    """Return the standing of each contender over the runs that are over, the fastest first."""
    times: dict[Contender, list[float]] = {}
    for lap in filter(lambda lap: lap.is_over, laps):
        times.setdefault(lap.contender, []).append(lap.full_s)
    standings = [
        Standing(contender, median(all_s), min(all_s), max(all_s), len(all_s))
        for contender, all_s in times.items()
    ]
    return sorted(standings, key=lambda standing: standing.median_s)
