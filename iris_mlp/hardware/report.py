"""The whole report of this machine's hardware, as plain values."""

import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from iris_mlp.config import is_zerogpu
from iris_mlp.devices import choose_auto_device
from iris_mlp.hardware.core_limits import ROOT
from iris_mlp.hardware.cpu import CpuInfo, detect_cpu
from iris_mlp.hardware.gpu import GpuInfo, detect_gpus, list_lent, read_capability
from iris_mlp.hardware.probes import ask_system


@dataclass(frozen=True)
class Accelerator:
    """A kind of device beside the CPU that this PyTorch can use, and how many there are."""

    type: str
    count: int


@dataclass(frozen=True)
class TorchInfo:
    """PyTorch. None means unknown.

    Attributes:
        build: "cpu", "cuda", "rocm", "mps" or "xpu"; `build_version` is that of CUDA or ROCm.
        threads: Threads that one operation may use on the CPU.
        cpu_capability: Vector instructions that its CPU kernels use here, such as "AVX512".
        auto_device: The device that `auto` chooses; `auto_reason` is the key of why.
    """

    version: str | None = None
    build: str | None = None
    build_version: str | None = None
    threads: int | None = None
    cpu_capability: str | None = None
    auto_device: str | None = None
    auto_reason: str | None = None


@dataclass(frozen=True)
class HardwareReport:
    """What this machine is, as far as this process can see."""

    system: str | None
    python_version: str
    cpu: CpuInfo
    gpus: tuple[GpuInfo, ...]
    nvml_state: str
    accelerators: tuple[Accelerator, ...]
    torch: TorchInfo


def detect_hardware(root: Path = ROOT) -> HardwareReport:
    """Look at the CPU, the GPUs and PyTorch, now; what cannot be found out is None.

    Args:
        root: Where /proc and /sys are looked for on Linux.
    """
    cpu = detect_cpu(root)
    search = detect_gpus(cpu.name)
    return HardwareReport(
        system=platform.system() or None,
        python_version=platform.python_version(),
        cpu=cpu,
        # In the process that serves the page, `spaces` makes up a GPU that is not there.
        gpus=list_lent() if is_zerogpu() else search.gpus,
        nvml_state=search.nvml_state,
        accelerators=_list_accelerators(),
        torch=_detect_torch(search.gpus),
    )


def _list_accelerators() -> tuple[Accelerator, ...]:
    if not ask_system(torch.accelerator.is_available):
        return ()
    current = ask_system(torch.accelerator.current_accelerator)
    count = ask_system(torch.accelerator.device_count)
    return (Accelerator(current.type, count),) if current and count else ()


def _detect_torch(gpus: tuple[GpuInfo, ...]) -> TorchInfo:
    version = torch.version
    builds = [("cuda", version.cuda), ("rocm", version.hip), ("xpu", getattr(version, "xpu", None))]
    build, build_version = next(
        ((name, number) for name, number in builds if number), ("cpu", None)
    )
    if build == "cpu" and ask_system(torch.backends.mps.is_built):
        build = "mps"
    capabilities = {gpu.index: read_capability(gpu) for gpu in gpus if gpu.state != "hidden"}
    auto_device, auto_reason = choose_auto_device(capabilities.get)
    return TorchInfo(
        version=torch.__version__,
        build=build,
        build_version=build_version,
        threads=ask_system(torch.get_num_threads),
        cpu_capability=ask_system(torch.backends.cpu.get_cpu_capability),
        auto_device=str(auto_device),
        auto_reason=auto_reason,
    )
