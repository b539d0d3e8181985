"""Lanes on the workers of a Dask cluster, in batches that keep its scheduler idle.

The cluster may be any that Dask's package `distributed` can reach; its workers need this package,
of the same version, and nothing else. A batch whose worker dies runs again on another, by Dask.
"""

import logging
import pickle
import signal
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, current_thread, main_thread
from time import perf_counter
from typing import Any

from iris_mlp import __version__
from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.errors import ClusterError, IrisMlpError
from iris_mlp.hardware.core_limits import usable_cores
from iris_mlp.sweep.launches import MOST_MODELS
from iris_mlp.sweep.results import LaneResult
from iris_mlp.sweep.run import watch_sweep

Batch = tuple[float, list[LaneResult]]
"""The seconds that a batch took its worker, and its results."""

STEP_S = 0.25
"""Seconds after which the caller's `stop` is looked at, at the latest."""
_BATCH_S = 1.0
"""Seconds of a batch: a hundred times what one costs its worker and the scheduler together."""
_SCHEDULER_S, _SCHEDULER_SHARE = 0.003, 0.4
"""What a batch costs the scheduler (`benchmarks/cluster.md`), and how busy it may be."""
_MOST_LANES = MOST_MODELS
"""Lanes of a batch: one launch on a GPU; they bound what is in memory."""
_LEAST_IN_FLIGHT = 8
"""So that a cluster that grows with its work, and has no worker yet, is given some."""
_FIRST_LANE_S = 0.0005
_FIRST_EPOCH_S = 6e-8
"""What a lane costs, and an epoch of one hidden unit, before anything was measured."""


def sweep_on_cluster(
    configs: Iterable[TrainConfig], address: str, stop: Event
) -> Generator[LaneResult]:
    """Train the lanes on a cluster and yield what comes out, as `run.sweep` does on one machine.

    Args:
        configs: The settings of the lanes; `auto` is each worker's own CUDA GPU, else its CPU.
        address: Of the scheduler: `tcp://HOST:PORT`, the file that it wrote, or `local` for a
            cluster of this machine's cores, which is started and ended.
        stop: Ends the sweep when it is set; the lanes of batches under way are left out.

    Raises:
        ClusterError: The scheduler does not answer, or is lost; versions differ; a worker fails.
    """
    with _connect(address) as client, _explain_loss(address):
        for results in watch_cluster(configs, client, stop):
            yield from results


def watch_cluster(
    configs: Iterable[TrainConfig],
    client: Any,
    stop: Event,
    train: Callable[[str, bytes], Batch] | None = None,
) -> Generator[list[LaneResult]]:
    """Yield the results of each batch that ends, or an empty list to say that none has.

    Args:
        configs: The settings of the lanes.
        client: A `distributed.Client`.
        stop: Ends the sweep when it is set.
        train: Trains a batch on a worker; `train_batch` if left out.

    Raises:
        ClusterError: A worker fails; a scheduler that is lost may raise errors of Dask.
    """
    lanes = iter(configs)
    cutter = _Cutter()
    pending: dict[Any, float] = {}
    ended: SimpleQueue[Any] = SimpleQueue()
    looked_at, threads, more = float("-inf"), 0, True
    try:
        while not stop.is_set():
            if perf_counter() - looked_at > 1.0:  # workers come and go
                threads, looked_at = sum(client.nthreads().values()), perf_counter()
            while more and len(pending) < max(2 * threads, _LEAST_IN_FLIGHT) and not stop.is_set():
                batch, work = cutter.cut(lanes, threads)
                if not batch:
                    more = False
                    break
                # Packed, for the scheduler would unpack and pack again what it only passes on.
                packed = pickle.dumps(batch)
                future = client.submit(train or train_batch, __version__, packed, pure=False)
                pending[future] = work
                future.add_done_callback(ended.put)
            if not pending:
                return
            yield _collect(client, list(_drain(ended)), pending, cutter)
    finally:
        with suppress(OSError, CancelledError, TimeoutError):
            client.cancel(list(pending), force=True)


def train_batch(version: str, packed: bytes) -> Batch:
    """Train lanes on a worker, on one core or its GPU, until its task is no longer wanted.

    Args:
        version: The client's version of this package.
        packed: The settings of the lanes, a pickled list of `TrainConfig`.

    Raises:
        ClusterError: The worker has another version of this package than the client.
    """
    if version != __version__:
        raise ClusterError(
            "A worker has version {theirs} of {package}, and here is {ours}; "
            "install the same on both.",
            theirs=__version__,
            package="iris_mlp",
            ours=version,
        )
    started, configs = perf_counter(), pickle.loads(packed)
    results = list(chain.from_iterable(watch_sweep(configs, cores=1, stop=_TaskStop())))
    if len(results) < len(configs):
        raise RuntimeError("stopped before its end")  # which nobody reads of a task not wanted
    return perf_counter() - started, results


class _TaskStop(Event):
    """Is also set when the scheduler has told this worker that the task is not wanted.

    Dask does not end a thread; it forgets the task when it is cancelled or its client is gone.
    """

    def __init__(self) -> None:
        from distributed import get_worker
        from distributed.worker import thread_state

        super().__init__()
        self._tasks, self._key = get_worker().state.tasks, thread_state.key

    def is_set(self) -> bool:
        task = self._tasks.get(self._key)
        return super().is_set() or task is None or task.state != "executing"


