"""The CPU from /proc/cpuinfo as real machines have it, from Windows, and from this machine."""

import platform

import archspec.cpu
import psutil
import pytest

from iris_mlp.hardware.cpu import (
    detect_cpu,
    name_simd_level,
    read_cpuinfo,
    read_windows_processor,
)
from iris_mlp.hardware.cpu_models import find_arm_architecture, find_x86_architecture
from iris_mlp.hardware.rules import read_rules


def x86(vendor: str, family: int, model: int, name: str, flags: str = "sse2", stepping=1) -> str:
    return (
        f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\n"
        f"model name\t: {name}\nstepping\t: {stepping}\ncpu MHz\t\t: 2299.998\nflags\t\t: {flags}\n"
    )


def arm(*cores: tuple[int, int]) -> str:
    return "\n".join(
        f"processor\t: {i}\nFeatures\t: fp asimd sve\nCPU implementer\t: {implementer:#x}\n"
        f"CPU architecture: 8\nCPU part\t: {part:#x}\n"
        for i, (implementer, part) in enumerate(cores)
    )


def detect(tmp_path, cpuinfo: str):
    (tmp_path / "proc").mkdir(exist_ok=True)
    (tmp_path / "proc/cpuinfo").write_text(cpuinfo)
    return detect_cpu(tmp_path)


# (vendor, family, model, stepping, microarchitecture): Linux, intel-family.h and amd.c
X86_MODELS = [
    ("GenuineIntel", 6, 0x3C, 3, "Haswell"),
    ("GenuineIntel", 6, 0x4F, 1, "Broadwell"),
    ("GenuineIntel", 6, 0x55, 4, "Skylake-SP"),
    ("GenuineIntel", 6, 0x55, 7, "Cascade Lake"),
    ("GenuineIntel", 6, 0x55, 11, "Cooper Lake"),
    ("GenuineIntel", 6, 0x6A, 6, "Ice Lake-SP"),
    ("GenuineIntel", 6, 0x8F, 8, "Sapphire Rapids"),
    ("GenuineIntel", 6, 0xCF, 2, "Emerald Rapids"),
    ("GenuineIntel", 6, 0xAD, 1, "Granite Rapids"),
    ("GenuineIntel", 6, 0x9A, 3, "Alder Lake"),
    ("GenuineIntel", 6, 0xB7, 1, "Raptor Lake"),
    ("GenuineIntel", 6, 0xAA, 4, "Meteor Lake"),
    ("GenuineIntel", 6, 0x8E, 10, None),
    ("GenuineIntel", 6, 0xFE, 0, None),
    ("GenuineIntel", 15, 2, 0, None),
    ("AuthenticAMD", 23, 1, 2, "Zen"),
    ("AuthenticAMD", 23, 8, 2, "Zen+"),
    ("AuthenticAMD", 23, 0x31, 0, "Zen 2"),
    ("AuthenticAMD", 23, 0x71, 0, "Zen 2"),
    ("AuthenticAMD", 25, 0x01, 1, "Zen 3"),
    ("AuthenticAMD", 25, 0x44, 1, "Zen 3+"),
    ("AuthenticAMD", 25, 0x11, 1, "Zen 4"),
    ("AuthenticAMD", 25, 0xA0, 1, "Zen 4c"),
    ("AuthenticAMD", 26, 0x02, 1, "Zen 5"),
    ("AuthenticAMD", 26, 0x11, 0, "Zen 5c"),
    ("AuthenticAMD", 26, 0x44, 0, "Zen 5"),
    ("GenuineIntel", 6, 0x6C, 1, "Ice Lake-D"),
    ("GenuineIntel", 6, 0x9C, 0, "Jasper Lake"),
    ("GenuineIntel", 6, 0x7A, 8, "Gemini Lake"),
    ("AuthenticAMD", 27, 0x02, 1, None),
    ("Other", 6, 0x8F, 1, None),
]


@pytest.mark.parametrize(("vendor", "family", "model", "stepping", "architecture"), X86_MODELS)
def test_x86_family_and_model(vendor, family, model, stepping, architecture):
    assert find_x86_architecture(vendor, family, model, stepping) == architecture


