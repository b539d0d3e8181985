"""ZeroGPU: a Space that lends a GPU for one call at a time, which runs in a forked process.

What `spaces.GPU` does with a generator (spaces 0.51, `zero/wrappers.py`): what goes in and what is
yielded is pickled; a returned value is lost; of an error only the name of its class crosses, unless
it is Gradio's own; closing the generator stops the worker at its next yield. So a run yields its
result last, and the errors that a user should read cross as values.
"""

import functools
import os
from collections.abc import Callable, Generator
from contextlib import closing
from typing import ParamSpec, TypeVar

import torch

from iris_mlp.config import PUBLIC_LIMITS, TRAIN_ROWS, TrainConfig
from iris_mlp.errors import IrisMlpError

P = ParamSpec("P")
T = TypeVar("T")

_STARTUP_S = 10.0
_STEP_S = 0.001
"""One eager step on a GPU, with margin: published runs took 0.65 to 0.84 ms."""


def is_zerogpu() -> bool:
    """Tell whether this process serves a ZeroGPU Space, as the package `spaces` decides it."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def estimate_duration_s(config: TrainConfig) -> int:
    """Return the seconds of GPU time to ask for: the shorter, the sooner a visitor has a turn."""
    steps = config.epochs * -(-TRAIN_ROWS // config.batch_size)
    return round(min(_STARTUP_S + steps * _STEP_S, PUBLIC_LIMITS.wall_s))


def wrap_for_zerogpu(
    generate: Callable[P, Generator[T]], duration_s: int | Callable[P, int]
) -> Callable[P, Generator[T]]:
    """Return a generator function that runs where the GPU is; elsewhere the same function.

    Args:
        generate: Its arguments and what it yields pickle. It detects the hardware itself, since
            only the forked process sees the GPU.
        duration_s: GPU time to ask for, or what computes it from the same arguments.
    """
    if not is_zerogpu():
        return generate
    import spaces  # type: ignore[import-not-found]  # only a ZeroGPU Space has it

    def run_in_worker(*args: P.args, **kwargs: P.kwargs) -> Generator[T | IrisMlpError]:
        # OpenMP does not survive a fork: once this app has trained on the CPU, a child's first
        # parallel operation would wait for ever for threads that are not there.
        torch.set_num_threads(1)
        try:
            yield from generate(*args, **kwargs)
        except IrisMlpError as error:
            yield error

    on_gpu = spaces.GPU(duration=duration_s)(run_in_worker)

    @functools.wraps(generate)
    def run(*args: P.args, **kwargs: P.kwargs) -> Generator[T]:
        with closing(on_gpu(*args, **kwargs)) as values:
            for value in values:
                if isinstance(value, IrisMlpError):
                    raise value
                yield value

    return run
