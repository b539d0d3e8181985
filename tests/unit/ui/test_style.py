"""Rules of style that Gradio would break without a word."""

import re
from pathlib import Path

import pytest

import iris_mlp.ui

SHEETS = sorted(Path(iris_mlp.ui.__file__).parent.rglob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_rules_of_media_queries_survive_gradio(sheet):
    # There, Gradio puts its container before what follows a comma, inside brackets as well.
    for query in re.findall(r"^@media .*?^}", sheet.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        for selector in re.findall(r"^\s*([^@{}]+?)\s*{", query, re.MULTILINE):
            assert ".gradio-container" not in selector
            assert not re.search(r"\([^)]*,", selector), selector
