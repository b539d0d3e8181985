"""The Classify tab: four sliders, the flower they describe, and what the network makes of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.classify.table import MAX_BYTES, FlowerTable, read_table
from iris_mlp.data import FEATURE_NAMES, load_flowers
from iris_mlp.errors import MeasurementsError
from iris_mlp.hub.pull import pull
from iris_mlp.inference import (
    Classifier,
    read_lengths,
    shipped_classifier,
)
from iris_mlp.ui.classify.view import Pictures, View, show_batch, show_flower, show_model
from iris_mlp.ui.components.plane import PETAL_PLANE, SEPAL_PLANE, SLIDER_RANGES_CM, build_plane
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE, QUICK

FIRST_FLOWER_CM = (5.7, 2.9, 4.2, 1.3)
"""The typical versicolor."""

# A screen reader announces what changes in a place that it knew before; `off` inside stays silent.
_ANNOUNCE = 'element.setAttribute("aria-live", "polite");'
_CHOOSE_SPECIMEN = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-row]");
  if (button) trigger("choose", { row: Number(button.dataset.row) });
});
"""


@dataclass(frozen=True)
class ClassifyTab:
    """What other tabs need of this one.

    Attributes:
        sliders: The four lengths in cm.
        classifier: The weights in use, a `Classifier`; None stands for the shipped ones.
        adopt_run: Handler that takes a checkpoint, then `adopt_inputs`, and shows it.
        adopt_inputs: Its further inputs.
        on_load: Handler that fills the tab in the visitor's language.
        on_load_inputs: Its inputs after the weights of the visitor's run, a `Checkpoint` or None,
            and whether they came by a link.
        outputs: The outputs of both.
    """

    sliders: list[gr.Slider]
    classifier: gr.State
    adopt_run: Any
    adopt_inputs: list[Any]
    on_load: Any
    on_load_inputs: list[Any]
    outputs: list[Any]


# Handlers take the request first, so that the four lengths can come last as one argument.


@user_errors
def classify(
    request: gr.Request, classifier: Classifier | None, *lengths_cm: float | None
) -> Pictures | Any:
    """Answer for the flower that the sliders describe."""
    if None in lengths_cm:  # the visitor has just emptied a number field
        return gr.skip()
    return show_flower(classifier, read_lengths(lengths_cm), request_translator(request))


@user_errors
def choose_specimen(
    request: gr.Request, event: gr.EventData, classifier: Classifier | None
) -> tuple[Any, ...]:
    """Set the sliders to one of the 150 flowers and answer for it."""
    flowers, _ = load_flowers()
    row = event.row
    if not isinstance(row, int) or not 0 <= row < len(flowers):
        raise MeasurementsError(
            "There is no such flower; they count from 1 to {count}.", count=len(flowers)
        )
    lengths_cm = flowers[row].tolist()
    return *lengths_cm, *show_flower(classifier, lengths_cm, request_translator(request))


@user_errors
def pick_in_plane(
    request: gr.Request,
    event: gr.EventData,
    classifier: Classifier | None,
    *lengths_cm: float | None,
) -> tuple[Any, ...]:
    """Move the flower to where the visitor clicked in a plane and answer for it."""
    plane = PETAL_PLANE if event.plane == PETAL_PLANE.name else SEPAL_PLANE
    if not (isinstance(event.x, int | float) and isinstance(event.y, int | float)):
        raise MeasurementsError("There is no such place in the plane.")
    moved = read_lengths(lengths_cm)
    moved[plane.x], moved[plane.y] = plane.to_cm(event.x, event.y)
    return *moved, *show_flower(classifier, read_lengths(moved), request_translator(request))


@user_errors
def use_weights(
    request: gr.Request,
    source: str,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
    *lengths_cm: float | None,
) -> View:
    """Answer with the weights that the visitor chose."""
    return show_model(source, models, batch, lengths_cm, request_translator(request))


@user_errors
def upload_weights(
    request: gr.Request,
    path: str,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
    *lengths_cm: float | None,
) -> View:
    """Answer with an uploaded weights file; one that is refused changes nothing."""
    models = models | {"uploaded": Checkpoint.load(Path(path))}
    return show_model("uploaded", models, batch, lengths_cm, request_translator(request))


@user_errors
def pull_weights(
    request: gr.Request,
    repository: str,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
    *lengths_cm: float | None,
) -> View:
    """Answer with the weights of a public repository on the Hub, checked like an upload."""
    models = models | {"pulled": pull(repository)}
    return show_model("pulled", models, batch, lengths_cm, request_translator(request))


