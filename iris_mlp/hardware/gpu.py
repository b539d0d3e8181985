"""Every GPU of this machine: from the NVIDIA driver where there is one, else as PyTorch tells."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from iris_mlp.hardware.gpu_decoder import GpuName, decode_gpu
from iris_mlp.hardware.gpu_names import RULES
from iris_mlp.hardware.probes import ask_system

# NVML API Reference Guide, nvmlReturn_t.
_NVML_GPU_IS_LOST = 15
_NVML_RESET_REQUIRED = 16
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
        index: Its number in the driver's (or PyTorch's) order.
        kind: "cuda", "rocm", "mps" or "xpu": the PyTorch backend that would use it.
        state: "ok", "lost" (fell off the bus), "reset_required" or "unreadable".
        compute_capability: What the driver reports; it beats the name.
        vram_total_mib: Its memory; where it shares the machine's, the most that it should take.
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
) -> GpuSearch:
    """Find every GPU; a probe that fails makes its field None and nothing else.

    Args:
        cpu_name: The chip's name, which on a Mac is also the GPU's.
        nvml: The NVML module; pynvml unless given.
        torch: The PyTorch module; the installed one unless given.
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
            gpus, state = _list_nvml_gpus(gateway), "nvml.ok"
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
    # Such as sm_75, sm_100a or compute_120; the oldest is what the build begins with.
    built = [
        int(re.sub(r"\D", "", name))
        for name in ask_system(lambda: torch.cuda.get_arch_list()) or ()
    ]
    if built and gpu.compute_capability:
        major, minor = gpu.compute_capability.split(".")
        if 10 * int(major) + int(minor) < min(built):
            return ("note.torch_without_architecture",)
    return ()


def _list_nvml_gpus(gateway: NvmlGateway) -> tuple[GpuInfo, ...] | None:
    """List the GPUs that the driver knows, lost ones included; None where it cannot count."""
    count = gateway.ask("nvmlDeviceGetCount")
    if count is None:
        return None
    driver = _to_text(gateway.ask("nvmlSystemGetDriverVersion"))
    cuda = gateway.ask("nvmlSystemGetCudaDriverVersion_v2")
    if cuda is None:
        cuda = gateway.ask("nvmlSystemGetCudaDriverVersion")
    cuda_version = f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None
    return tuple(_read_nvml_gpu(gateway, index, driver, cuda_version) for index in range(count))


def _read_nvml_gpu(
    gateway: NvmlGateway, index: int, driver: str | None, cuda_version: str | None
) -> GpuInfo:
    """Read one GPU, question by question."""
    gateway.errors.clear()
    name = capability = memory = cores = None
    handle = gateway.ask("nvmlDeviceGetHandleByIndex", index)
    if handle is not None:
        name = _to_text(gateway.ask("nvmlDeviceGetName", handle))
        pair = gateway.ask("nvmlDeviceGetCudaComputeCapability", handle)
        capability = f"{pair[0]}.{pair[1]}" if pair else None
        memory = gateway.ask("nvmlDeviceGetMemoryInfo", handle)
        cores = gateway.ask("nvmlDeviceGetNumGpuCores", handle)
    state = "ok" if handle is not None else "unreadable"
    if _NVML_GPU_IS_LOST in gateway.errors:
        state = "lost"
    elif _NVML_RESET_REQUIRED in gateway.errors:
        state = "reset_required"
    return describe_gpu(
        index=index,
        kind="cuda",
        state=state,
        name=name,
        compute_capability=capability,
        vram_total_mib=memory.total / 2**20 if memory else None,
        vram_free_mib=memory.free / 2**20 if memory else None,
        cores=cores,
        driver_version=driver,
        cuda_driver_version=cuda_version,
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
            vram_total_mib=total / 2**20 if total else None,
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
        vram_total_mib=total / 2**20 if total else None,
        vram_free_mib=free / 2**20 if free is not None else None,
        multiprocessors=multiprocessors or getattr(facts, "max_compute_units", None),
    )


def _to_text(value: str | bytes | None) -> str | None:
    """Give text; older bindings return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
