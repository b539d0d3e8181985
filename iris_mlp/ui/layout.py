"""The whole app: a header, the tabs, and the wires between them."""

from html import escape
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from iris_mlp.config import DEFAULTS
from iris_mlp.strings import Translate
from iris_mlp.ui import api
from iris_mlp.ui.assets import mount
from iris_mlp.ui.classify import tab as classify_tab
from iris_mlp.ui.compare import tab as compare_tab
from iris_mlp.ui.explore import tab as explore_tab
from iris_mlp.ui.hardware import tab as hardware_tab
from iris_mlp.ui.inside import tab as inside_tab
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.page import PAGE_TITLE
from iris_mlp.ui.path import build_path, describe_path
from iris_mlp.ui.run_button import PRIVATE, QUICK
from iris_mlp.ui.train import tab as train_tab
from iris_mlp.ui.train import take_home
from iris_mlp.ui.train.settings_form import restore_defaults
from iris_mlp.ui.train.shown import show_recalled
from iris_mlp.ui.visitor import (
    SHARE_PARAMETER,
    STORAGE_KEY,
    offer_settings,
    recall_form,
    recall_run,
    store_run,
)

# `static/place.js` keeps and gives back what the controls show, and clears a link that was opened.
KEEP_FORM = (
    "(...form) => (document.dispatchEvent(new CustomEvent('iris:form', {detail: form})), form)"
)
FORM = "(stored) => [{...stored, form: window.irisForm?.() ?? null}]"
READY = "() => {document.dispatchEvent(new Event('iris:ready'));}"
OWN_RUN = "(result) => (document.dispatchEvent(new Event('iris:own-run')), [result])"


def build_app() -> gr.Blocks:
    """Return the app, ready to launch."""
    i18n = page_i18n()
    sign_in = take_home.make_sign_in()
    with gr.Blocks(title=PAGE_TITLE, analytics_enabled=False) as app:
        api.build()  # first, so that no private event takes an endpoint's name
        # The secret only keeps the stored text readable after a restart; it guards nothing.
        browser = gr.BrowserState(storage_key=STORAGE_KEY, secret=STORAGE_KEY)
        is_shared = gr.State(False)
        masthead = gr.HTML(
            elem_id="masthead", js_on_load=mount("place", "reopen"), apply_default_css=False
        )
        path = build_path()
        with gr.Tabs():
            with gr.Tab(i18n("train.tab"), id="train"):
                train = train_tab.build(sign_in)
            with gr.Tab(i18n("classify.tab"), id="classify"):
                classify = classify_tab.build()
            with gr.Tab(i18n("explore.tab"), id="explore"):
                explore = explore_tab.build()
            with gr.Tab(i18n("compare.tab"), id="compare"):
                compare = compare_tab.build(train.checkpoint)
            with gr.Tab(i18n("inside.tab"), id="inside") as inside_page:
                inside = inside_tab.build(classify.flower, classify.classifier)
            with gr.Tab(i18n("hardware.tab"), id="hardware"):
                hardware = hardware_tab.build()
        for finished in train.finished:
            finished.then(
                classify.adopt_run,
                [train.checkpoint, *classify.adopt_inputs],
                classify.outputs,
                **PRIVATE,
            )
            finished.then(store_run, train.result, browser, js=OWN_RUN, **QUICK)
        gr.on(
            [setting.change for setting in train.settings],
            None,
            train.settings,
            js=KEEP_FORM,
            **PRIVATE,
        )
        # After the empty chart, in whose place the run comes.
        loaded = app.load(train.on_load, None, train.on_load_outputs, **QUICK)
        welcomed = loaded.then(
            welcome_back, browser, [*train.shown, is_shared, *train.settings], js=FORM, **PRIVATE
        )
        filled = welcomed.then(
            classify.on_load,
            [train.checkpoint, is_shared],
            classify.outputs,
            **QUICK,
        )
        filled.then(None, js=READY, **PRIVATE)
        # When it is opened: it shows the flower and the weights that are then in use. Where the
        # address opens it, Gradio does not hear so yet.
        for opened in (inside_page.select, masthead.reopen):
            opened(inside.on_load, inside.on_load_inputs, inside.on_load_outputs, **QUICK)
        path.open(set_for_task, None, train.settings, **QUICK)
        for choice in explore.choices:
            choice.success(explore_tab.spread_settings, explore.chosen, train.settings, **QUICK)
        for handler, outputs in (
            (show_masthead, [masthead]),
            (show_path, [path]),
            (explore.on_load, explore.on_load_outputs),
            (compare.on_load, compare.on_load_outputs),
            (hardware.on_load, hardware.on_load_outputs),
        ):
            app.load(handler, None, outputs, **QUICK)
    return app


def welcome_back(request: gr.Request, stored: object) -> list[Any]:
    """Return the run that a visitor comes back to, or opened by a link, and its settings."""
    t = request_translator(request)
    recalled = recall_run(request.query_params.get(SHARE_PARAMETER), stored, request)
    form = recall_form(stored)
    if recalled.is_shared and form is None:
        form = recalled.config
        key = "shared_weights" if recalled.checkpoint else "shared_settings"
        gr.Info(t(f"train.{key}"), title=t("train.share_link"))
    # Where nothing is recalled, a quick visitor has changed some already.
    settings = offer_settings(form) if form else [gr.skip()] * len(DEFAULTS.to_dict())
    return [*show_recalled(recalled, t), recalled.is_shared, *settings]


def show_path(request: gr.Request) -> Any:
    """Return the words of the path through the lesson."""
    return gr.update(texts=describe_path(request_translator(request)))


def set_for_task(event: gr.EventData) -> list[Any]:
    """Return the settings of the task that is opened: the first trains the lesson run."""
    if event.task == 0:
        return restore_defaults()
    return [gr.skip()] * len(DEFAULTS.to_dict())


def show_masthead(request: gr.Request) -> str:
    """Return the title, one sentence, the machine's badge and the switch of languages."""
    t = request_translator(request)
    address = dict(request.query_params) | {"lang": t("common.other_language")}
    return render_masthead(t, hardware_tab.describe_badge(t), f"?{urlencode(address)}")


def render_masthead(t: Translate, badge: str, other_address: str) -> str:
    """Return the header as HTML.

    Args:
        t: The visitor's language.
        badge: The hardware in a few words, as plain text.
        other_address: The page in the other language, as plain text.
    """
    other = t("common.other_language")
    return (
        '<header class="masthead"><div>'
        f"<h1>{escape(t('common.title'))}</h1><p>{escape(t('common.tagline'))}</p></div>"
        f'<div class="side"><a class="language" href="{escape(other_address)}" hreflang="{other}" '
        f'lang="{other}">{escape(t("common.other_language_name"))}</a>'
        f'<span class="badge">{escape(badge)}</span></div></header>'
    )
