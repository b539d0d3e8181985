"""ZeroGPU: a Space that lends a GPU for one call at a time, which runs in a forked process.

What `spaces` does there (0.51, `zero/`), documented at
https://huggingface.co/docs/hub/spaces-zerogpu: it must see the decorated function before the app
is launched. In the process that serves the page it answers PyTorch's questions about a GPU, so
that `cuda` is offered there and cannot be used. What goes into the worker and what a generator
yields is pickled; a returned value is lost; of an error only the name of its class crosses. A
worker that outlives the duration it asked for is killed, and what it has not yielded is lost.
"""

import math
import pickle
import re
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from iris_mlp.config import PUBLIC_LIMITS, TrainConfig, is_zerogpu
from iris_mlp.devices import resolve_device
from iris_mlp.errors import DeviceError, IrisMlpError
from iris_mlp.hardware.gpu import GpuInfo, detect_gpus, keep_lent
from iris_mlp.training import History, Progress, StopSignal, TrainingRun, TrainResult
from iris_mlp.training import prepare_run as prepare_here

Work = Callable[..., Generator[Any]]
"""A generator function of a module; its last argument is the `StopSignal` that it has to heed."""

STARTUP_S = 10
"""For the fork, the first touch of the GPU, and what an engine compiles."""
_MARGIN_S = 3.0
"""Work is told to stop so long before its worker would be killed, and so keeps what it reached."""
_STEP_S = {"eager": 0.001, "cuda-graph": 0.0002, "fused": 0.00002}
"""One optimizer step on a GPU, by engine: above the published 0.65 to 0.84 ms, two estimates."""

_REFUSALS: tuple[type[Exception], ...] = ()

_measured_step_s: dict[str, float] = {}
"""What a step took on this host's GPU when it was last lent, by engine."""


def run_on_gpu(
    work: Work, *arguments: Any, stop: StopSignal, wall_s: float, duration_s: int
) -> Generator[Any]:
    """Run work where this host has its GPU and yield what it yields: here, or in a lent worker.

    Args:
        work: What to run; arguments and yielded values cross as pickles where a GPU is lent.
        arguments: What it is given before its `StopSignal`.
        stop: Asks it to end.
        wall_s: Seconds after which it is asked to end as well.
        duration_s: GPU seconds to ask for where a GPU is lent: the fewer, the sooner comes a turn.

    Raises:
        DeviceError: No GPU is lent, or it is taken away; the sentence says why and what to do.
    """
    if not is_zerogpu():
        yield from work(*arguments, _Deadline(stop, wall_s))
        return
    with tempfile.TemporaryDirectory() as folder:
        worker_stop = _StopFile(Path(folder) / "stop")
        wall_s = min(wall_s, duration_s - _MARGIN_S)
        answers = _run_in_worker(work, arguments, worker_stop, wall_s, duration_s)
        try:
            with closing(answers):
                for pickled in answers:
                    answer = pickle.loads(pickled)
                    if isinstance(answer, IrisMlpError):
                        raise answer
                    if isinstance(answer, _Lent):
                        if answer.gpus:
                            keep_lent(answer.gpus)
                        continue
                    yield answer
                    if stop.is_set():
                        worker_stop.set()
        except _REFUSALS as error:
            title, message = getattr(error, "title", ""), getattr(error, "message", str(error))
            raise _explain_refusal(title, message, duration_s) from error


def is_lent(devices: Sequence[str]) -> bool:
    """Tell whether a GPU would have to be lent for work on these devices."""
    return is_zerogpu() and any(device != "cpu" for device in devices)


def run_on_devices(
    work: Work,
    devices: Sequence[str],
    *arguments: Any,
    stop: StopSignal,
    estimate_s: Callable[[], int],
) -> Generator[Any]:
    """Run work on some devices and yield what it yields: all at once, or a lent GPU's part after.

    The CPU's part runs here in any case: it costs nobody's quota.

    Args:
        work: What to run; its first argument is the devices.
        devices: Names of devices.
        arguments: What it is given between the devices and its `StopSignal`.
        stop: Asks it to end.
        estimate_s: Returns the GPU seconds to ask for; called only where a GPU is lent.

    Raises:
        DeviceError: As `run_on_gpu`, once the CPU's part is done.
    """
    if not is_lent(devices):
        yield from work(devices, *arguments, stop)
        return
    if here := [device for device in devices if device == "cpu"]:
        yield from work(here, *arguments, stop)
    if not stop.is_set():
        lent = [device for device in devices if device != "cpu"]
        yield from run_on_gpu(
            work, lent, *arguments, stop=stop, wall_s=math.inf, duration_s=estimate_s()
        )


def prepare_run(config: TrainConfig) -> "TrainingRun | LentRun":
    """Prepare a training run where its device is: here, or in a worker that is lent a GPU.

    Raises:
        DeviceError: The device is not there, or the engine cannot run on it.
    """
    if is_lent([resolve_device(config.device).type]):
        return LentRun(config)
    return prepare_here(config)


