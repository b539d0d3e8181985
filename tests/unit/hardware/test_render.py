"""The text report and the plain values, compared with golden texts.

Run with UPDATE_GOLDEN=1 in the environment to write the golden texts anew.
"""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hardware_standins import (
    GPU_IS_LOST,
    Card,
    StandInNvml,
    StandInTorch,
    h100,
    no_driver,
    rtx_3090_ti,
    rtx_4070_laptop,
)

from iris_mlp.hardware import (
    decode_cpu,
    decode_gpu,
    detect_hardware,
    render_cpu_name,
    render_gpu_name,
    render_text,
)
from iris_mlp.hardware.core_limits import CoreCount, MemoryLimit
from iris_mlp.hardware.cpu import CpuInfo
from iris_mlp.hardware.gpu import detect_gpus
from iris_mlp.hardware.report import Accelerator, HardwareReport, TorchInfo
from tests.helpers import HARDWARE_WORDS

GOLDEN = Path(__file__).parents[2] / "golden" / "hardware"
PACKAGE = Path(__file__).parents[3] / "iris_mlp" / "hardware"

XEON = CpuInfo(
    name="Intel(R) Xeon(R) Processor",
    vendor="Intel",
    architecture="Sapphire Rapids",
    architecture_source="source.cpuid",
    year=2023,
    machine="x86_64",
    physical_cores=32,
    logical_threads=64,
    usable_cores=2,
    usable_from="quota",
    core_counts=(
        CoreCount("physical", 32, "source.psutil"),
        CoreCount("logical", 64, "source.psutil"),
        CoreCount("affinity", 48, "source.sched_getaffinity"),
        CoreCount("quota", 1.5, "source.cgroup_v2", "/sys/fs/cgroup/cpu.max"),
    ),
    frequency_mhz=2299.998,
    frequency_max_mhz=3800.0,
    simd="AVX-512 + AMX",
    memory_total_mib=515_000.0,
    memory_available_mib=400_000.0,
    memory_limit=MemoryLimit(16384, "source.cgroup_v2", "/sys/fs/cgroup/memory.max"),
)
I7 = CpuInfo(
    name="12th Gen Intel(R) Core(TM) i7-12800HX",
    vendor="Intel",
    architecture="Alder Lake",
    architecture_source="source.cpuid",
    year=2021,
    generation=12,
    machine="AMD64",
    physical_cores=16,
    logical_threads=24,
    usable_cores=24,
    usable_from="logical",
    core_counts=(
        CoreCount("physical", 16, "source.psutil"),
        CoreCount("logical", 24, "source.psutil"),
        CoreCount("affinity", 24, "source.process_affinity"),
    ),
    frequency_mhz=2000.0,
    simd="AVX2",
    memory_total_mib=32_550.0,
    memory_available_mib=20_000.0,
)
MAC = CpuInfo(
    name="Apple M2 Max",
    vendor="Apple",
    architecture="Apple M2",
    architecture_source="source.name",
    year=2023,
    generation=2,
    machine="arm64",
    physical_cores=12,
    logical_threads=12,
    usable_cores=12,
    usable_from="logical",
    core_counts=(
        CoreCount("physical", 12, "source.psutil"),
        CoreCount("logical", 12, "source.psutil"),
    ),
    simd="NEON",
    memory_total_mib=32768.0,
    memory_available_mib=20000.0,
)
CPU_TORCH = TorchInfo("2.13.0+cpu", "cpu", None, 2, "AVX512", "cpu", "only_cpu")
CUDA_TORCH = TorchInfo("2.13.0+cu128", "cuda", "12.8", 16, "AVX2", "cuda", "accelerator")
MPS_TORCH = TorchInfo("2.13.0", "mps", None, 8, "DEFAULT", "mps", "accelerator")


def report(cpu: CpuInfo, nvml: StandInNvml, torch_info: TorchInfo, **facts) -> HardwareReport:
    backends = StandInTorch(cuda_version=torch_info.build_version, **facts)
    search = detect_gpus(cpu.name, nvml=nvml, torch=backends)
    count = len(search.gpus)
    accelerators = (Accelerator(torch_info.auto_device or "", count),) if count else ()
    system = "Darwin" if torch_info.build == "mps" else "Linux"
    return HardwareReport(
        system, "3.11.7", cpu, search.gpus, search.nvml_state, accelerators, torch_info
    )