class _Cutter:
    """Cuts lanes into batches of about equal time, by what batches have taken so far."""

    def __init__(self) -> None:
        self._pace = 1.0  # seconds taken for each second expected
        self._measured = False

    def cut(self, lanes: Iterator[TrainConfig], threads: int) -> tuple[list[TrainConfig], float]:
        """Return the next lanes, none at the end, and the seconds expected at the first pace."""
        # With many workers longer ones, so that the scheduler keeps up.
        wanted_s = max(_BATCH_S, threads * _SCHEDULER_S / _SCHEDULER_SHARE)
        if not self._measured:
            wanted_s /= 10
        batch: list[TrainConfig] = []
        work = 0.0
        while work * self._pace < wanted_s and len(batch) < _MOST_LANES:
            config = next(lanes, None)
            if config is None:
                break
            batch.append(config)
            steps = config.epochs * -(-TRAIN_ROWS // config.batch_size)
            work += _FIRST_LANE_S + _FIRST_EPOCH_S * (config.epochs * config.hidden + steps)
        return batch, work

    def learn(self, work: float, elapsed_s: float) -> None:
        """Take in how long a batch took."""
        pace = elapsed_s / work
        self._pace += (pace - self._pace) * (0.2 if self._measured else 1.0)
        self._measured = True


def _drain(ended: SimpleQueue[Any]) -> Iterator[Any]:
    """Yield the futures that have ended; waits a little for the first."""
    with suppress(Empty):
        yield ended.get(timeout=STEP_S)
        while True:
            yield ended.get_nowait()


def _collect(
    client: Any, futures: list[Any], pending: dict[Any, float], cutter: _Cutter
) -> list[LaneResult]:
    for future in futures:
        if future.status == "error":
            raise _explain_error(future.exception())
        if future.cancelled():
            raise CancelledError
    results: list[LaneResult] = []
    for future, (elapsed_s, lanes) in zip(futures, client.gather(futures) if futures else []):
        cutter.learn(pending.pop(future), elapsed_s)
        results += lanes
    return results


def _explain_error(error: BaseException | None) -> IrisMlpError:
    if isinstance(error, IrisMlpError):
        return error
    cause = error
    while cause is not None and not isinstance(cause, ImportError):
        cause = cause.__cause__
    if cause is not None:
        return ClusterError(
            "The cluster cannot import {name}; install this package, with what it needs, "
            "for its workers and its scheduler.",
            name=cause.name or str(cause),
        )
    if type(error).__name__ == "KilledWorker":
        return ClusterError(
            "Worker after worker died in the same trainings; give the workers more memory, "
            "and go on with --resume."
        )
    return ClusterError(
        "A worker failed ({reason}); look at its log, and go on with --resume.",
        reason=f"{type(error).__name__}: {error}"[:200],
    )


@contextmanager
def _explain_loss(address: str) -> Iterator[None]:
    """Say in a sentence that the scheduler is gone; Dask raises one of many errors."""
    try:
        yield
    except (OSError, CancelledError, TimeoutError) as error:
        raise ClusterError(
            "The scheduler {address} does not answer any more; start it again, "
            "and go on with --resume.",
            address=address,
        ) from error


@contextmanager
def _connect(address: str) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise ClusterError(
            "A cluster needs the package distributed, and it is not installed here; install it, "
            "or leave the cluster out."
        ) from None
    # What Dask would say of a lost connection, in pages, is said here in a sentence.
    for name in ("distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if address == "local":
        with _shielded_children():
            cluster = LocalCluster(
                n_workers=usable_cores(),
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client
        return
    path = Path(address)
    if path.suffix == ".json" and not path.is_file():
        raise ClusterError(
            "There is no scheduler file {path}; start the scheduler with --scheduler-file.",
            path=path,
        )
    given: dict[str, Any] = {"scheduler_file" if path.is_file() else "address": address}
    try:
        with warnings.catch_warnings(action="ignore"):  # versions are compared below
            client = Client(**given, set_as_default=False, timeout=10)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            "No Dask scheduler answers at {address} ({reason}); start it, or mend the address.",
            address=address,
            reason=str(error).splitlines()[0][:200],
        ) from error
    try:
        with _explain_loss(address):
            _compare_versions(client)
        yield client
    finally:
        with suppress(OSError, CancelledError, TimeoutError):
            client.close(timeout=2)


@contextmanager
def _shielded_children() -> Iterator[None]:
    """Keep Ctrl-C, which a terminal sends to every process, from those that are started within."""
    if current_thread() is not main_thread():  # the only one that may say so
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a new process takes over
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _compare_versions(client: Any) -> None:
    """Refuse a scheduler or a worker with which Dask itself does not promise to work."""
    versions = client.get_versions()
    ours = versions["client"]["packages"]
    others = {"the scheduler": versions["scheduler"], **versions["workers"]}
    for name, other in others.items():
        for package in ("distributed", "dask", "python"):
            theirs = other["packages"][package]
            if _shorten(package, theirs) != _shorten(package, ours[package]):
                raise ClusterError(
                    "{where} has version {theirs} of {package}, and here is {ours}; "
                    "install the same on both.",
                    where=name[:1].upper() + name[1:],
                    theirs=theirs,
                    package=package,
                    ours=ours[package],
                )


def _shorten(package: str, version: str) -> str:
    """Return what has to be equal: of Python the first two numbers."""
    return ".".join(version.split(".")[:2]) if package == "python" else version
