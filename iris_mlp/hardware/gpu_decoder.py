"""A GPU's name decoded against the catalogue."""

import difflib
import functools
import itertools
import re
from dataclasses import replace

from iris_mlp.hardware.gpu_catalogue import GpuName, Row, list_telling_words, read_rows
from iris_mlp.hardware.gpu_names import (
    GEFORCE_SERIES,
    MAKERS,
    RULES,
    NameWords,
    drop_shop_words,
    insert_blanks,
    list_alternatives,
    read_geforce_pattern,
    read_meanings,
    read_radeon_tier,
    split_name,
)
from iris_mlp.hardware.spelling import peel

LESSON_CARDS = (
    "GeForce RTX 3090 Ti",
    "GeForce RTX 3080",
    "GeForce RTX 3070 Ti",
    "GeForce RTX 3070",
    "GeForce RTX 4070",
)
_SINGLE_FACTS = (
    *("vendor", "line", "series", "architecture", "year", "chip", "tier", "laptop"),
    *("compute_capability", "fp32_tflops", "source"),
)
_FORM_WORDS = frozenset({"sxm", "pcie", "nvl", "dgxs", "fhhl"})
_NOTES_OF_THE_LAUNCH_MEMORY = frozenset(
    {"note.more_vram_than_higher_tier", "note.less_vram_than_lower_tier"}
)
_GRACE_MEMORY_GIB = frozenset({120, 240, 480})  # drivers name a superchip by its CPU's memory
_LEAST_LIKENESS = 0.5
"""A name is near from here on: it shares half its letters, or a word of two."""


@functools.cache
def _list_words() -> frozenset[str]:
    """List every word that a card's name is made of, lower case."""
    names = " ".join(" ".join((row.card.query, *row.aliases)) for row in read_rows()).lower()
    others = {"mobile", "notebook", *MAKERS, *_FORM_WORDS}
    return frozenset(others.union(re.findall(r"[a-z0-9]+", names)))


def _list_consumer_words(parts: NameWords) -> frozenset[str]:
    """List the words by which the consumer cards of a name's maker are told apart."""
    amd = parts.vendor == "AMD" or "rx" in parts.words
    line = "radeon_rx" if amd else "arc" if parts.vendor == "Intel" else "geforce"
    return frozenset().union(*(row.words for row in read_rows() if row.card.line == line))


def list_gpus() -> tuple[GpuName, ...]:
    """List every card of the catalogue, in its order."""
    return tuple(row.card for row in read_rows())


def compare_lesson_cards() -> tuple[GpuName, ...]:
    """Give the five cards that the lesson compares, in the lesson's order."""
    return tuple(decode_gpu(name) for name in LESSON_CARDS)


def decode_gpu(name: str) -> GpuName:
    """Say what a GPU's name means.

    Takes the catalogue's names, those of drivers ("NVIDIA H100 80GB HBM3"), of browsers ("ANGLE
    (…)"), of `lspci`, of shops, and a person's ("3090ti", "geforcertx4090laptop"). Never raises: a
    name that is not in the catalogue comes back with `known=False`, what its family or its pattern
    tells, and up to three nearest names.
    """
    if family := _read_family(name):
        return family
    card = _decode_card(name)
    chip = _read_chip(name)
    if chip is None or card.architecture == chip or "note.ambiguous" in card.notes:
        return card
    vendor = card.vendor or split_name(name).vendor
    notes = ("note.not_in_catalogue", "note.read_from_chip")
    return GpuName(name, False, "family", vendor=vendor, architecture=chip, notes=notes)


def _read_chip(name: str) -> str | None:
    """Return the architecture of the chip that `lspci` writes before the name in brackets."""
    text = peel(name).text
    before, bracket, _ = text.replace("[amd/ati]", " ").partition("[")
    if not bracket:
        return None
    chips = RULES["chips"].items()
    return next((made for chip, made in chips if re.search(rf"\b(?:{chip})", before)), None)


def _decode_card(name: str) -> GpuName:
    """Look a card up in the catalogue, else read its pattern."""
    parts = split_name(name)
    alternatives = [_find_cards(split_name(each)) for each in list_alternatives(name)]
    if alternatives and all(alternatives):
        found = [row for row in read_rows() if any(row in rows for rows in alternatives)]
        parts = replace(parts, memory_gib=None)
    else:
        found = _find_cards(parts)
    spaced = name
    if not found:
        spaced = insert_blanks(name, _list_words())
        parts = split_name(spaced)
        found = _find_cards(parts)
    if not found:
        return replace(_decode_by_pattern(spaced), query=name)
    cards = [_describe(row, parts) for row in found]
    if len({card.architecture for card in cards}) > 1:
        # One name, several architectures: nothing can be said of the card itself.
        choices = tuple(card.name or "" for card in cards)
        return replace(_decode_by_pattern(name), notes=("note.ambiguous",), nearest=choices)
    return replace(cards[0] if len(cards) == 1 else _merge(cards), query=name)


