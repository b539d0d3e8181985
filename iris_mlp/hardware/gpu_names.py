"""Read a GPU's name by rules alone: its telling words, and the series and tier of its pattern."""

import difflib
import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass

MAX_NAME_LENGTH = 200

# The series number stands for an architecture and a year (NVIDIA: Compare GeForce Graphics Cards).
GEFORCE_SERIES = {
    "10": "Pascal",
    "16": "Turing",
    "20": "Turing",
    "30": "Ampere",
    "40": "Ada Lovelace",
    "50": "Blackwell",
}

# Words that name a maker, a board partner or a packaging, and never a different card.
_NOISE = """nvidia corporation amd ati inc advanced micro devices apple geforce radeon instinct
    tesla graphics card gpu generation edition design with vga pci 3d controller compatible series
    the asus rog strix tuf dual proart msi ventus suprim gigabyte aorus eagle windforce evga ftw3
    xc3 zotac trinity palit gainward inno3d colorful igame galax kfa2 pny xlr8 sapphire nitro pulse
    powercolor xfx asrock gaming oc trio founders fe oem lite hash rate lhr oam vf grid ac tensor
    intel core hbm hbm2 hbm2e hbm3 hbm3e gddr5 gddr5x gddr6 gddr6x gddr7 lovelace"""
_NOISE_WORDS = frozenset(_NOISE.split())
VENDOR_WORDS = {
    "nvidia": "NVIDIA",
    "geforce": "NVIDIA",
    "quadro": "NVIDIA",
    "tesla": "NVIDIA",
    "amd": "AMD",
    "radeon": "AMD",
    "instinct": "AMD",
    "apple": "Apple",
    "intel": "Intel",
    "arc": "Intel",
}
_SHORT_WORDS = {"s": "super", "m": "laptop"}
_MAKER_WORDS = frozenset({"nvidia", "amd", "ati", "corporation"})
_MEMORY_SIZE = r"(?<![\w.])([0-9]{1,4}) ?(?:gib|gb|g)\b"
_NUMBER_WORD = rf"[0-9]{{3,4}}[sm]?|{_MEMORY_SIZE}"
_MX_NUMBER = r"[1-9][1357]0"  # MX110 to MX570; the GeForce4 MX 440 was a desktop card
_GEFORCE_NUMBER = r"(?:10|16|20|30|40|50)[1-9]0"
# Spellings that mean the same, brought to one: (pattern, replacement), in order.
_SPELLINGS = (
    (r"\bmax[- ]?q\b", " maxq "),
    (r"\b(?:laptop|mobile|notebook)\b", " laptop "),
    (r"\blaptop\s+/\s+maxq\b|\bmaxq\s+/\s+laptop\b", " laptop "),  # lspci writes both orders
    (r"\b(rtx|gtx|gt|rx|mx)(?=a?[0-9])", r"\1 "),
    (r"\b([0-9]{3,4})(ti ?super|ti|super|xtx|xt|gre|m|s|d)\b", r"\1 \2 "),
    (r"\b([0-9]{3,4})(ada|blackwell)\b", r"\1 \2 "),
    (r"\btisuper\b", "ti super"),
    (r"\bsxm[0-9]\b", "sxm"),
)
# What Chinese names say that English ones say in other words; the rest of them is a board partner.
_CHINESE = (
    (r"笔记本|移动[版端]", " laptop "),
    (r"英伟达", " nvidia "),
    (r"苹果", " apple "),
    (r"泰坦", " titan "),
    (r"[\u4e00-\u9fff]+", " "),
)
_MISSPELT = ("nvidia", "geforce", "radeon", "quadro", "laptop")
GEFORCE_TIERS = frozenset({10, 20, 30, 40, 50, 60, 70, 80, 90})


@dataclass(frozen=True)
class NameWords:
    """The words of a GPU name that tell one card from another.

    Attributes:
        words: Lower-case words in a fixed spelling, the maker and the packaging left out.
        vendor: The maker that the name states, or None.
        memory_gib: The memory size that the name states, or None.
        slice: "mig" or "vgpu" where the name is a part of a card, else None.
        plain: Every word in order, lower case, the maker left out: tells packagings apart.
        phrase: `words` in order, to compare names by likeness.
    """

    words: frozenset[str]
    vendor: str | None
    memory_gib: int | None
    slice: str | None
    plain: str
    phrase: str


@dataclass(frozen=True)
class GeForcePattern:
    """A GeForce name read by its pattern: series "40", tier 70, suffixes ("ti",).

    An MX number has no tier, and its series is "MX".
    """

    series: str
    tier: int | None
    suffixes: tuple[str, ...]


