"""This machine as cards: the processor and this process's share of it, each GPU, PyTorch."""

import re
from html import escape

from iris_mlp.hardware import HardwareReport, decode_cpu
from iris_mlp.hardware.core_limits import CoreCount
from iris_mlp.hardware.cpu import CpuInfo
from iris_mlp.hardware.gpu import GpuInfo
from iris_mlp.strings import Translate
from iris_mlp.ui.hardware.name_anatomy import (
    Fact,
    draw_anatomy,
    render_facts,
    render_notes,
    with_year,
)

# Notes on figures that a card of the machine does not show: there the driver tells them.
_CATALOGUE_NOTES = ("note.several_memory_sizes",)

MAX_CELLS = 96  # beyond this many threads a cell each would be too thin to see


def render_report(report: HardwareReport, t: Translate) -> str:
    """Return the whole report as HTML; what is unknown says so."""
    gpus = "".join(_render_gpu(gpu, t) for gpu in report.gpus) or _render_no_gpu(report, t)
    many = " many" if len(report.gpus) > 1 else ""
    return (
        f'<div class="hw-machine{many}">{_render_cpu(report.cpu, t)}'
        f'<div class="hw-gpus">{gpus}</div>{_render_torch(report, t)}</div>'
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


def _render_cpu(cpu: CpuInfo, t: Translate) -> str:
    architecture = with_year(cpu.architecture, cpu.year)
    if architecture and cpu.architecture_source:
        architecture = _join(architecture, t(f"hardware.{cpu.architecture_source}"), t)
    facts: list[Fact] = [
        (t("hardware.vendor"), cpu.vendor),
        (t("hardware.architecture"), architecture),
        (t("hardware.instruction_set"), cpu.machine),
        (t("hardware.simd"), cpu.simd),
        (t("hardware.frequency"), _describe_frequency(cpu, t)),
    ]
    anatomy = draw_anatomy(cpu.name, decode_cpu(cpu.name).meanings, t) if cpu.name else ""
    body = f"{_draw_cores(cpu, t)}{_draw_memory(cpu, t)}{render_facts(facts, t)}{anatomy}"
    return _render_card(t("hardware.processor"), cpu.name, body, t, "hw-cpu")


def _draw_cores(cpu: CpuInfo, t: Translate) -> str:
    """Draw every number of cores as a bar below the other, the one that decides in colour."""
    counts = {count.kind: count for count in cpu.core_counts}
    total = max([1.0, *(count.cores for count in cpu.core_counts)])
    rows = "".join(
        _draw_count(kind, counts.get(kind), total, cpu.usable_from == kind, t)
        for kind in ("physical", "logical", "affinity", "quota")
    )
    usable = (
        t("hardware.usable", total=cpu.logical_threads)
        if cpu.logical_threads
        else t("hardware.usable_alone")
    )
    reason = t(f"hardware.cores.{cpu.usable_from}")
    return (
        f'<p class="hw-usable"><b>{cpu.usable_cores}</b> <span>{escape(usable)}<br><small>'
        f"{escape(reason)}</small></span></p>"
        f'<ul class="hw-cores">{rows}</ul>'
    )


def _draw_count(
    kind: str, count: CoreCount | None, total: float, decides: bool, t: Translate
) -> str:
    label = t(f"hardware.{kind}")
    if count is None:
        missing = t("hardware.quota_none" if kind == "quota" else "hardware.unknown")
        bar, number, source = '<span class="hw-bar empty"></span>', "–", missing
    else:
        number, source = f"{count.cores:g}", t(f"hardware.{count.source}")
        cells = f'cells" style="--cells:{total:g};' if total <= MAX_CELLS else '" style="'
        alternative = t("hardware.cores_alt", label=label, cores=number, total=f"{total:g}")
        bar = (
            f'<span class="hw-bar {cells}--share:{count.cores / total:.4f}" role="img" '
            f'aria-label="{escape(alternative)}"></span>'
        )
        if count.path:
            source = _join(source, count.path, t)
    return (
        f'<li class="{kind}{" decides" if decides else ""}"><span class="what">{escape(label)}'
        f"</span>{bar}<b>{number}</b><small>{escape(source)}</small></li>"
    )


def _draw_memory(cpu: CpuInfo, t: Translate) -> str:
    limit = cpu.memory_limit
    source = ""
    if limit:
        text = t("hardware.memory_limit", limit=format_gib(limit.mib))
        read_from = _join(t(f"hardware.{limit.source}"), limit.path, t)
        source = f"<small>{escape(_join(text, read_from, t))}</small>"
    bar = _draw_room(
        t("hardware.memory"),
        cpu.memory_total_mib,
        cpu.memory_available_mib,
        "hardware.memory_free",
        t,
        limit.mib if limit else None,
    )
    return bar + source


def _draw_room(
    label: str,
    total_mib: float | None,
    free_mib: float | None,
    key: str,
    t: Translate,
    limit_mib: float | None = None,
) -> str:
    """Draw a memory as a bar: what is taken, what is free, and a mark at a limit."""
    if total_mib is None:
        text, bar = t("hardware.unknown"), ""
    else:
        text = format_gib(total_mib)
        taken = 0.0
        if free_mib is not None:
            text = t(key, free=format_gib(free_mib), total=text)
            taken = 1 - free_mib / total_mib if total_mib else 0.0
        mark = f";--limit:{limit_mib / total_mib:.4f}" if limit_mib and total_mib else ""
        alternative = t("hardware.vram_alt", label=label, text=text)
        state = " unmeasured" if free_mib is None else ""
        bar = (
            f'<span class="hw-room{state}{" limited" if mark else ""}" role="img" '
            f'style="--taken:{taken:.4f}{mark}" aria-label="{escape(alternative)}"></span>'
        )
    return (
        f'<p class="hw-memory"><span class="what">{escape(label)}</span>'
        f"<b>{escape(text)}</b>{bar}</p>"
    )


def _render_gpu(gpu: GpuInfo, t: Translate) -> str:
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
    state = ""
    if gpu.state != "ok":
        state = f'<p class="hw-state">{escape(t(f"hardware.state.{gpu.state}"))}</p>'
    memory = _draw_room(
        t("hardware.shared_memory" if gpu.kind == "mps" else "hardware.vram"),
        gpu.vram_total_mib,
        gpu.vram_free_mib,
        "hardware.vram_free",
        t,
    )
    shown = (said.name if said and said.known else gpu.name) or ""
    anatomy = draw_anatomy(shown, said.meanings, t) if said else ""
    said_notes = [key for key in (said.notes if said else ()) if key not in _CATALOGUE_NOTES]
    notes = render_notes((*gpu.notes, *said_notes), t)
    body = f"{state}{memory}{render_facts(facts, t)}{anatomy}{notes}"
    kind = t("hardware.gpu_number", index=gpu.index)
    return _render_card(kind, gpu.name, body, t, f"hw-gpu {gpu.state}")


def _render_no_gpu(report: HardwareReport, t: Translate) -> str:
    reason = t(
        "hardware.none_reason",
        none=t("hardware.gpu.none"),
        reason=t(f"hardware.{report.nvml_state}"),
    )
    texts = "".join(
        f"<p>{escape(t(key))}</p>"
        for key in ("hardware.gpu.none_what", "hardware.gpu.none_how", "hardware.none_enough")
    )
    return (
        f'<article class="hw-card hw-none"><p class="hw-kind">GPU</p><h3>{escape(reason)}</h3>'
        f"{_draw_missing_card(t)}{texts}</article>"
    )


def _draw_missing_card(t: Translate) -> str:
    fans = "".join(
        f'<circle cx="{x}" cy="58" r="29"/><circle cx="{x}" cy="58" r="7"/>'
        + "".join(
            f'<path d="M{x} 51q13-8 8-19" transform="rotate({angle} {x} 58)"/>'
            for angle in range(0, 360, 60)
        )
        for x in (88, 172)
    )
    fingers = "".join(f'<path d="M{x} 98v9"/>' for x in range(66, 150, 7))
    return (
        f'<svg class="hw-ghost" role="img" viewBox="0 0 260 116" '
        f'aria-label="{escape(t("hardware.none_alt"))}"><path d="M16 8h9v100"/>'
        f'<rect x="32" y="18" width="212" height="80" rx="8"/>{fans}{fingers}'
        f'<path d="M218 34h14M218 44h14M218 54h14"/></svg>'
    )


def _render_torch(report: HardwareReport, t: Translate) -> str:
    torch = report.torch
    build = t(f"hardware.build.{torch.build}") if torch.build else None
    if build and torch.build_version:
        build += f" {torch.build_version}"
    accelerators = ", ".join(f"{item.type} ({item.count})" for item in report.accelerators)
    facts: list[Fact] = [
        (t("hardware.version"), torch.version),
        (t("hardware.build"), build),
        (t("hardware.threads"), None if torch.threads is None else str(torch.threads)),
        (t("hardware.cpu_kernels"), torch.cpu_capability),
        (t("hardware.accelerators"), accelerators or t("hardware.none")),
        (t("hardware.python"), report.python_version),
        (t("hardware.system"), report.system),
    ]
    reason = f"hardware.{torch.auto_reason}" if torch.auto_reason else None
    why = t("hardware.auto_why", reason=t(reason)) if reason else ""
    auto = (
        f'<p class="hw-auto"><span class="what">{escape(t("hardware.auto"))}</span>'
        f"<b>{escape(torch.auto_device or t('hardware.unknown'))}</b>"
        f"<small>{escape(why)}</small></p>"
    )
    return (
        '<article class="hw-card hw-torch"><p class="hw-kind">PyTorch</p>'
        f"{auto}{render_facts(facts, t)}</article>"
    )


def _render_card(kind: str, name: str | None, body: str, t: Translate, classes: str) -> str:
    title = escape(name or t("hardware.unknown"))
    return (
        f'<article class="hw-card {classes}"><p class="hw-kind">{escape(kind)}</p>'
        f"<h3>{title}</h3>{body}</article>"
    )


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