def _read_family(name: str) -> GpuName | None:
    """Read a GPU whose number names a family, and what is no GPU: a program, a virtual display."""
    peeled = peel(name)
    for pattern, maker, line, architecture, note in RULES["names"]["families"]:
        match = re.search(rf"(?<![a-z0-9])(?:{pattern})", peeled.text)
        if match is None:
            continue
        start = name.lower().find(match[0])
        return GpuName(
            query=name,
            known=bool(architecture),
            basis="family",
            name=name[start : start + len(match[0])] if start >= 0 else match[0].capitalize(),
            vendor=maker or None,
            line=line,
            architecture=architecture or None,
            notes=(f"note.{note}", *(("note.similar",) if peeled.similar else ())),
        )
    return None


def _find_cards(parts: NameWords) -> list[Row]:
    """Find the rows that fit a name's words, its maker and, where one has it, its memory size."""
    found = _find(parts)
    if not found and parts.words & _FORM_WORDS:
        found = _find(replace(parts, words=parts.words - _FORM_WORDS))
    if not found and (words := drop_shop_words(parts, _list_consumer_words(parts))) != parts.words:
        found = [row for row in read_rows() if row.words == words]
    found = [row for row in found if parts.vendor in (None, row.card.vendor)]
    return [row for row in found if parts.memory_gib in row.card.vram_gib] or found


def _find(parts: NameWords) -> list[Row]:
    """Find the rows that a name's words fit: an alias, the same words, or the fewest more."""
    if aliased := [row for row in read_rows() if parts.plain and parts.plain in row.aliases]:
        return aliased
    same = [row for row in read_rows() if row.words == parts.words]
    if not same and "laptop" in parts.words:
        # One name for laptop and desktop (GTX 1070), or for laptops alone (RTX 2050).
        words = parts.words - {"laptop"}
        same = [row for row in read_rows() if row.words == words and row.card.laptop is not False]
    if same:
        return same
    # "Quadro 6000" is a Fermi card, not a Quadro RTX 6000 with a word left out.
    if not any(re.search(r"\d", w) and not re.fullmatch(r"\d\d?", w) for w in parts.words):
        return []
    # A "GTX 660" is no 660 Ti, and a "Quadro 4000" no Quadro RTX 4000.
    never = {*RULES["suffixes"], *(("rtx",) if "quadro" in parts.words else ())}
    more = [
        row
        for row in read_rows()
        if row.words > parts.words and not never & (row.words - parts.words)
    ]
    if len({row.card.architecture for row in more}) > 1:
        return more
    more = [row for row in more if "rx" in row.words] or more  # a 5700 XT is an RX, not a Mac's Pro
    fewest = min((len(row.words) for row in more), default=0)
    return [row for row in more if len(row.words) == fewest]


def _describe(row: Row, parts: NameWords) -> GpuName:
    """Describe a row's card as the name states it: the laptop part, the memory size, a slice."""
    card, notes = row.card, list(row.card.notes)
    if card.laptop is None and "laptop" in parts.words:
        notes = ["note.laptop_power" if n == "note.laptop_unclear" else n for n in notes]
        card = replace(card, laptop=True, fp32_tflops=None)
    stated_gib = parts.memory_gib
    if stated_gib in card.vram_gib:
        tflops = card.fp32_tflops if stated_gib in row.same_compute_gib else None
        card = replace(card, vram_gib=(stated_gib,), fp32_tflops=tflops)
        notes = [note for note in notes if note != "note.several_memory_sizes"]
    elif stated_gib is not None and stated_gib != split_name(card.query).memory_gib:
        if "note.superchip_memory" in notes and stated_gib in _GRACE_MEMORY_GIB:
            at = notes.index("note.superchip_memory")
            notes[at] = "note.stated_memory_is_the_cpu_s"
        else:
            notes.append("note.stated_memory_not_in_catalogue")
    if stated_gib not in (None, row.card.vram_gib[0] if row.card.vram_gib else None):
        notes = [note for note in notes if note not in _NOTES_OF_THE_LAUNCH_MEMORY]
    twin_words = row.words - {"laptop"}
    twin = next((r.card for r in read_rows() if r.words == twin_words and r is not row), None)
    if card.laptop and twin:
        if twin.chip and card.chip and twin.chip != card.chip:
            notes.append("note.laptop_smaller_chip")
        if max(card.vram_gib, default=0) < min(twin.vram_gib, default=0):
            notes.append("note.laptop_less_memory")
    if parts.slice:
        notes.append(f"note.{parts.slice}_slice")
    if parts.similar:
        notes.append("note.similar")
    return replace(card, notes=tuple(notes))


