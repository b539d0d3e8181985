"""What a hardware name means: the name, a bracket under each part, its meaning."""

import re
from types import SimpleNamespace
from typing import Any

import gradio as gr

from iris_mlp.hardware import CpuName, GpuName, decode_cpu, decode_gpu, list_gpus
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.templates import render

FIRST_NAME = "GeForce RTX 4070 Ti SUPER"
EXAMPLES = (
    "3090 Ti",
    "RTX 4070 Laptop",
    "H100",
    "RX 7900 XTX",
    "RTX 6090",
    "i7-12800HX",
    "EPYC 9654",
)
MAX_NAME_LENGTH = 200  # what the decoders read of a name

# Digits that also stand elsewhere in the name: where the one that is meant stands.
_PLACES = {
    "cpu.epyc_generation_digit": r"(?<=[0-9]\w\w){}",
    "cpu.xeon_generation_digit": r"(?<=[0-9]){}(?=[0-9]{{2}})",
    "cpu.ryzen_design_digit": r"(?<=[0-9]{{2}}){}",
}

Fact = tuple[str, str | None]


def build(wiring: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Lay out and wire the panel; return its text box, and what `show_first` fills."""
    i18n = page_i18n()
    build_prose("hardware.heading_read")
    name = gr.Textbox(
        label=i18n("hardware.name"),
        placeholder=i18n("hardware.name_hint"),
        max_lines=1,
        max_length=MAX_NAME_LENGTH,
        elem_id="hardware-name",
    )
    examples, meaning = (build_clickable(each, name, wiring) for each in ("examples", "meaning"))
    # Not `input`, which a Textbox sends for keys alone: pasting is the usual way to bring a name.
    name.change(read_name, name, meaning, trigger_mode="always_last", **wiring)
    return name, [name, meaning, examples]


def build_clickable(elem_name: str, name: Any, wiring: dict[str, Any]) -> gr.HTML:
    """Build HTML in which a click on a name puts it into the text box."""
    html = gr.HTML(
        elem_id=f"hardware-{elem_name}",
        js_on_load=mount("choose_name", "choose"),
        apply_default_css=False,
    )
    html.choose(choose_name, None, name, **wiring)
    return html


def show_first(request: gr.Request) -> tuple[str, str, str]:
    """Return the first name, what it means, and the examples."""
    t = request_translator(request)
    return FIRST_NAME, render_name(FIRST_NAME, t), render_examples(t)


def read_name(request: gr.Request, name: str | None) -> str:
    """Say what the name in the text box means, as HTML."""
    return render_name(name or "", request_translator(request))


def choose_name(event: gr.EventData) -> str:
    """Return the name that was clicked, for the text box."""
    return str(getattr(event, "name", ""))[:MAX_NAME_LENGTH]


def render_examples(t: Translate) -> str:
    """Return the example buttons and the catalogue's names, which the text box suggests."""
    names = [card.name for card in list_gpus()]
    return render("hardware/examples.html", t=t, examples=EXAMPLES, names=names)


def render_name(name: str, t: Translate) -> str:
    """Return what a GPU's or a CPU's name means as HTML; both where it names both (Apple M3)."""
    name = name[:MAX_NAME_LENGTH].strip()
    cards = []
    if name:
        gpu, cpu = decode_gpu(name), decode_cpu(name)
        if gpu.basis == "catalogue" or gpu.basis == "family" or cpu.line is None:
            cards.append(_describe_gpu_name(gpu, t))
        if cpu.line is not None:
            cards.append(_describe_cpu_name(cpu, t))
    return render("hardware/name.html", t=t, cards=cards)


def split_parts(
    name: str, meanings: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str | None], ...]:
    """Cut a name into pieces, in order: those with the key of a meaning, and what is between.

    A part that does not stand in the name as it is written is left out.
    """
    pieces: list[tuple[str, str | None]] = []
    done = 0
    for part, key in meanings:
        pattern = _PLACES.get(key, "{}").format(re.escape(part))
        match = re.compile(pattern, re.IGNORECASE).search(name, done)
        if match is None:
            continue
        if name[done : match.start()]:
            pieces.append((name[done : match.start()], None))
        pieces.append((match[0], key))
        done = match.end()
    return (*pieces, (name[done:], None)) if name[done:] else tuple(pieces)


