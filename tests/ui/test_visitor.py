import base64
import json

import gradio as gr
import pytest
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import DEFAULTS, TrainConfig
from iris_mlp.take_home import link as run_link
from iris_mlp.training import TrainResult, prepare_run
from iris_mlp.ui import visitor
from iris_mlp.ui.train import take_home
from iris_mlp.ui.visitor import (
    offer_settings,
    read_settings,
    recall_form,
    recall_run,
    store_run,
)


def make_result(**settings) -> TrainResult:
    run = prepare_run(TrainConfig(**({"epochs": 20} | settings)))
    list(run)
    return run.result()


def make_checkpoint(**settings) -> Checkpoint:
    checkpoint = make_result(**settings).checkpoint
    assert checkpoint is not None
    return checkpoint


@pytest.fixture(autouse=True)
def last_run(tmp_path, monkeypatch):
    path = tmp_path / "last_run.safetensors"
    monkeypatch.setattr(visitor, "LAST_RUN_WEIGHTS", path)
    return path


def test_what_the_browser_kept_comes_back_to_the_byte():
    result = make_result(epochs=20, record_every=3)
    assert result.checkpoint is not None
    stored = json.loads(json.dumps(store_run(result)))
    recalled = recall_run(None, stored)
    assert recalled.checkpoint is not None
    assert recalled.checkpoint.to_bytes() == result.checkpoint.to_bytes()
    assert recalled.history is not None
    epochs = [3, 6, 9, 12, 15, 18, 20]
    assert recalled.history.epochs == list(result.history.epochs) == epochs
    assert recalled.history.losses == pytest.approx(list(result.history.losses), abs=1e-6)
    assert recalled.history.test_epochs == list(result.history.test_epochs)


def test_the_curves_of_a_long_run_are_thinned_for_the_browser():
    result = make_result(epochs=3000)
    assert len(json.dumps(store_run(result))) < 20_000
    recalled = recall_run(None, store_run(result)).history
    assert recalled is not None
    assert recalled.epochs[0] == 1
    assert recalled.epochs[-1] == 3000
    assert recalled.losses[-1] == pytest.approx(result.history.losses[-1], abs=1e-6)


RUBBISH = [None, 5, {}, "", "not base64!", "AAAA", "A" * 10_000_000]


@pytest.mark.parametrize("stored", [*RUBBISH, *({"weights": text} for text in RUBBISH)])
def test_rubbish_in_the_browsers_storage_is_set_aside(stored):
    assert recall_run(None, stored).checkpoint is None


@pytest.mark.parametrize(
    "curve",
    [
        5,
        "x",
        {},
        [1],
        [[1, 2, 3]],
        [[1, "<b>"]],
        [[1, float("nan")]],
        [[1, 10**400]],
        [[1, 1e30]],
        [[2, 1.0], [1, 1.0]],
        [[n, 1.0] for n in range(1, 1000)],
    ],
)
def test_curves_that_are_none_are_set_aside_and_the_weights_stay(curve):
    stored = store_run(make_result())
    recalled = recall_run(None, stored | {"train": curve, "test": curve})
    assert recalled.checkpoint is not None
    assert recalled.history is None


def test_a_large_model_is_not_put_into_the_browser():
    assert store_run(make_result(hidden=16_384, epochs=1)) == {}
    assert store_run(None) == gr.skip()


def test_a_local_run_finds_its_last_weights_and_a_public_one_does_not(last_run, monkeypatch):
    checkpoint = make_checkpoint()
    checkpoint.save(last_run)
    recalled = recall_run(None, None).checkpoint
    assert recalled is not None
    assert recalled.to_bytes() == checkpoint.to_bytes()
    monkeypatch.setenv("SPACE_ID", "someone/iris")
    assert recall_run(None, None).checkpoint is None
    monkeypatch.delenv("SPACE_ID")
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")  # a class shares it
    assert recall_run(None, None).checkpoint is None
    monkeypatch.setenv("GRADIO_SERVER_NAME", "127.0.0.1")
    assert recall_run(None, None).checkpoint is not None
    last_run.write_bytes(b"damaged")
    assert recall_run(None, None).checkpoint is None