class LentRun:
    """A run on a GPU that is lent for it; it is used like a `training.TrainingRun`."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.history = History()
        self.failure = None
        self._result: TrainResult | None = None

    def watch(self, stop: StopSignal, wall_s: float) -> Generator[Progress]:
        """Yield progress until the run ends, `stop` is set, or the time is over."""
        duration_s = estimate_duration_s(self.config)
        answers = run_on_gpu(_train, self.config, stop=stop, wall_s=wall_s, duration_s=duration_s)
        try:
            with closing(answers):
                for result in answers:
                    self.history.extend(result.history)
                    self._result = replace(result, history=self.history)
                    yield result.progress
        except DeviceError as error:
            if self._result is None:
                raise
            self.failure = error
        if self._result is not None:
            progress, config = self._result.progress, self.config
            if steps := progress.epoch * config.batches_per_epoch:
                _measured_step_s[config.engine] = progress.elapsed_s / steps

    def snapshot(self) -> TrainResult:
        """Return what the run has come to so far."""
        return self.result()

    def result(self) -> TrainResult:
        """Return what the run came to; of one whose GPU was taken away, how far it had come."""
        assert self._result is not None, "nothing has been yielded yet"
        return self._result


def estimate_duration_s(*configs: TrainConfig) -> int:
    """Return the seconds of GPU time that trainings, one after the other, ask for."""
    return ask_for_s(
        sum(
            1.5
            * config.epochs
            * config.batches_per_epoch
            * _measured_step_s.get(config.engine, _STEP_S[config.engine])
            for config in configs
        )
    )


def estimate_run_s(config: TrainConfig) -> int:
    """Return the seconds of GPU time that a training asks for here: none where none is lent."""
    device = resolve_device(config.device).type
    return estimate_duration_s(config) if is_lent([device]) else 0


def ask_for_s(work_s: float) -> int:
    """Return the seconds of GPU time to ask for, for work that takes so long."""
    return min(STARTUP_S + math.ceil(work_s), round(PUBLIC_LIMITS.wall_s))


def _train(config: TrainConfig, stop: StopSignal) -> Generator[TrainResult]:
    """Train and yield how far the run has come, each time with its new losses alone."""
    run = prepare_here(config)  # the hardware is detected here, where the GPU is
    recorded = tested = 0
    for _ in run.watch(stop, math.inf):
        new = run.history.cut(recorded, tested)
        recorded, tested = recorded + len(new.losses), tested + len(new.test_losses)
        yield replace(run.snapshot(), history=new)


@dataclass(frozen=True)
class _Lent:
    """What GPU a worker was lent."""

    gpus: tuple[GpuInfo, ...]


class _StopFile:
    """Asks work in another process to stop: it pickles, which a threading.Event does not."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self) -> None:
        self._path.touch()

    def is_set(self) -> bool:
        return self._path.exists()


class _Deadline:
    """A `StopSignal` that is also set once the time is over."""

    def __init__(self, stop: StopSignal, wall_s: float) -> None:
        self._stop = stop
        self._ends_at = perf_counter() + wall_s

    def is_set(self) -> bool:
        return self._stop.is_set() or perf_counter() > self._ends_at


def _run_in_worker(
    work: Work, arguments: tuple[Any, ...], stop: StopSignal, wall_s: float, duration_s: int
) -> Generator[bytes]:
    # OpenMP does not survive a fork: once this app has trained on the CPU, a child's first
    # parallel operation would wait for ever for threads that are not there.
    torch.set_num_threads(1)
    yield pickle.dumps(_Lent(detect_gpus().gpus))
    try:
        for answer in work(*arguments, _Deadline(stop, wall_s)):
            # As bytes: a tensor would cross as a handle that dies with the worker.
            yield pickle.dumps(answer)
    except IrisMlpError as error:
        yield pickle.dumps(error)


def _read_duration_s(
    work: Work, arguments: tuple[Any, ...], stop: StopSignal, wall_s: float, duration_s: int
) -> int:
    return duration_s


def _explain_refusal(title: str, message: str, asked_s: int) -> DeviceError:
    """Return our sentence for what `zero/client.py` and `zero/wrappers.py` of `spaces` raise."""
    match title:
        case "ZeroGPU quota exceeded" if " quota (" not in message:
            return DeviceError(
                "GPUs are lent to visitors of the page and to callers with a Hugging Face token, "
                "each within a quota of their own; call with a token, or use the device cpu."
            )
        case "ZeroGPU quota exceeded":
            left = re.search(r"vs\. (\d+)s left", message)
            wait = re.search(r"Try again in (.+?)\. ", message)
            return DeviceError(
                "Your GPU time of today is used up: {asked} seconds were asked for, {left} are "
                "left; more comes back in {wait} (h:min:s). Signing in with Hugging Face gives "
                "more; the device cpu costs nothing, and wins on this model.",
                asked=asked_s,
                left=left[1] if left else "0",
                wait=wait[1] if wait else "24:00:00",
            )
        case "ZeroGPU illegal duration":
            return DeviceError(
                "{asked} seconds of GPU time are more than one call may ask for here; choose fewer "
                "epochs, the engine fused, or the device cpu.",
                asked=asked_s,
            )
        case "ZeroGPU queue timeout":
            return DeviceError(
                "No GPU became free within a minute; try again later, or choose the device cpu, "
                "which does not have to wait."
            )
        case "ZeroGPU pending credits exceeded":
            return DeviceError(
                "Your other work on lent GPUs has to end first; wait for it, or choose the device "
                "cpu."
            )
        case "ZeroGPU worker error":
            return DeviceError(
                "The lent GPU was taken away or failed ({reason}); what had arrived by then is "
                "kept. Try again, or choose the device cpu.",
                reason=message,
            )
    return DeviceError(
        "No GPU can be lent now; reload the page and try again, or choose the device cpu."
    )


if is_zerogpu():
    import spaces  # type: ignore[import-not-found]  # only a ZeroGPU Space has it
    from gradio import Error  # noqa: TID251  # what spaces raises

    _REFUSALS = (Error, RuntimeError)
    _run_in_worker = spaces.GPU(duration=_read_duration_s)(_run_in_worker)
