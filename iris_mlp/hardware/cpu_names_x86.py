"""Read the names of Intel and AMD CPUs by the schemes that the makers publish.

Intel: "Intel Processor Names, Numbers and Generation List". AMD: "AMD Ryzen 7000 Series Mobile
Processor naming" and the Ryzen, Threadripper and EPYC product pages.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What a rule read from a name; a year only where it differs from that of the architecture."""

    line: str | None
    architecture: str | None
    generation: int | None = None
    year: int | None = None
    meanings: tuple[tuple[str, str], ...] = ()


_CORE_GENERATIONS = {
    2: "Sandy Bridge",
    3: "Ivy Bridge",
    4: "Haswell",
    5: "Broadwell",
    6: "Skylake",
    7: "Kaby Lake",
    8: "Coffee Lake",
    9: "Coffee Lake Refresh",
    10: "Comet Lake",
    11: "Rocket Lake",
    12: "Alder Lake",
    13: "Raptor Lake",
    14: "Raptor Lake Refresh",
}
# Numbers that run ahead of the design: the enthusiasts' chips up to 2016, and those with Vega.
_CORE_EXCEPTIONS = {
    **dict.fromkeys(("3820", "3930k", "3960x", "3970x"), "Sandy Bridge"),
    **dict.fromkeys(("4820k", "4930k", "4960x"), "Ivy Bridge"),
    **dict.fromkeys(("5820k", "5930k", "5960x"), "Haswell"),
    **dict.fromkeys(("6800k", "6850k", "6900k", "6950x"), "Broadwell"),
    **dict.fromkeys(("8305g", "8705g", "8706g", "8709g", "8809g"), "Kaby Lake"),
}
_XEON_SCALABLE = {
    "1": "Skylake-SP",
    "2": "Cascade Lake",
    "3": "Ice Lake-SP",
    "4": "Sapphire Rapids",
    "5": "Emerald Rapids",
}
_XEON_VERSIONS = ("Sandy Bridge", "Ivy Bridge", "Haswell", "Broadwell", "Skylake", "Kaby Lake")
_XEON_W = {
    "12": "Comet Lake",
    "13": "Rocket Lake",
    "21": "Skylake-SP",
    "22": "Cascade Lake",
    "31": "Skylake-SP",
    "32": "Cascade Lake",
    "33": "Ice Lake-SP",
    "24": "Sapphire Rapids",
    "34": "Sapphire Rapids",
    "25": "Sapphire Rapids",
    "35": "Sapphire Rapids",
}
_XEON_D = {
    "15": "Broadwell",
    "16": "Broadwell",
    "17": "Ice Lake-D",
    "21": "Skylake-SP",
    "27": "Ice Lake-D",
}
_XEON_E = {"21": "Coffee Lake", "22": "Coffee Lake", "23": "Rocket Lake", "24": "Raptor Lake"}
_VIRTUAL_CPUS = {  # names that QEMU gives its CPU models
    "haswell": "Haswell",
    "broadwell": "Broadwell",
    "skylake": "Skylake",
    "cascadelake": "Cascade Lake",
    "icelake": "Ice Lake",
    "sapphirerapids": "Sapphire Rapids",
    "graniterapids": "Granite Rapids",
    "rome": "Zen 2",
    "milan": "Zen 3",
    "genoa": "Zen 4",
    "turin": "Zen 5",
}
_EPYC = {"1": "Zen", "2": "Zen 2", "3": "Zen 3", "4": "Zen 4", "5": "Zen 5"}
_THREADRIPPER = {
    "1": ("Zen", 2017),
    "2": ("Zen+", 2018),
    "3": ("Zen 2", 2019),
    "5": ("Zen 3", 2022),
    "7": ("Zen 4", 2023),
    "9": ("Zen 5", 2025),
}


def _suffix(family: str, letters: str) -> tuple[tuple[str, str], ...]:
    """Pair a suffix with its key where the family gives it a meaning."""
    known = _SUFFIXES[family]
    return ((letters.upper(), f"cpu_suffix.{family}.{letters}"),) if letters in known else ()


_SUFFIXES = {
    "intel": ("hx", "hk", "h", "u", "p", "y", "k", "kf", "ks", "f", "t", "x", "xe", "v", "g7"),
    "amd": ("x", "x3d", "xt", "g", "ge", "f", "u", "h", "hs", "hx", "hx3d", "wx"),
    "epyc": ("p", "f", "x"),
}


