"""Many trainings at once, on all the cores of the process."""

import csv
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import TIMEOUT_MAX, Event, Timer
from typing import Any, TextIO

import torch

from iris_mlp.config import TrainConfig
from iris_mlp.errors import OutputError
from iris_mlp.hardware.core_limits import usable_cores
from iris_mlp.training import Outcome, prepare_run

STEP_S = 1.0
"""Seconds after which a sweep is heard of again, at the latest."""

CSV_COLUMNS = (
    *("optimizer", "lr", "epochs", "hidden", "batch_size", "seed", "outcome", "epochs_done"),
    *("final_loss", "test_loss", "train_accuracy", "test_accuracy"),
)


@dataclass(frozen=True)
class LaneResult:
    """What one training of a sweep came to.

    Attributes:
        config: Its settings.
        outcome: `completed`, `stopped` or `diverged`.
        epochs_done: Epochs done.
        final_loss: Last recorded training loss; None before the first.
        test_loss: Loss over the test rows at the end; None where the run diverged.
        train_accuracy: Share of the training rows that are right.
        test_accuracy: Share of the test rows that are right.
    """

    config: TrainConfig
    outcome: Outcome
    epochs_done: int
    final_loss: float | None
    test_loss: float | None
    train_accuracy: float
    test_accuracy: float


@dataclass
class Tally:
    """What a sweep has come to so far, without keeping its results.

    Attributes:
        lanes: Trainings that it holds.
        done: Trainings that ended.
        diverged: How many of them diverged.
        best: The one with the highest test accuracy, and of those the lowest final loss.
    """

    lanes: int
    done: int = 0
    diverged: int = 0
    best: LaneResult | None = None

    def add(self, result: LaneResult) -> None:
        """Count a training that ended."""
        self.done += 1
        if result.outcome != "completed":
            self.diverged += 1
        elif self.best is None or _rank(result) > _rank(self.best):
            self.best = result

    def summarize(self, elapsed_s: float) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        best = self.best and {**self.best.config.to_dict(), **vars(self.best)}
        return {
            "outcome": "completed" if self.done == self.lanes else "stopped",
            "lanes": self.lanes,
            "done": self.done,
            "diverged": self.diverged,
            "elapsed_s": elapsed_s,
            "lanes_per_s": self.done / elapsed_s if elapsed_s else 0.0,
            "best": best and {name: best[name] for name in CSV_COLUMNS},
        }


def sweep(
    configs: Iterable[TrainConfig], *, cores: int | None = None, stop: Event | None = None
) -> Generator[LaneResult]:
    """Train with each of the settings and yield what comes out, in the order in which they end.

    Each lane is `train(config)`, so that it equals its solo run bit for bit. Only a few lanes are
    in memory at a time. To cancel, set `stop` from any thread, or close the generator: it then ends
    within a fraction of a second, lanes that were not complete being left out.

    Args:
        configs: The settings of the lanes, such as a `SweepConfig`.
        cores: Lanes at a time; as many as the process may use of the machine's cores, if left out.
        stop: Ends the sweep when it is set.
    """
    with closing(watch_sweep(configs, cores=cores, stop=stop)) as steps:
        for results in steps:
            yield from results


def watch_sweep(
    configs: Iterable[TrainConfig],
    *,
    cores: int | None = None,
    stop: Event | None = None,
    wall_s: float = TIMEOUT_MAX,
) -> Generator[list[LaneResult]]:
    """Do what `sweep` does and yield the lanes that have ended, if only to say that none has.

    It yields at least every `STEP_S` seconds, so that it can be closed while long lanes run.

    Args:
        configs: The settings of the lanes.
        cores: Lanes at a time, as in `sweep`.
        stop: Ends the sweep when it is set.
        wall_s: Seconds after which `stop` is set, also while nobody asks for more.
    """
    stop = stop or Event()
    workers = cores or usable_cores()
    pending: set[Future[LaneResult]] = set()
    threads = torch.get_num_threads()
    timer = Timer(wall_s, stop.set)
    timer.daemon = True
    # Lanes keep all cores busy; PyTorch's threads would only wait for each other.
    with ThreadPoolExecutor(workers, "sweep", torch.set_num_threads, (1,)) as pool:
        try:
            timer.start()
            for config in configs:
                if stop.is_set():
                    break
                pending.add(pool.submit(_train_lane, config, stop))
                while len(pending) >= 2 * workers:  # one that runs and one that waits for each core
                    yield _take_completed(pending)
            while pending:
                yield _take_completed(pending)
        finally:
            timer.cancel()
            stop.set()
            for lane in pending:
                lane.cancel()
            torch.set_num_threads(threads)  # new threads of the process take over the last setting


def write_csv(path: Path, results: Iterable[LaneResult]) -> int:
    """Write one row for each result as it comes, so that an interrupted sweep keeps its rows.

    Returns:
        The number of rows.

    Raises:
        OutputError: The path cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            return write_rows(file, results)
    except OSError as error:
        raise OutputError(
            "Cannot write {path}: {reason}; choose a path in a folder that exists "
            "and that you may write to.",
            path=path,
            reason=error.strerror,
        ) from error


def write_rows(file: TextIO, results: Iterable[LaneResult]) -> int:
    """Write the header and one row for each result to an open file; return how many."""
    writer = csv.DictWriter(file, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    rows = 0
    for result in results:
        writer.writerow({**result.config.to_dict(), **vars(result)})
        rows += 1
    return rows


def _take_completed(pending: set[Future[LaneResult]]) -> list[LaneResult]:
    done, _ = wait(pending, STEP_S, FIRST_COMPLETED)
    pending -= done
    results = (lane.result() for lane in done)
    return [result for result in results if result.outcome != "stopped"]


def _train_lane(config: TrainConfig, stop: Event) -> LaneResult:
    run = prepare_run(config)
    for _ in run:
        if stop.is_set():
            break
    summary = run.result().summarize()
    return LaneResult(
        config=config,
        outcome=summary["outcome"],
        epochs_done=summary["epochs_done"],
        final_loss=summary["final_loss"],
        test_loss=summary["test_loss"],
        train_accuracy=summary["train_accuracy"],
        test_accuracy=summary["test_accuracy"],
    )


def _rank(result: LaneResult) -> tuple[float, float]:
    loss = result.final_loss
    return result.test_accuracy, -loss if loss is not None else float("-inf")
