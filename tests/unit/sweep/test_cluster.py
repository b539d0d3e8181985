"""Sweeps on a real Dask cluster: a scheduler and worker processes on this machine's loopback."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from distributed import Client

from iris_mlp.config import TrainConfig
from iris_mlp.errors import ClusterError
from iris_mlp.sweep.cluster import STEP_S, sweep_on_cluster, train_batch, watch_cluster
from iris_mlp.sweep.run import sweep
from iris_mlp.sweep.settings import SweepConfig

ROOT = Path(__file__).parents[3]
HOURS = TrainConfig(device="cpu", engine="fused", epochs=10_000_000, hidden=4096)
PATIENCE_S = 120
LYING = (  # a scheduler that tells another version of Dask, as an old installation would
    "from distributed import node; from distributed.cli.dask_scheduler import main\n"
    "true = node.get_versions\n"
    "def lie(**kwargs):\n"
    "    told = true(**kwargs); told['packages']['distributed'] = '2024.1.0'; return told\n"
    "node.get_versions = lie; main()\n"
)


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, stack, folder, workers, home=ROOT, code=None):
        self.address = str(folder / "scheduler.json")
        self._stack, self._home = stack, home
        way = ("-c", code) if code else ("-m", "distributed.cli.dask_scheduler")
        self.scheduler = self._start(*way, "--port", "0")
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(self.address) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.workers = [self.start_worker() for _ in range(workers)]
        if not code:
            self.client = stack.enter_context(Client(scheduler_file=self.address))
            self.client.wait_for_workers(workers, timeout=PATIENCE_S)

    def start_worker(self):
        return self._start("-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny")

    def _start(self, *arguments):
        shared = ("--scheduler-file", self.address, "--no-dashboard", "--host", "127.0.0.1")
        process = subprocess.Popen(
            [sys.executable, *arguments, *shared],
            cwd=os.path.dirname(self.address),
            env={**os.environ, "PYTHONPATH": str(self._home), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@contextmanager
def start_cluster(folder, workers=2, **kwargs):
    with ExitStack() as stack:
        yield Cluster(stack, folder, workers, **kwargs)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with start_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def run_command(*arguments):
    code = "from iris_mlp.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "sweep", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_rows(path, process):
    while not (path.exists() and path.stat().st_size) and process.poll() is None:
        time.sleep(0.02)


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_those_of_one_machine(cluster):
    config = SweepConfig(optimizer=("sgd", "adam"), hidden=(3, 10), epochs=(50,), seeds=range(30))
    here = {result.config: result for result in sweep(config)}
    there = list(sweep_on_cluster(config, cluster.address, Event()))
    assert len(there) == len(config)
    assert {result.config: result for result in there} == here


def test_stop_gives_back_the_slots_of_lanes_that_run_for_hours(cluster):
    stop = Event()
    steps = watch_cluster([HOURS] * 20, cluster.client, stop)
    assert next(steps) == []
    while not any(cluster.client.processing().values()):  # until some worker trains
        assert next(steps) == []
    stop.set()
    assert list(steps) == []
    # On these two workers of one thread each it would wait for hours.
    assert cluster.client.submit(sum, [1, 2], pure=False).result(timeout=PATIENCE_S) == 3


def test_a_closed_sweep_gives_back_the_slots(cluster):
    steps = watch_cluster([HOURS] * 20, cluster.client, Event())
    assert next(steps) == []
    steps.close()
    assert cluster.client.submit(sum, [1, 2], pure=False).result(timeout=PATIENCE_S) == 3


def test_no_more_lanes_are_made_than_a_bounded_number_of_batches_holds(cluster):
    taken = []

    def endless_lanes():
        for seed in count():
            taken.append(seed)
            yield TrainConfig(device="cpu", engine="fused", epochs=2_000_000, seed=seed)

    steps = watch_cluster(endless_lanes(), cluster.client, Event())
    for _ in range(8):
        next(steps)
    assert len(taken) <= 8 + 8  # in flight a lane each, for they are long; and what has ended
    steps.close()


def test_ctrl_c_keeps_the_rows_and_resume_completes_them(cluster, tmp_path):
    path = tmp_path / "sweep.csv"
    settings = ("--hidden", "2", "--device", "cpu", "--output", str(path), "--json")
    process = run_command(
        *("--epochs", "10", "--seeds", "0:1000000", "--cluster", cluster.address), *settings
    )
    wait_for_rows(path, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")
    summary, rows = json.loads(output), read_rows(path)
    assert summary["outcome"] == "stopped"
    assert 0 < summary["done"] == len(rows) < 1_000_000
    assert cluster.client.submit(sum, [1, 2], pure=False).result(timeout=PATIENCE_S) == 3

    keep = [row for row in path.read_text().splitlines(keepends=True)][:40]
    path.write_text("".join(keep))
    seeds = sorted(int(row["seed"]) for row in read_rows(path))
    end = seeds[-1] + 20
    process = run_command(
        *("--epochs", "10", "--seeds", f"0:{end}", "--cluster", cluster.address, "--resume"),
        *settings,
    )
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(output)["resumed"] == 39
    assert sorted(int(row["seed"]) for row in read_rows(path)) == list(range(end))


def test_a_worker_that_dies_loses_nothing_and_a_lost_scheduler_keeps_the_rows(tmp_path):
    config = SweepConfig(epochs=(5_000,), seeds=range(150), device="cpu")
    with start_cluster(tmp_path) as cluster:
        results = sweep_on_cluster(config, cluster.address, Event())
        seeds = [next(results).config.seed]
        cluster.workers[0].kill()
        seeds += [result.config.seed for result in results]
        assert sorted(seeds) == list(range(150))

        path = tmp_path / "sweep.csv"
        process = run_command(
            *("--epochs", "10", "--seeds", "0:1000000", "--cluster", cluster.address),
            *("--output", str(path), "--json"),
        )
        wait_for_rows(path, process)
        cluster.scheduler.kill()
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, errors
    assert errors.startswith("error: The scheduler")
    assert len(errors.splitlines()) == 1
    assert 0 < json.loads(output)["done"] == len(read_rows(path)) < 1_000_000


def test_workers_without_the_package_are_told(tmp_path):
    told = pytest.raises(ClusterError, match=r"cannot import iris_mlp.*; install this package")
    with start_cluster(tmp_path, workers=1, home=tmp_path) as cluster, told:
        list(sweep_on_cluster(SweepConfig(), cluster.address, Event()))


def test_another_version_of_dask_is_told(tmp_path):
    told = pytest.raises(ClusterError, match=r"The scheduler has version 2024.1.0 of distributed")
    with start_cluster(tmp_path, workers=0, code=LYING) as cluster, told:
        list(sweep_on_cluster(SweepConfig(), cluster.address, Event()))


def test_another_version_of_this_package_on_a_worker_is_told():
    with pytest.raises(ClusterError, match=r"version .* of iris_mlp, and here is 0.0.9"):
        train_batch("0.0.9", b"")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("tcp://127.0.0.1:1", "No Dask scheduler answers at tcp://127.0.0.1:1"),
        ("carrier://pigeon", "No Dask scheduler answers at carrier"),
        ("nowhere.json", "There is no scheduler file nowhere.json"),
    ],
)
def test_an_address_without_a_scheduler_is_told(address, sentence):
    with pytest.raises(ClusterError, match=sentence):
        next(sweep_on_cluster(SweepConfig(), address, Event()))


def test_missing_dask_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)  # what Python does where it is missing
    with pytest.raises(ClusterError, match="needs the package distributed"):
        next(sweep_on_cluster(SweepConfig(), "local", Event()))


def test_a_cluster_of_this_machine_ends_in_silence_at_ctrl_c_in_a_terminal(tmp_path):
    path = tmp_path / "sweep.csv"
    process = run_command(
        *("--cluster", "local", "--epochs", "10", "--hidden", "2", "--seeds", "0:1000000"),
        *("--output", str(path), "--json"),
    )
    wait_for_rows(path, process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
    output, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")
    assert 0 < json.loads(output)["done"] == len(read_rows(path)) < 1_000_000


def test_the_callers_stop_is_looked_at_soon_enough():
    assert STEP_S <= 0.5  # of the two seconds in which slots are given back
