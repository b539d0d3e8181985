"""What the cells of a table mean: names of lengths with their unit, species, numbers."""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

UNITS_CM = {"cm": 1.0, "mm": 0.1, "inches": 2.54, "m": 100.0}
"""How many cm each unit is."""

_NUMBER = re.compile(r"([+-]?(?:\d+(?:[.,·٫]\d*)?|[.,]\d+)(?:e[+-]?\d+)?)\s*(\D*)", re.ASCII)
_NUMBERED = re.compile(r"(?:[a-z]|col|column|feature|attribute|attr|field|unnamed)?[:_ .-]*\d*")


class Feature(NamedTuple):
    """What a column's name says.

    Attributes:
        place: Which of the four lengths it is.
        unit: A key of `UNITS_CM`, or None where the name tells none.
    """

    place: int
    unit: str | None


def _compact(text: str) -> str:
    """Return the letters and digits alone, small, without accents and full-width forms."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in parts if unicodedata.category(c) != "Mn")
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", bare))


def _spell(words: str) -> str:
    """Return a pattern of any of these words, the longest first."""
    return "|".join(sorted(map(_compact, words.split()), key=len, reverse=True))


_PARTS = [
    _spell(
        "sepal sepals sepalo sepale sepala kelch kelchblatt kelkblad çanakyaprak чашелистика "
        "чашелистик 花萼 花萼片 萼片 萼 がく がく片 ガク片 꽃받침"
    ),
    _spell(
        "petal petals petalo petale petala kronblatt kronenblatt blütenblatt bluetenblatt "
        "kroonblad taçyaprak лепестка лепесток 花瓣 花弁 花びら 꽃잎"
    ),
]
_DIMENSIONS = [
    _spell(
        "length lengths lenght lenth lengte len länge laenge longueur longitud long largo "
        "lunghezza comprimento uzunluğu длина 长度 長度 長さ 长 長 길이"
    ),
    _spell(
        "width widths widht wdith wid breite breadth breedte largeur ancho anchura larghezza "
        "largura genişliği ширина 宽度 寬度 宽 寬 幅 너비 폭"
    ),
]
_SHORT = (
    "sepall sepl sepallar",
    "sepalw sepw sepalan",
    "petall petl petallar",
    "petalw petw petalan",
)
_NAMES = [
    re.compile(
        f"(.*?)(?:{part})(.*?)(?:{dimension})(.*)|(.*?)(?:{dimension})(.*?)(?:{part})(.*)"
        f"|(?:{letter}(?:{dimension})|{letter}{initial}|{_spell(short)})(.*)"
    )
    for (letter, part, initial, dimension), short in zip(
        (
            (letter, part, initial, dimension)
            for letter, part in zip("sp", _PARTS)
            for initial, dimension in zip("lw", _DIMENSIONS)
        ),
        _SHORT,
    )
]
_FILLER = _spell("of the de del du des di da do la le el iris flower blatt 的 の")
_UNIT_WORDS = {
    "cm": "cm cms centimeter centimeters centimetre centimetres zentimeter 厘米 公分 см",
    "mm": "mm mms millimeter millimeters millimetre millimetres 毫米 公厘 мм",
    "inches": "inches inch in zoll pouce pouces pulgadas pollici 英寸 дюйм",
    "m": "m meter meters metre metres 米",
}
_UNITS = {_compact(word): unit for unit, words in _UNIT_WORDS.items() for word in words.split()}
_SPECIES = [
    _spell("setosa 山鸢尾 山鳶尾 セトサ ヒオウギアヤメ"),
    _spell("versicolor versicolour 变色鸢尾 變色鳶尾 杂色鸢尾 雜色鳶尾 バーシカラー"),
    _spell("virginica verginica 维吉尼亚鸢尾 弗吉尼亚鸢尾 维吉尼亚 維吉尼亞鳶尾 バージニカ"),
]
_SPECIES_COLUMNS = _spell(
    "species specie species_name class classname class_label iris_class variety target target_name "
    "label type name flower flower_name flower_type iris iris_type y especie espèce espécie art "
    "sorte klasse classe clase вид класс 种类 種類 类别 類別 品种 品種 物种 标签 標籤 分类"
)


@cache
def match_feature(cell: str) -> Feature | None:
    """Return which length a column's name means: `Sepal.Length`, `petal_w_mm`, `花萼长度`."""
    # A quote alone is the sign of inches; at a word's end it is what is left of quotes.
    key = _compact(re.sub(r"(?<=[\s(\[])[\"″][\s)\]]*$", " inches", cell))
    if not key or len(key) > 60:
        return None
    found = [
        Feature(place, unit or None)
        for place, pattern in enumerate(_NAMES)
        if (match := pattern.fullmatch(key)) and (unit := _read_rest(match)) is not None
    ]
    return found[0] if len(found) == 1 else None


def _read_rest(match: re.Match[str]) -> str | None:
    """Return the unit that stands beside a length's name, "" without one; None for other words."""
    words = "".join(word for word in match.groups("") if not re.fullmatch(f"(?:{_FILLER})+", word))
    for word in (words, words.removeprefix("in"), words.removeprefix("en")):
        if word in _UNITS:
            return _UNITS[word]
    return None if words else ""


@cache
def match_species(cell: str) -> int | None:
    """Return which class a species' name means: `Iris-setosa`, `I. versicolor`, `山鸢尾`."""
    key = re.sub(r"^b?(?:iris|i)?", "", _compact(cell[:60]))
    for index, names in enumerate(_SPECIES):
        if re.fullmatch(names, key):
            return index
    return None


def is_species_column(name: str) -> bool:
    """Whether a column of this name tells what each flower is."""
    return bool(re.fullmatch(_SPECIES_COLUMNS, _compact(name)))


def is_placeholder(name: str) -> bool:
    """Whether a column's name says only which column it is, as `V1`, `x2`, `3` or nothing do."""
    return bool(_NUMBERED.fullmatch(name.strip().lower())) or is_species_column(name)


@cache
def read_number(cell: str) -> tuple[float, str | None] | None:
    """Read a number and the unit behind it, if any: `5.1`, `5,1`, `５.１`, `51 mm`, `="5.1"`."""
    if len(cell) > 60:
        return None
    text = unicodedata.normalize("NFKC", cell).replace("\u2212", "-").strip().lower()
    if quoted := re.fullmatch(r"=?([\"'])(.*)\1", text):  # a spreadsheet's text, as ="5.1"
        text = quoted[2]
    match = _NUMBER.fullmatch(text.lstrip("' ").strip())
    if match is None:
        return None
    unit = "inches" if match[2] == '"' else _UNITS.get(match[2].strip(" ."))
    if match[2] and unit is None:
        return None
    return float(re.sub("[,·٫]", ".", match[1])), unit


def order_classes(cells: list[str]) -> list[int] | None:
    """Return the classes that these cells name, where they name all three, each once."""
    classes = [k for cell in cells if (k := match_species(cell)) is not None]
    return classes if len(cells) == 3 and sorted(classes) == [0, 1, 2] else None