def _merge(cards: list[GpuName]) -> GpuName:
    """Keep what several cards that share a name agree on."""
    first = cards[0]
    agreed = {
        name: getattr(first, name)
        for name in _SINGLE_FACTS
        if len({getattr(card, name) for card in cards}) == 1
    }
    names = [card.name or "" for card in cards]
    columns = zip(*(name.split() for name in names))
    shared = " ".join(
        c[0] for c in itertools.takewhile(lambda column: len(set(column)) == 1, columns)
    )
    return GpuName(
        query=first.query,
        known=True,
        basis="catalogue",
        # "H100" names its versions, "Instinct" not the two that lspci gives together.
        name=shared if any(c.isdigit() for c in shared) else " / ".join(names),
        vram_gib=tuple(dict.fromkeys(size for card in cards for size in card.vram_gib)),
        meanings=tuple(pair for pair in first.meanings if all(pair in c.meanings for c in cards)),
        notes=(
            "note.several_versions",
            *(note for note in first.notes if all(note in c.notes for c in cards)),
        ),
        nearest=tuple(names),
        **agreed,
    )


def _decode_by_pattern(name: str) -> GpuName:
    """Answer for a card that the catalogue lacks: its pattern, if any, and the nearest names."""
    parts = split_name(name)
    nearest = find_nearest(name)
    pattern = read_geforce_pattern(name)
    if pattern:
        is_mx = pattern.series == "MX"
        # The 50 of the 20 series, the RTX 2050, is Ampere: no architecture for that pair.
        is_2050 = (pattern.series, pattern.tier) == ("20", 50)
        how = "note.mx_says_no_architecture" if is_mx else "note.read_from_pattern"
        return GpuName(
            query=name,
            known=False,
            basis="pattern",
            vendor="NVIDIA",
            line="geforce",
            series=pattern.series,
            architecture=None if is_2050 else GEFORCE_SERIES.get(pattern.series) or None,
            tier=pattern.tier,
            suffixes=pattern.suffixes,
            laptop=True if is_mx or "laptop" in parts.words else None,
            meanings=read_meanings(name, "geforce"),
            notes=("note.not_in_catalogue", how),
            nearest=nearest,
        )
    radeon = next((word for word in parts.words if read_radeon_tier(word)), None)
    if radeon and "rx" in parts.words:
        return GpuName(
            query=name,
            known=False,
            basis="pattern",
            vendor="AMD",
            line="radeon_rx",
            series=radeon[0] + "000",
            tier=read_radeon_tier(radeon),
            meanings=read_meanings(name, "radeon_rx"),
            notes=("note.not_in_catalogue", "note.read_from_pattern"),
            nearest=nearest,
        )
    notes = ("note.not_in_catalogue",)
    return GpuName(query=name, known=False, vendor=parts.vendor, notes=notes, nearest=nearest)


def find_nearest(name: str, count: int = 3) -> tuple[str, ...]:
    """Find the catalogue names most like a name, the most like first.

    Only names that share a number or a product line with it, and only of the maker that it states:
    letters alone make anything look like something.
    """
    parts = split_name(name)
    telling = list_telling_words(parts)
    rows = [
        row
        for row in read_rows()
        if parts.vendor in (None, row.card.vendor) and telling & row.telling_words
    ]
    if not parts.words or not rows:
        return ()
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(parts.phrase)

    def likeness(row: Row) -> float:
        # Letters alone put "4070 Ti" before "4090" for a "4090 Ti"; whole words count as well.
        matcher.set_seq1(row.phrase)
        return matcher.ratio() + len(parts.words & row.words) / len(parts.words | row.words)

    likenesses = [(likeness(row), row.card.name or "") for row in rows]
    near = [pair for pair in likenesses if pair[0] >= _LEAST_LIKENESS]
    near.sort(key=lambda pair: pair[0], reverse=True)
    return tuple(name for _, name in near[:count])
