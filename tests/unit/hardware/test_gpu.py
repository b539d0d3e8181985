"""The GPUs: what the driver and PyTorch report, and what is left when a question fails."""

from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
from hardware_standins import (
    GPU_IS_LOST,
    NOT_SUPPORTED,
    Card,
    StandInNvml,
    StandInTorch,
    h100,
    no_driver,
    rtx_3090_ti,
    rtx_4070_laptop,
)

from iris_mlp.hardware.gpu import GpuInfo, detect_gpus
from iris_mlp.hardware.nvml import find_visible

CUDA_TORCH = StandInTorch(cuda_version="12.8")


def detect_one(nvml: StandInNvml) -> GpuInfo:
    (gpu,) = detect_gpus(nvml=nvml, torch=CUDA_TORCH).gpus
    return gpu


def test_a_healthy_card_has_every_field():
    gpu = detect_one(StandInNvml(rtx_3090_ti()))
    assert (gpu.index, gpu.kind, gpu.state) == (0, "cuda", "ok")
    assert gpu.name == "NVIDIA GeForce RTX 3090 Ti"
    assert gpu.architecture == "Ampere"
    assert gpu.compute_capability == "8.6"
    assert (gpu.vram_total_mib, gpu.vram_free_mib) == (24564, 23800)
    assert gpu.multiprocessors == 84  # GA102 white paper: 84 SMs in the RTX 3090 Ti
    assert (gpu.driver_version, gpu.cuda_driver_version) == ("570.86.15", "12.8")
    assert gpu.name_says is not None
    assert (gpu.name_says.tier, gpu.name_says.suffixes) == (90, ("ti",))
    assert gpu.notes == ()


def test_multiprocessors_follow_the_capability():
    assert detect_one(StandInNvml(h100())).multiprocessors == 132  # H100 data sheet, SXM5
    assert detect_one(StandInNvml(rtx_4070_laptop())).multiprocessors == 36
    t4 = Card("Tesla T4", (7, 5), 15360, 15000, 2560)
    assert detect_one(StandInNvml(t4)).multiprocessors == 40  # Turing white paper


def test_cards_keep_the_order_of_the_driver():
    cards = StandInNvml(h100(), rtx_3090_ti(), rtx_4070_laptop())
    search = detect_gpus(nvml=cards, torch=CUDA_TORCH)
    assert search.nvml_state == "nvml.ok"
    assert [gpu.index for gpu in search.gpus] == [0, 1, 2]
    assert [gpu.architecture for gpu in search.gpus] == ["Hopper", "Ampere", "Ada Lovelace"]


@pytest.mark.parametrize("reason", ["error", "missing"])
@pytest.mark.parametrize(
    ("calls", "lost_fields"),
    [
        (["nvmlDeviceGetName"], {"name": None, "name_says": None}),
        (["nvmlDeviceGetCudaComputeCapability"], {"compute_capability": None}),
        (
            ["nvmlDeviceGetMemoryInfo"],
            {"vram_total_mib": None, "vram_free_mib": None, "vram_source": None},
        ),
        (["nvmlDeviceGetNumGpuCores"], {"multiprocessors": None}),
        (["nvmlSystemGetDriverVersion"], {"driver_version": None}),
        (["nvmlSystemGetCudaDriverVersion_v2"], {}),
        (
            ["nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion"],
            {"cuda_driver_version": None},
        ),
        (["nvmlShutdown"], {}),
    ],
)
def test_a_failing_call_loses_its_own_field_and_nothing_else(calls, lost_fields, reason):
    healthy = detect_one(StandInNvml(rtx_3090_ti()))
    if reason == "error":
        nvml = StandInNvml(rtx_3090_ti(), failing=dict.fromkeys(calls, NOT_SUPPORTED))
    else:
        nvml = StandInNvml(rtx_3090_ti(), missing=tuple(calls))
    assert detect_one(nvml) == replace(healthy, **lost_fields)


def test_a_card_without_a_handle_is_listed_beside_the_others():
    broken = rtx_3090_ti(nvmlDeviceGetHandleByIndex=999)
    gpus = detect_gpus(nvml=StandInNvml(broken, h100()), torch=CUDA_TORCH).gpus
    assert [gpu.state for gpu in gpus] == ["unreadable", "ok"]
    assert gpus[0].name is None
    assert gpus[0].driver_version == "570.86.15"


