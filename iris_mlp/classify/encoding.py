"""Text in the encodings that spreadsheets and old systems write.

A detector by statistics (charset-normalizer 3.5) was wrong on 3 of 11 headers of four words in
their own language; here the words that a table of flowers must hold decide.
"""

import codecs
import re

from iris_mlp.classify.columns import match_feature, match_species

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY = ("gb18030", "big5", "shift_jis", "cp949", "cp1251", "cp1252", "mac_roman")
_COMMON_CHINESE = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xd7][\xa1-\xfe])*")
"""Bytes in which every character beyond ASCII is a sign or a common one (level 1) of GB 2312."""


def decode(data: bytes) -> tuple[str, str | None]:
    """Decode a table; return its text and, where the encoding had to be guessed, its name."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), None
    if wide := _find_wide(data):
        return data.decode(wide, "replace"), None
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        encoding = _guess(data)
        return data.decode(encoding, "replace"), encoding


def _find_wide(data: bytes) -> str | None:
    """Return the encoding of two or four bytes a character, told by where the zeros stand."""
    start = data[:400]
    if len(start) < 8 or start.count(0) < len(start) // 3:
        return None
    zeros = "".join("01"[start[place::4].count(0) * 8 > len(start)] for place in range(4))
    names = {"0111": "utf-32-le", "1110": "utf-32-be", "0101": "utf-16-le", "1010": "utf-16-be"}
    return names.get(zeros)


def _guess(data: bytes) -> str:
    known = {encoding: _count_known_words(data, encoding) for encoding in _LEGACY}
    best = max(_LEGACY, key=lambda encoding: known[encoding])
    if known[best]:
        return best
    if _COMMON_CHINESE.fullmatch(data):
        return "gb18030"
    return "cp1252" if not re.search(rb"[\x81\x8d\x8f\x90\x9d]", data) else "latin-1"


def _count_known_words(data: bytes, encoding: str) -> int:
    """Return how many cells beyond ASCII name a length or a species."""
    cells = re.split(r"[,;\t|\"\r\n]+", data[:20_000].decode(encoding, "ignore"))
    return sum(
        match_feature(cell) is not None or match_species(cell) is not None
        for cell in cells
        if not cell.isascii() and len(cell) <= 60
    )
