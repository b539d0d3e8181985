"""The Classify tab: four sliders, the flower they describe, and what the network makes of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.classify.table import MAX_BYTES, FlowerTable, read_table
from iris_mlp.hub.pull import pull
from iris_mlp.inference import (
    Classifier,
    shipped_classifier,
)
from iris_mlp.ui.assets import mount
from iris_mlp.ui.classify.view import View, show_batch, show_model
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE

FIRST_FLOWER_CM = (5.7, 2.9, 4.2, 1.3)
"""The typical versicolor."""


@dataclass(frozen=True)
class ClassifyTab:
    """What other tabs need of this one.

    Attributes:
        flower: Its value is the four lengths in cm, which the browser draws and changes.
        classifier: The weights in use, a `Classifier`; None stands for the shipped ones.
        adopt_run: Handler that takes a checkpoint, then `adopt_inputs`, and shows it.
        adopt_inputs: Its further inputs.
        on_load: Handler that fills the tab in the visitor's language. It takes the weights of the
            visitor's run, a `Checkpoint` or None, and whether they came by a link.
        outputs: The outputs of both.
    """

    flower: gr.HTML
    classifier: gr.State
    adopt_run: Any
    adopt_inputs: list[Any]
    on_load: Any
    outputs: list[Any]


@user_errors
def use_weights(
    request: gr.Request,
    source: str,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
) -> View:
    """Answer with the weights that the visitor chose, and may choose again before the answer."""
    view = show_model(source, models, batch, request_translator(request))
    return view._replace(source=gr.skip()) if source in ("shipped", *models) else view


@user_errors
def upload_weights(
    request: gr.Request,
    path: str,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
) -> View:
    """Answer with an uploaded weights file; one that is refused changes nothing."""
    models = models | {"uploaded": Checkpoint.load(Path(path))}
    return show_model("uploaded", models, batch, request_translator(request))


@user_errors
def pull_weights(
    request: gr.Request,
    repository: str,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
) -> View:
    """Answer with the weights of a public repository on the Hub, checked like an upload."""
    models = models | {"pulled": pull(repository)}
    return show_model("pulled", models, batch, request_translator(request))


@user_errors
def adopt_run(
    request: gr.Request,
    checkpoint: Checkpoint | None,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
) -> View | Any:
    """Answer with the weights of the run that has just ended, if it gave any."""
    if checkpoint is None or any(checkpoint is model for model in models.values()):
        return gr.skip()
    models = models | {"last_run": checkpoint}
    return show_model("last_run", models, batch, request_translator(request))


@user_errors
def load_page(request: gr.Request, run: Checkpoint | None, is_shared: bool) -> View:
    """Fill the tab for a visitor, with the run that they come back to or opened by a link."""
    source = "shared" if is_shared else "last_run"
    models = {source: run} if run else {}
    return show_model(source, models, None, request_translator(request))


@user_errors
def classify_csv(
    request: gr.Request, path: str, classifier: Classifier | None
) -> tuple[FlowerTable, str, Any]:
    """Classify the flowers of an uploaded CSV; return them, the table and the file to download."""
    with Path(path).open("rb") as file:
        batch = read_table(file.read(MAX_BYTES + 1))
    return batch, *show_batch(
        classifier or shipped_classifier(), batch, request_translator(request)
    )


def build() -> ClassifyTab:
    """Lay out and wire the tab."""
    i18n = page_i18n()
    models, batch, classifier = gr.State({}), gr.State(), gr.State()
    flower = gr.HTML(
        list(FIRST_FLOWER_CM),
        html_template='<div class="classify-desk"></div>',
        js_on_load=mount("classify"),
        apply_default_css=False,
        elem_id="classify-desk",
        model=None,
        texts=None,
    )
    with gr.Row(elem_classes="classify-bench"):
        with gr.Column(elem_classes="classify-network", min_width=300):
            gr.HTML('<figure class="network"></figure>', elem_id="network", apply_default_css=False)
        with gr.Column(elem_classes="classify-weights", min_width=280):
            source = gr.Radio(
                [(i18n("classify.shipped"), "shipped")],
                value="shipped",
                label=i18n("classify.source"),
                info=i18n("classify.source_info"),
                elem_id="weights-source",
            )
            card = gr.HTML(elem_id="weights-card", apply_default_css=False)
            upload = gr.UploadButton(
                i18n("classify.upload"),  # type: ignore[arg-type]
                file_types=[".safetensors"],
                size="sm",
                elem_id="weights-upload",
            )
            repository = gr.Textbox(
                label=i18n("classify.hub"),
                placeholder="user/iris-mlp",
                max_lines=1,
                submit_btn=i18n("classify.hub_load"),  # type: ignore[arg-type]
                elem_id="weights-hub",
            )
    with gr.Accordion(i18n("classify.csv"), open=False, elem_id="csv"):
        build_prose("classify.csv_help")
        with gr.Row(elem_classes="actions"):
            csv = gr.UploadButton(
                i18n("classify.csv_upload"),  # type: ignore[arg-type]
                file_types=[".csv", ".data", ".txt", ".tsv", ".arff"],
                size="sm",
                elem_id="csv-upload",
            )
            answers = gr.DownloadButton(
                i18n("classify.csv_download"),  # type: ignore[arg-type]
                interactive=False,
                size="sm",
                elem_id="csv-download",
            )
        table = gr.HTML(elem_id="csv-table", apply_default_css=False)

    view = [models, classifier, source, card, table, answers, flower]
    wiring: dict[str, Any] = PRIVATE | {"concurrency_id": "classify", "concurrency_limit": 8}
    source.input(use_weights, [source, models, batch], view, trigger_mode="always_last", **wiring)
    upload.upload(upload_weights, [upload, models, batch], view, **wiring)
    repository.submit(
        pull_weights,
        [repository, models, batch],
        view,
        **(wiring | {"concurrency_id": "hub", "concurrency_limit": 4}),
    )
    csv.upload(classify_csv, [csv, classifier], [batch, table, answers], **wiring)
    return ClassifyTab(
        flower=flower,
        classifier=classifier,
        adopt_run=adopt_run,
        adopt_inputs=[models, batch],
        on_load=load_page,
        outputs=view,
    )