@pytest.mark.parametrize(
    ("implementer", "part", "core"),
    [
        (0x41, 0xD0C, "Neoverse N1"),
        (0x41, 0xD40, "Neoverse V1"),
        (0x41, 0xD4F, "Neoverse V2"),
        (0x41, 0xD0B, "Cortex-A76"),
        (0x46, 0x001, "A64FX"),
        (0x61, 0x032, "Apple M2"),
        (0xC0, 0xAC3, "AmpereOne"),
        (0x41, 0xFFF, None),
    ],
)
def test_arm_implementer_and_part(implementer, part, core):
    assert find_arm_architecture(implementer, part) == core


@pytest.mark.skipif(platform.system() != "Linux", reason="needs Linux to read /proc")
class TestLinux:
    def test_a_virtual_zen_5_without_a_name(self, tmp_path):
        cpu = detect(tmp_path, x86("AuthenticAMD", 26, 2, "AMD EPYC", "avx512f avx2"))
        assert (cpu.vendor, cpu.architecture, cpu.year) == ("AMD", "Zen 5", 2024)
        assert (cpu.architecture_source, cpu.simd) == ("source.cpuid", "AVX-512")

    def test_a_virtual_xeon_without_a_model_number(self, tmp_path):
        cpu = detect(tmp_path, x86("GenuineIntel", 6, 143, "Intel(R) Xeon(R) Processor"))
        assert (cpu.architecture, cpu.year) == ("Sapphire Rapids", 2023)
        assert cpu.frequency_mhz == pytest.approx(2299.998)

    def test_a_name_finer_than_the_model_is_taken(self, tmp_path):
        cpu = detect(tmp_path, x86("GenuineIntel", 6, 0xB7, "Intel(R) Core(TM) i9-14900K"))
        assert (cpu.architecture, cpu.generation) == ("Raptor Lake Refresh", 14)
        assert cpu.architecture_source == "source.name"

    def test_the_model_beats_a_name_that_contradicts_it(self, tmp_path):
        cpu = detect(tmp_path, x86("GenuineIntel", 6, 0xCF, "Intel Xeon Processor (Skylake)"))
        assert (cpu.architecture, cpu.year) == ("Emerald Rapids", 2023)

    def test_the_name_decides_where_two_share_a_model(self, tmp_path):
        name = "Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz"
        cpu = detect(tmp_path, x86("GenuineIntel", 6, 0x8E, name, stepping=10))
        assert (cpu.architecture, cpu.generation) == ("Kaby Lake Refresh", 8)

    def test_a_graviton_has_no_name_but_a_part(self, tmp_path):
        cpu = detect(tmp_path, arm((0x41, 0xD40), (0x41, 0xD40)))
        assert (cpu.name, cpu.vendor, cpu.architecture) == ("Neoverse V1", "Arm", "Neoverse V1")
        assert (cpu.architecture_source, cpu.simd) == ("source.midr", "SVE")

    def test_two_sizes_of_cores_are_both_named(self, tmp_path):
        cpu = detect(tmp_path, arm((0x41, 0xD05), (0x41, 0xD05), (0x41, 0xD0B)))
        assert cpu.architecture == "Cortex-A55 + Cortex-A76"

    def test_a_stepping_that_is_missing_leaves_what_it_decides_unknown(self, tmp_path):
        # gVisor writes the stepping of no CPU.
        cpu = detect(tmp_path, x86("GenuineIntel", 6, 85, "unknown", stepping="unknown"))
        assert (cpu.vendor, cpu.architecture) == ("Intel", None)

    def test_loongson_writes_its_name_in_capitals(self, tmp_path):
        cpu = detect(tmp_path, "system type : generic\nModel Name : Loongson-3A5000\n")
        assert (cpu.name, cpu.architecture) == ("Loongson-3A5000", "LA464")

    @pytest.mark.parametrize(
        ("cores", "vendor", "architecture"),
        [
            ([(0x6D, 0xD49)], "Microsoft", "Neoverse N2"),  # Cobalt 100
            ([(0x41, 0xD4B), (0x41, 0xD4C)], "Arm", "Cortex-A78C + Cortex-X1C"),  # 8cx Gen 3
            ([(0x70, 0x662)], "Phytium", "FTC662"),
            ([(0x61, 0x022), (0x61, 0x023)], "Apple", "Apple M1"),
            ([(0x41, 0xD05), (0x41, 0xFFF)], "Arm", None),
        ],
    )
    def test_arm_parts_of_real_machines(self, tmp_path, cores, vendor, architecture):
        cpu = detect(tmp_path, arm(*cores))
        assert (cpu.vendor, cpu.architecture) == (vendor, architecture)

    def test_a_probe_that_fails_in_any_way_leaves_its_field_unknown(self, monkeypatch):
        def fail(*_, **__):
            raise SystemError("returned NULL without setting an exception")

        for name in ("cpu_freq", "virtual_memory", "cpu_count"):
            monkeypatch.setattr(psutil, name, fail)
        cpu = detect_cpu()
        assert (cpu.frequency_max_mhz, cpu.memory_total_mib, cpu.physical_cores) == (None,) * 3

    def test_no_proc_leaves_unknowns_and_raises_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
        cpu = detect_cpu(tmp_path)
        assert (cpu.name, cpu.architecture, cpu.memory_total_mib) == (None, None, None)
        assert (cpu.frequency_mhz, cpu.memory_limit) == (None, None)
        assert cpu.usable_cores >= 1

    def test_garbage_in_cpuinfo_is_survived(self, tmp_path):
        cpu = detect(tmp_path, "::\nmodel\t: ?\ncpu family: x\nCPU part: 0xZZ\ncpu MHz: fast\n")
        assert (cpu.architecture, cpu.frequency_mhz) == (None, None)

    def test_the_container_is_reported_with_its_sources(self, tmp_path):
        group = tmp_path / "sys/fs/cgroup"
        group.mkdir(parents=True)
        (group / "cpu.max").write_text("50000 100000")
        (group / "memory.max").write_text(str(2**28))
        cpu = detect(tmp_path, x86("GenuineIntel", 6, 143, "Intel(R) Xeon(R) Processor"))
        quota = next(count for count in cpu.core_counts if count.kind == "quota")
        assert (quota.cores, quota.source) == (0.5, "source.cgroup_v2")
        assert (cpu.usable_cores, cpu.usable_from) == (1, "quota")
        assert cpu.memory_limit is not None
        assert cpu.memory_limit.mib == 256

    def test_a_memory_limit_above_the_machine_is_none(self, tmp_path):
        group = tmp_path / "sys/fs/cgroup"
        group.mkdir(parents=True)
        (group / "memory.max").write_text(str(2**59))
        assert detect(tmp_path, "").memory_limit is None