def join_sizes(sizes_gb: tuple[int, ...], t: Translate) -> str:
    """Return the memory variants of a card as text, without a unit."""
    separator = t("hardware.vram_or") if len(sizes_gb) < 3 else " / "
    return separator.join(str(size) for size in sizes_gb)


def with_year(architecture: str | None, year: int | None) -> str | None:
    """Return an architecture with its year, as far as they are known."""
    return f"{architecture} ({year})" if architecture and year else architecture


def _describe_gpu_name(card: GpuName, t: Translate) -> SimpleNamespace:
    shown = (card.name if card.known or card.basis == "family" else None) or card.query
    shared = card.known or card.basis == "family" or "note.ambiguous" in card.notes
    nothing_known = card.basis is None
    return SimpleNamespace(
        kind=t("hardware.kind_any" if nothing_known else "hardware.kind_gpu"),
        name=shown,
        title=shown if shared else t("hardware.name_unknown", name=shown),
        pieces=split_parts(shown, card.meanings),
        facts=[] if nothing_known else _list_gpu_facts(card, t),
        notes=card.notes,
        nearest=card.nearest,
        nearest_label=t("hardware.versions" if shared else "hardware.nearest"),
    )


def _list_gpu_facts(card: GpuName, t: Translate) -> list[Fact]:
    form = {True: "form_yes", False: "form_no", None: "form_both" if card.known else None}
    form_key = form[card.laptop]
    vram = join_sizes(card.vram_gib, t)
    facts: dict[str, str | None] = {
        "vendor": card.vendor,
        "line": t(f"hardware.line_name.{card.line}") if card.line else None,
        "series": card.series,
        "architecture": card.architecture,
        "column_year": str(card.year) if card.year else None,
        "chip": card.chip,
        "tier": t("hardware.tier_of", tier=card.tier, meaning=t(f"hardware.tier.{card.tier}"))
        if card.tier
        else None,
        "form": t(f"hardware.{form_key}") if form_key else None,
        "vram": f"{vram} GB" if vram else None,
        "compute_capability": card.compute_capability,
        "fp32": f"{card.fp32_tflops:g} TFLOPS" if card.fp32_tflops else None,
        "source": card.source,
        "basis": t(f"hardware.basis.{card.basis}") if card.basis else None,
    }
    if card.basis == "family":
        facts = {key: value for key, value in facts.items() if value and key != "form"}
    # Not unknown but without meaning: ranks in lines that have none, capabilities beside NVIDIA.
    if card.known and card.line not in ("geforce", "radeon_rx"):
        facts = {k: v for k, v in facts.items() if v or k not in ("series", "tier")}
    if card.vendor not in (None, "NVIDIA"):
        facts.pop("compute_capability", None)
    return [(t(f"hardware.{key}"), value) for key, value in facts.items()]


def _describe_cpu_name(cpu: CpuName, t: Translate) -> SimpleNamespace:
    facts: dict[str, str | None] = {
        "vendor": cpu.vendor,
        "line": cpu.line,
        "generation": str(cpu.generation) if cpu.generation else None,
        "architecture": with_year(cpu.architecture, cpu.year),
        "chip_cores": str(cpu.cores) if cpu.cores else None,
        "chip_threads": str(cpu.threads) if cpu.threads else None,
        "basis": t(f"hardware.basis.{cpu.basis}") if cpu.basis else None,
    }
    optional = ("generation", "chip_cores", "chip_threads", "basis")
    return SimpleNamespace(
        kind=t("hardware.kind_cpu"),
        name=cpu.query,
        title=cpu.query,
        pieces=split_parts(cpu.query, cpu.meanings),
        facts=[(t(f"hardware.{k}"), v) for k, v in facts.items() if v or k not in optional],
        notes=(),
        nearest=(),
    )
