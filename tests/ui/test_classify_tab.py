import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.classify.answers import write_csv
from iris_mlp.classify.table import FlowerTable, read_table
from iris_mlp.data import load_flowers
from iris_mlp.errors import MeasurementsError
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.model import build_model
from iris_mlp.ui.classify.tab import (
    adopt_run,
    classify_csv,
    load_page,
    upload_weights,
    use_weights,
)
from iris_mlp.ui.classify.view import View, show_batch, show_model
from iris_mlp.ui.components.flower import find_species, read_flower
from tests.helpers import request_in

FLOWER_CM = (6.3, 2.8, 5.1, 1.5)


def make_checkpoint(seed=3, hidden=7, **parts):
    shipped = shipped_classifier().checkpoint
    state = {
        name: tensor.detach() for name, tensor in build_model(hidden, seed).state_dict().items()
    }
    settings, metrics = parts.get("settings", {}), parts.get("metrics", {})
    return Checkpoint(parts.get("state", state), shipped.scaler, settings, metrics)


def test_the_page_gets_the_numbers_of_the_weights_in_use_and_its_words():
    checkpoint = make_checkpoint(hidden=5)
    desk = load_page(request_in("zh-CN"), checkpoint, False).desk
    assert desk["model"]["hidden"] == 5
    for name, tensor in checkpoint.state.items():
        assert np.array_equal(desk["model"][name.replace(".", "_")], tensor.numpy())
    assert desk["texts"]["verdict"]["full"][2] == "维吉尼亚鸢尾"
    assert json.loads(json.dumps(desk["texts"])) == desk["texts"]


def test_a_flower_of_the_data_is_known_by_its_lengths():
    flowers, species = load_flowers()
    assert [find_species(flower) for flower in flowers.tolist()] == species.tolist()
    assert find_species([5.7, 2.9, 4.2, 2.9]) is None


@pytest.mark.parametrize("value", [None, 5.7, {}, "5.7", [5.7, 2.9, 4.2], [5.7, 2.9, 4.2, None]])
def test_what_is_no_flower_is_refused(value):
    with pytest.raises(MeasurementsError):
        read_flower(value)


def test_uploaded_weights_answer_from_then_on(tmp_path):
    checkpoint = make_checkpoint(settings={"engine": "eager"})
    checkpoint.save(tmp_path / "mine.safetensors")
    view = upload_weights(None, str(tmp_path / "mine.safetensors"), {}, None)
    assert view.source["value"] == "uploaded"
    expected = Classifier(checkpoint).predict(np.array([FLOWER_CM]))
    assert (view.classifier.predict(np.array([FLOWER_CM])).logits == expected.logits).all()
    again = use_weights(None, "uploaded", view.models, None)
    assert again.desk["model"] == view.desk["model"]
    shipped = use_weights(None, "shipped", view.models, None)
    assert shipped.classifier is shipped_classifier()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a safetensors file"),
        (pickle.dumps({"fc1.weight": [1.0]}), "not a safetensors file"),
        (SHIPPED_WEIGHTS.read_bytes()[:-3], "not a safetensors file"),
        (b"\0" * (4 * 1024**2 + 1), "larger than 4 MiB"),
    ],
    ids=["empty", "pickle", "truncated", "huge"],
)
def test_refused_upload_says_why(tmp_path, data, sentence):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(gr.Error, match=sentence):
        upload_weights(None, str(path), {}, None)


def test_weights_whose_outputs_overflow_are_refused(tmp_path):
    state = {name: tensor * 1e38 for name, tensor in make_checkpoint().state.items()}
    (tmp_path / "huge.safetensors").write_bytes(make_checkpoint(state=state).to_bytes())
    with pytest.raises(gr.Error, match="overflow"):
        upload_weights(None, str(tmp_path / "huge.safetensors"), {}, None)


def test_new_run_is_adopted():
    checkpoint = make_checkpoint(metrics={"final_loss": 0.5})
    view = adopt_run(None, checkpoint, {}, None)
    assert isinstance(view, View)
    assert view.models["last_run"] is checkpoint
    assert view.source["value"] == "last_run"
    assert [value for _, value in view.source["choices"]] == ["shipped", "last_run"]
    assert "0.5000" in view.card


def test_run_that_gave_no_weights_leaves_everything_as_it_is():
    assert adopt_run(None, None, {}, None) == gr.skip()
    kept = make_checkpoint()
    assert adopt_run(None, kept, {"last_run": kept}, None) == gr.skip()