@user_errors
def adopt_run(
    request: gr.Request,
    checkpoint: Checkpoint | None,
    models: dict[str, Checkpoint],
    batch: FlowerTable | None,
    *lengths_cm: float | None,
) -> View | Any:
    """Answer with the weights of the run that has just ended, if it gave any."""
    if checkpoint is None or any(checkpoint is model for model in models.values()):
        return gr.skip()
    models = models | {"last_run": checkpoint}
    return show_model("last_run", models, batch, lengths_cm, request_translator(request))


@user_errors
def load_page(
    request: gr.Request, run: Checkpoint | None, is_shared: bool, *lengths_cm: float | None
) -> View:
    """Fill the tab for a visitor, with the run that they come back to or opened by a link."""
    source = "shared" if is_shared else "last_run"
    models = {source: run} if run else {}
    return show_model(source, models, None, lengths_cm, request_translator(request))


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


def _build_slider(name: str, span: tuple[float, float], length_cm: float) -> gr.Slider:
    slider = gr.Slider(
        *span,
        value=length_cm,
        step=0.1,
        label=page_i18n()(f"classify.{name}_cm"),
        elem_id=name.replace("_", "-"),
        buttons=[],
    )
    # Gradio's own check fails on a number field that is empty or half typed.
    slider.preprocess = lambda payload: (
        min(max(payload, span[0]), span[1]) if isinstance(payload, int | float) else payload
    )
    return slider


def build() -> ClassifyTab:
    """Lay out and wire the tab."""
    i18n = page_i18n()
    models, batch, classifier = gr.State({}), gr.State(), gr.State()
    with gr.Row(elem_classes="classify-desk"):
        with gr.Column(elem_classes="classify-controls", min_width=280):
            verdict = gr.HTML(elem_id="verdict", js_on_load=_ANNOUNCE, apply_default_css=False)
            with gr.Group(elem_classes="lengths"):
                sliders = [
                    _build_slider(name, span, length_cm)
                    for name, span, length_cm in zip(
                        FEATURE_NAMES, SLIDER_RANGES_CM, FIRST_FLOWER_CM
                    )
                ]
            specimens = gr.HTML(
                elem_id="specimens", js_on_load=_CHOOSE_SPECIMEN, apply_default_css=False
            )
        with gr.Column(elem_classes="classify-plate", min_width=300):
            flower = gr.HTML(elem_id="flower", apply_default_css=False)
        with gr.Column(elem_classes="classify-planes", min_width=300):
            sepal_plane = build_plane(elem_id="sepal-plane")
            petal_plane = build_plane(elem_id="petal-plane")
            build_prose("classify.plane_legend", elem_classes="plane-legend")
    with gr.Row(elem_classes="classify-bench"):
        with gr.Column(elem_classes="classify-network", min_width=300):
            network = gr.HTML(elem_id="network", apply_default_css=False)
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

    pictures = [verdict, flower, network, sepal_plane, petal_plane]
    view = [models, classifier, source, card, specimens, table, answers, *pictures]
    wiring: dict[str, Any] = PRIVATE | {"concurrency_id": "classify", "concurrency_limit": 8}
    live: dict[str, Any] = QUICK | {"trigger_mode": "always_last"}
    gr.on([slider.input for slider in sliders], classify, [classifier, *sliders], pictures, **live)
    for plane in (sepal_plane, petal_plane):
        plane.pick(pick_in_plane, [classifier, *sliders], [*sliders, *pictures], **live)
    specimens.choose(choose_specimen, classifier, [*sliders, *pictures], **live)
    source.input(use_weights, [source, models, batch, *sliders], view, **wiring)
    upload.upload(upload_weights, [upload, models, batch, *sliders], view, **wiring)
    repository.submit(
        pull_weights,
        [repository, models, batch, *sliders],
        view,
        **(wiring | {"concurrency_id": "hub", "concurrency_limit": 4}),
    )
    csv.upload(classify_csv, [csv, classifier], [batch, table, answers], **wiring)
    return ClassifyTab(
        sliders=sliders,
        classifier=classifier,
        adopt_run=adopt_run,
        adopt_inputs=[models, batch, *sliders],
        on_load=load_page,
        on_load_inputs=sliders,
        outputs=view,
    )
