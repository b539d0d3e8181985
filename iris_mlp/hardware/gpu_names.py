"""Read a GPU's name by the rules of `gpu_rules.toml`: its telling words, what each part means."""

import difflib
import re
from collections.abc import Set
from dataclasses import dataclass

from iris_mlp.hardware.rules import read_rules
from iris_mlp.hardware.spelling import MAX_NAME_LENGTH, peel

RULES = read_rules("gpu_rules.toml")
GEFORCE_SERIES: dict[str, str] = RULES["geforce_series"]
MAKERS: dict[str, str] = RULES["makers"]
NOISE_WORDS = frozenset(RULES["noise"].split())
_SHORT_WORDS = {"s": "super", "m": "laptop"}
_MAKER_WORDS = frozenset({"nvidia", "amd", "ati", "corporation", "graphics", "huawei", "grid"})
_MEMORY_SIZE = r"(?<![\w.])([1-9][0-9]{0,3}) ?(?:gib|gb|g)\b"
_NUMBER_WORD = rf"[0-9]{{3,4}}[sm]?|{_MEMORY_SIZE}"
_MX_NUMBER = r"[1-9][1357]0"  # MX110 to MX570; the GeForce4 MX 440 was a desktop card
_GEFORCE_NUMBER = r"(?:10|16|20|30|40|50)[1-9]0"
_MISSPELT = ("nvidia", "geforce", "radeon", "quadro", "laptop")
_OTHER_WORDS = frozenset({"rx", "quadro", "pro", "ada", "nforce"})
_PATTERN_WORDS = frozenset({"ti", "super", "d", "maxq", "laptop", "gt", "mx"})
GEFORCE_TIERS = frozenset({10, 20, 30, 40, 50, 60, 70, 80, 90})


@dataclass(frozen=True)
class NameWords:
    """The words of a GPU name that tell one card from another.

    Attributes:
        words: Lower-case words in a fixed spelling, the maker and the packaging left out.
        vendor: The maker that the name states, or None.
        memory_gib: The memory size that the name states, or None.
        slice: "mig" or "vgpu" where the name is a part of a card, else None.
        similar: Whether a browser says that it names a similar card.
        plain: Every word in order, lower case, the maker left out: tells packagings apart.
        phrase: `words` in order, to compare names by likeness.
    """

    words: frozenset[str]
    vendor: str | None
    memory_gib: int | None
    slice: str | None
    similar: bool
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
    peeled = peel(name)
    text = whole = re.sub(r"[a-z]{5,}", _correct, peeled.text)
    if bracketed := re.findall(r"\[((?!amd/ati)[^\]\[]*[a-z][^\]\[]*)\]", text):
        text = bracketed[-1]  # lspci writes: GA102 [GeForce RTX 3090]
    plain = [word for word in re.findall(r"[^\W_]+", text) if word not in _MAKER_WORDS]
    memory_gib = {int(size) for size in re.findall(_MEMORY_SIZE, text)}
    text = re.sub(_MEMORY_SIZE, " ", text)
    for pattern, replacement in RULES["names"]["spellings"]:
        text = re.sub(pattern, replacement, text)
    stated = {MAKERS[word] for word in re.findall(r"[a-z]+", whole) if word in MAKERS}
    kept: list[str] = [word for word in re.findall(r"[^\W_]+", text) if word not in NOISE_WORDS]
    # "4070S" is short for SUPER and "3060M" for the laptop card; on a Radeon S and M stay.
    if "rx" not in kept and any(re.fullmatch(_GEFORCE_NUMBER, word) for word in kept):
        kept = [_SHORT_WORDS.get(word, word) for word in kept]
    return NameWords(
        words=frozenset(kept),
        vendor=stated.pop() if len(stated) == 1 else None,
        memory_gib=memory_gib.pop() if len(memory_gib) == 1 else None,
        slice=peeled.slice,
        similar=peeled.similar,
        plain=" ".join(plain),
        phrase=" ".join(kept),
    )


