"""What several tests of the page need."""

import gradio as gr
from starlette.requests import Request


def request_in(language: str) -> gr.Request:
    """Return the request of a browser that prefers a language."""
    header = (b"accept-language", language.encode())
    return gr.Request(Request({"type": "http", "headers": [header], "query_string": b""}))
