"""A path through the lesson: tasks to predict, run and compare, drawn by `static/path.js`."""

from typing import Any

import gradio as gr

from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount

RIGHT = (1, 1, 0, 1, 1, 0, 1, 0)
"""Which choice of each task is borne out."""
CHOICES = 3


def build_path() -> gr.HTML:
    """Build the fold above the tabs; it sends `open` with `task`, counted from 0."""
    return gr.HTML(
        None,
        html_template='<div class="path-root"></div>',
        js_on_load=mount("path", "open"),
        apply_default_css=False,
        elem_id="path",
        texts=None,
    )


def describe_path(t: Translate) -> dict[str, Any]:
    """Return the words of the tasks."""
    names = ("title", "progress", "number", "predict", "go", "compare", "measured", "agrees")
    return {
        **{name: t(f"path.{name}") for name in (*names, "differs", "next")},
        "tasks": [
            {
                "question": t(f"path.question_{task}"),
                "choices": [t(f"path.choice_{task}_{choice}") for choice in range(CHOICES)],
                "right": right,
                "act": t(f"path.act_{task}"),
                "answer": t(f"path.answer_{task}"),
            }
            for task, right in enumerate(RIGHT)
        ],
    }