def test_a_lost_card_keeps_what_is_known():
    lost = rtx_3090_ti(nvmlDeviceGetMemoryInfo=GPU_IS_LOST, nvmlDeviceGetNumGpuCores=GPU_IS_LOST)
    gpus = detect_gpus(nvml=StandInNvml(lost, h100()), torch=CUDA_TORCH).gpus
    assert [gpu.state for gpu in gpus] == ["lost", "ok"]
    assert gpus[0].name == "NVIDIA GeForce RTX 3090 Ti"
    assert (gpus[0].vram_total_mib, gpus[0].multiprocessors) == (None, None)


def test_a_card_lost_from_the_first_call_is_still_listed():
    gpu = detect_one(StandInNvml(rtx_3090_ti(nvmlDeviceGetHandleByIndex=GPU_IS_LOST)))
    assert (gpu.state, gpu.name, gpu.driver_version) == ("lost", None, "570.86.15")


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (4, "nvml.no_permission"),
        (9, "nvml.driver_not_loaded"),
        (12, "nvml.library_not_found"),
        (18, "nvml.version_mismatch"),
        (999, "nvml.error"),
    ],
)
def test_a_driver_that_does_not_start_says_why(code, state):
    search = detect_gpus(nvml=StandInNvml(failing={"nvmlInit": code}), torch=StandInTorch())
    assert (search.gpus, search.nvml_state) == ((), state)


def test_a_driver_that_cannot_count_is_an_error_and_not_no_gpu():
    nvml = StandInNvml(h100(), failing={"nvmlDeviceGetCount": 999})
    assert detect_gpus(nvml=nvml, torch=StandInTorch()).nvml_state == "nvml.error"


def test_nvml_is_shut_down_once_for_each_start():
    nvml = StandInNvml(h100())
    detect_gpus(nvml=nvml, torch=CUDA_TORCH)
    assert (nvml.calls.count("nvmlInit"), nvml.calls.count("nvmlShutdown")) == (1, 1)
    stopped = no_driver()
    detect_gpus(nvml=stopped, torch=StandInTorch())
    assert stopped.calls.count("nvmlShutdown") == 0


def test_the_real_binding_answers_without_raising():
    states = {"ok", "library_not_found", "driver_not_loaded", "no_permission", "version_mismatch"}
    assert detect_gpus().nvml_state.removeprefix("nvml.") in states | {"error"}


def test_the_driver_beats_the_name():
    disguised = Card("NVIDIA GeForce RTX 3060", (8, 9), 12288, 12000, 3072)
    gpu = detect_one(StandInNvml(disguised))
    assert gpu.name_says is not None
    assert gpu.name_says.compute_capability == "8.6"
    assert (gpu.compute_capability, gpu.architecture) == ("8.9", "Ada Lovelace")
    assert "note.capability_differs" in gpu.notes


THREE = ["GPU-aa11", "GPU-ab22", "GPU-b333"]


@pytest.mark.parametrize(
    ("chosen", "seen"),
    [
        (None, THREE),
        ("", []),
        ("-1", []),
        ("2,0", ["GPU-b333", "GPU-aa11"]),
        ("GPU-b", ["GPU-b333"]),
        ("GPU-a", []),  # two begin so
        ("1,7,0", ["GPU-ab22"]),  # the first that is not there ends the list
        ("0,0", ["GPU-aa11"]),
        (" 1 , 2 ", ["GPU-ab22", "GPU-b333"]),
    ],
)
def test_the_visible_devices_are_those_that_cuda_gives(chosen, seen):
    environ = {} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}
    assert find_visible(environ, THREE) == seen


def test_cards_have_pytorch_s_order_and_hidden_ones_say_so():
    nvml = StandInNvml(h100(), rtx_3090_ti(), rtx_4070_laptop())
    environ = {"CUDA_VISIBLE_DEVICES": "2,0"}
    gpus = detect_gpus(nvml=nvml, torch=CUDA_TORCH, environ=environ).gpus
    assert [(gpu.index, gpu.state) for gpu in gpus] == [(0, "ok"), (1, "ok"), (1, "hidden")]
    assert [gpu.architecture for gpu in gpus] == ["Ada Lovelace", "Hopper", "Ampere"]


