"""What the Classify tab shows: a model's answer for one flower, for many, and the model itself."""

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.classify.answers import write_csv
from iris_mlp.classify.table import FlowerTable
from iris_mlp.data import load_flowers
from iris_mlp.errors import WeightsError
from iris_mlp.inference import Classifier, read_lengths, shipped_classifier
from iris_mlp.strings import Translate
from iris_mlp.ui.classify.flower_table import render_flower_table
from iris_mlp.ui.classify.specimens import render_specimens
from iris_mlp.ui.classify.verdict import render_verdict
from iris_mlp.ui.classify.weights_card import render_weights_card
from iris_mlp.ui.components.flower import draw_flower
from iris_mlp.ui.components.network import draw_network
from iris_mlp.ui.components.plane import PETAL_PLANE, SEPAL_PLANE, draw_frame, slice_plane
from iris_mlp.ui.downloads import offer_file

ANSWERS_NAME = "iris_answers.csv"


class Pictures(NamedTuple):
    """What shows one flower, in the order of the components."""

    verdict: str
    flower: str
    network: str
    sepal_plane: Any
    petal_plane: Any


class View(NamedTuple):
    """All that shows a model at one flower, in the order of the components."""

    models: dict[str, Checkpoint]
    classifier: Classifier
    source: Any
    card: str
    specimens: str
    table: str
    answers: Any
    verdict: str
    flower: str
    network: str
    sepal_plane: Any
    petal_plane: Any


def show_flower(
    classifier: Classifier | None, lengths_cm: Sequence[float], t: Translate
) -> Pictures:
    """Return the answer for one flower in words, bars and drawings."""
    classifier = classifier or shipped_classifier()
    prediction = classifier.predict(np.array([lengths_cm]))
    species = int(prediction.classes[0])
    return Pictures(
        verdict=render_verdict(lengths_cm, prediction, t),
        flower=draw_flower(lengths_cm, species, t),
        network=draw_network(classifier.checkpoint, lengths_cm, prediction, t),
        sepal_plane=slice_plane(SEPAL_PLANE, classifier, lengths_cm, species, t),
        petal_plane=slice_plane(PETAL_PLANE, classifier, lengths_cm, species, t),
    )


def show_model(
    source: str,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
    lengths_cm: Sequence[float | None],
    t: Translate,
) -> View:
    """Return the whole tab for the weights of a source, the flower staying as it is.

    Args:
        source: `shipped`, or a key of `models`.
        models: The visitor's weights by where they come from: `last_run`, `shared` by a link,
            `uploaded`, or `pulled` from the Hub.
        batch: The flowers of the last CSV, or None.
        lengths_cm: The flower.
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
    pictures = show_flower(classifier, read_lengths(lengths_cm), t)
    pictures = pictures._replace(
        sepal_plane=gr.update(
            value=pictures.sepal_plane, frame=draw_frame(SEPAL_PLANE, classifier, t)
        ),
        petal_plane=gr.update(
            value=pictures.petal_plane, frame=draw_frame(PETAL_PLANE, classifier, t)
        ),
    )
    return View(
        models=models,
        classifier=classifier,
        source=gr.update(choices=[(t(f"classify.{name}"), name) for name in choices], value=source),
        card=render_weights_card(source, classifier.checkpoint, t),
        specimens=render_specimens(classifier, t),
        table=table,
        answers=answers,
        **pictures._asdict(),
    )


def show_batch(classifier: Classifier, batch: FlowerTable | None, t: Translate) -> tuple[str, Any]:
    """Return the table of many flowers and the file to download, or what to do to get them."""
    if batch is None:
        empty = f'<p class="csv-empty">{escape(t("classify.csv_empty"))}</p>'
        return empty, gr.update(value=None, interactive=False)
    prediction = classifier.predict(batch.lengths_cm)
    path = offer_file(write_csv(batch, prediction).encode(), ANSWERS_NAME, t)
    answers = gr.update(value=path, interactive=path is not None)
    return render_flower_table(batch, prediction, t), answers
