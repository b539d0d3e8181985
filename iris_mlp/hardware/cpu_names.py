"""Read a CPU's marketing name: vendor, generation, microarchitecture, and what its parts mean.

Intel and AMD have rules of their own in `cpu_names_x86`, lines without a scheme are in
`cpu_names_other`. The rest follows Apple Newsroom and the
product pages of AWS Graviton, Ampere, NVIDIA Grace, Google Axion and Azure Cobalt.
"""

import re
import unicodedata
from dataclasses import dataclass

from iris_mlp.hardware.cpu_models import YEARS
from iris_mlp.hardware.cpu_names_other import read_other
from iris_mlp.hardware.cpu_names_x86 import (
    Reading,
    read_core,
    read_core_ultra,
    read_epyc,
    read_ryzen,
    read_virtual,
    read_xeon,
)

MAX_NAME_LENGTH = 200


@dataclass(frozen=True)
class CpuName:
    """What a CPU's name says. None means unknown.

    Attributes:
        query: The name as it was given.
        known: Whether the name gives the microarchitecture.
        line: The maker's family, such as "Core i7", "EPYC", "Xeon Platinum", "Apple M".
        generation: The maker's own count where it has one (i7-12800HX: 12; EPYC 9654: 4).
        year: When the microarchitecture, or this line of it, was introduced.
        meanings: Pairs of a part of the name and the key of its meaning.
    """

    query: str
    known: bool
    vendor: str | None = None
    line: str | None = None
    generation: int | None = None
    architecture: str | None = None
    year: int | None = None
    meanings: tuple[tuple[str, str], ...] = ()


_APPLE_YEARS = {
    **{"1": 2020, "1 pro": 2021, "1 max": 2021, "1 ultra": 2022},
    **{"2": 2022, "2 pro": 2023, "2 max": 2023, "2 ultra": 2023},
    **{"3": 2023, "3 pro": 2023, "3 max": 2023, "3 ultra": 2025},
    **{"4": 2024, "4 pro": 2024, "4 max": 2024},
    **{"5": 2025, "5 pro": 2026, "5 max": 2026},
}
# (pattern, vendor, line, core, year introduced)
_ARM_CHIPS = (
    (r"graviton ?5", "AWS", "Graviton", "Neoverse V3", 2025),
    (r"graviton ?4", "AWS", "Graviton", "Neoverse V2", 2023),
    (r"graviton ?3", "AWS", "Graviton", "Neoverse V1", 2021),
    (r"graviton ?2", "AWS", "Graviton", "Neoverse N1", 2019),
    (r"graviton", "AWS", "Graviton", "Cortex-A72", 2018),
    (r"ampereone", "Ampere", "AmpereOne", "AmpereOne", 2023),
    (r"altra max", "Ampere", "Altra Max", "Neoverse N1", 2021),
    (r"altra", "Ampere", "Altra", "Neoverse N1", 2020),
    (r"\bgrace\b", "NVIDIA", "Grace", "Neoverse V2", 2021),
    (r"\baxion\b", "Google", "Axion", "Neoverse V2", 2024),
    (r"cobalt ?100", "Microsoft", "Azure Cobalt", "Neoverse N2", 2023),
    (r"snapdragon(?:\(r\))? x\b", "Qualcomm", "Snapdragon X", "Oryon", 2023),
    (r"a64fx", "Fujitsu", "A64FX", "A64FX", 2019),
    (r"kunpeng[- ]?920", "HiSilicon", "Kunpeng", "TaiShan V110", 2019),
)
# Chinese names of lines and makers, and the short form of Ryzen: (pattern, replacement).
_SPELLINGS = (
    (r"英特尔", " intel "),
    (r"酷睿", " core "),
    (r"至强", " xeon "),
    (r"锐龙", " ryzen "),
    (r"线程撕裂者", " threadripper "),
    (r"霄龙", " epyc "),
    (r"苹果", " apple "),
    (r"鲲鹏", " kunpeng "),
    (r"赛扬", " celeron "),
    (r"奔腾", " pentium "),
    (r"速龙", " athlon "),
    (r"海光", " hygon "),
    (r"龙芯", " loongson "),
    (r"\br([3579])[ -](?=[0-9]{4})", r"ryzen \1 "),
)
_ARM_CORE = re.compile(r"(neoverse|cortex)[- ]([navex]\d+\w*)")


def decode_cpu(name: str) -> CpuName:
    """Say what a CPU's name means; never raises: an unknown name comes with `known=False`."""
    text = re.sub(r"[®™©]|\((?:r|tm|c)\)", " ", name[:MAX_NAME_LENGTH], flags=re.IGNORECASE)
    text = unicodedata.normalize("NFKC", text)[:MAX_NAME_LENGTH].lower()
    for pattern, replacement in _SPELLINGS:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r"\s+", " ", text)
    for vendor, read in _READERS:
        reading = read(text)
        if reading:
            return _describe(name, vendor or ("AMD" if reading.line else "Intel"), reading)
    for pattern, vendor, line, core, year in _ARM_CHIPS:
        if match := re.search(pattern, text):
            return CpuName(name, True, vendor, line, None, core, year, ((match[0], "cpu.line"),))
    if match := _ARM_CORE.search(text):
        core = f"{match[1].title()}{'-' if match[1] == 'cortex' else ' '}{match[2].upper()}"
        return CpuName(name, True, "Arm", match[1].title(), None, core, YEARS.get(core))
    if other := read_other(text):
        return _describe(name, *other)
    makers = (("intel", "Intel"), ("amd", "AMD"), ("apple", "Apple"), ("ampere", "Ampere"))
    vendor = next((label for word, label in makers if re.search(rf"\b{word}\b", text)), None)
    return CpuName(query=name, known=False, vendor=vendor)


def _describe(name: str, vendor: str, reading: Reading) -> CpuName:
    core = reading.architecture
    return CpuName(
        query=name,
        known=core is not None,
        vendor=vendor,
        line=reading.line,
        generation=reading.generation,
        architecture=core,
        year=reading.year or (YEARS.get(core) if core else None),
        meanings=reading.meanings,
    )


def _read_apple(text: str) -> Reading | None:
    """Apple M1 and later; the size of the chip is in the last word."""
    match = re.search(r"\bapple m([1-9][0-9]?)(?: (pro|max|ultra))?\b", text)
    if match is None:
        return None
    year = _APPLE_YEARS.get(" ".join(part for part in match.groups() if part))
    meanings = ((f"M{match[1]}", "series.apple_m"),)
    if match[2]:
        meanings += ((match[2].title(), f"suffix.apple_{match[2]}"),)
    return Reading("Apple M", f"Apple M{match[1]}", int(match[1]), year, meanings)


_READERS = (
    ("Apple", _read_apple),
    ("AMD", read_ryzen),
    ("AMD", read_epyc),
    ("", read_virtual),
    ("Intel", read_core_ultra),  # before read_core: it has the Core i3-N305
    ("Intel", read_core),
    ("Intel", read_xeon),
)