def split_name(name: str) -> NameWords:
    """Split a GPU name, as a driver, `lspci` or a person writes it, into its telling words.

    "NVIDIA GeForce RTX 4070 Laptop GPU", "rtx4070 mobile" and "4070 Laptop" give words that agree.
    """
    text = re.sub(r"[®™©]|\((?:r|tm|c)\)", " ", name[:MAX_NAME_LENGTH], flags=re.IGNORECASE)
    text = whole = unicodedata.normalize("NFKC", text)[:MAX_NAME_LENGTH].lower()
    for pattern, replacement in _CHINESE:
        text = whole = re.sub(pattern, replacement, text)
    text = whole = re.sub(r"[a-z]{5,}", _correct, text)
    if bracketed := re.search(r"\[([^\]\[]*\d[^\]\[]*)\]", text):
        text = bracketed[1]  # lspci writes: GA102 [GeForce RTX 3090] (rev a1)
    part = None
    if re.search(r"\bmig\b", text):
        part, text = "mig", re.sub(r"\bmig\b.*", " ", text, flags=re.DOTALL)
    elif re.search(r"-\d{1,3}[qabc]\b", text):
        part, text = "vgpu", re.sub(r"-\d{1,3}[qabc]\b", " ", text)
    plain = [word for word in re.findall(r"[^\W_]+", text) if word not in _MAKER_WORDS]
    memory_gib = {int(size) for size in re.findall(_MEMORY_SIZE, text)}
    text = re.sub(_MEMORY_SIZE, " ", text)
    for pattern, replacement in _SPELLINGS:
        text = re.sub(pattern, replacement, text)
    stated = {VENDOR_WORDS[w] for w in re.findall(r"[a-z]+", whole) if w in VENDOR_WORDS}
    kept: list[str] = [word for word in re.findall(r"[^\W_]+", text) if word not in _NOISE_WORDS]
    # "4070S" is short for SUPER and "3060M" for the laptop card; on a Radeon S and M stay.
    if "rx" not in kept and any(re.fullmatch(_GEFORCE_NUMBER, word) for word in kept):
        kept = [_SHORT_WORDS.get(word, word) for word in kept]
    return NameWords(
        words=frozenset(kept),
        vendor=stated.pop() if len(stated) == 1 else None,
        memory_gib=memory_gib.pop() if len(memory_gib) == 1 else None,
        slice=part,
        plain=" ".join(plain),
        phrase=" ".join(kept),
    )


def insert_blanks(name: str, words: Set[str]) -> str:
    """Part what is typed without blanks ("rtx4060ti16g") where it is made of known words alone.

    Args:
        name: A GPU name.
        words: The known words, lower case; numbers and memory sizes need not be among them.
    """

    def part(run: re.Match[str]) -> str:
        text = run[0]
        parted: dict[int, list[str]] = {0: []}  # the words of each beginning, by its length
        for start in range(len(text)):
            if start not in parted:
                continue
            for end in range(start + 1, len(text) + 1):
                word = text[start:end]
                if word.lower() in words or re.fullmatch(_NUMBER_WORD, word, re.IGNORECASE):
                    found = [*parted[start], word]
                    # The fewest words and, of as many, a long one first: "sxm4 80gb".
                    if len(found) <= len(parted.get(end, found)):
                        parted[end] = found
        best = parted.get(len(text), [text])
        return text if len(set(best)) < len(best) else " ".join(best)  # no name repeats a word

    return re.sub(r"[a-z0-9]+", part, name[:MAX_NAME_LENGTH], flags=re.IGNORECASE | re.ASCII)


def _correct(word: re.Match[str]) -> str:
    """Return a word as it is meant where it is a slip of the finger: "gefore", "nvida"."""
    if word[0] in _NOISE_WORDS:
        return word[0]
    return (difflib.get_close_matches(word[0], _MISSPELT, n=1, cutoff=0.8) or [word[0]])[0]


def read_geforce_pattern(name: str) -> GeForcePattern | None:
    """Read series, tier and suffixes from a name that fits the GeForce pattern, else None.

    The first two digits are the series, the last two the tier; before the 10 series the first digit
    alone is the series (GTX 980: series 9, tier 80).
    """
    parts = split_name(name)
    if parts.vendor not in (None, "NVIDIA") or parts.words & {"rx", "quadro", "pro", "ada"}:
        return None
    if "mx" in parts.words and any(re.fullmatch(_MX_NUMBER, word) for word in parts.words):
        return GeForcePattern("MX", None, ())
    prefixed = bool(parts.words & {"rtx", "gtx"}) or "geforce" in name.lower()
    found: tuple[str, int] | None = None
    for word in parts.words:
        if not re.fullmatch(r"[1-9]\d{2,3}", word, flags=re.ASCII):
            continue
        series, tier = word[:-2], int(word[-2:])
        old_style = len(series) == 1
        if tier in GEFORCE_TIERS and (prefixed or (not old_style and series in GEFORCE_SERIES)):
            if found is not None:
                return None
            found = (series, tier)
    if found is None:
        return None
    suffixes = tuple(s for s in ("ti", "super", "d", "maxq") if s in parts.words)
    return GeForcePattern(
        found[0], found[1], tuple("max_q" if s == "maxq" else s for s in suffixes)
    )


def read_radeon_tier(digits: str) -> int | None:
    """Read the tier of a Radeon RX number on the scale of GeForce (7900 -> 90, 9070 -> 70).

    Until RX 7000 the second digit ranks the card; from RX 9000 the last two do, as AMD explained
    when it presented that series. A number that fits neither gives None.
    """
    if not re.fullmatch(r"[5679][0-9]{3}", digits):
        return None
    tier = int(digits[2:]) if digits[0] == "9" else int(digits[1]) * 10
    return tier if tier in {50, 60, 70, 80, 90} else None
