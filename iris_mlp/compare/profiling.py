"""One epoch of the lesson's loop in torch.profiler."""

import threading
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from torch.profiler import ProfilerActivity, profile

from iris_mlp.compare.lesson_loop import LessonLoop
from iris_mlp.devices import capturing

_profiler = threading.Lock()


@dataclass(frozen=True)
class OperatorCost:
    """An operator in the profile: calls and microseconds of its own in one epoch."""

    name: str
    calls: float
    self_us: float


@dataclass(frozen=True)
class Span:
    """What ran for a while in one epoch, microseconds from the epoch's beginning.

    Attributes:
        kind: On the host `operators`, `autograd`, `optimizer` or `item` (reading the loss, which
            waits for a GPU), and within them `launch`; on a GPU `kernel`.
        name: As torch.profiler names it.
        start_us: When it began.
        elapsed_us: How long it took.
    """

    kind: str
    name: str
    start_us: float
    elapsed_us: float


@dataclass(frozen=True)
class Profile:
    """One epoch as torch.profiler sees it; the profiler itself makes everything slower.

    The five parts add up to `wall_us`.

    Attributes:
        wall_us: An epoch under the profiler.
        python_us: Outside of anything that PyTorch records: Python, and what it calls unrecorded.
        operators_us: Inside operators (`aten::`): dispatch, allocation and, on the CPU, arithmetic.
        autograd_us: Inside autograd's engine, without its operators.
        optimizer_us: Inside the optimizer's Python, without its operators.
        driver_us: Inside calls into the GPU's driver: launches, copies, waiting; 0 on the CPU.
        operator_calls: Operators called.
        kernel_launches: Kernels launched on a GPU; 0 on the CPU.
        kernel_us: What they took there; None on the CPU, and where the GPU's driver tells of none.
        operators: The most expensive operators, the largest first.
        timeline: The outermost calls of one quiet epoch, its launches and its kernels.
    """

    wall_us: float
    python_us: float
    operators_us: float
    autograd_us: float
    optimizer_us: float
    driver_us: float
    operator_calls: float
    kernel_launches: float
    kernel_us: float | None
    operators: tuple[OperatorCost, ...]
    timeline: tuple[Span, ...] = ()


def profile_loop(loop: LessonLoop, epochs: int = 50, top: int = 12) -> Profile:
    """Profile some epochs with torch.profiler.

    Args:
        loop: The loop.
        epochs: Epochs to average over.
        top: How many operators to list.
    """
    activities, waits = [ProfilerActivity.CPU], nullcontext()
    if loop.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
        waits = capturing  # at its end the profiler waits for the whole GPU
    # A process has one profiler; a second visitor waits for the first.
    with _profiler, waits, profile(activities=activities) as profiler:
        wall_us = 1e6 * loop.time_epochs(epochs) / epochs
    parts = {"operators": 0.0, "autograd": 0.0, "optimizer": 0.0, "driver": 0.0}
    operators, kernel_us, launches = [], 0.0, 0.0
    for event in profiler.key_averages():
        if event.device_type.name != "CPU":
            # A recorded region shows up on the GPU's timeline again, over its own kernels.
            if not event.is_user_annotation:
                kernel_us += event.self_device_time_total / epochs
            continue
        calls, self_us = event.count / epochs, event.self_cpu_time_total / epochs
        part = _find_part(event.key)
        parts[part] += self_us
        if part == "operators":
            operators.append(OperatorCost(event.key, calls, self_us))
        if _is_launch(event.key):
            launches += calls
    operators.sort(key=lambda operator: -operator.self_us)
    return Profile(
        wall_us=wall_us,
        python_us=wall_us - sum(parts.values()),
        operators_us=parts["operators"],
        autograd_us=parts["autograd"],
        optimizer_us=parts["optimizer"],
        driver_us=parts["driver"],
        operator_calls=sum(operator.calls for operator in operators),
        kernel_launches=launches,
        # No kernel at all means that the tracer of this driver does not answer.
        kernel_us=kernel_us or None,
        operators=tuple(operators[:top]),
        timeline=cut_epoch(profiler.events() or ()),
    )


def cut_epoch(events: Iterable[Any]) -> tuple[Span, ...]:
    """Return one epoch out of the events of a profile, of middling length.

    An epoch ends with the read of its loss, so the time between two reads is one.
    """
    events = list(events)
    ends = sorted(e.time_range.end for e in events if e.name == "aten::item")
    epochs = sorted(pairwise(ends), key=lambda epoch: epoch[1] - epoch[0])
    if not epochs:
        return ()
    first, last = epochs[len(epochs) // 2]
    spans = []
    for event in sorted(events, key=lambda event: event.time_range.start):
        start, end = event.time_range.start, event.time_range.end
        on_host = event.device_type.name == "CPU"
        kind = _find_part(event.name) if on_host else "kernel"
        if event.name == "aten::item":
            kind = "item"
        elif on_host and _is_launch(event.name):
            kind = "launch"
        elif event.is_user_annotation if not on_host else event.cpu_parent is not None:
            continue
        if first <= start and end <= last:
            spans.append(Span(kind, event.name, start - first, end - start))
    return tuple(spans)


def _is_launch(name: str) -> bool:
    return "LaunchKernel" in name or "GraphLaunch" in name


def _find_part(name: str) -> Literal["operators", "autograd", "optimizer", "driver"]:
    if name.startswith("Optimizer."):
        return "optimizer"
    if "autograd::" in name or "Backward" in name:
        return "autograd"
    # `detach` is an operator that autograd records once more without its namespace.
    return "operators" if name.startswith("aten::") or name == "detach" else "driver"
