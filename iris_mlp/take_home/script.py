"""A run as a script or a notebook of its own: plain PyTorch and scikit-learn, no Iris MLP.

The text is `script.py.txt`, in the shape of the lesson; its cells begin with `# %%`.
"""

import json
from pathlib import Path

from iris_mlp.config import BROWSER_DEVICES, OPTIMIZER_NAMES, TRAIN_ROWS, TrainConfig
from iris_mlp.strings import LANGUAGES, translator

_TEMPLATE = Path(__file__).with_name("script.py.txt")
_CELL = "# %% "


def render_script(config: TrainConfig, language: str = LANGUAGES[0]) -> str:
    """Return a Python script that trains with these settings, without this package.

    On the CPU its losses are those of the eager engine, bit for bit. The other engines compute
    the same training, rounded in another order; the script says so where it matters.

    Args:
        config: The settings.
        language: Of the comments.
    """
    from jinja2 import Environment

    t = translator(language)
    engine = config.engine
    note = t("script.note", engine=repr(engine)) if engine != "eager" else ""
    template = Environment(autoescape=False, keep_trailing_newline=True).from_string(
        _TEMPLATE.read_text("utf-8")
    )
    return template.render(
        config.to_dict()
        | {
            "device": _render_device(config.device),
            "optimizer": OPTIMIZER_NAMES[config.optimizer],
            "lr": repr(config.lr),
            "rows": TRAIN_ROWS,
            "note": note and f"\n\n{note}\n",
            "t": t,
        }
    )


def render_notebook(script: str) -> str:
    """Return a script of `render_script` as a Jupyter notebook, each `# %%` a cell.

    Source of the format: https://nbformat.readthedocs.io/en/latest/format_description.html
    """
    head, *cells = script.split(f"\n{_CELL}")
    titles = [cell.partition("\n") for cell in cells]
    blocks = [("markdown", head.strip().strip('"'))]
    for title, _, code in titles:
        blocks += [("markdown", f"## {title}"), ("code", code.strip())]
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"language_info": {"name": "python"}, "colab": {"provenance": []}},
            "cells": [
                {
                    "id": f"cell-{i}",
                    "cell_type": kind,
                    "metadata": {},
                    "source": text.splitlines(keepends=True),
                }
                | ({"outputs": [], "execution_count": None} if kind == "code" else {})
                for i, (kind, text) in enumerate(blocks)
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def _render_device(device: str) -> str:
    if device == "auto":
        return 'torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")'
    if device in BROWSER_DEVICES:  # of which PyTorch knows nothing
        device = "cpu"
    if device in BROWSER_DEVICES:  # of which PyTorch knows nothing
        device = "cpu"
    # repr, since a device is any text until PyTorch has seen it
    return f"torch.device({device!r})"
