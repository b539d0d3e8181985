"""What the CPU is and what this process may use of it: Linux, macOS, Windows; x86 and ARM."""

import itertools
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from iris_mlp.hardware.core_limits import (
    ROOT,
    CoreCount,
    MemoryLimit,
    find_core_counts,
    find_memory_limit,
    find_quota,
    min_cores,
)
from iris_mlp.hardware.cpu_models import (
    YEARS,
    find_arm_architecture,
    find_arm_vendor,
    find_x86_architecture,
)
from iris_mlp.hardware.cpu_names import decode_cpu
from iris_mlp.hardware.probes import ask_system
from iris_mlp.hardware.rules import read_rules

_RULES = read_rules("cpu_rules.toml")


@dataclass(frozen=True)
class CpuInfo:
    """The CPU and this process's share of it. None means unknown.

    Attributes:
        architecture: Microarchitecture, such as "Sapphire Rapids"; `architecture_source` is the key
            of where it was read: CPUID, MIDR, the name, or archspec.
        year: When that microarchitecture was introduced.
        generation: The maker's own count where the name has one.
        machine: Instruction set, such as "x86_64" or "aarch64".
        core_counts: Every number of cores with its source.
        usable_cores: Whole cores this process may use; `usable_from` is the kind that decides.
        memory_limit: The container's limit, where it is below the memory of the machine.
    """

    name: str | None = None
    vendor: str | None = None
    architecture: str | None = None
    architecture_source: str | None = None
    year: int | None = None
    generation: int | None = None
    machine: str | None = None
    physical_cores: int | None = None
    logical_threads: int | None = None
    usable_cores: int = 1
    usable_from: str = "unknown"
    core_counts: tuple[CoreCount, ...] = ()
    frequency_mhz: float | None = None
    frequency_max_mhz: float | None = None
    simd: str | None = None
    memory_total_mib: float | None = None
    memory_available_mib: float | None = None
    memory_limit: MemoryLimit | None = None


@dataclass(frozen=True)
class _Identity:
    """What the operating system says of the CPU, before any table is asked."""

    name: str | None = None
    vendor: str | None = None
    architecture: str | None = None
    source: str | None = None
    features: frozenset[str] = field(default_factory=frozenset)
    frequency_mhz: float | None = None


def detect_cpu(root: Path = ROOT) -> CpuInfo:
    """Find out about the CPU; a question without an answer leaves its field None.

    Args:
        root: Where /proc and /sys are looked for on Linux.
    """
    identity = _identify(root)
    counts = find_core_counts()
    if quota := find_quota(root):
        counts.append(quota)
    by_kind = {count.kind: int(count.cores) for count in counts}
    usable, usable_from = min_cores(counts)
    named = decode_cpu(identity.name or "")
    architecture, source = identity.architecture, identity.source
    # What the CPU reports beats its name, but the name may be finer (Raptor Lake Refresh).
    if architecture is None or named.architecture == f"{architecture} Refresh":
        architecture, source = named.architecture, "source.name"
    target, features = (None, frozenset()) if root != ROOT else _ask_archspec()
    if architecture is None and (architecture := _RULES["archspec"].get(target or "")):
        source = "source.archspec"
    year = named.year if architecture == named.architecture else YEARS.get(architecture or "")
    frequency = ask_system(psutil.cpu_freq) if root == ROOT else None
    memory = ask_system(psutil.virtual_memory)
    limit = find_memory_limit(root)
    total_mib = memory.total / 2**20 if memory else None
    return CpuInfo(
        name=identity.name,
        vendor=identity.vendor or named.vendor,
        architecture=architecture,
        architecture_source=source if architecture else None,
        year=year,
        generation=named.generation,
        machine=platform.machine() or None,
        physical_cores=by_kind.get("physical"),
        logical_threads=by_kind.get("logical"),
        usable_cores=usable,
        usable_from=usable_from,
        core_counts=tuple(counts),
        frequency_mhz=(frequency.current if frequency else None) or identity.frequency_mhz,
        frequency_max_mhz=(frequency.max if frequency else None) or None,
        simd=name_simd_level(identity.features or features, platform.machine()),
        memory_total_mib=total_mib,
        memory_available_mib=memory.available / 2**20 if memory else None,
        memory_limit=limit if limit and limit.mib < (total_mib or limit.mib + 1) else None,
    )


