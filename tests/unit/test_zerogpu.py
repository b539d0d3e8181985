"""ZeroGPU: the wrapped generator in a forked process, as `spaces.GPU` would run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iris_mlp.config import TrainConfig
from iris_mlp.zerogpu import estimate_duration_s, wrap_for_zerogpu

PROJECT = Path(__file__).parents[2]

# A process of its own: what stands in for the package forks, and should not fork all of pytest.
SCRIPT = '''
import functools, multiprocessing, os, sys, types

fork = multiprocessing.get_context("fork")


def GPU(duration):
    """Run a generator in a forked process, as the package `spaces` does on ZeroGPU."""
    def decorate(task):
        @functools.wraps(task)
        def handler(*args, **kwargs):
            print("duration", duration(*args, **kwargs))
            arguments, results = fork.SimpleQueue(), fork.SimpleQueue()
            stop, done = fork.Event(), fork.Event()
            arguments.put((args, kwargs))

            def work():
                args, kwargs = arguments.get()
                values = task(*args, **kwargs)
                try:
                    for value in values:
                        if stop.is_set():
                            values.close()
                            break
                        results.put(("value", value))
                except Exception as error:
                    results.put(("error", type(error).__name__))
                results.put(("end", None))
                done.wait()  # the worker is kept for the next call

            worker = fork.Process(target=work, daemon=True)
            worker.start()
            try:
                while (result := results.get())[0] != "end":
                    if result[0] == "error":
                        raise RuntimeError("ZeroGPU worker error: " + result[1])
                    try:
                        yield result[1]
                    except GeneratorExit:
                        stop.set()
                        raise
            finally:
                done.set()
                worker.join(20)
                print("worker ended", worker.exitcode)
        return handler
    return decorate


sys.modules["spaces"] = types.SimpleNamespace(GPU=GPU)

from iris_mlp.config import TrainConfig
from iris_mlp.errors import IrisMlpError
from iris_mlp.training import TrainResult, train
from iris_mlp.zerogpu import estimate_duration_s, wrap_for_zerogpu


def stream(config):
    """Train and yield what a page needs: where the run stands, and its result last."""
    run = train(config)
    for progress in run:
        yield os.getpid(), progress
    yield os.getpid(), run.result()


train_on_gpu = wrap_for_zerogpu(stream, estimate_duration_s)
config = TrainConfig(device="cpu", epochs=30)
*steps, (worker, result) = train_on_gpu(config)
assert worker != os.getpid()
assert isinstance(result, TrainResult)
run = train(config)
for _ in run:
    pass
assert result.history.losses == run.history.losses
assert result.checkpoint.to_bytes() == run.result().checkpoint.to_bytes()
print("equal")

try:
    list(train_on_gpu(TrainConfig(device="nonsense")))
except IrisMlpError as error:
    print(type(error).__name__, error)

endless = train_on_gpu(TrainConfig(device="cpu", epochs=10_000_000))
next(endless)
endless.close()
print("closed")
'''


def test_run_crosses_the_process_border_with_its_result_and_its_errors() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "SPACES_ZERO_GPU": "true", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == ["duration 10", "worker ended 0", "equal"]
    assert any(line.startswith("DeviceError device 'nonsense' is unknown") for line in lines)
    assert lines[-2:] == ["worker ended 0", "closed"]


@pytest.mark.parametrize("value", [None, "", "0", "false"])
def test_elsewhere_the_generator_is_left_as_it_is(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stream():
        yield 1

    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    if value is not None:
        monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert wrap_for_zerogpu(stream, 60) is stream


def test_longer_runs_ask_for_more_time_up_to_the_cap() -> None:
    lesson = estimate_duration_s(TrainConfig())
    assert estimate_duration_s(TrainConfig(epochs=100)) < lesson
    assert lesson < estimate_duration_s(TrainConfig(batch_size=40)) <= 120
    assert estimate_duration_s(TrainConfig(epochs=100_000, batch_size=1)) == 120
