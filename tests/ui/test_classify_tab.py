import pickle
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.classify.answers import write_csv
from iris_mlp.classify.table import FlowerTable, read_table
from iris_mlp.data import CLASS_NAMES, load_flowers
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.model import build_model
from iris_mlp.ui.classify.specimens import find_typical, rank_hardest
from iris_mlp.ui.classify.tab import (
    adopt_run,
    choose_specimen,
    classify,
    classify_csv,
    load_page,
    pick_in_plane,
    upload_weights,
    use_weights,
)
from iris_mlp.ui.classify.view import Pictures, View, show_batch, show_model
from iris_mlp.ui.components.plane import PETAL_PLANE, SLIDER_RANGES_CM
from tests.helpers import request_in

FLOWER_CM = (6.3, 2.8, 5.1, 1.5)


def make_checkpoint(seed=3, hidden=7, **parts):
    shipped = shipped_classifier().checkpoint
    state = {
        name: tensor.detach() for name, tensor in build_model(hidden, seed).state_dict().items()
    }
    settings, metrics = parts.get("settings", {}), parts.get("metrics", {})
    return Checkpoint(parts.get("state", state), shipped.scaler, settings, metrics)


def read_percentages(html):
    return [unescape(text) for text in re.findall(r'bar-percent">([^<]+)', html)]


def test_answer_is_that_of_the_classifier(chance):
    for _ in range(10):
        lengths_cm = [round(chance.uniform(*span), 1) for span in SLIDER_RANGES_CM]
        pictures = classify(None, shipped_classifier(), *lengths_cm)
        assert isinstance(pictures, Pictures)
        probabilities = shipped_classifier().predict(np.array([lengths_cm])).probabilities[0]
        assert f"Iris {CLASS_NAMES[probabilities.argmax()]}" in pictures.verdict
        for text, probability in zip(read_percentages(pictures.verdict), probabilities):
            if text[0] not in "<>":
                assert float(text.rstrip("%")) == pytest.approx(100 * probability, abs=0.051)


def test_first_answer_needs_no_model_of_the_visitor():
    assert classify(None, None, *FLOWER_CM) == classify(None, shipped_classifier(), *FLOWER_CM)


def test_emptied_number_field_changes_nothing():
    assert classify(None, None, None, 3.0, 4.0, 1.0) == gr.skip()


def test_pictures_speak_the_language_of_the_visitor():
    pictures = classify(request_in("zh-CN"), None, *FLOWER_CM)
    assert "维吉尼亚鸢尾" in pictures.verdict
    assert "萼片" in pictures.flower
    assert "花瓣" in pictures.sepal_plane["note"]


def test_lengths_outside_the_data_are_answered_and_marked():
    inside = classify(None, None, 7.9, 4.4, 6.9, 2.5).verdict
    outside = classify(None, None, 8.0, 4.4, 6.9, 2.6).verdict
    assert "extrapolated" not in inside
    note = re.search(r'class="range extrapolated">([^<]+)', outside).group(1)
    assert "Sepal length 8.0 cm" in note
    assert "Petal width 2.6 cm" in note
    assert "Sepal width" not in note
    assert len(read_percentages(outside)) == 3


def test_hardest_flowers_are_those_of_the_smallest_margins():
    flowers, species = load_flowers()
    classifier = shipped_classifier()
    with torch.no_grad():
        inputs = torch.from_numpy(classifier.checkpoint.scaler.scale(flowers))
        shares = classifier.checkpoint.build_model()(inputs).softmax(dim=1).numpy()
    margins = [row[k] - max(np.delete(row, k)) for row, k in zip(shares, species)]
    ranked = rank_hardest(classifier, 10)
    assert [flower.margin for flower in ranked] == pytest.approx(sorted(margins)[:10], abs=1e-6)
    for flower in ranked:
        assert margins[flower.row] == pytest.approx(flower.margin, abs=1e-6)
        assert (flower.margin < 0) == (flower.predicted != flower.species)


def test_typical_flower_is_one_of_its_species_near_the_middle():
    flowers, species = load_flowers()
    for k in range(3):
        row = find_typical(k)
        assert species[row] == k
        own = flowers[species == k]
        assert np.linalg.norm(flowers[row] - own.mean(axis=0)) < own.std(axis=0).max()


def test_specimen_moves_the_sliders_to_that_flower():
    flowers, _ = load_flowers()
    *lengths_cm, _, _, _, _, _ = answer = choose_specimen(
        None, gr.EventData(None, {"row": 83}), None
    )
    assert lengths_cm == flowers[83].tolist()
    assert answer[4:] == tuple(classify(None, None, *lengths_cm))


