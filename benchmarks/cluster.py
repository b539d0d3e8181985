"""What a cluster costs a sweep, and where its scheduler would be full.

    python -m benchmarks.cluster [--lanes 1000000]

A real Dask scheduler and two real worker processes on this machine train lanes that do nothing, or
that only wait, so that a thousand slots fit on two cores. Costs are seconds of processor, which a
busy machine does not change. A simulation with these costs then goes where this machine cannot.
The result goes to `benchmarks/cluster.md`.
"""

import argparse
import heapq
import pickle
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Event
from time import perf_counter, process_time, sleep
from typing import Any

import psutil
from distributed import Client

from iris_mlp.config import TrainConfig
from iris_mlp.sweep.cluster import Batch, watch_cluster
from iris_mlp.sweep.results import LaneResult
from iris_mlp.sweep.settings import SweepConfig

WORKERS = (2, 100, 1_000, 10_000)
BATCHES_S = (0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Costs:
    """What a sweep took, in seconds of processor where nothing else is said.

    Attributes:
        lanes: Lanes that ended.
        batches: Batches that they came in.
        wall_s: Seconds by the clock.
        scheduler_s: Of the scheduler's process.
        client_s: Of this process.
        peak_mib: The most memory that this process has ever held.
    """

    lanes: int
    batches: int
    wall_s: float
    scheduler_s: float
    client_s: float
    peak_mib: float


def skip_batch(version: str, packed: bytes, wait_s: float = 0.0) -> Batch:
    """Do nothing, for `wait_s` seconds a lane, and answer as a batch of trainings would."""
    configs: list[TrainConfig] = pickle.loads(packed)
    sleep(wait_s * len(configs))
    results = [LaneResult(config, "completed", 1, 0.5, 0.5, 0.9, 0.9) for config in configs]
    return max(1e-6, wait_s * len(configs)), results


@contextmanager
def start_cluster(slots: int) -> Iterator[tuple[Client, psutil.Process]]:
    """Start a scheduler and two workers that share the slots; yield a client and the scheduler."""
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "scheduler.json"
        shared = ("--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1")

        def start(*arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, *arguments, *shared], stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        scheduler = start("-m", "distributed.cli.dask_scheduler", "--port", "0")
        worker = ("-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", str(slots // 2))
        for _ in range(2):
            start(*worker)
        while not file.exists():
            sleep(0.05)
        client = stack.enter_context(Client(scheduler_file=str(file), timeout=60))
        client.wait_for_workers(2, timeout=120)
        yield client, psutil.Process(scheduler.pid)


def measure(client: Client, scheduler: psutil.Process, lanes: int, wait_s: float) -> Costs:
    """Run so many lanes, each a wait."""
    train = partial(skip_batch, wait_s=wait_s)
    config = SweepConfig(seeds=range(lanes), device="cpu")
    started, before, ours = perf_counter(), scheduler.cpu_times(), process_time()
    ended = batches_seen = 0
    submit: Any = client.submit

    def count(*arguments: Any, **options: Any) -> Any:
        nonlocal batches_seen
        batches_seen += 1
        return submit(*arguments, **options)

    client.submit = count  # type: ignore[method-assign]
    try:
        for results in watch_cluster(config, client, Event(), train):
            ended += len(results)
    finally:
        client.submit = submit  # type: ignore[method-assign]
    after = scheduler.cpu_times()
    return Costs(
        lanes=ended,
        batches=batches_seen,
        wall_s=perf_counter() - started,
        scheduler_s=after.user + after.system - before.user - before.system,
        client_s=process_time() - ours,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def simulate(workers: int, batch_s: float, cost_s: float, batches_each: int = 20) -> float:
    """Return the share of the workers' time that is training, with one scheduler for all.

    The scheduler serves one batch after the other, `cost_s` seconds each; a worker that has nothing
    waits for it. Each has one batch at work and one in its queue.
    """
    ready = [(0.0, worker) for worker in chain(range(workers), range(workers))]
    heapq.heapify(ready)
    free = [0.0] * workers
    served = 0.0
    for _ in range(workers * batches_each):
        asked, worker = heapq.heappop(ready)
        served = max(served, asked) + cost_s
        free[worker] = max(free[worker], served) + batch_s
        heapq.heappush(ready, (free[worker], worker))
    return batches_each * batch_s / max(free)


def main() -> None:
    """Measure, and write after each measurement."""
    parser = argparse.ArgumentParser(description="Measure what a cluster costs a sweep.")
    parser.add_argument("--lanes", type=int, default=1_000_000)
    arguments = parser.parse_args()
    rows = []
    for slots, lanes, wait_s in (
        (1_000, 30_000, 0.1),
        (2, 1_000, 0.0),
        (2, arguments.lanes, 0.0),
    ):
        with start_cluster(slots) as (client, scheduler):
            measure(client, scheduler, 2 * slots, 0.0)  # the first batches import the package
            rows.append((slots, wait_s, measure(client, scheduler, lanes, wait_s)))
        print(rows[-1], flush=True)
        write(rows)


def write(rows: list[tuple[int, float, Costs]]) -> None:
    """Simulate with the cost of a batch in the first row, and write all there is."""
    cost_s = rows[0][2].scheduler_s / rows[0][2].batches
    text = [
        "# What a cluster costs a sweep\n",
        f"{date.today()}, two cores, a scheduler and two worker processes of Dask on loopback; "
        "lanes that do nothing or only wait. Made by `python -m benchmarks.cluster`.\n",
        "| slots | lanes | a lane waits, s | batches | lanes a second | scheduler, ms a batch "
        "| client, µs a lane | client's peak, MiB |",
        "| ---: " * 8 + "|",
    ]
    text += [
        f"| {slots:,} | {costs.lanes:,} | {wait_s:g} | {costs.batches:,} "
        f"| {costs.lanes / costs.wall_s:,.0f} | {costs.scheduler_s / costs.batches * 1e3:.2f} "
        f"| {costs.client_s / costs.lanes * 1e6:,.0f} | {costs.peak_mib:,.0f} |"
        for slots, wait_s, costs in rows
    ]
    text += [
        "\n## Where the scheduler is full\n",
        f"Share of the workers' time that is training, simulated with {cost_s * 1e3:.2f} ms of "
        "scheduler a batch; the batches' length decides, and the sweep lengthens them with the "
        "number of workers.\n",
        "| workers | " + " | ".join(f"batches of {s:g} s" for s in BATCHES_S) + " | full below |",
        "| ---: " * (len(BATCHES_S) + 2) + "|",
    ]
    text += [
        f"| {workers:,} | "
        + " | ".join(f"{simulate(workers, s, cost_s):.2f}" for s in BATCHES_S)
        + f" | {workers * cost_s:.2f} s |"
        for workers in WORKERS
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(text) + "\n", "utf-8")


if __name__ == "__main__":
    main()
