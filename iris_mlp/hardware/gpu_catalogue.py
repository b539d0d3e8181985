"""The catalogue of GPUs, read from its file.

The facts stand in `gpu_catalogue.csv`, one row a card, each with the maker's publication that it
follows. An empty field means unknown; `vram_gib` lists the memory variants as the maker writes them
(GB), the launch one first, with "/" between variants of the same compute and ";" before one
whose compute differs; `fp32_tflops` is the launch variant's peak as the maker publishes it, or
2 x cores x boost clock where the maker publishes those two, the highest clock for a laptop's;
`laptop` is empty where one name serves both; `year` is when the maker introduced the card; `chip`
is the one it was introduced with, since later runs of a card may use another one.
`compute_capability` follows NVIDIA's page "CUDA GPU Compute Capability".
"""

import csv
import functools
from dataclasses import dataclass

from iris_mlp.hardware.gpu_names import NameWords, read_meanings, split_name
from iris_mlp.hardware.rules import read_data

_LINE_WORDS = frozenset(
    {
        *("geforce", "rtx", "gtx", "gt", "mx", "titan", "quadro", "tesla"),
        *("radeon", "rx", "instinct", "apple", "arc", "vega", "ascend", "mtt"),
    }
)


@dataclass(frozen=True)
class GpuName:
    """What a GPU's name says. None means unknown.

    Attributes:
        query: The name as it was given.
        known: Whether the catalogue has the card.
        basis: "catalogue" where the card is listed, "family" where its number tells the family,
            "pattern" where the pattern of its name was read, None where nothing is known.
        name: The maker's name of the card.
        line: Product line, a key ("geforce", "rtx_ada", "data_center" …).
        series: Series within the line ("40"); a series number, not a generation number.
        tier: 90 flagship, 80 high, 70 upper middle, 60 mainstream, 50 entry.
        suffixes: Keys such as "ti", "super", "d", "max_q".
        laptop: True or False; None where the name serves both.
        vram_gib: Memory variants, the launch one first; narrowed where the name states one.
        fp32_tflops: Peak of the launch variant as the maker publishes it.
        source: The publication that the facts follow.
        meanings: Pairs of a part of the name and the key of its meaning.
        notes: Keys of what a reader should know beside the facts.
        nearest: For an unknown or a shared name, catalogue names to choose from.
    """

    query: str
    known: bool
    basis: str | None = None
    name: str | None = None
    vendor: str | None = None
    line: str | None = None
    series: str | None = None
    architecture: str | None = None
    year: int | None = None
    chip: str | None = None
    tier: int | None = None
    suffixes: tuple[str, ...] = ()
    laptop: bool | None = None
    vram_gib: tuple[int, ...] = ()
    compute_capability: str | None = None
    fp32_tflops: float | None = None
    source: str | None = None
    meanings: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A catalogue row as a GpuName, with the words it is found by."""

    card: GpuName
    words: frozenset[str]
    phrase: str
    telling_words: frozenset[str]
    same_compute_gib: frozenset[int]  # the memory variants that fp32_tflops holds for
    aliases: tuple[str, ...]


@functools.cache
def read_rows() -> tuple[Row, ...]:
    """Return the rows in the order of the file."""
    return tuple(
        _read_row(record) for record in csv.DictReader(read_data("gpu_catalogue.csv").splitlines())
    )


def _read_row(record: dict[str, str]) -> Row:
    name, line = record["name"], record["line"]
    meanings = read_meanings(name, line)
    keys = [key for _, key in meanings]
    tiers = [int(key.removeprefix("tier.")) for key in keys if key.startswith("tier.")]
    laptop = {"yes": True, "no": False, "": None}[record["laptop"]]
    variants = [
        [int(size) for size in group.split("/") if size] for group in record["vram_gib"].split(";")
    ]
    vram_gib = tuple(size for group in variants for size in group)
    notes = [f"note.{key}" for key in record["note"].split(";") if key]
    if record["series"] == "16":
        notes.append("note.turing_without_rt_and_tensor_cores")
    if len(vram_gib) > 1 and record["vendor"] != "Apple":
        notes.append("note.several_memory_sizes")
    if record["vendor"] == "NVIDIA" and laptop is not False:
        notes.append("note.laptop_power" if laptop else "note.laptop_unclear")
    card = GpuName(
        query=name,
        known=True,
        basis="catalogue",
        name=name,
        vendor=record["vendor"],
        line=line,
        series=record["series"] or None,
        architecture=record["architecture"] or None,
        year=int(record["year"]) if record["year"] else None,
        chip=record["chip"] or None,
        tier=tiers[0] if tiers else None,
        suffixes=tuple(k.removeprefix("suffix.") for k in keys if k.startswith("suffix.")),
        laptop=laptop,
        vram_gib=vram_gib,
        compute_capability=record["compute_capability"] or None,
        fp32_tflops=float(record["fp32_tflops"]) if record["fp32_tflops"] else None,
        source=record["source"],
        meanings=meanings,
        notes=tuple(notes),
    )
    aliases = tuple(split_name(alias).plain for alias in record["aliases"].split(";") if alias)
    parts = split_name(name)
    telling = list_telling_words(parts)
    return Row(card, parts.words, parts.phrase, telling, frozenset(variants[0]), aliases)


def list_telling_words(parts: NameWords) -> frozenset[str]:
    """List the words that make a name comparable: those with a digit, and product lines."""
    words = parts.words | frozenset(parts.plain.split())
    numbers = {word for word in parts.words if any(c.isdigit() for c in word)}
    return (words & _LINE_WORDS) | numbers
