import threading
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.training import prepare_run


@pytest.fixture(scope="module")
def client(url: str) -> Client:
    return Client(url, verbose=False)


def test_train_ends_with_summary_plot_and_weights(client: Client):
    run = prepare_run(TrainConfig(epochs=300, seed=3, hidden=7))
    list(run)
    truth = run.result()

    summary, plot, weights = client.predict(epochs=300, seed=3, hidden=7, api_name="/train")

    assert summary["final_loss"] == truth.history.losses[-1]
    assert {"train_accuracy", "test_accuracy", "elapsed_s", "epochs_per_s", "device", "engine"} <= (
        summary.keys()
    )
    assert summary["seed"] == 3
    assert Path(plot).read_bytes().startswith(b"\x89PNG")
    assert truth.checkpoint is not None
    assert Path(weights).read_bytes() == truth.checkpoint.to_bytes()


def test_train_streams_its_progress(client: Client):
    job = client.submit(epochs=12_000, api_name="/train")
    answers = list(job)
    assert len(answers) > 1
    assert 0 < answers[0][0]["epoch"] < 12_000
    assert answers[-1][0]["outcome"] == "completed"


def test_sweep_ends_with_a_summary_and_a_table(client: Client):
    summary, table = client.predict(
        lr="0.01,0.05", hidden="3,10", epochs="200", seeds="0:3", api_name="/sweep"
    )
    rows = Path(table).read_text().splitlines()
    assert len(rows) == 1 + 2 * 2 * 3
    assert rows[0].startswith("optimizer,lr,epochs,hidden")
    assert summary["done"] == summary["lanes"] == 12


def test_race_ranks_what_runs_here_and_says_who_won(client: Client):
    answer = client.predict(epochs=200, repeats=2, api_name="/race")
    ranked = answer["standings"]
    times = [standing["median_s"] for standing in ranked]
    assert times == sorted(times)
    assert all(
        standing["low_s"] <= standing["median_s"] <= standing["high_s"] for standing in ranked
    )
    assert {("cpu", "eager"), ("cpu", "fused")} <= {
        (standing["contender"]["device"], standing["contender"]["engine"]) for standing in ranked
    }
    assert answer["verdict"]["leader"] == ranked[0]["contender"]
    assert (answer["outcome"], ranked[0]["laps"]) == ("completed", 2)
    with pytest.raises(AppError, match="repeats must be a whole number from 1 to 10"):
        client.predict(repeats=0, api_name="/race")


def test_classify_gives_a_label_and_a_confidence_for_each_class(client: Client):
    answer = client.predict(5.1, 3.5, 1.4, 0.2, api_name="/classify")
    assert answer["label"] == "setosa"
    assert sum(entry["confidence"] for entry in answer["confidences"]) == pytest.approx(1)
    assert answer["extrapolated"] == []


def test_hardware_is_the_object_of_the_command_line(client: Client):
    answer = client.predict(api_name="/hardware")
    assert {"cpu", "gpus", "torch"} <= answer.keys()


def test_the_endpoints_have_the_parameters_of_the_command_line(client: Client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]  # type: ignore[index]
    assert {"/train", "/classify", "/hardware"} <= endpoints.keys()
    names = [parameter["parameter_name"] for parameter in endpoints["/train"]["parameters"]]
    assert names == [field for field in TrainConfig.__dataclass_fields__]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"device": "cuda:9"}, "device 'cuda:9' is not on this machine"),
        ({"engine": "warp"}, "engine 'warp' is unknown"),
        ({"epochs": "many"}, "epochs must be a whole number"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"hidden": None}, "hidden is empty; give a whole number"),
        ({"lr": "NaN"}, "lr (learning rate) must be a number"),
        ({"lr": -1}, "lr (learning rate) must be a number"),
        ({"batch_size": 121}, "batch_size must be a whole number from 1 to 120"),
        ({"seed": 2**40}, "seed must be a whole number"),
    ],
)
def test_bad_settings_are_refused_with_a_sentence(client: Client, settings, sentence: str):
    with pytest.raises(AppError, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        client.predict(api_name="/train", **settings)


@pytest.mark.parametrize("length", ["long", -1, 1e6, None])
def test_bad_lengths_are_refused_with_a_sentence(client: Client, length):
    with pytest.raises(AppError, match="petal_width is"):
        client.predict(5.1, 3.5, 1.4, length, api_name="/classify")


def test_visitors_who_train_at_once_get_each_their_own_model(url: str):
    weights: dict[int, bytes] = {}

    def visit(seed: int) -> None:
        answer = Client(url, verbose=False).predict(epochs=400, seed=seed, api_name="/train")
        weights[seed] = Path(answer[2]).read_bytes()

    visitors = [threading.Thread(target=visit, args=(seed,)) for seed in range(6)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    for seed, data in weights.items():
        run = prepare_run(TrainConfig(epochs=400, seed=seed))
        list(run)
        checkpoint = run.result().checkpoint
        assert checkpoint is not None
        assert data == checkpoint.to_bytes()
    assert len(weights) == 6


def test_the_shipped_weights_can_be_read():
    assert Checkpoint.load(SHIPPED_WEIGHTS).hidden == 10
