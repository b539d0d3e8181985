"""The hardware report and a decoded name as aligned plain text, in English."""

import textwrap
from collections.abc import Iterable

from iris_mlp.hardware.core_limits import CoreCount
from iris_mlp.hardware.cpu import CpuInfo
from iris_mlp.hardware.cpu_names import CpuName
from iris_mlp.hardware.gpu import GpuInfo
from iris_mlp.hardware.gpu_decoder import GpuName
from iris_mlp.hardware.report import HardwareReport, TorchInfo
from iris_mlp.strings import translator

_LABEL_WIDTH = 22
_LINE_WIDTH = 100
Line = tuple[str, str | None]


def say(key: str) -> str:
    """Return the English text of a key of this package."""
    return translator("en")(f"hardware.{key}")


def render_text(report: HardwareReport) -> str:
    """Write the report as text for a terminal or for "copy as text"; None reads "unknown"."""
    sections = [("CPU", _cpu_lines(report.cpu))]
    for gpu in report.gpus:
        sections.append((f"GPU {gpu.index}", _gpu_lines(gpu)))
    if not report.gpus:
        keys = ("gpu.none_what", "gpu.none_how")
        found: list[Line] = [("Found", f"{say('gpu.none')}: {say(report.nvml_state)}.")]
        found += [("", say(key)) for key in keys]
        sections.append(("GPU", found))
    accelerators = ", ".join(f"{item.type} ({item.count})" for item in report.accelerators)
    sections.append(
        ("PyTorch", [*_torch_lines(report.torch), ("Accelerators", accelerators or "none")])
    )
    sections.append(("System", [("System", report.system), ("Python", report.python_version)]))
    return "\n\n".join(_section(title, lines) for title, lines in sections) + "\n"


def render_gpu_name(card: GpuName) -> str:
    """Write what a GPU's name means as text."""
    tier = f"{card.tier} ({say(f'tier.{card.tier}')})" if card.tier else None
    lines: list[Line] = [
        ("Card", card.name),
        ("Vendor", card.vendor),
        ("Series", card.series),
        ("Architecture", _with_year(card.architecture, card.year)),
        ("Chip", card.chip),
        ("Tier", tier),
        ("Laptop", None if card.laptop is None else "yes" if card.laptop else "no"),
        ("VRAM", " or ".join(f"{size} GB" for size in card.vram_gib) or None),
        ("Compute capability", card.compute_capability),
        ("FP32 compute", f"{card.fp32_tflops:g} TFLOPS" if card.fp32_tflops else None),
        ("Source", card.source),
    ]
    if card.basis is None:
        lines = lines[:1]  # nothing is known, which one line says
    else:
        lines.append(("Read from", say(f"basis.{card.basis}")))
    if card.basis == "family":
        lines = [line for line in lines if line[1]]
    lines += [(part, say(key)) for part, key in card.meanings]
    lines += [("Note", say(key)) for key in card.notes]
    if card.nearest:
        lines.append(("See" if card.known else "Did you mean", ", ".join(card.nearest)))
    return _section(card.query, lines) + "\n"


def render_cpu_name(cpu: CpuName) -> str:
    """Write what a CPU's name means as text."""
    lines: list[Line] = [
        ("Vendor", cpu.vendor),
        ("Line", cpu.line),
        ("Generation", str(cpu.generation) if cpu.generation else None),
        ("Architecture", _with_year(cpu.architecture, cpu.year)),
    ]
    if cpu.cores:
        lines.append(("Cores", str(cpu.cores)))
    if cpu.threads:
        lines.append(("Threads", str(cpu.threads)))
    if cpu.basis:
        lines.append(("Read from", say(f"basis.{cpu.basis}")))
    lines += [(part, say(key)) for part, key in cpu.meanings]
    return _section(cpu.query, lines) + "\n"


