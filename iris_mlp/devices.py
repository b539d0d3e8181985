"""The devices that PyTorch finds here, and the one that `auto` means."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from iris_mlp.config import is_zerogpu
from iris_mlp.errors import DeviceError

capturing = threading.Lock()
"""Held while a CUDA graph is captured: PyTorch allows one capture at a time in a process.

Whoever waits for a whole GPU holds it too, since that would break a capture of any thread.
"""


def list_devices() -> list[str]:
    """Return the names of the devices that can train here, the CPU first."""
    names = ["cpu"]
    accelerator = _find_accelerator()
    if accelerator is not None:
        count = torch.accelerator.device_count()
        names += [accelerator] if count == 1 else [f"{accelerator}:{i}" for i in range(count)]
    return names


def choose_auto_device() -> tuple[torch.device, str]:
    """Return the device that `auto` means, and the reason as a key.

    `accelerator`; `only_cpu`; or `lent_gpu` where a GPU is lent for a call at a time out of a
    visitor's daily quota, and the CPU, which wins on this model, costs nothing.
    """
    if is_zerogpu():
        return torch.device("cpu"), "lent_gpu"
    accelerator = _find_accelerator()
    if accelerator is None:
        return torch.device("cpu"), "only_cpu"
    return torch.device(accelerator), "accelerator"


def explain_missing() -> str:
    """Return why no accelerator is offered here, as a key.

    `none_missing`, `lent_gpu` (there is one, for a call at a time), `cpu_build` (this build of
    PyTorch cannot use a GPU) or `no_gpu` (it could, but finds none).
    """
    if is_zerogpu():
        return "lent_gpu"
    if _find_accelerator() is not None:
        return "none_missing"
    return "no_gpu" if torch.version.cuda or torch.version.hip else "cpu_build"


def resolve_device(name: str) -> torch.device:
    """Turn a device's name into a device that is really there.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, … in the spelling of PyTorch.

    Raises:
        DeviceError: The name is not a device, or this machine or this PyTorch has none such.
    """
    if name == "auto":
        return choose_auto_device()[0]
    here = list_devices()
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(
            "device {name!r} is unknown; here there are: auto, {here}.",
            name=name[:40],
            here=", ".join(here),
        ) from None
    accelerator = _find_accelerator()
    if device.type == "cpu" and device.index in (None, 0):
        return torch.device("cpu")
    if device.type == accelerator and (device.index or 0) < torch.accelerator.device_count():
        return device
    raise DeviceError(
        "device {name!r} is not on this machine, or this build of PyTorch cannot use it; "
        "here there are: auto, {here}.",
        name=name,
        here=", ".join(here),
    )


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all it was given, so that a clock may be read."""
    if device.type == "cuda":
        # This run's stream alone: a wait for the whole device would break another run's capture.
        torch.cuda.current_stream(device).synchronize()
    elif device.type != "cpu":
        torch.accelerator.synchronize(device)


@contextmanager
def explain_failure(device: torch.device) -> Iterator[None]:
    """Say in a sentence that a GPU fails at its work: it is full, lost, or not one of this build.

    What PyTorch finds, it may still not be able to use: its builds leave out older GPUs.

    Raises:
        DeviceError: PyTorch reports an error, and the device is not the CPU.
    """
    try:
        yield
    except RuntimeError as error:
        if device.type == "cpu":
            raise
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DeviceError(
            "The device {device} fails here ({reason}); choose the device cpu.",
            device=str(device),
            reason=reason[0][:200],
        ) from error


def _find_accelerator() -> str | None:
    if not torch.accelerator.is_available():
        return None
    accelerator = torch.accelerator.current_accelerator()
    return None if accelerator is None else accelerator.type
