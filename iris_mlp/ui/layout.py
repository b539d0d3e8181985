"""The whole app: a header, the tabs, and the wires between them."""

import html

import gradio as gr

from iris_mlp.ui import api, train_tab
from iris_mlp.ui.strings import page_i18n, request_translator


def show_header(request: gr.Request) -> str:
    """Return the title, the sentence below it, and the switch to the other language."""
    t = request_translator(request)
    other = "en" if t("common.switch_language") == "English" else "zh-CN"
    return (
        '<header class="masthead"><div>'
        f"<h1>{html.escape(t('common.title'))}</h1><p>{html.escape(t('common.tagline'))}</p></div>"
        f'<a class="language" href="?lang={other}" hreflang="{other}" lang="{other}">'
        f"{html.escape(t('common.switch_language'))}</a></header>"
    )


def build_app() -> gr.Blocks:
    """Return the app, ready to launch."""
    i18n = page_i18n()
    with gr.Blocks(title="Iris MLP", analytics_enabled=False, delete_cache=(600, 7200)) as app:
        header = gr.HTML(elem_id="masthead", apply_default_css=False)
        with gr.Tabs(), gr.Tab(i18n("train.tab"), id="train"):
            train = train_tab.build()
        api.build()
        app.load(show_header, None, header, queue=False, api_visibility="private")
        app.load(train.on_load, None, train.on_load_outputs, queue=False, api_visibility="private")
    return app
