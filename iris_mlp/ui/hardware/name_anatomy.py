"""What a hardware name means, as a picture: the name, a bracket under each part, its meaning."""

import re
from html import escape

from iris_mlp.hardware import CpuName, GpuName, decode_cpu, decode_gpu
from iris_mlp.strings import Translate

TINTS = ("train", "positive", "test", "negative", "virginica")
MAX_NAME_LENGTH = 200  # what the decoders read of a name
LONG_NAME, LONG_FACT = 26, 34  # characters that need more room
_WIDE = ' class="wide"'

# Digits that also stand elsewhere in the name: where the one that is meant stands.
_PLACES = {
    "cpu.epyc_generation_digit": r"(?<=[0-9]\w\w){}",
    "cpu.xeon_generation_digit": r"(?<=[0-9]){}(?=[0-9]{{2}})",
    "cpu.ryzen_design_digit": r"(?<=[0-9]{{2}}){}",
}

Fact = tuple[str, str | None]


def render_name(name: str, t: Translate) -> str:
    """Return what a GPU's or a CPU's name means as HTML; both where it names both (Apple M3)."""
    name = name[:MAX_NAME_LENGTH].strip()
    if not name:
        return f'<p class="hw-empty">{escape(t("hardware.name_empty"))}</p>'
    gpu, cpu = decode_gpu(name), decode_cpu(name)
    cards = []
    if gpu.known or cpu.line is None:
        cards.append(_render_gpu_name(gpu, t))
    if cpu.line is not None:
        cards.append(_render_cpu_name(cpu, t))
    return "".join(cards)


def draw_anatomy(name: str, meanings: tuple[tuple[str, str], ...], t: Translate) -> str:
    """Draw a name with a bracket under each part and a line from there to what it means.

    Args:
        name: The name that the parts come from.
        meanings: Pairs of a part and the key of its meaning, in the order of the name.
        t: Translator of the visitor's language.
    """
    pieces = split_parts(name, meanings)
    count = sum(1 for _, key in pieces if key)
    if not count:
        return ""
    glyphs, labels, said = [], [], []
    for column, (text, key) in enumerate(pieces, start=1):
        if key is None:
            glyphs.append(f'<span style="grid-column:{column}">{escape(text)}</span>')
            continue
        number, meaning = len(said), t(f"hardware.{key}")
        said.append(t("hardware.anatomy_part", part=text, meaning=meaning))
        # The rightmost part is explained first, so that no line crosses a text.
        row = count - number + 1
        tint = f"--tint:var(--iris-{TINTS[number % len(TINTS)]});--half:{len(text) / 2:g}"
        glyphs.append(f'<b style="grid-column:{column};{tint}">{escape(text)}</b>')
        if row > 2:
            labels.append(f'<i style="grid-column:{column};grid-row:2/{row};{tint}"></i>')
        labels.append(
            f'<span class="label" style="grid-column:{column}/-1;grid-row:{row};{tint}">'
            f"<span><b>{escape(text)}</b> {escape(meaning)}</span></span>"
        )
    alternative = f"{name}. {t('hardware.list_separator').join(said)}"
    size = " long" if len(name) > LONG_NAME else ""
    return (
        f'<div class="anatomy{size}" role="img" style="--columns:{len(pieces)}" '
        f'aria-label="{escape(alternative)}"><div class="name">{"".join(glyphs)}</div>'
        f"{''.join(labels)}</div>"
    )


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


def render_facts(facts: list[Fact], t: Translate) -> str:
    """Return labels with their values as a list; None reads "unknown"."""
    unknown = escape(t("hardware.unknown"))
    rows = "".join(
        f"<div{_WIDE if len(value or '') > LONG_FACT else ''}><dt>{escape(label)}</dt>"
        + (f"<dd>{escape(value)}</dd>" if value else f'<dd class="unknown">{unknown}</dd>')
        + "</div>"
        for label, value in facts
    )
    return f'<dl class="hw-facts">{rows}</dl>'


