"""Every GPU of this machine: from the NVIDIA driver where there is one, else as PyTorch tells."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from iris_mlp.devices import has_code_for
from iris_mlp.hardware.gpu_decoder import GpuName, decode_gpu
from iris_mlp.hardware.gpu_names import RULES
from iris_mlp.hardware.nvml import INIT_ERRORS, NvmlGateway, find_visible, list_cards
from iris_mlp.hardware.probes import ask_system


@dataclass(frozen=True)
class GpuInfo:
    """One GPU. None means unknown.

    Attributes:
        index: Its number for PyTorch ("cuda:1"); of a hidden one, the driver's.
        kind: "cuda", "rocm", "mps" or "xpu": the PyTorch backend that would use it.
        state: "ok", "hidden" (from this process), "lost" (fell off the bus), "reset_required",
            "no_permission" or "unreadable".
        source: Key of who reports its name, capability and driver.
        compute_capability: What the driver reports; it beats the name.
        vram_total_mib: Its memory; where it shares the machine's, the most that it should take.
        vram_source: Key of who reports its memory.
        name_says: What the name means by the catalogue.
        notes: Keys of what a reader should know, such as "note.capability_differs".
    """

    index: int
    kind: str
    state: str = "ok"
    name: str | None = None
    architecture: str | None = None
    compute_capability: str | None = None
    vram_total_mib: float | None = None
    vram_free_mib: float | None = None
    source: str | None = None
    vram_source: str | None = None
    multiprocessors: int | None = None
    driver_version: str | None = None
    cuda_driver_version: str | None = None
    name_says: GpuName | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GpuSearch:
    """The GPUs found, and the key of how the NVIDIA driver answered ("nvml.ok" …)."""

    gpus: tuple[GpuInfo, ...]
    nvml_state: str


_lent: tuple[GpuInfo, ...] = (GpuInfo(0, "cuda", notes=("note.lent",)),)


def keep_lent(gpus: tuple[GpuInfo, ...]) -> None:
    """Keep what GPU this host lends for a call, to be told of when it is not here."""
    global _lent
    # How much memory was free then says nothing of now.
    _lent = tuple(replace(gpu, vram_free_mib=None, notes=(*gpu.notes, "note.lent")) for gpu in gpus)


def list_lent() -> tuple[GpuInfo, ...]:
    """Return what GPU this host lent last; before the first call nothing is known of it."""
    return _lent


def detect_gpus(
    cpu_name: str | None = None,
    nvml: ModuleType | None = None,
    torch: ModuleType | None = None,
    environ: Mapping[str, str] = os.environ,
) -> GpuSearch:
    """Find every GPU; a probe that fails makes its field None and nothing else.

    What the driver lists is not what this process may use: PyTorch's view decides on the order,
    and what it may not see is told to be hidden.

    Args:
        cpu_name: The chip's name, which on a Mac is also the GPU's.
        nvml: The NVML module; pynvml unless given.
        torch: The PyTorch module; the installed one unless given.
        environ: Where CUDA_VISIBLE_DEVICES is looked for.
    """
    if torch is None:
        import torch
    if nvml is None:
        try:
            import pynvml as nvml
        except ImportError:
            return GpuSearch(_list_torch_gpus(torch, cpu_name), "nvml.not_installed")
    assert nvml is not None
    gateway = NvmlGateway(nvml)
    with gateway.session() as started:
        if started:
            gpus, state = _list_nvml_gpus(gateway, torch, environ), "nvml.ok"
            if gpus is None:
                gpus, state = (), "nvml.error"
        else:
            gpus, state = (), INIT_ERRORS.get(gateway.error or 0, "nvml.error")
    gpus = tuple(replace(gpu, notes=gpu.notes + _note_pytorch(gpu, torch)) for gpu in gpus)
    return GpuSearch(gpus or _list_torch_gpus(torch, cpu_name), state)


def _note_pytorch(gpu: GpuInfo, torch: ModuleType) -> tuple[str, ...]:
    """Return why this PyTorch cannot use a card of the driver, if it cannot; no CUDA is started."""
    build, driver = torch.version.cuda, gpu.cuda_driver_version
    if not build:
        return ("note.torch_without_cuda",)
    # NVIDIA's CUDA Compatibility: a driver serves the later minor versions of its major one.
    if driver and int(driver.partition(".")[0]) < int(build.partition(".")[0]):
        return ("note.torch_needs_newer_driver",)
    built_for: list[str] = ask_system(lambda: torch.cuda.get_arch_list()) or []
    if not has_code_for(read_capability(gpu), built_for):
        return ("note.torch_without_architecture",)
    return ()


def read_capability(gpu: GpuInfo) -> tuple[int, int] | None:
    """Return a GPU's compute capability as two numbers."""
    if gpu.compute_capability is None:
        return None
    major, minor = gpu.compute_capability.split(".")
    return int(major), int(minor)


