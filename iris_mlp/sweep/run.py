"""Many trainings at once: on all the cores of the process, or on a GPU."""

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from functools import cache
from itertools import groupby
from threading import TIMEOUT_MAX, Event, Timer

import torch

from iris_mlp.config import TrainConfig
from iris_mlp.devices import choose_auto_device, resolve_device
from iris_mlp.errors import DeviceError
from iris_mlp.hardware.core_limits import usable_cores
from iris_mlp.lent_gpu import estimate_duration_s
from iris_mlp.sweep.launches import launch_lanes
from iris_mlp.sweep.results import LaneResult
from iris_mlp.training import StopSignal, prepare_run

STEP_S = 1.0
"""Seconds after which a sweep is heard of again, at the latest."""
_LANES_AT_ONCE = 48
"""Fewer than the multiprocessors of any GPU that is lent."""


def sweep(
    configs: Iterable[TrainConfig], *, cores: int | None = None, stop: Event | None = None
) -> Generator[LaneResult]:
    """Train with each of the settings and yield what comes out, in the order in which they end.

    Each lane is `train(config)`, so that it equals its solo run bit for bit; see `launches` for
    those on a GPU. Only a few lanes are in memory at a time. To cancel, set `stop` from any thread,
    or close the generator: it then ends within a fraction of a second, lanes that were not complete
    being left out.

    Args:
        configs: The settings of the lanes, such as a `SweepConfig`; those that follow each other
            on a GPU are launched together.
        cores: Lanes at a time on the CPU; as many as the process may use of the machine's cores, if
            left out.
        stop: Ends the sweep when it is set.

    Raises:
        DeviceError: The device is not there, or runs no sweeps.
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
    timer = Timer(wall_s, stop.set)
    timer.daemon = True
    choose = cache(choose_device)
    placed = (replace(config, device=choose(config.device)) for config in configs)
    try:
        timer.start()
        for on_cpu, lanes in groupby(placed, lambda lane: lane.device == "cpu"):
            if on_cpu:
                yield from _share_cores(lanes, cores or usable_cores(), stop)
            else:
                yield from launch_lanes(lanes, stop)
            if stop.is_set():  # before the next group, which first reads this one to its end
                break
    finally:
        timer.cancel()
        stop.set()


def sweep_on(
    devices: Sequence[str], configs: Iterable[TrainConfig], wall_s: float, stop: StopSignal
) -> Generator[list[LaneResult]]:
    """Do what `watch_sweep` does with lanes that are all on these devices, and heed `stop`."""
    with closing(watch_sweep(configs, wall_s=wall_s)) as steps:
        for results in steps:
            yield results
            if stop.is_set():
                return


def estimate_sweep_s(configs: Iterable[TrainConfig]) -> int:
    """Return the seconds of GPU time that lanes ask for, of which a GPU trains many at once."""
    lanes = [replace(config, engine="fused") for config in configs]
    longest = max(lanes, key=lambda lane: lane.epochs * lane.batches_per_epoch)
    return estimate_duration_s(*[longest] * math.ceil(len(lanes) / _LANES_AT_ONCE))


def choose_device(name: str) -> str:
    """Return the name of the device, `auto` being a CUDA GPU where there is one, else the CPU.

    Raises:
        DeviceError: The device is not there, or runs no sweeps.
    """
    if name == "auto":
        found = choose_auto_device()[0]
        return str(found) if found.type == "cuda" else "cpu"
    device = resolve_device(name)
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(
            "The engine {engine} does not run on {device}; use the engine eager, "
            "or {engine} on the device cpu.",
            engine="fused",
            device=str(device),
        )
    return str(device)


def _share_cores(
    configs: Iterator[TrainConfig], workers: int, stop: Event
) -> Generator[list[LaneResult]]:
    pending: set[Future[LaneResult]] = set()
    threads = torch.get_num_threads()
    # Lanes keep all cores busy; PyTorch's threads would only wait for each other.
    with ThreadPoolExecutor(workers, "sweep", torch.set_num_threads, (1,)) as pool:
        try:
            for config in configs:
                if stop.is_set():
                    break
                pending.add(pool.submit(_train_lane, config, stop))
                while len(pending) >= 2 * workers:  # one that runs and one that waits for each core
                    yield _take_completed(pending)
            while pending:
                yield _take_completed(pending)
        finally:
            if pending:
                stop.set()
            for lane in pending:
                lane.cancel()
            torch.set_num_threads(threads)  # new threads of the process take over the last setting


def _take_completed(pending: set[Future[LaneResult]]) -> list[LaneResult]:
    done, _ = wait(pending, STEP_S, FIRST_COMPLETED)
    pending -= done
    results = (lane.result() for lane in done)
    return [result for result in results if result.outcome != "stopped"]


def _train_lane(config: TrainConfig, stop: StopSignal) -> LaneResult:
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
