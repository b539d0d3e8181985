"""What each part of a GPU's name means, as pairs of the part and a key; the words have the text."""

import re

from iris_mlp.hardware.gpu_names import (
    GEFORCE_SERIES,
    GEFORCE_TIERS,
    MAX_NAME_LENGTH,
    read_radeon_tier,
)

# (pattern, key) in the order of trial; the key "number" is split into series and tier.
_GEFORCE_RULES = (
    (r"GeForce", "line.geforce"),
    (r"RTX", "prefix.rtx"),
    (r"GTX", "prefix.gtx"),
    (r"GT(?= ?[0-9])", "prefix.gt"),
    (r"MX(?= ?[0-9])", "prefix.mx"),
    (r"(?<=MX)[0-9]{3}|(?<=MX )[0-9]{3}", "number.model"),
    (r"[0-9]{3,4}(?![0-9])", "number"),
    (r"Ti", "suffix.ti"),
    (r"SUPER", "suffix.super"),
    (r"D(?: v2)?", "suffix.d"),
)
_SHARED_RULES = (
    (r"with Max-?Q Design|Max-?Q", "suffix.max_q"),
    (r"Laptop(?: GPU)?|Mobile|Notebook", "form.laptop"),
    (r"[0-9]{1,4} ?GB", "part.memory"),
    (r"PCIe", "form.pcie"),
    (r"SXM[0-9]?", "form.sxm"),
    (r"NVL", "form.nvl"),
    (r"MIG", "form.mig"),
)
_PRO_RULES = (
    (r"Quadro", "line.quadro"),
    (r"RTX", "prefix.rtx"),
    (r"PRO", "prefix.pro"),
    (r"SFF(?: Edition)?", "form.sff"),
    (r"Ada(?: Generation)?", "architecture.ada"),
    (r"Blackwell(?: Generation)?", "architecture.blackwell"),
    (r"Workstation Edition", "form.workstation"),
    (r"Server Edition", "form.server"),
    (r"A(?=[0-9])", "letter.a"),
    (r"T(?=[0-9])", "letter.t"),
    (r"[0-9]{3,4}", "number.position"),
)
_DATA_CENTER_RULES = (
    (r"Tesla", "line.tesla"),
    *(
        (rf"{letters}(?=[0-9])", f"letter.{letters.lower()}")
        for letters in ["GH", "GB", "P", "V", "T", "A", "L", "H", "B"]
    ),
    (r"[0-9]{1,3}", "number.model"),
    (r"(?<=[0-9])S", "suffix.s"),
    (r"(?<=[0-9])G", "suffix.g"),
)
_AMD_RULES = (
    (r"Radeon", "line.radeon"),
    (r"Instinct", "line.instinct"),
    (r"AI PRO|PRO", "prefix.pro_amd"),
    (r"RX", "prefix.rx"),
    (r"MI(?=[0-9])", "prefix.mi"),
    (r"[WR](?=[0-9])", "letter.amd_workstation"),
    (r"XTX", "suffix.xtx"),
    (r"XT", "suffix.xt"),
    (r"GRE", "suffix.gre"),
    (r"(?<=[0-9])M", "suffix.radeon_m"),
    (r"(?<=[0-9])S", "suffix.radeon_s"),
    (r"(?<=[0-9])X", "suffix.instinct_x"),
    (r"(?<=[0-9])A", "suffix.instinct_a"),
    (r"[0-9]{3,4}", "number"),
)
_APPLE_RULES = (
    (r"Apple", "line.apple"),
    (r"M[0-9]+", "series.apple_m"),
    (r"Pro", "suffix.apple_pro"),
    (r"Max", "suffix.apple_max"),
    (r"Ultra", "suffix.apple_ultra"),
)
_TITAN_RULES = (
    (r"TITAN", "line.titan"),
    (r"RTX", "prefix.rtx"),
    (r"Xp|X|V", "letter.titan"),
    (r"Pascal", "letter.p"),
)
_ARC_RULES = (
    (r"Arc", "line.arc"),
    (r"A(?=[0-9])", "letter.arc_a"),
    (r"B(?=[0-9])", "letter.arc_b"),
    (r"[0-9]{3}", "number.model"),
)
_RULES_OF_LINE = {
    "geforce": _GEFORCE_RULES,
    "titan": _TITAN_RULES,
    "t_series": _PRO_RULES,
    "quadro_rtx": _PRO_RULES,
    "rtx_a": _PRO_RULES,
    "rtx_ada": _PRO_RULES,
    "rtx_pro": _PRO_RULES,
    "data_center": _DATA_CENTER_RULES,
    "radeon_rx": _AMD_RULES,
    "radeon_pro": _AMD_RULES,
    "instinct": _AMD_RULES,
    "arc": _ARC_RULES,
    "apple_m": _APPLE_RULES,
}


def read_meanings(name: str, line: str | None) -> tuple[tuple[str, str], ...]:
    """Pair each telling part of a name, in order, with the key of what it means.

    Args:
        name: A GPU name, in the spelling that the reader should recognise.
        line: The product line, as in the catalogue ("geforce", "rtx_ada", "data_center" …).
    """
    rules = (*_SHARED_RULES, *_RULES_OF_LINE.get(line or "", ()))
    # A word starts where no letter stands before it: the D of "RTX 4090 D", not of "Ada".
    starts = ["" if pattern[0] in "[(" else "(?<![a-z])" for pattern, _ in rules]
    scanner = "|".join(
        f"({start}(?:{pattern})(?![a-z]{{2}}))"
        for start, (pattern, _) in zip(starts, rules, strict=True)
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
