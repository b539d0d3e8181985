"""Peel what surrounds a name: what tools, drivers, browsers and shops write around it."""

import re
import unicodedata
from dataclasses import dataclass

from iris_mlp.hardware.rules import read_rules

MAX_NAME_LENGTH = 200
_RULES = read_rules("spelling.toml")
_SLICES = (
    ("mig", r"\bmig\b.*"),
    ("vgpu", r"(?<!ascend)(?:-[1-7])?-\d{1,3}[qabc][1-9]?\b"),
)


@dataclass(frozen=True)
class Peeled:
    """A name without its wrappers, in lower case.

    Attributes:
        slice: "mig" or "vgpu" where the name is a part of a card, else None.
        similar: Whether a browser says that it names a similar card.
    """

    text: str
    slice: str | None = None
    similar: bool = False


def peel(name: str) -> Peeled:
    """Return a name without what is written around it; Chinese words of makers in English."""
    text = unicodedata.normalize("NFKC", re.sub(r"[®™©]", " ", name[:MAX_NAME_LENGTH]))
    text = whole = text[:MAX_NAME_LENGTH].lower().replace("\0", " ").strip()
    for pattern, replacement in _RULES["wrappers"]:
        text = re.sub(pattern, replacement, text)
    for pattern, replacement in _RULES["chinese"]:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r"[\u4e00-\u9fff（）【】]+", " ", text)
    part = None
    for kind, pattern in _SLICES:
        if part is None and re.search(pattern, text):
            part, text = kind, re.sub(pattern, " ", text, flags=re.DOTALL)
    return Peeled(" ".join(text.split()), part, "or similar" in whole)
