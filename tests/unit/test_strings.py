import json
import re
from pathlib import Path
from string import Formatter

import pytest

from iris_mlp import strings, ui
from iris_mlp.strings import LANGUAGES, choose_language, load_catalogue

UI = Path(ui.__file__).parent
FILES = sorted(Path(strings.__file__).parent.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_text_has_both_languages_with_named_values(path: Path):
    for key, texts in json.loads(path.read_text("utf-8")).items():
        if path.stem == "errors":
            texts = {"en": key, "zh-CN": texts}
        assert set(texts) == set(LANGUAGES), key
        for text in texts.values():
            assert text.strip() or key == "sentence_gap", key  # Chinese has none
            assert "" not in {name for _, name, _, _ in Formatter().parse(text)}, key


def test_every_key_that_the_page_names_is_in_the_catalogue():
    stems = "|".join(path.stem for path in FILES)
    named = re.compile(rf'"((?:{stems})\.[a-z0-9_.-]+)"')
    catalogue = load_catalogue()["en"]
    for path in UI.rglob("*.py"):
        for key in named.findall(path.read_text("utf-8")):
            if not key.endswith((".json", ".css", ".js", ".safetensors", ".csv", ".")):
                assert key in catalogue, f"{path.name}: {key}"


def test_every_key_is_used_somewhere():
    """As a literal, or by an f-string whose blanks are filled with words of the package."""

    def list_words(text: str) -> set[str]:
        return set(re.findall(r"[A-Za-z]+|\d+", text))

    kinds = (".py", ".js", ".html", ".toml", ".csv", ".txt")
    paths = [path for path in UI.parent.rglob("*") if path.suffix in kinds]
    source = "\n".join(path.read_text("utf-8") for path in paths)
    words, stems = list_words(source), "|".join(path.stem for path in FILES)
    named = {re.escape(name) for name in re.findall(rf'"((?:{stems})\.[^"\s]+)"', source)}
    # A template adds a word to what ends in an underscore.
    patterns = [re.compile(re.sub(r"\\{.*?\\}|_$", "(.+)", name)) for name in named]
    for key in load_catalogue()["en"]:
        matches = filter(None, (pattern.fullmatch(key) for pattern in patterns))
        used = any(list_words(" ".join(match.groups())) <= words for match in matches)
        assert used or key.startswith("errors."), key


def test_no_module_of_the_page_holds_chinese_of_its_own():
    for path in UI.rglob("*.py"):
        assert not re.search(r"[\u4e00-\u9fff]", path.read_text("utf-8")), path.name


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        (None, None, "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        (None, "zh-TW", "zh-CN"),
        (None, "de-DE,de;q=0.9,zh;q=0.5", "zh-CN"),
        (None, "fr", "en"),
        ("en", "zh-CN", "en"),
        ("zh-CN", "en-US", "zh-CN"),
        ("<script>", "zh", "zh-CN"),
        ("", "", "en"),
    ],
)
def test_the_address_goes_before_the_browser(query, header, language):
    assert choose_language(query, header) == language
