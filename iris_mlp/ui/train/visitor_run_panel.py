"""A run on the visitor's own computer: `static/visitor_run.js` trains and sends what came out."""

from typing import Any

import gradio as gr

from iris_mlp.config import TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount


def build_visitor_run(**kwargs: Any) -> gr.HTML:
    """Build what trains in the page; the value is what `describe_order` returns.

    A run that has ended sends the event `finish` with `run`, which `read_visitor_run` reads.
    """
    # A function, since Gradio writes a stub file beside every class that derives from its own.
    return gr.HTML(
        html_template='<div hidden><button type="button"></button></div>',
        js_on_load=mount("visitor_run", "finish"),
        apply_default_css=False,
        gpu=None,
        **kwargs,
    )


def describe_order(config: TrainConfig, chart: dict[str, Any], t: Translate) -> dict[str, Any]:
    """Return the run that the page is to train, and what it says of it."""
    settings = config.to_dict()
    del settings["engine"]
    words = {"stop": t("common.stop"), "failed": t("train.browser_failed")}
    return {"settings": settings, "chart": chart, **words}


def gpu_words(t: Translate) -> dict[str, str]:
    """Return the words of the choice of the visitor's GPU, which the page calls by its name."""
    return {
        "name": t("train.browser_gpu"),
        "missing": t("train.browser_no_gpu"),
        "software": t("train.browser_software"),
    }
