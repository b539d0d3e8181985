"""What this process may really use: affinity, and a container's quota and memory limit.

The files and their formats follow the Linux kernel's "Control Group v2" (cpu.max, memory.max) and
"CFS Bandwidth Control" (cpu.cfs_quota_us) documents.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from iris_mlp.hardware.probes import ask_system

ROOT = Path("/")
_UNLIMITED_BYTES = 1 << 60  # cgroup v1 writes "no limit" as a number near 2**63


@dataclass(frozen=True)
class CoreCount:
    """A number of cores and where it was read.

    Attributes:
        kind: "physical", "logical", "affinity" or "quota".
        cores: The number; a quota may be a fraction.
        source: Key of the source, such as "source.cgroup_v2".
        path: The file that was read, where there is one.
    """

    kind: str
    cores: float
    source: str
    path: str | None = None


@dataclass(frozen=True)
class MemoryLimit:
    """A container's memory limit in MiB and where it was read."""

    mib: float
    source: str
    path: str


def usable_cores(root: Path = ROOT) -> int:
    """Return how many cores this process may use, at least 1; a quota is rounded up.

    Args:
        root: Where /proc and /sys/fs/cgroup are looked for.
    """
    return min_cores([*find_core_counts(), *filter(None, [find_quota(root)])])[0]


def min_cores(counts: list[CoreCount]) -> tuple[int, str]:
    """Return the smallest whole number of cores among the counts, at least 1, and its kind."""
    usable = [count for count in counts if count.kind != "physical"]
    if not usable:
        return 1, "unknown"
    least = min(usable, key=lambda count: math.ceil(count.cores))
    return max(1, math.ceil(least.cores)), least.kind


def find_core_counts() -> list[CoreCount]:
    """List the physical cores, the logical threads and the affinity, as far as they are known."""
    counts = []
    if physical := ask_system(lambda: psutil.cpu_count(logical=False)):
        counts.append(CoreCount("physical", physical, "source.psutil"))
    if logical := ask_system(lambda: psutil.cpu_count(logical=True)) or os.cpu_count():
        counts.append(CoreCount("logical", logical, "source.psutil"))
    if hasattr(os, "sched_getaffinity"):
        if affinity := ask_system(lambda: os.sched_getaffinity(0)):
            counts.append(CoreCount("affinity", len(affinity), "source.sched_getaffinity"))
    elif hasattr(psutil.Process, "cpu_affinity") and (
        affinity := ask_system(lambda: psutil.Process().cpu_affinity())
    ):
        counts.append(CoreCount("affinity", len(affinity), "source.process_affinity"))
    return counts


def find_quota(root: Path = ROOT) -> CoreCount | None:
    """Return the tightest CPU quota of this process's control groups; None where none is set."""
    quotas = []
    for directory in _group_directories(root, "", ("", "unified")):
        path = directory / "cpu.max"
        words = (ask_system(path.read_text) or "").split()
        if len(words) == 2 and (cores := _divide(words[0], words[1])):
            quotas.append(CoreCount("quota", cores, "source.cgroup_v2", _shown(path, root)))
    for directory in _group_directories(root, "cpu", ("cpu", "cpu,cpuacct", "cpuacct,cpu")):
        path = directory / "cpu.cfs_quota_us"
        quota_us = ask_system(path.read_text) or ""
        period_us = ask_system((directory / "cpu.cfs_period_us").read_text) or ""
        if cores := _divide(quota_us.strip(), period_us.strip()):
            quotas.append(CoreCount("quota", cores, "source.cgroup_v1", _shown(path, root)))
    return min(quotas, key=lambda quota: quota.cores, default=None)


def find_memory_limit(root: Path = ROOT) -> MemoryLimit | None:
    """Return the tightest memory limit of this process's control groups, or None."""
    limits = []
    for controller, mounts, file, source in (
        ("", ("", "unified"), "memory.max", "source.cgroup_v2"),
        ("memory", ("memory",), "memory.limit_in_bytes", "source.cgroup_v1"),
    ):
        for directory in _group_directories(root, controller, mounts):
            path = directory / file
            words = (ask_system(path.read_text) or "").split()
            if len(words) == 1 and _is_number(words[0]) and 0 < int(words[0]) < _UNLIMITED_BYTES:
                limits.append(MemoryLimit(int(words[0]) / 2**20, source, _shown(path, root)))
    return min(limits, key=lambda limit: limit.mib, default=None)


def _group_directories(root: Path, controller: str, mounts: tuple[str, ...]) -> list[Path]:
    """List a control group's directory and those above it: a limit above binds as well.

    Args:
        root: Where /proc and /sys/fs/cgroup are looked for.
        controller: The v1 controller, or "" for v2.
        mounts: Names of the hierarchy's mount points below /sys/fs/cgroup.
    """
    group = PurePosixPath("/")
    for line in (ask_system((root / "proc/self/cgroup").read_text) or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(",") if controller else number == "0":
            group = PurePosixPath("/", path)
    # Inside a container the path may be the host's ("..", or a folder that is not mounted here).
    names = [] if ".." in group.parts else list(group.parts[1:])
    directories = []
    for mount in mounts:
        base = root / "sys/fs/cgroup" / mount
        directories += [base.joinpath(*names[:depth]) for depth in range(len(names), -1, -1)]
    return directories


def _divide(quota: str, period: str) -> float | None:
    """Return quota / period where both are positive whole numbers; "max" and -1 mean no limit."""
    if not _is_number(quota) or not _is_number(period) or int(quota) == 0 or int(period) == 0:
        return None
    return int(quota) / int(period)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 20


def _shown(path: Path, root: Path) -> str:
    return "/" + path.relative_to(root).as_posix()
