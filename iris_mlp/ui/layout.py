"""The whole app: a header, the tabs, and the wires between them."""

from html import escape

import gradio as gr

from iris_mlp.ui import api, classify_tab, hardware_tab, train_tab
from iris_mlp.ui.page import PAGE_TITLE
from iris_mlp.ui.strings import Translate, page_i18n, request_translator


def build_app() -> gr.Blocks:
    """Return the app, ready to launch."""
    i18n = page_i18n()
    with gr.Blocks(title=PAGE_TITLE, analytics_enabled=False, delete_cache=(600, 7200)) as app:
        api.build()  # first, so that no private event takes an endpoint's name
        masthead = gr.HTML(elem_id="masthead", apply_default_css=False)
        with gr.Tabs():
            with gr.Tab(i18n("train.tab"), id="train"):
                train = train_tab.build()
            with gr.Tab(i18n("classify.tab"), id="classify"):
                classify = classify_tab.build()
            with gr.Tab(i18n("hardware.tab"), id="hardware"):
                hardware = hardware_tab.build()
        train.finished.then(
            classify.adopt_run,
            [train.checkpoint, *classify.adopt_inputs],
            classify.outputs,
            api_visibility="private",
            show_progress="hidden",
        )
        for handler, inputs, outputs in (
            (show_masthead, None, [masthead]),
            (train.on_load, None, train.on_load_outputs),
            (classify.on_load, classify.on_load_inputs, classify.outputs),
            (hardware.on_load, None, hardware.on_load_outputs),
        ):
            app.load(handler, inputs, outputs, api_visibility="private", show_progress="hidden")
    return app


def show_masthead(request: gr.Request) -> str:
    """Return the title, one sentence, the machine's badge and the switch of languages."""
    t = request_translator(request)
    return render_masthead(t, hardware_tab.describe_badge(t))


def render_masthead(t: Translate, badge: str) -> str:
    """Return the header as HTML.

    Args:
        t: The visitor's language.
        badge: The hardware in a few words, as plain text.
    """
    other = t("common.other_language")
    return (
        '<header class="masthead"><div>'
        f"<h1>{escape(t('common.title'))}</h1><p>{escape(t('common.tagline'))}</p></div>"
        f'<div class="side"><a class="language" href="?lang={other}" hreflang="{other}" '
        f'lang="{other}">{escape(t("common.other_language_name"))}</a>'
        f'<span class="badge">{escape(badge)}</span></div></header>'
    )
