"""What several tests of the page need."""

import gradio as gr
from starlette.requests import Request

from iris_mlp.strings import load_catalogue


def request_in(language: str) -> gr.Request:
    """Return the request of a browser that prefers a language."""
    header = (b"accept-language", language.encode())
    return gr.Request(Request({"type": "http", "headers": [header], "query_string": b""}))


HARDWARE_WORDS = {
    key.removeprefix("hardware."): text
    for key, text in load_catalogue()["en"].items()
    if key.startswith("hardware.")
}
"""The English words of the hardware package by its own keys."""