def test_a_started_cuda_decides_on_the_order():
    devices = tuple(SimpleNamespace(uuid=number) for number in (1, 0))
    torch = StandInTorch(cuda=devices, cuda_version="12.8", initialized=True)
    gpus = detect_gpus(nvml=StandInNvml(h100(), rtx_3090_ti()), torch=torch).gpus
    assert [gpu.architecture for gpu in gpus] == ["Ampere", "Hopper"]


def test_a_card_in_slices_is_its_slices_of_which_a_process_gets_one():
    name = "NVIDIA A100-SXM4-40GB"
    slices = tuple(
        Card(f"{name} MIG 1g.5gb", (8, 0), 4864, 4800, 0, uuid=f"MIG-{number}") for number in "ab"
    )
    nvml = StandInNvml(Card(name, (8, 0), 40960, 40000, 6912, slices=slices))
    first, second = detect_gpus(nvml=nvml, torch=CUDA_TORCH, environ={}).gpus
    assert (first.name, first.vram_total_mib, first.state) == (f"{name} MIG 1g.5gb", 4864, "ok")
    assert (first.compute_capability, first.multiprocessors) == ("8.0", None)
    assert second.state == "hidden"
    environ = {"CUDA_VISIBLE_DEVICES": "MIG-b"}
    gpus = detect_gpus(nvml=nvml, torch=CUDA_TORCH, environ=environ).gpus
    assert [gpu.state for gpu in gpus] == ["ok", "hidden"]


def test_a_zero_is_no_value():
    gpu = detect_one(StandInNvml(Card("NVIDIA GeForce RTX 3060", (8, 6), 0, 0, 0)))
    assert (gpu.vram_total_mib, gpu.vram_free_mib, gpu.multiprocessors) == (None, None, None)


@pytest.mark.parametrize("name", ["NVIDIA GB10", "Orin"])
def test_a_chip_that_shares_the_machine_s_memory_takes_its_size_from_there(name):
    card = Card(name, (12, 1), 0, 0, 6144, {"nvmlDeviceGetMemoryInfo": NOT_SUPPORTED})
    gpu = detect_one(StandInNvml(card))
    assert gpu.vram_total_mib == psutil.virtual_memory().total / 2**20
    assert (gpu.vram_source, gpu.source) == ("source.psutil", "source.nvml")


def test_a_card_that_may_not_be_opened_says_so():
    gpu = detect_one(StandInNvml(rtx_3090_ti(nvmlDeviceGetHandleByIndex=4)))
    assert (gpu.state, gpu.name) == ("no_permission", None)


def test_an_unknown_name_takes_its_architecture_from_the_driver():
    gpu = detect_one(StandInNvml(Card("NVIDIA Graphics Device", (12, 0), 32607, 32000, 21760)))
    assert gpu.name_says is not None
    assert not gpu.name_says.known
    assert (gpu.architecture, gpu.multiprocessors) == ("Blackwell", 170)


def test_a_capability_from_the_future_is_shown_as_it_is():
    gpu = detect_one(StandInNvml(Card("NVIDIA Z900", (99, 1), 1024, 512, 4096)))
    assert (gpu.compute_capability, gpu.architecture, gpu.multiprocessors) == ("99.1", None, None)


def test_a_name_in_bytes_is_read():
    gpu = detect_one(StandInNvml(Card(b"Tesla T4", (7, 5), 15360, 15000, 2560)))
    assert gpu.name == "Tesla T4"


def test_pytorch_starts_no_cuda_where_the_driver_answers():
    torch = StandInTorch(cuda=(SimpleNamespace(name="x"),), cuda_version="12.8")
    detect_gpus(nvml=StandInNvml(h100()), torch=torch)
    assert torch.cuda.asked == []


def test_a_pytorch_without_cuda_is_noted():
    (gpu,) = detect_gpus(nvml=StandInNvml(h100()), torch=StandInTorch()).gpus
    assert "note.torch_without_cuda" in gpu.notes


