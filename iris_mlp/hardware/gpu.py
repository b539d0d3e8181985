"""Every GPU of this machine: from the NVIDIA driver where there is one, else as PyTorch tells."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import psutil

from iris_mlp.devices import has_code_for
from iris_mlp.hardware.gpu_decoder import GpuName, decode_gpu
from iris_mlp.hardware.gpu_names import RULES
from iris_mlp.hardware.probes import ask_system

# NVML API Reference Guide, nvmlReturn_t.
_NVML_STATES = {4: "no_permission", 15: "lost", 16: "reset_required"}
_NVML_INIT_ERRORS = {
    4: "nvml.no_permission",
    9: "nvml.driver_not_loaded",
    12: "nvml.library_not_found",
    18: "nvml.version_mismatch",
}


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


class NvmlGateway:
    """The one place where NVML is called: a call that fails gives None and leaves its error code.

    Attributes:
        error: The code of the last call's failure, or None.
        errors: The codes of all failures since `errors` was last cleared.
    """

    def __init__(self, nvml: ModuleType) -> None:
        self._nvml: Any = nvml
        self.error: int | None = None
        self.errors: list[int | None] = []

    def ask(self, function_name: str, *arguments: object) -> Any:
        """Call an NVML function; None where it fails, is missing, or returns unreadable text."""
        self.error = None
        try:
            return getattr(self._nvml, function_name)(*arguments)
        except self._nvml.NVMLError as error:
            self.error = getattr(error, "value", None)
        except (AttributeError, UnicodeDecodeError, OSError):
            self.error = None
        self.errors.append(self.error)
        return None

    @contextmanager
    def session(self) -> Iterator[bool]:
        """Initialise NVML, and shut it down afterwards; True where it answers."""
        self.errors.clear()
        self.ask("nvmlInit")
        started = not self.errors
        try:
            yield started
        finally:
            if started:
                self.ask("nvmlShutdown")


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
            gpus, state = (), _NVML_INIT_ERRORS.get(gateway.error or 0, "nvml.error")
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
    count = gateway.ask("nvmlDeviceGetCount")
    if count is None:
        return None
    driver = _to_text(gateway.ask("nvmlSystemGetDriverVersion"))
    cuda = gateway.ask("nvmlSystemGetCudaDriverVersion_v2")
    if cuda is None:
        cuda = gateway.ask("nvmlSystemGetCudaDriverVersion")
    versions: dict[str, Any] = {
        "driver_version": driver,
        "cuda_driver_version": f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
    }
    found: dict[str, GpuInfo] = {}  # by the driver's identifier, in its order
    for index in range(count):
        gateway.errors.clear()
        handle = gateway.ask("nvmlDeviceGetHandleByIndex", index)
        code = gateway.error
        slices = _list_slices(gateway, handle) if handle is not None else []
        for each in slices or [handle]:
            gpu = _read_nvml_gpu(gateway, index, each, handle, code, versions)
            identifier = _to_text(gateway.ask("nvmlDeviceGetUUID", each)) if each else None
            found[identifier or f"{index}"] = gpu
    seen = _ask_visible(torch) or find_visible(environ, list(found))
    first = [replace(found[name], index=number) for number, name in enumerate(seen)]
    hidden = [replace(gpu, state="hidden") for name, gpu in found.items() if name not in seen]
    return (*first, *hidden)


def find_visible(environ: Mapping[str, str], names: list[str]) -> list[str]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES leaves to this process, in its order.

    CUDA C++ Programming Guide, "CUDA Environment Variables": numbers or the beginnings of
    identifiers; the first that fits nothing ends the list. Of the slices of cards (MIG) a process
    gets one, and no whole card beside it.

    Args:
        environ: The environment.
        names: The identifiers of the driver's GPUs ("GPU-…", "MIG-…"), in its order.
    """
    chosen = environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        seen = names
    else:
        seen = []
        for word in (word.strip() for word in chosen.split(",")):
            fits = [name for name in names if word and name.startswith(word)]
            if word.isdecimal() and int(word) < len(names):
                fits = [names[int(word)]]
            if len(fits) != 1 or fits[0] in seen:
                break
            seen.append(fits[0])
    slices = [name for name in seen if name.startswith("MIG-")]
    return slices[:1] or seen


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


def _list_slices(gateway: NvmlGateway, handle: Any) -> list[Any]:
    """List the slices (MIG) of a card that is cut into them."""
    if not (gateway.ask("nvmlDeviceGetMigMode", handle) or (0,))[0]:
        return []
    most = gateway.ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0
    slices = (
        gateway.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, number) for number in range(most)
    )
    return [each for each in slices if each is not None]


def _read_nvml_gpu(
    gateway: NvmlGateway,
    index: int,
    handle: Any,
    card: Any,
    code: int | None,
    versions: dict[str, Any],
) -> GpuInfo:
    """Read one GPU, question by question.

    Args:
        gateway: Where to ask.
        index: The driver's number.
        handle: The card or its slice; None where the driver gives none.
        card: The whole card.
        code: The driver's error where it gave none.
        versions: Those of the driver.
    """
    gateway.errors[:] = [code]
    name = capability = memory = cores = None
    if handle is not None:
        name = _to_text(gateway.ask("nvmlDeviceGetName", handle))
        pair = gateway.ask("nvmlDeviceGetCudaComputeCapability", card)
        capability = f"{pair[0]}.{pair[1]}" if pair else None
        memory = gateway.ask("nvmlDeviceGetMemoryInfo", handle)
        cores = gateway.ask("nvmlDeviceGetNumGpuCores", card) if handle is card else None
    states = [_NVML_STATES[error] for error in gateway.errors if error in _NVML_STATES]
    # A board that shares the machine's memory reports none of its own (GB10), or 0 bytes (Jetson).
    total = (memory.total if memory else 0) or None
    free = memory.free if memory and total else None
    vram_source = "source.nvml" if total else None
    said = decode_gpu(name) if name else None
    if total is None and said and "note.unified_memory" in said.notes:
        system = ask_system(psutil.virtual_memory)
        total, free = (system.total, system.available) if system else (None, None)
        vram_source = "source.psutil" if system else None
    return describe_gpu(
        index=index,
        kind="cuda",
        state=states[0] if states else "ok" if handle is not None else "unreadable",
        name=name,
        compute_capability=capability,
        source="source.nvml",
        vram_total_mib=total / 2**20 if total else None,
        vram_free_mib=free / 2**20 if free is not None else None,
        vram_source=vram_source,
        cores=cores,
        **versions,
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


def _to_text(value: str | bytes | None) -> str | None:
    """Give text; older bindings return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
