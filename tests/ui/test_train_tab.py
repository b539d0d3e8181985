import threading
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.strings import translator
from iris_mlp.training import History, prepare_run
from iris_mlp.ui import run_button
from iris_mlp.ui.components.confusion import render_confusion
from iris_mlp.ui.components.loss_chart import thin_history
from iris_mlp.ui.train import tab as train_tab
from iris_mlp.ui.train.run_summary import Comparison, render_summary
from iris_mlp.ui.train.settings_form import restore_defaults

SETTINGS = {
    "device": "cpu",
    "engine": "eager",
    "optimizer": "sgd",
    "lr": 0.01,
    "epochs": 400,
    "hidden": 10,
    "batch_size": 120,
    "seed": 0,
    "record_every": 1,
}


@pytest.fixture(autouse=True)
def public_space(monkeypatch):
    """Nothing of these runs is kept in the project's own folder."""
    monkeypatch.setenv("SPACE_ID", "someone/iris")


def run(request: gr.Request | None = None, **settings: Any) -> list[train_tab.Shown]:
    values = SETTINGS | settings
    stop = threading.Event()
    return list(train_tab.run_training(stop, "linear", request, *values.values()))  # type: ignore[arg-type]


def merge(updates: list[train_tab.Shown]) -> dict[str, Any]:
    return {
        name: value
        for update in updates
        for name, value in update._asdict().items()
        if value != gr.skip()
    }


def test_a_run_ends_with_its_figures_plot_log_and_weights():
    shown = merge(run())
    truth = prepare_run(TrainConfig(device="cpu", epochs=400))
    list(truth)
    result = truth.result()
    assert result.checkpoint is not None
    assert isinstance(shown["checkpoint"], Checkpoint)
    assert shown["checkpoint"].to_bytes() == result.checkpoint.to_bytes()
    assert f"{result.history.losses[-1]:.4f}" in shown["summary"]
    assert shown["log"].splitlines()[-1] == (
        f"Epoch [400/400], Loss: {result.history.losses[-1]:.4f}"
    )
    assert Image.open(shown["plot"]).format == "PNG"
    assert shown["chart"]["train"][-1][0] == 400


def test_the_fused_engine_is_really_run_for_comparison():
    result = merge(run())["result"]
    shown = list(train_tab.compare_with_fused(result, threading.Event(), None))  # type: ignore[arg-type]
    assert "times as fast" in shown[-1]
    fused = merge(run(engine="fused"))["result"]
    assert list(train_tab.compare_with_fused(fused, threading.Event(), None)) == [gr.skip()]  # type: ignore[arg-type]


def test_losses_that_rounding_has_led_apart_are_not_said_to_agree():
    t = translator("en")
    result = merge(run(epochs=10))["result"]
    texts = [
        render_summary(result, t, Comparison(0.01, 100.0, difference))
        for difference in (1e-6, 0.4, 30.0)
    ]
    assert "agree to 6 digits" in texts[0]
    for text in texts[1:]:
        assert "agree" not in text
        assert "rounding alone" in text


def test_a_comparison_says_nothing_once_the_next_run_has_begun():
    stop = threading.Event()
    updates = train_tab.compare_with_fused(merge(run())["result"], stop, None)  # type: ignore[arg-type]
    shown = [next(updates)]
    run_button.begin(stop)
    shown += updates
    assert all(update == gr.skip() for update in shown)


def test_a_run_stopped_before_its_first_recorded_loss_still_gives_its_weights():
    stop = threading.Event()
    stop.set()
    values = (SETTINGS | {"epochs": 90_000, "record_every": 90_000}).values()
    shown = merge(list(train_tab.run_training(stop, "linear", None, *values)))  # type: ignore[arg-type]
    assert shown["result"].progress.train_loss is None
    assert "–" in shown["summary"]
    assert isinstance(shown["checkpoint"], Checkpoint)


def test_stop_ends_the_run_and_keeps_what_it_reached():
    stop = threading.Event()
    stream = train_tab.run_training(
        stop,
        "linear",
        None,  # type: ignore[arg-type]
        *(SETTINGS | {"epochs": 90_000}).values(),
    )
    next(stream)
    next(stream)
    stop.set()
    shown = merge(list(stream))
    assert shown["checkpoint"].metrics["outcome"] == "stopped"
    assert 0 < shown["checkpoint"].metrics["epochs_done"] < 90_000


def test_the_public_demo_names_its_cap():
    with pytest.raises(gr.Error, match="at most 100,000"):
        run(epochs=100_001)


def test_html_in_a_setting_is_shown_as_text():
    with pytest.raises(gr.Error, match="&lt;img") as caught:
        run(device="<img src=x onerror=alert(1)>")
    assert "<img" not in str(caught.value)


def test_divergence_keeps_the_curve_and_gives_no_weights():
    shown = merge(run(lr=1e12))
    assert shown["checkpoint"] is None
    assert shown["weights"]["interactive"] is False
    assert "1e+12" in shown["summary"]
    assert shown["chart"]["train"]


def test_a_run_that_learns_nothing_is_told_so():
    shown = merge(run(lr=1000))
    assert "no better than guessing" in shown["chart"]["note"]


@pytest.mark.parametrize("record_every", [1, 3, 100, 5000])
@pytest.mark.parametrize("epochs", [1, 7, 199, 200, 201, 20_000])
def test_the_live_curve_keeps_first_and_newest_and_only_appends(epochs, record_every):
    recorded = [*range(record_every, epochs, record_every), epochs]
    whole = History(recorded, [1.0 / epoch for epoch in recorded])
    part = History(recorded[: len(recorded) // 2], whole.losses[: len(recorded) // 2])
    points = thin_history(whole, epochs)["train"]
    assert points[0][0] == recorded[0]
    assert points[-1][0] == epochs
    assert len(points) <= 202
    assert [point[0] for point in points] == sorted({point[0] for point in points})
    settled = thin_history(part, epochs)["train"][:-1]  # the newest point may move on
    assert settled == points[: len(settled)]


def test_a_loss_that_jumps_between_two_points_is_told_by_its_least_and_most():
    losses = [(1.0, 9.0, 2.0)[epoch % 3] for epoch in range(600)]
    points = thin_history(History(list(range(1, 601)), losses), 600)["train"]
    assert points[0] == [1, 1.0]
    assert all(point[2:] == [1.0, 9.0] for point in points[2:])


def test_the_confusion_matrix_is_a_table_of_true_by_predicted():
    html = render_confusion([[10, 0, 0], [0, 8, 1], [0, 0, 11]], "Test flowers", translator("en"))
    assert html.count("<td class=") == 9
    assert 'class="wrong"' in html
    assert html.index("versicolor") < html.index("virginica")


def test_lesson_defaults_are_those_of_the_command_line():
    assert restore_defaults() == list(TrainConfig().to_dict().values())
