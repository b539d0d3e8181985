"""The devices that PyTorch finds here, and the one that `auto` means."""

import re
import threading
from collections.abc import Callable, Iterator
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


def choose_auto_device(
    ask_capability: Callable[[int], tuple[int, int] | None] | None = None,
) -> tuple[torch.device, str]:
    """Return the device that `auto` means, and the reason as a key.

    `accelerator`; `only_cpu`; `no_code`: there are NVIDIA cards, but this build of PyTorch has code
    for none of them; or `lent_gpu`: a GPU is lent for a call at a time out of a visitor's daily
    quota, and the CPU, which wins on this model, costs nothing.

    Args:
        ask_capability: What gives the compute capability of a card by its number; PyTorch unless
            given, which starts CUDA.
    """
    if is_zerogpu():
        return torch.device("cpu"), "lent_gpu"
    accelerator = _find_accelerator()
    if accelerator is None:
        return torch.device("cpu"), "only_cpu"
    if accelerator != "cuda" or not torch.version.cuda:
        return torch.device(accelerator), "accelerator"
    built_for = torch.cuda.get_arch_list()
    for index in range(torch.accelerator.device_count()):
        if has_code_for((ask_capability or _ask_capability)(index), built_for):
            return torch.device("cuda", index) if index else torch.device("cuda"), "accelerator"
    return torch.device("cpu"), "no_code"


def has_code_for(capability: tuple[int, int] | None, built_for: list[str]) -> bool:
    """Return whether a build of PyTorch has code for a card; True where that is unknown.

    Binary code (sm_86) runs on later minor versions of its major one, with the letter "a" on that
    version alone; intermediate code (compute_90) on any later version. CUDA C++ Programming Guide,
    "Application Compatibility".

    Args:
        capability: Compute capability of the card.
        built_for: What `torch.cuda.get_arch_list()` gives.
    """
    if capability is None or not built_for:
        return True
    for name in built_for:
        if part := re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", name):
            built = int(part[2]), int(part[3])
            same_major = built[0] == capability[0] and built[1] <= capability[1]
            if built == capability or (same_major and part[4] != "a"):
                return True
            if part[1] == "compute" and not part[4] and built <= capability:
                return True
    return False


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
    # PyTorch keeps the number in 8 bits: it reads cuda:256 as cuda:0.
    kept = name == device.type or name == f"{device.type}:{device.index}"
    if kept and device.type == "cpu" and device.index in (None, 0):
        return torch.device("cpu")
    if (
        kept
        and device.type == accelerator
        and 0 <= (device.index or 0) < torch.accelerator.device_count()
    ):
        return device
    raise DeviceError(
        "device {name!r} is not on this machine, or this build of PyTorch cannot use it; "
        "here there are: auto, {here}.",
        name=name[:40],
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


def _ask_capability(index: int) -> tuple[int, int] | None:
    try:
        return torch.cuda.get_device_capability(index)
    except (RuntimeError, AssertionError):  # where CUDA may not start, as in ZeroGPU's main process
        return None