def _list_nvml_gpus(
    gateway: NvmlGateway, torch: ModuleType, environ: Mapping[str, str]
) -> tuple[GpuInfo, ...] | None:
    """List the GPUs that the driver knows, PyTorch's first; None where it cannot count."""
    cards = list_cards(gateway)
    if cards is None:
        return None
    found = {name: describe_gpu(**facts) for name, facts in cards.items()}
    seen = _ask_visible(torch)
    if not seen or not found.keys() >= set(seen):
        seen = find_visible(environ, list(found))
    first = [replace(found[name], index=number) for number, name in enumerate(seen)]
    hidden = [replace(gpu, state="hidden") for name, gpu in found.items() if name not in seen]
    return (*first, *hidden)


def _ask_visible(torch: ModuleType) -> list[str] | None:
    """Return the identifiers of PyTorch's GPUs in its order, where CUDA has started already."""
    if not ask_system(lambda: torch.cuda.is_initialized()):
        return None
    return ask_system(
        lambda: [
            f"GPU-{torch.cuda.get_device_properties(number).uuid}"
            for number in range(torch.cuda.device_count())
        ]
    )


def describe_gpu(
    *,
    name: str | None,
    compute_capability: str | None = None,
    cores: int | None = None,
    notes: tuple[str, ...] = (),
    **facts: Any,
) -> GpuInfo:
    """Make a GpuInfo, reading the name; where name and driver disagree the driver wins."""
    said = decode_gpu(name) if name else None
    by_name = said.compute_capability if said else None
    if by_name and compute_capability and by_name != compute_capability:
        notes += ("note.capability_differs",)
    best_known = compute_capability or by_name or ""
    # NVML counts cores on every card, multiprocessors on few.
    architecture, per_multiprocessor = RULES["capabilities"].get(best_known, (None, None))
    if cores and per_multiprocessor:
        facts["multiprocessors"] = cores // per_multiprocessor
    return GpuInfo(
        name=name,
        compute_capability=compute_capability,
        architecture=architecture or (said.architecture if said else None),
        name_says=said,
        notes=notes,
        **facts,
    )


def _list_torch_gpus(torch: ModuleType, cpu_name: str | None) -> tuple[GpuInfo, ...]:
    """List the accelerators that PyTorch sees where the NVIDIA driver names none."""
    if ask_system(lambda: torch.cuda.is_available()):
        kind = "rocm" if getattr(torch.version, "hip", None) else "cuda"
        count = ask_system(lambda: torch.cuda.device_count()) or 0
        return tuple(_read_torch_gpu(torch.cuda, kind, index) for index in range(count))
    if ask_system(lambda: torch.xpu.is_available()):
        count = ask_system(lambda: torch.xpu.device_count()) or 0
        return tuple(_read_torch_gpu(torch.xpu, "xpu", index) for index in range(count))
    if ask_system(lambda: torch.backends.mps.is_available()):
        total = ask_system(lambda: torch.mps.recommended_max_memory())
        gpu = describe_gpu(
            index=0,
            kind="mps",
            name=cpu_name,
            source="source.torch",
            vram_total_mib=total / 2**20 if total else None,
            vram_source="source.torch" if total else None,
            notes=("note.unified_memory",),
        )
        return (gpu,)
    return ()


def _read_torch_gpu(backend: Any, kind: str, index: int) -> GpuInfo:
    """Read one GPU from PyTorch; free memory only where a context is there already."""
    facts = ask_system(lambda: backend.get_device_properties(index))
    free = total = None
    if ask_system(lambda: backend.is_initialized()):
        free, total = ask_system(lambda: backend.mem_get_info(index)) or (None, None)
    total = getattr(facts, "total_memory", total)
    capability = f"{facts.major}.{facts.minor}" if kind == "cuda" and facts else None
    multiprocessors = getattr(facts, "multi_processor_count", None)
    return describe_gpu(
        index=index,
        kind=kind,
        name=getattr(facts, "name", None),
        compute_capability=capability,
        state="ok" if facts else "unreadable",
        source="source.torch",
        vram_source="source.torch" if total else None,
        vram_total_mib=total / 2**20 if total else None,
        vram_free_mib=free / 2**20 if free is not None else None,
        multiprocessors=multiprocessors or getattr(facts, "max_compute_units", None),
    )
