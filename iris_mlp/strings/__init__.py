"""Every text of the page in English and Simplified Chinese, side by side in one file a tab."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh-CN")

Translate = Callable[..., str]
"""Give the text of a key, with values filled in: `t("train.epoch", epoch=3)`."""


@cache
def load_catalogue() -> dict[str, dict[str, str]]:
    """Return the texts of each language by key; keys begin with the name of their file."""
    catalogue: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        for key, texts in json.loads(path.read_text("utf-8")).items():
            if isinstance(texts, str):  # an error: its English sentence is the key
                texts = {"en": key, "zh-CN": texts}
            for language in LANGUAGES:
                catalogue[language][f"{path.stem}.{key}"] = texts[language]
    return catalogue


def translator(language: str) -> Translate:
    """Return the function that gives the texts of one language, for text made while running."""
    texts = load_catalogue()[language]

    def translate(key: str, **values: object) -> str:
        return texts[key].format(**values) if values else texts[key]

    return translate


def choose_language(query: str | None, accept_language: str | None) -> str:
    """Return the language of a page: what its address asks for, else what the browser prefers.

    Args:
        query: Value of `lang` in the page's address, if any.
        accept_language: The browser's Accept-Language header, if any.
    """
    wanted = [query or "", *(part.split(";")[0] for part in (accept_language or "").split(","))]
    for tag in filter(None, (tag.strip().lower() for tag in wanted)):
        for language in LANGUAGES:
            if tag.split("-")[0] == language.split("-")[0]:
                return language
    return LANGUAGES[0]
