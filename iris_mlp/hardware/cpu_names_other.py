"""Read the names of CPU lines whose numbers follow no scheme, and lines known by their word alone.

A core is given for the numbers that Intel ARK, AMD's product pages and Loongson's manuals list with
it; any other number of a line says the line and no more.
"""

import re

from iris_mlp.hardware.cpu_names_x86 import Reading

_Core = tuple[str, str, int | None]  # (pattern of the number, core, year where it is another)

_INTEL_NUMBERS: tuple[_Core, ...] = (
    (r"n(?:4500|4505|5095a?|5100|5105|6000|6005)", "Jasper Lake", None),
    (r"n(?:4000|4100|5000)|j(?:4005|4105|5005)", "Gemini Lake", None),
    (r"n(?:4020|4120|5030)|j(?:4025|4125|5040)", "Gemini Lake Refresh", None),
    (r"g(?:69|74)[0-9]{2}[et]?", "Alder Lake", None),
    (r"g(?:59|64|65|66)[0-9]{2}[et]?", "Comet Lake", None),
    (r"g(?:49|54|55|56)[0-9]{2}[et]?", "Coffee Lake", None),
    (r"g(?:39[35]0|4560|46[02]0)t?", "Kaby Lake", None),
    (r"g(?:39[02]0|44[0-9]{2}|45[02]0)t?", "Skylake", None),
)
_FX_NUMBERS: tuple[_Core, ...] = (
    (r"[468]1[0-9]{2}|6200", "Bulldozer", None),
    (r"[468]3[0-9]{2}e?|9370|9590", "Piledriver", None),
)
_ATHLON_NUMBERS: tuple[_Core, ...] = (
    (r"2[024]0ge", "Zen", 2018),
    (r"3000g", "Zen", 2019),
    (r"7[12]20u", "Zen 2", 2022),
)
_LOONGSON_NUMBERS: tuple[_Core, ...] = (
    (r"3[abc]5000l?", "LA464", None),
    (r"3[ac]6000", "LA664", None),
)
# (pattern whose group is the line's word, vendor, line, numbers), in the order of trial.
# A number of Jasper Lake is known without its word, as its buyers write it.
_LINES: tuple[tuple[str, str, str, tuple[_Core, ...]], ...] = (
    (r"\b(celeron)\b|^(?=n(?:45|50|51)[0-9]{2}a?$)", "Intel", "Celeron", _INTEL_NUMBERS),
    (r"\b(pentium)\b|^(?=n600[05]$)", "Intel", "Pentium", _INTEL_NUMBERS),
    (r"\b(xeon phi)\b", "Intel", "Xeon Phi", ()),
    (r"\b(xeon)\b", "Intel", "Xeon", ()),
    (r"\b(atom)\b", "Intel", "Atom", ()),
    (r"\b(core 2)\b", "Intel", "Core 2", ()),
    (r"\bintel (core)\b", "Intel", "Core", ()),
    (r"\b(athlon)\b", "AMD", "Athlon", _ATHLON_NUMBERS),
    (r"\b(fx)(?= ?-? ?[0-9]{4})", "AMD", "FX", _FX_NUMBERS),
    (r"\b(phenom)\b", "AMD", "Phenom", ()),
    (r"\b(opteron)\b", "AMD", "Opteron", ()),
    (r"\b(epyc)\b", "AMD", "EPYC", ()),
    (r"\b(threadripper)\b", "AMD", "Ryzen Threadripper", ()),
    (r"\b(ryzen)\b", "AMD", "Ryzen", ()),
    (r"\bhygon\b(?:.*?\b(c86)\b)?", "Hygon", "C86", ()),
    (r"\b(loongson)\b", "Loongson", "Loongson", _LOONGSON_NUMBERS),
)
_GPU_MAKERS = re.compile(r"\b(?:nvidia|geforce|quadro)\b")  # Quadro FX 4800, GeForce FX 5200


def read_other(text: str) -> tuple[str, Reading] | None:
    """Return the vendor and what the name says, or None where no line's word stands in it."""
    text = text.strip()
    for pattern, vendor, line, numbers in _LINES:
        match = re.search(pattern, text)
        if match is None or (line == "FX" and _GPU_MAKERS.search(text)):
            continue
        core, year = _find_core(text[match.end() :], numbers)
        word = match[1] or ""
        word = line if word == line.lower() else word.title()
        meanings = ((word, "cpu.line"),) if word else ()
        return vendor, Reading(line, core, None, year, meanings)
    return None


def _find_core(rest: str, numbers: tuple[_Core, ...]) -> tuple[str | None, int | None]:
    for number, core, year in numbers:
        if re.search(rf"(?<![a-z0-9])(?:{number})(?![a-z0-9])", rest):
            return core, year
    return None, None
