"""What hardware this is, what this process may use of it, and what its names mean."""

from iris_mlp.hardware.core_limits import usable_cores
from iris_mlp.hardware.cpu_names import CpuName, decode_cpu
from iris_mlp.hardware.gpu_decoder import GpuName, compare_lesson_cards, decode_gpu, list_gpus
from iris_mlp.hardware.render import render_cpu_name, render_gpu_name, render_text
from iris_mlp.hardware.report import HardwareReport, detect_hardware

__all__ = [
    "CpuName",
    "GpuName",
    "HardwareReport",
    "compare_lesson_cards",
    "decode_cpu",
    "decode_gpu",
    "detect_hardware",
    "list_gpus",
    "render_cpu_name",
    "render_gpu_name",
    "render_text",
    "usable_cores",
]