def read_core(text: str) -> Reading | None:
    """Intel Core i3 to i9, 2nd to 14th generation: the digits before the last three or two."""
    match = re.search(r"\bi([3579])[- ]?([0-9]{4,5})([a-z][a-z0-9]*)?\b", text)
    if match is None:
        # The first generation (i7-920) and what has no plain number (i5-L16G7): the line alone.
        match = re.search(r"\bcore i([3579])\b|\bi([3579])[- ]?[3-9][0-9]{2}[a-z]{0,2}\b", text)
        tier = (match[1] or match[2]) if match else None
        return (
            Reading(f"Core i{tier}", None, meanings=((f"i{tier}", "cpu.tier"),)) if tier else None
        )
    digits, letters = match[2], match[3] or ""
    two = len(digits) == 5 or digits[0] == "1"  # i7-1255U is of the 12th, i7-8550U of the 8th
    generation = int(digits[: 2 if two else 1])
    architecture = _CORE_GENERATIONS.get(generation)
    if digits + letters in _CORE_EXCEPTIONS:
        architecture = _CORE_EXCEPTIONS[digits + letters]
    elif generation == 8 and letters.startswith("u"):
        ends = {"65": "Whiskey Lake", "45": "Whiskey Lake", "50": "Kaby Lake Refresh"}
        ends |= {"30": "Kaby Lake Refresh", "21": "Cannon Lake"}
        architecture = ends.get(digits[2:], architecture)
    elif generation in (8, 10) and letters.startswith("y"):
        architecture = "Amber Lake"
    elif generation in (7, 9) and letters in ("x", "xe") and digits not in ("7640", "7740"):
        architecture = "Skylake-SP"
    elif generation == 10 and letters in ("x", "xe"):
        architecture = "Cascade Lake"
    elif generation == 10 and re.match(r"n?g[1-7]", letters):
        architecture = "Ice Lake"
    elif generation == 11 and (letters[:1] in ("g", "h", "u") or letters.endswith("b")):
        architecture = "Tiger Lake"
    ahead = "cpu.generation_ahead" if digits + letters in _CORE_EXCEPTIONS else "cpu.generation"
    parts = ((f"i{match[1]}", "cpu.tier"), (digits[: 2 if two else 1], ahead))
    meanings = (*parts, *_suffix("intel", letters))
    return Reading(f"Core i{match[1]}", architecture, generation, meanings=meanings)


def read_core_ultra(text: str) -> Reading | None:
    """Intel Core Ultra (Series 1 to 3) and the Core 3, 5, 7 that have no Ultra."""
    match = re.search(r"\bultra x?([3579]) (?:processor )?(?:pro )?([0-9])[0-9]{2}([a-z]*)\b", text)
    if match:
        cores = {"1": "Meteor Lake", "2": "Arrow Lake", "3": "Panther Lake"}
        architecture = cores.get(match[2])
        if match[2] == "2":
            architecture = {"v": "Lunar Lake", "u": "Arrow Lake-U"}.get(match[3], architecture)
        parts = ((f"Ultra {match[1]}", "cpu.tier"), (match[2], "cpu.ultra_series"))
        meanings = (*parts, *_suffix("intel", match[3]))
        return Reading(f"Core Ultra {match[1]}", architecture, int(match[2]), meanings=meanings)
    match = re.search(r"\bcore ([3579]) (?:processor )?([12])[0-9]{2}([a-z]+)\b", text)
    if match:
        meanings = ((match[1], "cpu.tier"), *_suffix("intel", match[3]))
        return Reading(f"Core {match[1]}", "Raptor Lake Refresh", int(match[2]), meanings=meanings)
    match = re.search(r"(?<![a-z0-9])n([0-9]{2,3})\b", text)
    named = "intel" in text or "i3" in text or (match and match[0] == text.strip())
    if match and named and "xeon" not in text:
        alder = match[1] in ("50", "95", "97", "100", "200", "300", "305")
        twin = match[1] in ("150", "250", "350", "355")
        architecture = "Alder Lake-N" if alder else "Twin Lake" if twin else None
        return Reading("Intel N", architecture) if architecture else None
    return None


def read_xeon(text: str) -> Reading | None:
    """Intel Xeon: Scalable by its second digit, E3/E5/E7 by version, W and E by two digits, 6."""
    if match := re.search(r"\b(platinum|gold|silver|bronze) ([3-9])([1-5])([0-9]{2})(h?)", text):
        architecture = _XEON_SCALABLE[match[3]]
        if match[3] == "3" and match[5]:
            architecture = "Cooper Lake"  # the third generation's H parts are of another design
        meanings = ((match[1].title(), "cpu.tier"), (match[3], "cpu.xeon_generation_digit"))
        line = f"Xeon {match[1].title()}"
        return Reading(line, architecture, int(match[3]), meanings=meanings)
    if "xeon" not in text and not re.search(r"\b[ew][3579]?-[0-9]{4}", text):
        return None
    if match := re.search(r"\be([357])-[0-9]{4}[a-z]{0,2}(?: ?v([2-6]))?", text):
        version = int(match[2] or 1)
        architecture = None if match[1] == "7" and version == 1 else _XEON_VERSIONS[version - 1]
        meanings = ((f"v{version}", "cpu.xeon_version"),) if match[2] else ()
        return Reading(f"Xeon E{match[1]}", architecture, version, meanings=meanings)
    if match := re.search(r"\bw[3579]?-([0-9]{2})[0-9]{2}(?![0-9])", text):
        return Reading("Xeon W", _XEON_W.get(match[1]))
    if match := re.search(r"\bd-([0-9]{2})[0-9]{2}(?![0-9])", text):
        return Reading("Xeon D", _XEON_D.get(match[1]))
    if re.search(r"\bmax 94[0-9]{2}\b", text):
        return Reading("Xeon Max", "Sapphire Rapids")
    if match := re.search(r"\be-([0-9]{2})[0-9]{2}(?![0-9])", text):
        return Reading("Xeon E", _XEON_E.get(match[1]))
    if match := re.search(r"\b6[0-9]{3}([pe])\b", text):
        architecture = "Granite Rapids" if match[1] == "p" else "Sierra Forest"
        meanings = ((match[1].upper(), "cpu.xeon6_cores"),)
        return Reading("Xeon 6", architecture, 6, meanings=meanings)
    return None


