"""This machine: the processor and this process's share of it, each GPU, PyTorch."""

import re
from types import SimpleNamespace
from typing import Any

import gradio as gr
from markupsafe import Markup

from iris_mlp.hardware import HardwareReport, decode_cpu, detect_hardware, render_text
from iris_mlp.hardware.cpu import CpuInfo
from iris_mlp.hardware.gpu import GpuInfo
from iris_mlp.hardware.report import TorchInfo
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.hardware.names import Fact, split_parts, with_year
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.templates import render

# Notes on figures that a card of the machine does not show: there the driver tells them.
_CATALOGUE_NOTES = ("note.several_memory_sizes",)
MAX_CELLS = 96  # beyond this many threads a cell each would be too thin to see


def build(wiring: dict[str, Any]) -> list[Any]:
    """Lay out and wire the panel; return what `show_machine` fills."""
    i18n = page_i18n()
    with gr.Row(elem_classes="hw-top"):
        build_prose("hardware.heading_machine")
        copied = gr.HTML(
            elem_id="hardware-copied",
            js_on_load=mount("copy_text"),
            apply_default_css=False,
        )
        refresh = gr.Button(i18n("hardware.refresh"), size="sm", elem_id="hardware-refresh")
        gr.Button(i18n("hardware.copy"), size="sm", elem_id="hardware-copy")
    report = gr.HTML(elem_id="hardware-report", apply_default_css=False)
    with gr.Accordion(i18n("hardware.as_text"), open=False, elem_id="hardware-as-text"):
        text = gr.Textbox(
            show_label=False, lines=12, max_lines=24, container=False, elem_id="hardware-text"
        )
    outputs = [report, text, copied]
    refresh.click(show_machine, None, outputs, **wiring)
    return outputs


def show_machine(request: gr.Request) -> tuple[str, str, str]:
    """Look at the machine; return the report as HTML, as text, and what the button copies."""
    report, t = detect_hardware(), request_translator(request)
    text = render_text(report)
    status = Markup('<span role="status" data-text="{}">{}</span>')
    return render_report(report, t), text, status.format(text, t("hardware.copied"))


def render_report(report: HardwareReport, t: Translate) -> str:
    """Return the whole report as HTML; what is unknown says so."""
    cpu, limit = report.cpu, report.cpu.memory_limit
    memory_source = None
    if limit:
        source = _join(t(f"hardware.{limit.source}"), limit.path, t)
        memory_source = _join(t("hardware.memory_limit", limit=format_gib(limit.mib)), source, t)
    return render(
        "hardware/machine.html",
        t=t,
        gib=format_gib,
        cpu=cpu,
        counts=_list_counts(cpu, t),
        memory_source=memory_source,
        cpu_facts=_list_cpu_facts(cpu, t),
        cpu_pieces=split_parts(cpu.name or "", decode_cpu(cpu.name or "").meanings),
        gpus=[_describe_gpu(gpu, t) for gpu in report.gpus],
        nvml_state=report.nvml_state,
        torch=report.torch,
        torch_facts=_list_torch_facts(report, report.torch, t),
    )


def describe_machine(report: HardwareReport, t: Translate) -> str:
    """Return the machine in one line of plain text, not escaped: GPU first, where there is one."""
    cpu = report.cpu
    processor = shorten_name(cpu.name) or t("hardware.unknown")
    if not report.gpus:
        usable = (
            t("hardware.badge_cores", usable=cpu.usable_cores, total=cpu.logical_threads)
            if cpu.logical_threads
            else t("hardware.badge_cores_unknown", usable=cpu.usable_cores)
        )
        return " · ".join((processor, usable, t("hardware.badge_no_gpu")))
    first = report.gpus[0]
    name = shorten_name(first.name) or t("hardware.unknown")
    names = {gpu.name for gpu in report.gpus}
    if len(report.gpus) > 1 and len(names) == 1:
        name = f"{len(report.gpus)} × {name}"
    elif len(report.gpus) > 1:
        count = len(report.gpus)
        name = t("hardware.badge_more", name=name, count=count - 1, total=count)
    parts = [name]
    if first.state != "ok":
        parts.append(t("hardware.badge_lost") if first.state == "lost" else t("hardware.unknown"))
    elif first.kind == "mps":  # its memory is the machine's
        parts.append("MPS")
    elif first.vram_total_mib:
        parts.append(t("hardware.badge_memory", gib=round(first.vram_total_mib / 1024)))
    if cpu.name != first.name:  # on a Mac one chip is both
        parts.append(processor)
    return " · ".join(parts)