def test_this_machine_is_described():
    cpu = detect_cpu()
    assert cpu.machine == platform.machine()
    assert cpu.logical_threads == psutil.cpu_count()
    assert 1 <= cpu.usable_cores <= (cpu.logical_threads or 1)
    assert cpu.memory_total_mib == psutil.virtual_memory().total / 2**20


def test_windows_describes_its_processor():
    text = "Intel64 Family 6 Model 154 Stepping 3, GenuineIntel"
    identity = read_windows_processor(text, "12th Gen Intel(R) Core(TM) i7-12800HX ")
    assert identity.name == "12th Gen Intel(R) Core(TM) i7-12800HX"
    assert (identity.vendor, identity.architecture) == ("Intel", "Alder Lake")
    amd = read_windows_processor("AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", "")
    assert (amd.name, amd.vendor, amd.architecture) == (None, "AMD", "Zen 4")
    assert read_windows_processor("", "").architecture is None


def test_archspec_targets_have_names_and_bare_levels_have_none():
    named = {"sapphirerapids", "alderlake", "icelake", "zen4", "zen5", "neoverse_v2", "m1", "m4"}
    assert named <= set(archspec.cpu.TARGETS)
    names = read_rules("cpu_rules.toml")["archspec"]
    assert named <= set(names)
    assert not {"x86_64_v2", "x86_64_v3", "x86_64_v4", "aarch64"} & set(names)


def test_an_empty_cpuinfo_gives_nothing():
    identity = read_cpuinfo("")
    assert (identity.name, identity.vendor, identity.source) == (None, None, None)


@pytest.mark.parametrize(
    ("flags", "machine", "level"),
    [
        ("sse2 avx avx2 avx512f amx_tile", "x86_64", "AVX-512 + AMX"),
        ("sse2 avx avx2 avx512f", "x86_64", "AVX-512"),
        ("sse2 avx avx2", "AMD64", "AVX2"),
        ("sse2", "x86_64", "SSE2"),
        ("asimd sve sve2", "aarch64", "SVE2"),
        ("asimd", "aarch64", "NEON"),
        ("", "arm64", "NEON"),
        ("", "x86_64", None),
    ],
)
def test_simd_level(flags, machine, level):
    assert name_simd_level(frozenset(flags.split()), machine) == level