@pytest.mark.parametrize("row", [150, -1, "1", None, 2.5])
def test_specimen_that_does_not_exist_is_refused(row):
    with pytest.raises(gr.Error, match="no such flower"):
        choose_specimen(None, gr.EventData(None, {"row": row}), None)


def test_click_in_a_plane_moves_the_two_lengths_of_that_plane():
    x, y = PETAL_PLANE.to_px(1.4, 0.2)
    event = gr.EventData(None, {"plane": "petal", "x": x, "y": y})
    answer = pick_in_plane(None, event, None, *FLOWER_CM)
    assert answer[:4] == pytest.approx((6.3, 2.8, 1.4, 0.2))
    assert "Iris setosa" in answer[4]


@pytest.mark.parametrize("x", ["a", None, float("nan")])
def test_click_without_a_place_is_refused(x):
    event = gr.EventData(None, {"plane": "petal", "x": x, "y": 10})
    with pytest.raises(gr.Error):
        pick_in_plane(None, event, None, *FLOWER_CM)


def test_uploaded_weights_answer_from_then_on(tmp_path):
    checkpoint = make_checkpoint(settings={"engine": "eager"})
    checkpoint.save(tmp_path / "mine.safetensors")
    view = upload_weights(None, str(tmp_path / "mine.safetensors"), {}, None, *FLOWER_CM)
    assert view.source["value"] == "uploaded"
    expected = Classifier(checkpoint).predict(np.array([FLOWER_CM]))
    assert (view.classifier.predict(np.array([FLOWER_CM])).logits == expected.logits).all()
    again = use_weights(None, "uploaded", view.models, None, *FLOWER_CM)
    assert again.verdict == view.verdict
    shipped = use_weights(None, "shipped", view.models, None, *FLOWER_CM)
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
        upload_weights(None, str(path), {}, None, *FLOWER_CM)


def test_weights_whose_outputs_overflow_are_refused(tmp_path):
    state = {name: tensor * 1e38 for name, tensor in make_checkpoint().state.items()}
    (tmp_path / "huge.safetensors").write_bytes(make_checkpoint(state=state).to_bytes())
    with pytest.raises(gr.Error, match="overflow"):
        upload_weights(None, str(tmp_path / "huge.safetensors"), {}, None, *FLOWER_CM)


def test_new_run_is_adopted():
    checkpoint = make_checkpoint(metrics={"final_loss": 0.5})
    view = adopt_run(None, checkpoint, {}, None, *FLOWER_CM)
    assert isinstance(view, View)
    assert view.models["last_run"] is checkpoint
    assert view.source["value"] == "last_run"
    assert [value for _, value in view.source["choices"]] == ["shipped", "last_run"]
    assert "0.5000" in view.card


def test_run_that_gave_no_weights_leaves_everything_as_it_is():
    assert adopt_run(None, None, {}, None, *FLOWER_CM) == gr.skip()
    kept = make_checkpoint()
    assert adopt_run(None, kept, {"last_run": kept}, None, *FLOWER_CM) == gr.skip()


def test_a_visitor_comes_back_to_their_run():
    checkpoint = make_checkpoint()
    assert load_page(None, None, False, *FLOWER_CM).source["value"] == "shipped"
    view = load_page(None, checkpoint, False, *FLOWER_CM)
    assert view.source["value"] == "last_run"
    assert view.models == {"last_run": checkpoint}
    assert "Your last training run" in view.card


def test_the_model_of_a_link_is_called_so():
    checkpoint = make_checkpoint()
    view = load_page(None, checkpoint, True, *FLOWER_CM)
    assert view.source["value"] == "shared"
    assert "of the link" in view.card
    view = load_page(request_in("zh-CN"), checkpoint, True, *FLOWER_CM)
    assert "链接" in view.card
    # A run of one's own joins it, and either can be chosen.
    own = make_checkpoint(seed=4)
    view = adopt_run(None, own, view.models, None, *FLOWER_CM)
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
    view = use_weights(None, "last_run", {"last_run": make_checkpoint()}, batch, *FLOWER_CM)
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
    view = show_model(
        "uploaded", {"uploaded": checkpoint}, make_batch(load_flowers()[0]), (9.0, 2, 3, 1), hostile
    )
    # Gradio puts these into the page as they are; text content and choices it escapes.
    texts = [view.card, view.specimens, view.table, view.verdict, view.flower, view.network]
    texts += [view.sepal_plane["frame"], view.petal_plane["frame"]]
    for text in texts:
        assert "<x>" not in text
        assert "&lt;x&gt;" in text


def test_building_the_page_loads_no_data():
    code = (
        "import sys, gradio as gr\n"
        "from iris_mlp.ui.classify import tab as classify_tab\n"
        "with gr.Blocks():\n"
        "    tab = classify_tab.build()\n"
        "print(len(tab.sliders), 'sklearn' in sys.modules, 'contourpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "False", "False"]
