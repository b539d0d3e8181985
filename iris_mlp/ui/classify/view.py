"""What the server sends the Classify tab: the weights in use, and the answers for many flowers."""

from html import escape
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import load_flowers
from iris_mlp.errors import WeightsError
from iris_mlp.inference import Classifier, shipped_classifier, write_csv
from iris_mlp.strings import Translate
from iris_mlp.ui.classify.flower_table import render_flower_table
from iris_mlp.ui.classify.texts import desk_texts
from iris_mlp.ui.classify.weights_card import render_weights_card
from iris_mlp.ui.components.network import describe_model
from iris_mlp.ui.downloads import offer_file

ANSWERS_NAME = "iris_answers.csv"


class View(NamedTuple):
    """All that shows a model, in the order of the components."""

    models: dict[str, Checkpoint]
    classifier: Classifier
    source: Any
    card: str
    table: str
    answers: Any
    desk: Any


def show_model(
    source: str, models: dict[str, Checkpoint], batch: np.ndarray | None, t: Translate
) -> View:
    """Return the whole tab for the weights of a source; the flower stays as it is.

    Args:
        source: `shipped`, or a key of `models`.
        models: The visitor's weights by where they come from: `last_run`, `shared` by a link,
            `uploaded`, or `pulled` from the Hub.
        batch: The flowers of the last CSV, or None.
        t: Translator of the visitor's language.
    """
    checkpoint = models.get(source)
    if checkpoint is None:
        source = "shipped"
    classifier = Classifier(checkpoint) if checkpoint else shipped_classifier()
    flowers, _ = load_flowers()
    if not np.isfinite(classifier.predict(flowers).logits).all():
        raise WeightsError(t("classify.not_finite"))
    choices = ["shipped", *models]
    table, answers = show_batch(classifier, batch, t)
    return View(
        models=models,
        classifier=classifier,
        source=gr.update(choices=[(t(f"classify.{name}"), name) for name in choices], value=source),
        card=render_weights_card(source, classifier.checkpoint, t),
        table=table,
        answers=answers,
        desk=gr.update(model=describe_model(classifier.checkpoint), texts=desk_texts(t)),
    )


def show_batch(classifier: Classifier, batch: np.ndarray | None, t: Translate) -> tuple[str, Any]:
    """Return the table of many flowers and the file to download, or what to do to get them."""
    if batch is None:
        empty = f'<p class="csv-empty">{escape(t("classify.csv_empty"))}</p>'
        return empty, gr.update(value=None, interactive=False)
    prediction = classifier.predict(batch)
    path = offer_file(write_csv(batch, prediction).encode(), ANSWERS_NAME, t)
    answers = gr.update(value=path, interactive=path is not None)
    return render_flower_table(batch, prediction, t), answers
