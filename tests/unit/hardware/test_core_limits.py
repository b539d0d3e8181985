"""The cores that a process may use: cgroup fixtures as containers have them, and real affinity."""

import os
from pathlib import Path

import psutil
import pytest

from iris_mlp.hardware.core_limits import (
    CoreCount,
    find_core_counts,
    find_memory_limit,
    find_quota,
    min_cores,
    usable_cores,
)


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_v2_quota_of_a_container(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", "150000 100000\n")
    assert find_quota(tmp_path) == CoreCount(
        "quota", 1.5, "source.cgroup_v2", "/sys/fs/cgroup/cpu.max"
    )


def test_v2_quota_at_the_nested_path(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/user.slice/app.scope\n")
    write(tmp_path, "sys/fs/cgroup/user.slice/app.scope/cpu.max", "50000 100000\n")
    quota = find_quota(tmp_path)
    assert quota is not None
    assert (quota.cores, quota.path) == (0.5, "/sys/fs/cgroup/user.slice/app.scope/cpu.max")


def test_v2_tighter_quota_of_a_parent_wins(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/pod/container\n")
    write(tmp_path, "sys/fs/cgroup/pod/container/cpu.max", "400000 100000\n")
    write(tmp_path, "sys/fs/cgroup/pod/cpu.max", "200000 100000\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", "max 100000\n")
    quota = find_quota(tmp_path)
    assert quota is not None
    assert (quota.cores, quota.path) == (2, "/sys/fs/cgroup/pod/cpu.max")


def test_v2_host_path_that_is_not_mounted_falls_back_to_the_mount(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/kubepods/pod7/abc\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", "300000 100000\n")
    quota = find_quota(tmp_path)
    assert quota is not None
    assert quota.cores == 3


def test_path_with_dots_does_not_leave_the_mount(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/../../secret\n")
    write(tmp_path, "sys/fs/secret/cpu.max", "100000 100000\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", "200000 100000\n")
    quota = find_quota(tmp_path)
    assert quota is not None
    assert quota.cores == 2


def test_v1_quota_of_a_container(tmp_path):
    write(tmp_path, "proc/self/cgroup", "5:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n0::/\n")
    write(tmp_path, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n")
    write(tmp_path, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert find_quota(tmp_path) == CoreCount(
        "quota", 2.5, "source.cgroup_v1", "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"
    )


def test_v1_nested_quota_under_the_cpu_mount(tmp_path):
    write(tmp_path, "proc/self/cgroup", "4:cpu:/batch/job\n")
    write(tmp_path, "sys/fs/cgroup/cpu/batch/job/cpu.cfs_quota_us", "100000\n")
    write(tmp_path, "sys/fs/cgroup/cpu/batch/job/cpu.cfs_period_us", "50000\n")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    quota = find_quota(tmp_path)
    assert quota is not None
    assert quota.cores == 2


def test_v1_without_a_limit(tmp_path):
    write(tmp_path, "proc/self/cgroup", "4:cpu,cpuacct:/\n")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert find_quota(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "max 100000\n",
        "max\n",
        "",
        "\n",
        "garbage",
        "0 100000",
        "100000 0",
        "-5 100000",
        "1e5 100000",
        "100000",
        "1 2 3",
        "²00 100",
        "9" * 5000 + " 1",
    ],
)
def test_no_quota_is_read_from_garbage(tmp_path, text):
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", text)
    assert find_quota(tmp_path) is None
    assert usable_cores(tmp_path) >= 1


def test_bytes_that_are_no_text_are_no_quota(tmp_path):
    file = tmp_path / "sys/fs/cgroup/cpu.max"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe\x00")
    assert find_quota(tmp_path) is None


def test_no_proc_and_no_sys_mean_no_limit(tmp_path):
    assert find_quota(tmp_path) is None
    assert find_memory_limit(tmp_path) is None
    assert usable_cores(tmp_path) >= 1


def test_garbage_in_proc_self_cgroup_is_survived(tmp_path):
    write(tmp_path, "proc/self/cgroup", "::::\nnonsense\n0:\n\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", "100000 100000")
    quota = find_quota(tmp_path)
    assert quota is not None
    assert quota.cores == 1


@pytest.mark.parametrize(("quota", "cores"), [(0.1, 1), (0.5, 1), (1.0, 1), (1.5, 2), (2.01, 3)])
def test_a_quota_is_rounded_up_and_never_below_one(quota, cores):
    counts = [CoreCount("logical", 64, "s"), CoreCount("quota", quota, "s")]
    assert min_cores(counts) == (cores, "quota")


def test_the_smallest_number_decides():
    logical = CoreCount("logical", 64, "s")
    affinity = CoreCount("affinity", 4, "s")
    assert min_cores([logical, affinity, CoreCount("quota", 8.0, "s")]) == (4, "affinity")
    assert min_cores([logical]) == (64, "logical")
    assert min_cores([CoreCount("physical", 1, "s"), logical]) == (64, "logical")
    assert min_cores([]) == (1, "unknown")


def test_usable_cores_obeys_the_quota_of_its_root(tmp_path):
    write(tmp_path, "sys/fs/cgroup/cpu.max", "20000 100000")
    assert usable_cores(tmp_path) == 1


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs Linux and two cores",
)
def test_affinity_smaller_than_the_host_is_obeyed(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        counts = {count.kind: count for count in find_core_counts()}
        assert counts["affinity"] == CoreCount("affinity", 1, "source.sched_getaffinity")
        assert counts["logical"].cores >= 2
        assert usable_cores(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_core_counts_are_survived_without_proc(tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert all(count.cores >= 1 for count in find_core_counts())
    assert usable_cores(tmp_path) >= 1


def test_v2_memory_limit(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/pod/container\n")
    write(tmp_path, "sys/fs/cgroup/pod/container/memory.max", "max\n")
    write(tmp_path, "sys/fs/cgroup/pod/memory.max", f"{2 * 2**30}\n")
    limit = find_memory_limit(tmp_path)
    assert limit is not None
    assert (limit.mib, limit.source) == (2048, "source.cgroup_v2")
    assert limit.path == "/sys/fs/cgroup/pod/memory.max"


def test_v1_memory_limit_and_its_word_for_none(tmp_path):
    write(tmp_path, "proc/self/cgroup", "9:memory:/job\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert find_memory_limit(tmp_path) is None
    write(tmp_path, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", f"{2**30}\n")
    limit = find_memory_limit(tmp_path)
    assert limit is not None
    assert (limit.mib, limit.source) == (1024, "source.cgroup_v1")