def test_a_visitor_comes_back_to_their_run():
    checkpoint = make_checkpoint()
    assert load_page(None, None, False).source["value"] == "shipped"
    view = load_page(None, checkpoint, False)
    assert view.source["value"] == "last_run"
    assert view.models == {"last_run": checkpoint}
    assert "Your last training run" in view.card


def test_the_model_of_a_link_is_called_so():
    checkpoint = make_checkpoint()
    view = load_page(None, checkpoint, True)
    assert view.source["value"] == "shared"
    assert "of the link" in view.card
    view = load_page(request_in("zh-CN"), checkpoint, True)
    assert "链接" in view.card
    # A run of one's own joins it, and either can be chosen.
    own = make_checkpoint(seed=4)
    view = adopt_run(None, own, view.models, None)
    assert [value for _, value in view.source["choices"]] == ["shipped", "shared", "last_run"]
    assert view.source["value"] == "last_run"


def make_batch(lengths_cm: np.ndarray) -> FlowerTable:
    rows = (",".join(map(str, row)) for row in lengths_cm.tolist())
    return read_table("\n".join(rows).encode())


def test_csv_comes_back_with_the_answers(tmp_path):
    flowers = load_flowers()[0][[0, 60, 120]]
    path = tmp_path / "flowers.csv"
    rows = [f"{d},<b>x</b>,{c},{b},{a}" for a, b, c, d in flowers]
    header = "petal_width,note,petal_length,sepal_width,sepal_length"
    path.write_text("\n".join([header, *rows]))
    batch, table, answers = classify_csv(None, str(path), None)
    assert (batch.lengths_cm == flowers).all()
    expected = write_csv(batch, shipped_classifier().predict(flowers))
    assert "<b>x</b>" in expected
    assert Path(answers["value"]).read_text() == expected
    assert answers["interactive"]
    assert "<b>x</b>" not in table
    assert table.count("<tr>") == 1 + 3


def test_bad_csv_is_refused_with_its_row_and_without_its_markup(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_text("5,3,4,<img src=x>\n")
    with pytest.raises(gr.Error, match=r"Line 1 \(row 1\): petal_width") as raised:
        classify_csv(None, str(path), None)
    assert "<img" not in raised.value.message


def test_other_weights_answer_the_csv_anew():
    batch = make_batch(load_flowers()[0][:5])
    view = use_weights(None, "last_run", {"last_run": make_checkpoint()}, batch)
    expected = write_csv(batch, view.classifier.predict(batch.lengths_cm))
    assert Path(view.answers["value"]).read_text() == expected


def test_a_species_that_the_table_names_is_compared_on_the_page(tmp_path):
    path = tmp_path / "iris.data"
    path.write_text("5.1,3.5,1.4,0.2,Iris-setosa\n6.3,3.3,6.0,2.5,Iris-setosa\n51,35,14,2,\n")
    _, table, _ = classify_csv(None, str(path), None)
    assert "Accuracy 50.0%: 1 of 2 flowers right" in table
    assert "columns 1 to 4 are taken as sepal_length" in table
    assert "Line 3 (row 3): The lengths look like mm" in table
    _, table, _ = classify_csv(request_in("zh-CN"), str(path), None)
    assert "第 3 行（第 3 条数据）：这些长度像是以 mm" in table


def test_rows_outside_the_data_are_marked_in_the_table():
    batch = make_batch(np.array([[5.0, 3.0, 9.9, 1.0]]))
    table, _ = show_batch(shipped_classifier(), batch, hostile)
    assert re.findall(r'class="outside"[^>]*>([^<]+)', table) == ["9.9"]


def hostile(key, **values):
    return f"<x>{key}</x>"


def test_no_text_of_a_catalogue_or_a_file_becomes_markup():
    checkpoint = make_checkpoint(
        settings={"engine": "<x>", "optimizer": ["<x>"], "lr": "<x>", "seed": 10**400},
        metrics={"final_loss": {"<x>": 1}, "test_accuracy": float("nan"), "epochs_done": "<x>"},
    )
    batch = make_batch(load_flowers()[0])
    view = show_model("uploaded", {"uploaded": checkpoint}, batch, hostile)
    # Gradio puts these into the page as they are; text content and choices it escapes.
    for text in (view.card, view.table):
        assert "<x>" not in text
        assert "&lt;x&gt;" in text


def test_building_the_page_loads_no_data():
    code = (
        "import sys, gradio as gr\n"
        "from iris_mlp.ui.classify import tab as classify_tab\n"
        "with gr.Blocks():\n"
        "    tab = classify_tab.build()\n"
        "print(tab.flower.value, 'sklearn' in sys.modules, 'contourpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[5.7,", "2.9,", "4.2,", "1.3]", "False", "False"]
