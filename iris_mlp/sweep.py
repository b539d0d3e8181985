"""Many trainings at once: a grid or a random draw of settings, on all the cores of the process."""

import csv
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from threading import TIMEOUT_MAX, Event, Timer
from typing import Any, TextIO

import torch

from iris_mlp.config import (
    DEFAULTS,
    LOCAL_LIMITS,
    MAX_SEED,
    TRAIN_ROWS,
    Limits,
    TrainConfig,
    read_int,
)
from iris_mlp.errors import OutputError, SettingsError
from iris_mlp.hardware.core_limits import usable_cores
from iris_mlp.training import Outcome, train

STEP_S = 1.0
"""Seconds after which a sweep is heard of again, at the latest."""

CSV_COLUMNS = (
    *("optimizer", "lr", "epochs", "hidden", "batch_size", "seed", "outcome", "epochs_done"),
    *("final_loss", "test_loss", "train_accuracy", "test_accuracy"),
)


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """The settings of a sweep; iterate it for those of its lanes, made one at a time.

    Without `random` the lanes are the grid: every combination of the values. With it each lane is a
    draw: an optimizer and a seed among those given, and `lr`, `hidden` and `epochs` between the
    smallest and the largest given, uniform in their logarithm.

    Attributes:
        optimizer: Optimizers.
        lr: Learning rates; none for the lesson's rate of each optimizer.
        hidden: Numbers of hidden units.
        epochs: Numbers of epochs.
        seeds: Seeds, of which a range takes no memory.
        batch_size: Rows of a mini-batch, for all lanes.
        random: How many lanes to draw; None for the grid.
        draw_seed: Seed of the draw.

    Raises:
        SettingsError: A value is out of range, or a setting has none.
    """

    optimizer: Sequence[str] = (DEFAULTS.optimizer,)
    lr: Sequence[float] = ()
    hidden: Sequence[int] = (DEFAULTS.hidden,)
    epochs: Sequence[int] = (DEFAULTS.epochs,)
    seeds: Sequence[int] = range(1)
    batch_size: int = TRAIN_ROWS
    random: int | None = None
    draw_seed: int = 0

    def __post_init__(self) -> None:
        values = {"optimizer": self.optimizer, "hidden": self.hidden, "epochs": self.epochs}
        for name, given in {**values, "seeds": self.seeds}.items():
            if not given:
                raise SettingsError("{name} has no value; give at least one.", name=name)
        if self.random is not None:
            random = read_int("random", self.random, 1, LOCAL_LIMITS.sweep_lanes)
            object.__setattr__(self, "random", random)
        object.__setattr__(self, "draw_seed", read_int("draw_seed", self.draw_seed, 0, MAX_SEED))
        ends = self.seeds if not isinstance(self.seeds, range) else (self.seeds[0], self.seeds[-1])
        for name, given in {**values, "seed": ends, "lr": self.lr}.items():
            for value in given:
                TrainConfig(batch_size=self.batch_size, **{name: value})
        if self._count_lanes() > LOCAL_LIMITS.sweep_lanes:  # `len` itself ends at 2 ** 63
            raise SettingsError(
                "The sweep has {lanes:,} trainings, and no sweep may have more than {most:,}; "
                "choose fewer.",
                lanes=self._count_lanes(),
                most=LOCAL_LIMITS.sweep_lanes,
            )

    def __len__(self) -> int:
        """Return the number of lanes."""
        return self._count_lanes()

    def _count_lanes(self) -> int:
        if self.random is not None:
            return self.random
        settings = (self.optimizer, self.lr or (None,), self.hidden, self.epochs, self.seeds)
        return math.prod(len(values) for values in settings)

    def __iter__(self) -> Iterator[TrainConfig]:
        """Yield the settings of each lane; the same ones each time."""
        if self.random is None:
            lrs = self.lr or (None,)
            for optimizer, lr, hidden, epochs in product(
                self.optimizer, lrs, self.hidden, self.epochs
            ):
                for seed in self.seeds:
                    yield self._make_lane(optimizer, lr, hidden, epochs, seed)
            return
        source = Random(self.draw_seed)
        for _ in range(self.random):
            yield self._make_lane(
                source.choice(self.optimizer),
                _draw(source, self.lr) if self.lr else None,
                round(_draw(source, self.hidden)),
                round(_draw(source, self.epochs)),
                source.choice(self.seeds),
            )

    def check(self, limits: Limits, most_lanes: int) -> None:
        """Refuse a sweep that is larger than this host accepts.

        Raises:
            SettingsError: The sweep has too many lanes, or one of them is too large.
        """
        limits.check(TrainConfig(hidden=max(self.hidden), epochs=max(self.epochs)))
        if len(self) > most_lanes:
            raise SettingsError(
                "The sweep has {lanes:,} trainings, and this public demo accepts at most "
                "{most:,}; choose fewer, or run the app on your own machine.",
                lanes=len(self),
                most=most_lanes,
            )

    def _make_lane(
        self, optimizer: str, lr: float | None, hidden: int, epochs: int, seed: int
    ) -> TrainConfig:
        rate: dict[str, Any] = {} if lr is None else {"lr": lr}
        return TrainConfig(
            device="cpu",
            engine="fused",
            optimizer=optimizer,
            epochs=epochs,
            hidden=hidden,
            batch_size=self.batch_size,
            seed=seed,
            record_every=epochs,
            **rate,
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


def parse_values(name: str, text: str, kind: Callable[[str], Any] = float) -> tuple[Any, ...]:
    """Read values as a user writes them: `0.001,0.01`; none from an empty text.

    Args:
        name: What they are, for the sentence of a refusal.
        text: The values, with commas between them.
        kind: Reads one value: `float`, `int` or `str`.

    Raises:
        SettingsError: A value cannot be read.
    """
    if not text.strip():
        return ()
    try:
        return tuple(kind(value.strip()) for value in text.split(","))
    except ValueError:
        raise SettingsError(
            "{name} must be numbers with commas between them, not {value!r}.",
            name=name,
            value=text[:40],
        ) from None


def parse_seeds(text: str) -> Sequence[int]:
    """Read seeds: `3`, `1,2,5`, or `0:10` for the ten from 0 to 9.

    Raises:
        SettingsError: The text is none of these.
    """
    if ":" not in text:
        return parse_values("seeds", text, int)
    try:
        first, end = (int(value) for value in text.split(":"))
    except ValueError:
        raise SettingsError(
            "seeds must read like 0:10 or 1,2,5, not {value!r}.", value=text[:40]
        ) from None
    return range(first, end)


def _take_completed(pending: set[Future[LaneResult]]) -> list[LaneResult]:
    done, _ = wait(pending, STEP_S, FIRST_COMPLETED)
    pending -= done
    results = (lane.result() for lane in done)
    return [result for result in results if result.outcome != "stopped"]


def _train_lane(config: TrainConfig, stop: Event) -> LaneResult:
    run = train(config)
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


def _draw(source: Random, values: Sequence[float]) -> float:
    return math.exp(source.uniform(math.log(min(values)), math.log(max(values))))
