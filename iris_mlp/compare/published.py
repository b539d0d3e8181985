"""Times of the lesson run that others published; what the page shows where there is no GPU."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from iris_mlp.compare.race import Contender

_FILE = Path(__file__).with_name("published.json")


@dataclass(frozen=True)
class PublishedRun:
    """A time that was not measured here.

    Attributes:
        machine: The processor that ran it.
        contender: Device, engine and how often the loss was recorded.
        epochs: Epochs of the run.
        elapsed_s: Seconds that it took.
        source: Who measured it, as a label.
        measured_on: Date; None when unknown.
    """

    machine: str
    contender: Contender
    epochs: int
    elapsed_s: float
    source: str
    measured_on: str | None


@dataclass(frozen=True)
class LaunchCosts:
    """What two published times of one device tell about an epoch's fixed costs.

    Attributes:
        machine: The processor.
        epoch_us: Microseconds of an epoch whose loss is not read.
        read_us: Microseconds of one `loss.item()`.
    """

    machine: str
    epoch_us: float
    read_us: float


@cache
def load_published() -> tuple[PublishedRun, ...]:
    """Return the published times, in the order of the file."""
    runs = json.loads(_FILE.read_text(encoding="utf-8"))["runs"]
    return tuple(
        PublishedRun(
            machine=run["machine"],
            contender=Contender(run["device"], run["engine"], run["record_every"]),
            epochs=run["epochs"],
            elapsed_s=run["elapsed_s"],
            source=run["source"],
            measured_on=run["measured_on"],
        )
        for run in runs
    )


def derive_launch_costs() -> tuple[LaunchCosts, ...]:
    """Solve T = a E + b n for each machine that published two runs with different numbers of reads.

    E is the number of epochs and n that of the reads. Two runs without a spread give no interval.
    """
    costs = []
    by_machine: dict[str, list[PublishedRun]] = {}
    for run in load_published():
        by_machine.setdefault(run.machine, []).append(run)
    for machine, runs in by_machine.items():
        if len(runs) != 2:
            continue
        (reads, epochs, time), (reads_2, epochs_2, time_2) = (
            (run.epochs // run.contender.record_every, run.epochs, run.elapsed_s) for run in runs
        )
        determinant = epochs * reads_2 - epochs_2 * reads
        if determinant == 0:
            continue
        epoch_s = (time * reads_2 - time_2 * reads) / determinant
        read_s = (epochs * time_2 - epochs_2 * time) / determinant
        costs.append(LaunchCosts(machine, 1e6 * epoch_s, 1e6 * read_s))
    return tuple(costs)