def test_a_link_goes_before_what_the_browser_kept():
    config = TrainConfig(epochs=20, seed=7, hidden=5)
    checkpoint = make_checkpoint(seed=7, hidden=5)
    link = take_home.make_link(
        None, checkpoint, "https://example.org/", *DEFAULTS.to_dict().values()
    )
    shared = link.partition("?share=")[2]
    recalled = recall_run(shared, store_run(make_result()))
    assert recalled.is_shared
    assert recalled.config.seed == config.seed
    assert recalled.config.hidden == 5
    assert recalled.checkpoint is not None
    for name, tensor in checkpoint.state.items():
        assert recalled.checkpoint.state[name].equal(tensor)


def test_a_link_before_the_first_run_carries_the_settings_alone():
    config = TrainConfig(epochs=77, optimizer="adam", lr=0.02)
    link = take_home.make_link(None, None, "https://example.org/", *config.to_dict().values())
    recalled = recall_run(link.partition("?share=")[2], None)
    assert recalled.config == config
    assert recalled.checkpoint is None


def test_a_large_model_is_shared_by_its_settings():
    checkpoint = make_checkpoint(hidden=run_link.MAX_HIDDEN + 1)
    link = take_home.make_link(None, checkpoint, "x", *DEFAULTS.to_dict().values())
    recalled = recall_run(link.partition("?share=")[2], None)
    assert recalled.config.hidden == run_link.MAX_HIDDEN + 1
    assert recalled.checkpoint is None


def test_a_damaged_link_leaves_the_visitor_what_they_had():
    recalled = recall_run("%%%", store_run(make_result()))
    assert not recalled.is_shared
    assert recalled.checkpoint is not None
    assert recalled.config == DEFAULTS


def test_a_device_that_is_not_here_becomes_auto():
    assert offer_settings(TrainConfig(device="cuda:99"))[0] == "auto"
    assert offer_settings(TrainConfig(device="cpu"))[0] == "cpu"


@pytest.mark.parametrize(
    ("gpus", "trained_on", "offered"),
    [
        (1, "cuda", "cuda"),
        (1, "cuda:0", "cuda"),
        (1, "cuda:1", "auto"),
        (2, "cuda", "cuda:0"),
        (2, "cuda:0", "cuda:0"),
        (2, "cuda:1", "cuda:1"),
    ],
)
def test_a_gpu_is_offered_by_the_name_that_the_list_has(gpus, trained_on, offered, monkeypatch):
    # What PyTorch tells of where there are so many GPUs.
    monkeypatch.setattr(torch._C, "_accelerator_getAccelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: gpus)
    assert offer_settings(TrainConfig(device=trained_on))[0] == offered


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_an_engine_that_is_not_here_becomes_eager():
    assert offer_settings(TrainConfig(engine="cuda-graph"))[1] == "eager"
    assert offer_settings(TrainConfig(engine="fused"))[1] == "fused"


def test_settings_that_a_weights_file_makes_up_are_set_aside():
    checkpoint = make_checkpoint()
    checkpoint.settings["epochs"] = -5
    assert read_settings(checkpoint) == DEFAULTS
    checkpoint.settings["epochs"], checkpoint.settings["os.system"] = 5, 1
    assert read_settings(checkpoint) == DEFAULTS


def test_pushing_without_a_run_says_what_to_do():
    with pytest.raises(gr.Error, match="Press Train first"):
        next(take_home.push_run(None, None, None, None, "name", False))  # type: ignore[arg-type]


def test_the_browser_holds_plain_base64():
    stored = store_run(make_result())
    assert Checkpoint.from_bytes(base64.b64decode(stored["weights"])).hidden == 10


def test_a_run_that_comes_back_is_measured_as_it_was():
    result = make_result(epochs=300)
    recalled = recall_run(None, json.loads(json.dumps(store_run(result)))).to_result()
    assert recalled is not None
    assert recalled.progress.evaluation == result.progress.evaluation
    assert recalled.progress.elapsed_s == result.progress.elapsed_s
    assert recalled.config == result.config


@pytest.mark.parametrize("form", [None, 5, [], [1], ["cpu"] * 9, [{}] * 9])
def test_a_form_that_is_none_is_set_aside(form):
    assert recall_form({"form": form}) is None
    assert recall_form({"form": list(DEFAULTS.to_dict().values())}) == DEFAULTS
