"""What a panel is about, in words: a heading and a paragraph from the catalogue."""

import gradio as gr

from iris_mlp.ui.language import page_i18n


def build_prose(key: str, elem_classes: str = "", script: str | None = None) -> gr.HTML:
    """Build a text of the catalogue that is HTML, and is translated by the browser.

    Gradio's Markdown would bring every visitor some 30 KiB of scripts for the same.
    """
    return gr.HTML(
        page_i18n()(key),  # pyright: ignore[reportArgumentType]
        elem_classes=["words", *elem_classes.split()],
        js_on_load=script,
        apply_default_css=False,
    )
