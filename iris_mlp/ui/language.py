"""The language of a visitor, as Gradio needs it."""

from functools import cache

import gradio as gr

from iris_mlp.strings import LANGUAGES, Translate, choose_language, load_catalogue, translator


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


def request_translator(request: gr.Request | None) -> Translate:
    """Return the translator for the visitor who sent a request; English where there is none."""
    if request is None or request.request is None:
        return translator(LANGUAGES[0])
    return translator(
        choose_language(request.query_params.get("lang"), request.headers.get("accept-language"))
    )
