"""A stand-in for the package `spaces` of a ZeroGPU Space; see `install`.

It does what `spaces` 0.51 does (`zero/wrappers.py`, `zero/torch/patching.py`): the process that
serves is told of a GPU that is not there, a decorated generator runs in a forked process that
sees the hardware as it is, and all that goes in and comes out is pickled.
"""

import functools
import multiprocessing
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch

fork = multiprocessing.get_context("fork")


class WorkerError(Exception):
    """Of what is raised in the worker, only the name of its class arrives."""


class SpacesStandin(types.ModuleType):
    """What `import spaces` gives.

    Attributes:
        durations_s: The GPU time asked for, call by call.
        sizes: Bytes of each yielded value.
        exit_codes: How the workers ended.
    """

    def __init__(self) -> None:
        super().__init__("spaces")
        self.durations_s: list[int] = []
        self.sizes: list[int] = []
        self.exit_codes: list[int | None] = []

    def GPU(self, duration: Callable[..., int]) -> Callable[..., Any]:
        return lambda task: self._wrap(task, duration)

    def _wrap(self, task: Callable[..., Iterator], duration: Callable[..., int]) -> Callable:
        @functools.wraps(task)
        def handler(*args: Any, **kwargs: Any) -> Iterator[Any]:
            self.durations_s.append(duration(*args, **kwargs))
            results, stop, done = fork.SimpleQueue(), fork.Event(), fork.Event()
            order = pickle.dumps((args, kwargs))
            worker = fork.Process(target=_work, args=(task, order, results, stop, done))
            worker.daemon = True
            worker.start()
            try:
                while (answer := results.get())[0] != "end":
                    if answer[0] == "error":
                        raise WorkerError(answer[1])
                    self.sizes.append(len(answer[1]))
                    try:
                        yield pickle.loads(answer[1])
                    except GeneratorExit:
                        stop.set()
                        raise
            finally:
                done.set()
                worker.join(60)
                self.exit_codes.append(worker.exitcode)

        return handler


def install() -> SpacesStandin:
    """Let `import spaces` find the stand-in, and let PyTorch tell of a GPU as it would."""
    _pretend_a_gpu()
    standin = SpacesStandin()
    sys.modules["spaces"] = standin
    return standin


_TRUTH = {
    (torch._C, "_accelerator_getAccelerator"): torch._C._accelerator_getAccelerator,
    (torch.cuda, "is_available"): torch.cuda.is_available,
    (torch.cuda, "device_count"): torch.cuda.device_count,
}


def _pretend_a_gpu() -> None:
    # The first is what a build of PyTorch for CUDA says by itself.
    torch._C._accelerator_getAccelerator = lambda: torch.device("cuda")
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1


def _work(task: Callable[..., Iterator], order: bytes, results: Any, stop: Any, done: Any) -> None:
    for (module, name), value in _TRUTH.items():
        setattr(module, name, value)
    args, kwargs = pickle.loads(order)
    values = task(*args, **kwargs)
    try:
        for value in values:
            if stop.is_set():
                values.close()  # type: ignore[attr-defined]
                break
            results.put(("value", pickle.dumps(value)))
    except Exception as error:  # noqa: BLE001  # whatever it is, it must cross
        results.put(("error", type(error).__name__))
    results.put(("end", None))
    done.wait()  # the worker is kept for the next call