@pytest.mark.parametrize(
    ("cuda_version", "built_for", "notes"),
    [
        ("12.6", ("sm_50", "sm_80"), ()),  # the driver's own CUDA is 12.8
        ("12.9", ("sm_75", "sm_80", "compute_120"), ()),  # the same major version is served
        ("13.0", ("sm_75", "sm_120"), ("note.torch_needs_newer_driver",)),
        ("12.8", ("sm_90", "sm_100a"), ("note.torch_without_architecture",)),
        ("12.8", ("sm_70", "sm_75"), ("note.torch_without_architecture",)),
    ],
)
def test_a_pytorch_that_cannot_use_the_card_is_noted_with_the_reason(
    cuda_version, built_for, notes
):
    torch = StandInTorch(cuda_version=cuda_version, built_for=built_for)
    (gpu,) = detect_gpus(nvml=StandInNvml(rtx_3090_ti()), torch=torch).gpus
    assert gpu.notes == notes
    assert torch.cuda.asked == []


def test_a_cuda_gpu_without_nvml_comes_from_pytorch():
    orin = SimpleNamespace(
        name="Orin", total_memory=32 * 2**30, multi_processor_count=16, major=8, minor=7
    )
    torch = StandInTorch(cuda=(orin,), cuda_version="12.6")
    (gpu,) = detect_gpus(nvml=no_driver(), torch=torch).gpus
    assert (gpu.kind, gpu.compute_capability, gpu.architecture) == ("cuda", "8.7", "Ampere")
    assert (gpu.vram_total_mib, gpu.vram_free_mib, gpu.multiprocessors) == (32768, None, 16)
    assert "mem_get_info" not in torch.cuda.asked  # it would make a CUDA context


def test_free_memory_is_asked_where_a_context_is_there_already():
    card = SimpleNamespace(
        name="Orin", total_memory=32 * 2**30, multi_processor_count=16, major=8, minor=7
    )
    torch = StandInTorch(cuda=(card,), cuda_version="12.6", initialized=True)
    (gpu,) = detect_gpus(nvml=no_driver(), torch=torch).gpus
    assert gpu.vram_free_mib == 16384


def test_an_amd_gpu_comes_from_pytorch():
    card = SimpleNamespace(
        name="AMD Radeon RX 7900 XTX",
        total_memory=24 * 2**30,
        multi_processor_count=48,
        major=11,
        minor=0,
    )
    (gpu,) = detect_gpus(nvml=no_driver(), torch=StandInTorch(cuda=(card,), hip_version="6.4")).gpus
    assert (gpu.kind, gpu.compute_capability) == ("rocm", None)
    assert (gpu.architecture, gpu.vram_total_mib) == ("RDNA 3", 24576)


def test_an_intel_gpu_comes_from_pytorch():
    card = SimpleNamespace(
        name="Intel(R) Arc(TM) A770 Graphics", total_memory=16 * 2**30, max_compute_units=512
    )
    (gpu,) = detect_gpus(nvml=no_driver(), torch=StandInTorch(xpu=(card,))).gpus
    assert (gpu.kind, gpu.name) == ("xpu", "Intel(R) Arc(TM) A770 Graphics")
    assert (gpu.vram_total_mib, gpu.multiprocessors) == (16384, 512)
    assert gpu.name_says is not None
    assert (gpu.name_says.known, gpu.name_says.name) == (True, "Arc A770")


def test_a_mac_has_the_gpu_of_its_chip():
    torch = StandInTorch(mps_mib=21845)
    (gpu,) = detect_gpus("Apple M2 Max", nvml=no_driver(), torch=torch).gpus
    assert (gpu.kind, gpu.name, gpu.vram_total_mib) == ("mps", "Apple M2 Max", 21845)
    assert gpu.architecture == "Apple8 GPU family"
    assert "note.unified_memory" in gpu.notes


def test_a_mac_without_a_chip_name_is_still_listed():
    (gpu,) = detect_gpus(None, nvml=no_driver(), torch=StandInTorch(mps_mib=8192)).gpus
    assert (gpu.kind, gpu.name, gpu.name_says) == ("mps", None, None)