def _cpu_lines(cpu: CpuInfo) -> list[Line]:
    architecture = _with_year(cpu.architecture, cpu.year)
    if architecture and cpu.generation:
        architecture += f", generation {cpu.generation}"
    if architecture and cpu.architecture_source:
        architecture += f", {say(cpu.architecture_source)}"
    usable = f"{cpu.usable_cores}, {say(f'cores.{cpu.usable_from}')}"
    counts = {count.kind: count for count in cpu.core_counts}
    lines: list[Line] = [
        ("Model", cpu.name),
        ("Vendor", cpu.vendor),
        ("Architecture", architecture),
        ("Instruction set", cpu.machine),
        ("SIMD", cpu.simd),
        ("Physical cores", _count(counts.get("physical"))),
        ("Logical threads", _count(counts.get("logical"))),
        *((("Affinity", _count(counts["affinity"])),) if "affinity" in counts else ()),
        ("Container quota", _count(counts["quota"]) if "quota" in counts else "none found"),
        ("Usable cores", usable),
        ("Frequency", _frequency(cpu)),
        ("Memory", _gib(cpu.memory_total_mib)),
        ("Memory available", _gib(cpu.memory_available_mib)),
    ]
    limit = cpu.memory_limit
    if limit:
        source = f"{_gib(limit.mib)}, {say(limit.source)} ({limit.path})"
        lines.append(("Container memory", source))
    return lines


def _gpu_lines(gpu: GpuInfo) -> list[Line]:
    said = gpu.name_says
    lines: list[Line] = [("Model", gpu.name)]
    if gpu.state != "ok":
        lines.append(("State", say(f"state.{gpu.state}")))
    lines.append(("Architecture", gpu.architecture))
    if gpu.kind == "cuda":
        lines.append(("Compute capability", _capability(gpu)))
    lines += [
        ("Memory", _vram(gpu)),
        ("Memory free", _gib(gpu.vram_free_mib)),
        ("Multiprocessors", None if gpu.multiprocessors is None else str(gpu.multiprocessors)),
    ]
    if gpu.kind == "cuda":
        lines += [
            ("Driver", gpu.driver_version),
            ("CUDA of the driver", gpu.cuda_driver_version),
        ]
    if said:
        lines += [(f"“{part}”", say(key)) for part, key in said.meanings]
    keys = dict.fromkeys((*gpu.notes, *(said.notes if said else ())))
    lines += [("Note", say(key)) for key in keys]
    if said and not said.known and said.nearest:
        lines.append(("Nearest names", ", ".join(said.nearest)))
    return lines


def _vram(gpu: GpuInfo) -> str | None:
    """Say whose figure it is where it is not that of the driver or of PyTorch."""
    size = _gib(gpu.vram_total_mib)
    return f"{size}, {say(gpu.vram_source)}" if gpu.vram_source == "source.psutil" else size


def _capability(gpu: GpuInfo) -> str | None:
    by_name = gpu.name_says.compute_capability if gpu.name_says else None
    if gpu.compute_capability is None and by_name:
        return f"{say('unknown')}; by its name {by_name}"
    return gpu.compute_capability


def _torch_lines(torch: TorchInfo) -> list[Line]:
    build = say(f"build.{torch.build}") if torch.build else None
    auto = torch.auto_device
    if auto and torch.auto_reason:
        auto += f": {say(torch.auto_reason)}"
    return [
        ("Version", torch.version),
        ("Build", f"{build} {torch.build_version or ''}".rstrip() if build else None),
        ("Threads", None if torch.threads is None else str(torch.threads)),
        ("CPU kernels", torch.cpu_capability),
        ("auto chooses", auto),
    ]


def _section(title: str, lines: Iterable[Line]) -> str:
    rows = [title]
    for label, value in lines:
        start = f"  {label:<{_LABEL_WIDTH}}"
        rows += textwrap.wrap(
            value or say("unknown"),
            width=_LINE_WIDTH,
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(rows)


def _with_year(architecture: str | None, year: int | None) -> str | None:
    return f"{architecture} ({year})" if architecture and year else architecture


def _count(count: CoreCount | None) -> str | None:
    if count is None:
        return None
    place = f" ({count.path})" if count.path else ""
    return f"{count.cores:g}, {say(count.source)}{place}"


def _frequency(cpu: CpuInfo) -> str | None:
    now = f"{cpu.frequency_mhz:.0f} MHz" if cpu.frequency_mhz else None
    if cpu.frequency_max_mhz:
        top = f"at most {cpu.frequency_max_mhz:.0f} MHz"
        return f"{now}, {top}" if now else top
    return now


def _gib(mib: float | None) -> str | None:
    return None if mib is None else f"{mib / 1024:.1f} GiB"