def render_notes(keys: tuple[str, ...], t: Translate) -> str:
    """Return notes as a list, each once; nothing where there are none."""
    items = "".join(f"<li>{escape(t(f'hardware.{key}'))}</li>" for key in dict.fromkeys(keys))
    return f'<ul class="hw-notes">{items}</ul>' if items else ""


def render_choices(label: str, names: tuple[str, ...]) -> str:
    """Return a button for each name; a click puts the name into the text box."""
    buttons = "".join(
        f'<button type="button" data-name="{escape(name)}">{escape(name)}</button>'
        for name in names
    )
    return (
        f'<div class="hw-choices" role="group" aria-label="{escape(label)}">'
        f"<span>{escape(label)}</span>{buttons}</div>"
    )


def join_sizes(sizes_gb: tuple[int, ...], t: Translate) -> str:
    """Return the memory variants of a card as text, without a unit."""
    separator = t("hardware.vram_or") if len(sizes_gb) < 3 else " / "
    return separator.join(str(size) for size in sizes_gb)


def with_year(architecture: str | None, year: int | None) -> str | None:
    """Return an architecture with its year, as far as they are known."""
    return f"{architecture} ({year})" if architecture and year else architecture


def _render_gpu_name(card: GpuName, t: Translate) -> str:
    shown = (card.name if card.known else None) or card.query
    shared = card.known or "note.ambiguous" in card.notes
    title = shown if shared else t("hardware.name_unknown", name=shown)
    label = t("hardware.versions" if shared else "hardware.nearest")
    choices = render_choices(label, card.nearest) if card.nearest else ""
    nothing_known = not card.known and card.series is None
    return _render_card(
        t("hardware.kind_any" if nothing_known else "hardware.kind_gpu"),
        title,
        _draw_title(title, shown, card.meanings, t),
        "" if nothing_known else render_facts(_list_gpu_facts(card, t), t),
        render_notes(card.notes, t) + choices,
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
        "tier": _describe_tier(card.tier, t) if card.tier else None,
        "form": t(f"hardware.{form_key}") if form_key else None,
        "vram": f"{vram} GB" if vram else None,
        "compute_capability": card.compute_capability,
        "fp32": f"{card.fp32_tflops:g} TFLOPS" if card.fp32_tflops else None,
        "source": card.source,
    }
    # Not unknown but without meaning: ranks in lines that have none, capabilities beside NVIDIA.
    if card.known and card.line not in ("geforce", "radeon_rx"):
        facts = {k: v for k, v in facts.items() if v or k not in ("series", "tier")}
    if card.vendor not in (None, "NVIDIA"):
        del facts["compute_capability"]
    return [(t(f"hardware.{key}"), value) for key, value in facts.items()]


def _describe_tier(tier: int, t: Translate) -> str:
    return t("hardware.tier_of", tier=tier, meaning=t(f"hardware.tier.{tier}"))


def _render_cpu_name(cpu: CpuName, t: Translate) -> str:
    facts: list[Fact] = [
        (t("hardware.vendor"), cpu.vendor),
        (t("hardware.line"), cpu.line),
        (t("hardware.architecture"), with_year(cpu.architecture, cpu.year)),
    ]
    if cpu.generation:
        facts.insert(2, (t("hardware.generation"), str(cpu.generation)))
    return _render_card(
        t("hardware.kind_cpu"),
        cpu.query,
        _draw_title(cpu.query, cpu.query, cpu.meanings, t),
        render_facts(facts, t),
        "",
    )


def _draw_title(title: str, name: str, meanings: tuple[tuple[str, str], ...], t: Translate) -> str:
    """Return the title and the drawing of the name; the drawing alone where it says as much."""
    anatomy = draw_anatomy(name, meanings, t)
    heading = "" if anatomy and title == name else f"<h3>{escape(title)}</h3>"
    return heading + anatomy


def _render_card(kind: str, title: str, head: str, facts: str, notes: str) -> str:
    return (
        f'<article class="hw-card hw-name" aria-label="{escape(f"{kind}: {title}")}">'
        f'<p class="hw-kind">{escape(kind)}</p>{head}{facts}{notes}</article>'
    )
