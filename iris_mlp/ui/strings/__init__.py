"""Every string of the page in English and Simplified Chinese, side by side in one file a tab."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import gradio as gr

LANGUAGES = ("en", "zh-CN")

Translate = Callable[..., str]
"""Give the text of a key, with values filled in: `t("train.epoch", epoch=3)`."""


@cache
def load_catalogue() -> dict[str, dict[str, str]]:
    """Return the texts of each language by key; keys begin with the name of their file."""
    catalogue: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for path in sorted(Path(__file__).parent.glob("*.json")):
        for key, texts in json.loads(path.read_text("utf-8")).items():
            for language in LANGUAGES:
                catalogue[language][f"{path.stem}.{key}"] = texts[language]
    return catalogue


def translator(language: str) -> Translate:
    """Return the function that gives the texts of one language, for text made while running."""
    texts = load_catalogue()[language]

    def translate(key: str, **values: object) -> str:
        return texts[key].format(**values) if values else texts[key]

    return translate


@cache
def page_i18n() -> gr.I18n:
    """Return the catalogue in Gradio's form, for labels that the browser translates."""
    texts = load_catalogue().items()
    # The sentences of errors are made on the server alone, so no page carries them.
    return gr.I18n(
        **{
            language: {key: text for key, text in of.items() if not key.startswith("errors.")}
            for language, of in texts
        }
    )


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


def request_translator(request: gr.Request | None) -> Translate:
    """Return the translator for the visitor who sent a request; English where there is none."""
    if request is None or request.request is None:
        return translator(LANGUAGES[0])
    return translator(
        choose_language(request.query_params.get("lang"), request.headers.get("accept-language"))
    )
