"""Read a CPU's marketing name: vendor, generation, microarchitecture, cores, parts.

The rules are `cpu_rules.toml`. The CPUs that makers list are `cpu_catalogue.csv`: Intel ARK and
AMD's processor specifications, as collected in felixsteinke/cpu-spec-dataset (July 2023), and the
makers' product pages for later ones; an empty field is unknown.
"""

import csv
import functools
import re
from dataclasses import dataclass
from typing import Any

from iris_mlp.hardware.rules import read_data, read_rules
from iris_mlp.hardware.spelling import MAX_NAME_LENGTH, peel

_RULES = read_rules("cpu_rules.toml")


@dataclass(frozen=True)
class CpuName:
    """What a CPU's name says. None means unknown.

    Attributes:
        query: The name as it was given.
        known: Whether the name gives the microarchitecture.
        basis: "catalogue" where the CPU itself is listed, "pattern" where the scheme of its name
            was read, None where neither tells the microarchitecture.
        line: The maker's family, such as "Core i7", "EPYC", "Xeon Platinum", "Apple M".
        generation: The maker's own count where it has one (i7-12800HX: 12; EPYC 9654: 4).
        year: When the microarchitecture, or this line of it, was introduced.
        cores: Physical cores of the chip; `threads` its logical threads. Of the catalogue alone.
        meanings: Pairs of a part of the name and the key of its meaning.
    """

    query: str
    known: bool
    basis: str | None = None
    vendor: str | None = None
    line: str | None = None
    generation: int | None = None
    architecture: str | None = None
    year: int | None = None
    cores: int | None = None
    threads: int | None = None
    meanings: tuple[tuple[str, str], ...] = ()


@functools.cache
def read_catalogue() -> dict[str, tuple[int, int | None, str | None]]:
    """Return cores, threads and microarchitecture of the CPUs that makers list, by their key."""
    rows = csv.DictReader(read_data("cpu_catalogue.csv").splitlines())
    return {
        row["cpu"]: (
            int(row["cores"]),
            int(row["threads"]) if row["threads"] else None,
            row["architecture"] or None,
        )
        for row in rows
    }


def decode_cpu(name: str) -> CpuName:
    """Say what a CPU's name means; never raises: an unknown name comes with `known=False`."""
    text = re.sub(r"\b(?:cpu|processor)\b", " ", peel(name).text)
    text = " ".join(text.split())
    for rule in _RULES["line"]:
        if match := re.search(rule["pattern"], text):
            return _describe(name, rule, match)
    for word, (vendor, line) in _RULES["words"].items():
        if match := re.search(rf"\b{word}\b", text):
            meanings = ((_find(match[0], name), "cpu.line"),) if line else ()
            return CpuName(name, False, None, vendor, line or None, meanings=meanings)
    return CpuName(name, False)


def _describe(name: str, rule: dict[str, Any], match: re.Match[str]) -> CpuName:
    """Describe a CPU by the rule of its line."""
    groups = {group: text.strip() for group, text in match.groupdict().items() if text}
    parts = [(_fill(part, groups), _fill(key, groups)) for part, key in rule.get("parts", ())]
    suffix = groups.get("suffix", "")
    if suffix in _RULES["suffixes"].get(rule.get("suffixes"), ()):
        parts.append((suffix, f"cpu_suffix.{rule['suffixes']}.{suffix}"))
    number = _fill(rule.get("match", "{model|}"), groups) or ""
    fits = (model for model in rule.get("models", ()) if re.fullmatch(model[0], number))
    _, core, *year = next(fits, ("", ""))
    core = _fill(core, groups) or None
    cores = threads = None
    basis = "pattern" if core else None
    listed = read_catalogue().get(_fill(rule["key"], groups) or "") if "key" in rule else None
    if listed:
        cores, threads, named = listed
        core = core or named
        basis = "catalogue" if core else None
    generation = _fill(rule.get("generation", "{generation}"), groups)
    return CpuName(
        query=name,
        known=core is not None,
        basis=basis,
        vendor=rule["vendor"],
        line=_fill(rule["name"], groups),
        generation=int(generation) if generation else None,
        architecture=core,
        year=(year or [_RULES["years"].get(core)])[0],
        cores=cores,
        threads=threads,
        meanings=tuple((_find(part, name), key) for part, key in parts if part and key),
    )


def _fill(template: str, groups: dict[str, str]) -> str | None:
    """Fill a template; None where a group that it names, and has no default for, is missing.

    {tier} stands for a group as found, {TIER} in capitals, {Tier} with a capital first letter;
    {tier|x} has the default "x".
    """

    def say(hole: re.Match[str]) -> str:
        text = groups.get(hole[1].lower(), hole[2])
        return text.upper() if hole[1].isupper() else text.title() if hole[1][0].isupper() else text

    holes = re.findall(r"\{(\w+)(\|)?", template)
    if any(not default and group.lower() not in groups for group, default in holes):
        return None
    return re.sub(r"\{(\w+)(?:\|(\w*))?\}", say, template)


def _find(part: str, name: str) -> str:
    """Return a part as the name spells it."""
    match = re.search(re.escape(part), name[:MAX_NAME_LENGTH], re.IGNORECASE)
    return match[0] if match else part