def read_virtual(text: str) -> Reading | None:
    """A virtual machine's CPU model: "Intel Xeon Processor (Cascadelake)", "AMD EPYC-Rome"."""
    match = re.search(r"\((\w+)[^)]*\)|epyc-(\w+)", text)
    architecture = _VIRTUAL_CPUS.get(match[1] or match[2]) if match else None
    if architecture is None:
        return None
    return Reading("EPYC" if match and match[2] else None, architecture)


def read_epyc(text: str) -> Reading | None:
    """AMD EPYC, the clouds' own parts included: the last of the four is the generation."""
    match = re.search(r"\bepyc (?:embedded )?([34789][0-9a-z][0-9a-z])([0-9])([a-z]?)\b", text)
    if match is None:
        return None
    digit = "4" if match[1][0] == "9" and match[2] == "3" else match[2]  # 9V33X is of the 4th
    architecture = _EPYC.get(digit)
    if architecture == "Zen 4" and (match[1][0] == "8" or match[1] in ("975", "973")):
        architecture = "Zen 4c"
    if architecture == "Zen 5" and match[1][0] == "8":
        architecture = None  # a line of small servers, whose core the number does not tell
    elif architecture == "Zen 5" and match[1] in ("996", "984", "982", "974", "964"):
        architecture = "Zen 5c"
    year = {"Zen 3": 2021}.get(architecture or "")
    meanings = ((match[2], "cpu.epyc_generation_digit"),) if digit == match[2] else ()
    meanings += _suffix("epyc", match[3])
    return Reading("EPYC", architecture, int(digit), year, meanings)


def read_ryzen(text: str) -> Reading | None:
    """AMD Ryzen: desktop by the first digit; mobile 7000 by the third; Threadripper; Ryzen AI."""
    if match := re.search(r"threadripper (?:pro )?([0-9])[0-9]{3}([a-z]*)\b", text):
        architecture, year = _THREADRIPPER.get(match[1], (None, None))
        meanings = ((match[1], "cpu.ryzen_series"), *_suffix("amd", match[2]))
        return Reading("Ryzen Threadripper", architecture, None, year, meanings)
    if match := re.search(r"ryzen ai (?:[3579] |max\+? )?(?:hx |pro )*([34])[0-9]{2}\b", text):
        year = {"4": 2026}.get(match[1])
        return Reading("Ryzen AI", "Zen 5", None, year, ((match[1], "cpu.ryzen_ai_series"),))
    if match := re.search(r"ryzen ([3579]) (?:pro )?2[0-9]{2}\b", text):
        return Reading(f"Ryzen {match[1]}", "Zen 4", None, 2025, ((match[1], "cpu.tier"),))
    match = re.search(r"ryzen ([3579]) (?:pro )?([0-9])([0-9])([0-9])([0-9])([a-z0-9]*)\b", text)
    if match is None:
        return None
    tier, series, second, third, fourth, letters = match.groups()
    mobile = letters[:1] in ("u", "h", "c")
    with_graphics = mobile or letters[:1] == "g"
    year = None
    if series == "7" and mobile:  # the third digit names the design since the 7000 mobile series
        cores = {"1": "Zen+", "2": "Zen 2", "3": "Zen 3" if fourth == "0" else "Zen 3+"}
        architecture, year = cores.get(third, "Zen 4"), 2023
    elif series == "5" and letters == "u" and second in "357" and third + fourth == "00":
        architecture, year = "Zen 2", 2021
    elif series == "2":
        architecture, year = ("Zen" if with_graphics else "Zen+"), 2018
    elif series == "3":
        old = "Zen" if letters == "u" and second == "2" else "Zen+"
        architecture, year = (old if with_graphics else "Zen 2"), 2019
    else:
        cores = {"1": "Zen", "4": "Zen 2", "5": "Zen 3", "6": "Zen 3+", "7": "Zen 4", "8": "Zen 4"}
        architecture = (cores | {"9": "Zen 5"}).get(series)
        year = {"4": 2020, "8": 2024}.get(series)
    parts = ((tier, "cpu.tier"), (series, "cpu.ryzen_series"))
    if series == "7" and mobile:
        parts += ((third, "cpu.ryzen_design_digit"),)
    return Reading(f"Ryzen {tier}", architecture, None, year, parts + _suffix("amd", letters))