REPORTS = {
    "no_gpu": report(XEON, no_driver(), CPU_TORCH),
    "one_gpu": report(I7, StandInNvml(rtx_4070_laptop()), CUDA_TORCH),
    "several_gpus": report(XEON, StandInNvml(h100(), rtx_3090_ti()), CUDA_TORCH),
    "lost_gpu": report(
        XEON,
        StandInNvml(
            rtx_3090_ti(nvmlDeviceGetHandleByIndex=GPU_IS_LOST),
            rtx_3090_ti(nvmlDeviceGetMemoryInfo=GPU_IS_LOST, nvmlDeviceGetNumGpuCores=GPU_IS_LOST),
        ),
        CUDA_TORCH,
    ),
    "unknown_name": report(
        I7, StandInNvml(Card("NVIDIA GeForce RTX 6090", (13, 0), 49140, 48000, 30720)), CUDA_TORCH
    ),
    "driver_beats_name": report(
        I7, StandInNvml(Card("NVIDIA GeForce RTX 3060", (8, 9), 12282, 12000, 3072)), CUDA_TORCH
    ),
    "apple_mps": report(MAC, no_driver(), MPS_TORCH, mps_mib=21845),
    "nothing_known": HardwareReport(
        None, "3.11.7", CpuInfo(), (), "nvml.not_installed", (), TorchInfo()
    ),
}
DECODED = {
    "decoded_rtx_4090_laptop": render_gpu_name(decode_gpu("NVIDIA GeForce RTX 4090 Laptop GPU")),
    "decoded_rtx_6000": render_gpu_name(decode_gpu("RTX 6000")),
    "decoded_rtx_6090_ti": render_gpu_name(decode_gpu("RTX 6090 Ti")),
    "decoded_i7_12800hx": render_cpu_name(decode_cpu("12th Gen Intel(R) Core(TM) i7-12800HX")),
}
TEXTS = {name: render_text(value) for name, value in REPORTS.items()} | DECODED


@pytest.mark.parametrize("name", TEXTS)
def test_text_equals_the_golden_text(name):
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXTS[name], encoding="utf-8")
    assert TEXTS[name] == path.read_text(encoding="utf-8")


def test_no_golden_text_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(TEXTS)


@pytest.mark.parametrize("name", REPORTS)
def test_the_plain_values_are_json_and_keep_every_field(name):
    plain = asdict(REPORTS[name])
    assert json.dumps(plain, allow_nan=False)
    assert set(plain["cpu"]) == set(vars(CpuInfo()))


def test_unknown_is_null_in_json_and_the_word_in_text():
    nothing = REPORTS["nothing_known"]
    assert asdict(nothing)["cpu"]["name"] is None
    assert re.search(r"Model +unknown", render_text(nothing))


def test_a_fraction_of_a_quota_is_kept():
    assert re.search(r"Container quota +1\.5, ", TEXTS["no_gpu"])


def test_this_machine_has_a_report():
    now = detect_hardware()
    assert now.torch.version == torch.__version__
    assert now.torch.threads == torch.get_num_threads()
    assert now.torch.auto_device
    assert json.dumps(asdict(now), allow_nan=False)
    assert render_text(now).startswith("CPU\n")


def test_a_report_without_proc_or_sys_still_comes(tmp_path):
    assert render_text(detect_hardware(tmp_path)).startswith("CPU\n")


def test_decoded_names_are_plain_values_too():
    plain = asdict(decode_gpu("RTX 4090"))
    assert plain["vram_gib"] == (24,)
    assert ("40", "series.40") in plain["meanings"]


KEY = re.compile(
    r'"((?:source|cores|nvml|gpu|state|build|tier|series|line|prefix|letter|architecture|number'
    r'|suffix|form|part|note|cpu|cpu_suffix)\.[a-z0-9_.]+)"'
)


def test_every_key_in_the_code_has_words():
    code = "".join(p.read_text() for p in PACKAGE.glob("*.*") if p.suffix in (".py", ".toml"))
    files = {"cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"}
    assert set(KEY.findall(code)) - files <= set(HARDWARE_WORDS)