def list_alternatives(name: str) -> tuple[str, ...]:
    """List the names that one gives together, as `lspci` does: "[Radeon RX 7700 XT / 7800 XT]".

    What stands before the first number belongs to each. One name alone gives nothing.
    """
    text = peel(name).text
    bracketed = re.search(r"\[([^\]\[]*\d[^\]\[]*/[^\]\[]*)\]", text)
    if bracketed is None:
        return ()
    first, *others = (part.strip() for part in bracketed[1].split("/"))
    head = re.match(r"(?:[^\W\d]+ )*", first)
    others = [other for other in others if re.search(r"\d", other)]
    return (first, *(f"{head[0] if head else ''}{other}" for other in others)) if others else ()


def drop_shop_words(parts: NameWords, known: Set[str]) -> frozenset[str]:
    """Return a consumer card's words without those that a shop has added; the same if unsure.

    Args:
        parts: The words of a name.
        known: The words that the catalogue's cards of that maker are named by.
    """
    extra = parts.words - known
    shops = all(
        re.fullmatch(RULES["shop_word"], word) and word not in RULES["unsafe_words"]
        for word in extra
    )
    consumer = parts.words & {"rtx", "gtx", "gt", "rx"} or re.search(_GEFORCE_NUMBER, parts.phrase)
    return parts.words - extra if shops and consumer else parts.words


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
    if word[0] in NOISE_WORDS:
        return word[0]
    return (difflib.get_close_matches(word[0], _MISSPELT, n=1, cutoff=0.8) or [word[0]])[0]


def read_geforce_pattern(name: str) -> GeForcePattern | None:
    """Read series, tier and suffixes from a name that fits the GeForce pattern, else None.

    The first two digits are the series, the last two the tier; before the 10 series the first digit
    alone is the series (GTX 980: series 9, tier 80).
    """
    parts = split_name(name)
    if parts.vendor not in (None, "NVIDIA") or parts.words & {
        "rx",
        "quadro",
        "pro",
        "ada",
        "nforce",
    }:
        return None
    if "mx" in parts.words and any(re.fullmatch(_MX_NUMBER, word) for word in parts.words):
        return GeForcePattern("MX", None, ())
    prefixed = bool(parts.words & {"rtx", "gtx"}) or "geforce" in name.lower()
    if not prefixed and any(re.search("[a-z]", word) for word in parts.words - _PATTERN_WORDS):
        return None  # "GRID M3-3020"
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


def read_meanings(name: str, line: str | None) -> tuple[tuple[str, str], ...]:
    """Pair each telling part of a name, in order, with the key of what it means.

    Args:
        name: A GPU name, in the spelling that the reader should recognise.
        line: The product line, as in the catalogue ("geforce", "rtx_ada", "data_center" …).
    """
    meanings = RULES["meanings"]
    rules = [*meanings["shared"], *meanings.get(meanings["of"].get(line), ())]
    # A word starts where no letter stands before it: the D of "RTX 4090 D", not of "Ada".
    starts = ["" if pattern[0] in "[(" else "(?<![a-z])" for pattern, _ in rules]
    scanner = "|".join(
        f"({start}(?:{pattern})(?![a-z]{{2}}))" for start, (pattern, _) in zip(starts, rules)
    )
    pairs: list[tuple[str, str]] = []
    for match in re.finditer(scanner, name[:MAX_NAME_LENGTH], re.IGNORECASE | re.ASCII):
        assert match.lastindex is not None
        key = rules[match.lastindex - 1][1]
        pairs += _read_number(match[0], line) if key == "number" else [(match[0], key)]
    return tuple(pairs)


def _read_number(digits: str, line: str | None) -> list[tuple[str, str]]:
    """Split a card's number into its series and its tier where the line has such numbers."""
    if line == "geforce" and int(digits[-2:]) in GEFORCE_TIERS:
        series, tier = digits[:-2], digits[-2:]
        key = f"series.{series}" if series in GEFORCE_SERIES else "series.other"
        return [(series, key), (tier, f"tier.{tier}")]
    tier = read_radeon_tier(digits)
    if line == "radeon_rx" and tier is not None:
        split = 2 if digits[0] == "9" else 1
        return [(digits[:split], f"series.rx{digits[0]}000"), (digits[split:], f"tier.{tier}")]
    return [(digits, "number.model")]