def shorten_name(name: str | None) -> str | None:
    """Return a name without makers' marks and words that tell nothing ("12th Gen", "Processor")."""
    if name is None:
        return None
    short = re.sub(r"\((?:R|TM|C)\)|[®™]", " ", name, flags=re.IGNORECASE)
    noise = (
        r"@.*|w(?:ith|/) .*|\b(?:[0-9]+th Gen|[0-9]+-Core|CPU|Processor|NVIDIA|GeForce|GPU)\b"
        r"|\bIntel Core (?=i[0-9])"
    )
    short = re.sub(noise, " ", re.sub(r"\s+", " ", short), flags=re.IGNORECASE)
    return " ".join(short.split()) or name


def _list_counts(cpu: CpuInfo, t: Translate) -> list[SimpleNamespace]:
    """List every number of cores, each a part of the largest."""
    counts = {count.kind: count for count in cpu.core_counts}
    total = max([1.0, *(count.cores for count in cpu.core_counts)])
    rows = []
    for kind in ("physical", "logical", "affinity", "quota"):
        count = counts.get(kind)
        if count is None:
            source = t("hardware.quota_none" if kind == "quota" else "hardware.unknown")
        else:
            source = t(f"hardware.{count.source}")
            source = _join(source, count.path, t) if count.path else source
        row = SimpleNamespace(kind=kind, label=t(f"hardware.{kind}"), source=source, total=total)
        row.cores, row.cells = count.cores if count else None, total <= MAX_CELLS
        rows.append(row)
    return rows


def _list_cpu_facts(cpu: CpuInfo, t: Translate) -> list[Fact]:
    architecture = with_year(cpu.architecture, cpu.year)
    if architecture and cpu.architecture_source:
        architecture = _join(architecture, t(f"hardware.{cpu.architecture_source}"), t)
    return [
        (t("hardware.vendor"), cpu.vendor),
        (t("hardware.architecture"), architecture),
        (t("hardware.instruction_set"), cpu.machine),
        (t("hardware.simd"), cpu.simd),
        (t("hardware.frequency"), _describe_frequency(cpu, t)),
    ]


def _describe_gpu(gpu: GpuInfo, t: Translate) -> dict[str, Any]:
    """Return a GPU's fields, and what a card of it shows beside them."""
    said = gpu.name_says
    facts: list[Fact] = [
        (t("hardware.architecture"), gpu.architecture),
        (t("hardware.multiprocessors"), str(gpu.multiprocessors or "") or None),
    ]
    if gpu.kind == "cuda":
        facts.insert(1, (t("hardware.compute_capability"), _describe_capability(gpu, t)))
        facts += [
            (t("hardware.driver"), gpu.driver_version),
            (t("hardware.cuda_driver"), gpu.cuda_driver_version),
        ]
    if gpu.source:
        facts.append((t("hardware.basis"), t(f"hardware.{gpu.source}")))
    shown = (said.name if said and said.known else gpu.name) or ""
    notes = [key for key in (said.notes if said else ()) if key not in _CATALOGUE_NOTES]
    return vars(gpu) | {
        "facts": facts,
        "shown": shown,
        "pieces": split_parts(shown, said.meanings if said else ()),
        "notes": (*gpu.notes, *notes),
    }


def _list_torch_facts(report: HardwareReport, torch: TorchInfo, t: Translate) -> list[Fact]:
    build = t(f"hardware.build.{torch.build}") if torch.build else None
    if build and torch.build_version:
        build += f" {torch.build_version}"
    accelerators = ", ".join(f"{item.type} ({item.count})" for item in report.accelerators)
    return [
        (t("hardware.version"), torch.version),
        (t("hardware.build"), build),
        (t("hardware.threads"), None if torch.threads is None else str(torch.threads)),
        (t("hardware.cpu_kernels"), torch.cpu_capability),
        (t("hardware.accelerators"), accelerators or t("hardware.none")),
        (t("hardware.python"), report.python_version),
        (t("hardware.system"), report.system),
    ]


def _join(fact: str, source: str, t: Translate) -> str:
    return t("hardware.with_source", fact=fact, source=source)


def _describe_capability(gpu: GpuInfo, t: Translate) -> str | None:
    by_name = gpu.name_says.compute_capability if gpu.name_says else None
    capability = gpu.compute_capability
    if capability is None and by_name:
        unknown = t("hardware.unknown")
        return t("hardware.capability_by_name", unknown=unknown, capability=by_name)
    if capability and by_name and capability != by_name:
        return t("hardware.capability_differs", capability=capability, by_name=by_name)
    return capability


def _describe_frequency(cpu: CpuInfo, t: Translate) -> str | None:
    now = f"{cpu.frequency_mhz:.0f} MHz" if cpu.frequency_mhz else None
    top = f"{cpu.frequency_max_mhz:.0f} MHz" if cpu.frequency_max_mhz else None
    if now and top:
        return t("hardware.frequency_max", now=now, top=top)
    return t("hardware.frequency_top", top=top) if top else now


def format_gib(mib: float) -> str:
    """Return a size in MiB as GiB with one decimal."""
    return f"{mib / 1024:.1f} GiB"