def name_simd_level(features: frozenset[str], machine: str) -> str | None:
    """Name the widest vector instructions among a CPU's feature flags."""
    for flag, level in _RULES["simd"].items():
        if flag in features:
            return level
    # 64-bit ARM always has NEON (Arm Architecture Reference Manual, "Advanced SIMD").
    return "NEON" if machine.lower() in ("arm64", "aarch64") else None


def _identify(root: Path) -> _Identity:
    """Ask the operating system for the CPU's name, vendor and identification numbers."""
    if sys.platform == "darwin":
        name = ask_system(lambda: _run("/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"))
        return _Identity(name=name or None)
    if sys.platform == "win32":
        return _identify_windows()
    return read_cpuinfo(ask_system((root / "proc/cpuinfo").read_text) or "")


def _identify_windows() -> _Identity:
    """Read the name from the registry, and family and model from the processor's description."""
    import winreg  # Windows alone has it

    def read_name() -> str:
        path = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:  # type: ignore[attr-defined]
            return str(winreg.QueryValueEx(key, "ProcessorNameString")[0])  # type: ignore[attr-defined]

    return read_windows_processor(platform.processor(), ask_system(read_name) or "")


def read_windows_processor(description: str, name: str) -> _Identity:
    """Read what Windows says: "Intel64 Family 6 Model 154 Stepping 3, GenuineIntel" and a name."""
    words = description.replace(",", " ").split()
    numbers = {key: value for key, value in itertools.pairwise(words) if value.isdigit()}
    fields = {
        "vendor_id": words[-1] if words else "",
        "cpu family": numbers.get("Family", ""),
        "model": numbers.get("Model", ""),
        "stepping": numbers.get("Stepping", ""),
        "model name": name.strip(),
    }
    return read_cpuinfo("\n".join(f"{key}: {value}" for key, value in fields.items()))


def read_cpuinfo(text: str) -> _Identity:
    """Read /proc/cpuinfo, of x86 (vendor, family, model) or of ARM (implementer, part)."""
    first: dict[str, str] = {}
    arm_cores: dict[tuple[int, int], str | None] = {}
    implementer = None
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        key = key.lower()  # Loongson's kernel writes "Model Name"
        first.setdefault(key, value)
        if key == "cpu implementer":
            implementer = _to_int(value)
        elif key == "cpu part" and implementer is not None:
            part = _to_int(value)
            if part is not None:
                arm_cores[implementer, part] = find_arm_architecture(implementer, part)
    flags = frozenset((first.get("flags") or first.get("features") or "").lower().split())
    frequency = ask_system(lambda: float(first["cpu mhz"]))
    name = first.get("model name") or None
    architecture = None
    if arm_cores:
        # Cores of two sizes: both are named ("Cortex-A55 + Cortex-A76"), if both are known.
        cores = dict.fromkeys(core for core in arm_cores.values() if core)
        architecture = " + ".join(cores) if all(arm_cores.values()) else None
        vendor, source = find_arm_vendor(next(iter(arm_cores))[0]), "source.midr"
        name = name or architecture
    else:
        vendor_id = first.get("vendor_id", "")
        family, model = _to_int(first.get("cpu family", "")), _to_int(first.get("model", ""))
        stepping = _to_int(first.get("stepping", ""))
        vendor, source = _RULES["vendors"].get(vendor_id, vendor_id or None), "source.cpuid"
        if family is not None and model is not None:
            architecture = find_x86_architecture(vendor_id, family, model, stepping)
    return _Identity(name, vendor, architecture, source if architecture else None, flags, frequency)


def _ask_archspec() -> tuple[str | None, frozenset[str]]:
    """Ask archspec for the CPU's target and feature flags."""
    import archspec.cpu  # 0.1 s, and only this function needs it

    host = ask_system(archspec.cpu.host)
    return (host.name, frozenset(host.features)) if host else (None, frozenset())


def _run(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=5, check=True
    ).stdout.strip()


def _to_int(text: str) -> int | None:
    return ask_system(lambda: int(text, 0))
