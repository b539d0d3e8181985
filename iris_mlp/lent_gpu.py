"""ZeroGPU: a Space that lends a GPU for one call at a time, which runs in a forked process.

What `spaces` does there (0.51, `zero/`), documented at
https://huggingface.co/docs/hub/spaces-zerogpu: it must see the decorated function before the app
is launched. In the process that serves the page it answers PyTorch's questions about a GPU, so
that `cuda` is offered there and cannot be used. What goes into the worker and what a generator
yields is pickled; a returned value is lost; of an error only the name of its class crosses. A
worker that outlives the duration it asked for is killed, and what it has not yielded is lost.
"""

import os
import tempfile
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import torch

from iris_mlp.config import PUBLIC_LIMITS, TRAIN_ROWS, TrainConfig
from iris_mlp.devices import resolve_device
from iris_mlp.errors import IrisMlpError
from iris_mlp.training import History, Progress, StopSignal, TrainingRun, TrainResult
from iris_mlp.training import prepare_run as prepare_here

_STARTUP_S = 15.0
"""For the fork, the first touch of the GPU, and what an engine compiles."""
_MARGIN_S = 5.0
"""A run ends so long before the worker would be killed, and so keeps what it reached."""
_STEP_S = 0.001
"""One eager step on a GPU, with margin: published runs took 0.65 to 0.84 ms."""


def is_zerogpu() -> bool:
    """Tell whether this process serves a ZeroGPU Space, as the package `spaces` decides it."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def prepare_run(config: TrainConfig) -> "TrainingRun | LentRun":
    """Prepare a training run where its device is: here, or in a worker that is lent a GPU.

    Raises:
        DeviceError: The device is not there, or the engine cannot run on it.
    """
    if is_zerogpu() and resolve_device(config.device).type != "cpu":
        return LentRun(config)
    return prepare_here(config)


class LentRun:
    """A run on a GPU that is lent for it; it is used like a `training.TrainingRun`."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.history = History()
        self._result: TrainResult | None = None

    def watch(self, stop: StopSignal, wall_s: float) -> Generator[Progress]:
        """Yield progress until the run ends, `stop` is set, or the time is over."""
        with tempfile.TemporaryDirectory() as folder:
            worker_stop = _StopFile(Path(folder) / "stop")
            with closing(_train_in_worker(self.config, worker_stop, wall_s)) as answers:
                for answer in answers:
                    match answer:
                        case IrisMlpError():
                            raise answer
                        case TrainResult():
                            self._result = replace(answer, history=self.history)
                        case progress, new:
                            self.history.extend(new)
                            yield progress
                            if stop.is_set():
                                worker_stop.set()

    def result(self) -> TrainResult:
        """Return what the run came to, once `watch` is through."""
        assert self._result is not None, "the run has not been watched to its end"
        return self._result


class _StopFile:
    """Asks a run in another process to stop: it pickles, which a threading.Event does not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self) -> None:
        self._path.touch()

    def is_set(self) -> bool:
        return self._path.exists()


def estimate_duration_s(config: TrainConfig, stop: StopSignal, wall_s: float) -> int:
    """Return the seconds of GPU time to ask for: the shorter, the sooner a visitor has a turn."""
    steps = config.epochs * -(-TRAIN_ROWS // config.batch_size)
    return round(min(_STARTUP_S + steps * _STEP_S, PUBLIC_LIMITS.wall_s))


def _train_in_worker(
    config: TrainConfig, stop: StopSignal, wall_s: float
) -> Generator[tuple[Progress, History] | TrainResult | IrisMlpError]:
    """Train and yield each progress with its new losses, then the result without any."""
    # OpenMP does not survive a fork: once this app has trained on the CPU, a child's first
    # parallel operation would wait for ever for threads that are not there.
    torch.set_num_threads(1)
    wall_s = min(wall_s, estimate_duration_s(config, stop, wall_s) - _MARGIN_S)
    try:
        run = prepare_here(config)  # the hardware is detected here, where the GPU is
        recorded = tested = 0
        for progress in run.watch(stop, wall_s):
            new = run.history.cut(recorded, tested)
            recorded, tested = recorded + len(new.losses), tested + len(new.test_losses)
            yield progress, new
        yield replace(run.result(), history=History())
    except IrisMlpError as error:
        yield error


if is_zerogpu():
    import spaces  # type: ignore[import-not-found]  # only a ZeroGPU Space has it

    _train_in_worker = spaces.GPU(duration=estimate_duration_s)(_train_in_worker)
