"""The Explore tab's handlers, and the endpoint of sweeps, without a browser."""

import csv
import re
import threading
from dataclasses import replace
from pathlib import Path
from threading import Event

import gradio as gr
import numpy as np
import pytest

from iris_mlp import config
from iris_mlp.config import TrainConfig
from iris_mlp.errors import SettingsError
from iris_mlp.strings import LANGUAGES, load_catalogue, translator
from iris_mlp.sweep.results import LaneResult
from iris_mlp.training import prepare_run
from iris_mlp.ui.explore import landscape_panel
from iris_mlp.ui.explore.landscape_panel import COLUMNS, LRS, Landscape
from iris_mlp.ui.explore.live_panel import (
    EPOCH_STEPS,
    HIDDEN_STEPS,
    LR_STEPS,
    read_settings,
    render_controls,
)
from iris_mlp.ui.explore.luck_panel import Sample, conclude_sample
from iris_mlp.ui.explore.tab import (
    choose_settings,
    load_page,
    run_landscape,
    run_luck,
    spread_settings,
)
from iris_mlp.ui.sweep_endpoint import sweep

EN = translator("en")


def make_settings(**settings):
    return {
        "optimizer": "sgd",
        "lr": 0.01,
        "epochs": 40,
        "hidden": 10,
        "seed": 0,
    } | settings


def run_to_end(**settings):
    run = prepare_run(TrainConfig(device="cpu", **settings))
    for _ in run:
        pass
    return run.result()


def make_lane(seed, loss, right):
    return LaneResult(
        config=TrainConfig(device="cpu", engine="fused", seed=seed),
        outcome="completed",
        epochs_done=20_000,
        final_loss=loss,
        test_loss=loss,
        train_accuracy=1.0,
        test_accuracy=right / 30,
    )


def count_sweep_threads():
    return sum(thread.name.startswith("sweep") for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (make_settings(hidden=0), "hidden"),
        (make_settings(lr=float("nan")), "lr"),
        (make_settings(optimizer="rmsprop"), "optimizer"),
        (make_settings(device="cuda"), "settings"),
        ({"lr": 0.1}, "settings"),
        (None, "settings"),
        ("<b>", "settings"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, word):
    with pytest.raises(gr.Error, match=word):
        choose_settings(gr.EventData(None, {"settings": settings}), None)


def test_nobody_asks_for_more_than_the_controls_offer():
    with pytest.raises(SettingsError, match="hidden must be a whole number from 1 to 64, not 65"):
        read_settings(make_settings(hidden=65))
    for epochs in (max(EPOCH_STEPS), max(COLUMNS["epochs"])):
        assert read_settings(make_settings(epochs=epochs, hidden=max(HIDDEN_STEPS)))


def test_a_chosen_cell_goes_to_the_controls_and_is_offered_to_train():
    settings = make_settings(hidden=3, lr=0.3)
    controls, chosen = choose_settings(gr.EventData(None, {"settings": settings}), None)
    assert controls == chosen == settings
    skip = gr.skip()
    assert spread_settings(chosen) == [skip, skip, "sgd", 0.3, 40, 3, 120, 0, skip]
    assert spread_settings(None) == [skip] * 9


def test_axes_of_the_landscape_stand_on_steps_of_the_controls():
    assert set(LRS) <= set(LR_STEPS)
    assert set(COLUMNS["hidden"]) <= set(HIDDEN_STEPS)
    assert set(COLUMNS["epochs"]) <= set(EPOCH_STEPS)


def test_the_whole_landscape_comes_with_the_first_seed():
    landscape = Landscape(read_settings(make_settings(seed=5)), "epochs", 3)
    lanes = list(landscape.list_lanes())
    assert len(lanes) == len(landscape.make_sweep()) == 3 * 11 * 9
    assert {lane.seed for lane in lanes[:99]} == {5}
    assert {(lane.lr, lane.epochs) for lane in lanes[:99]} == {
        (lr, epochs) for lr in LRS for epochs in COLUMNS["epochs"]
    }
    assert {lane.hidden for lane in lanes} == {10}


def test_a_cell_is_the_mean_of_its_seeds():
    *_, value = run_landscape(Event(), make_settings(epochs=20, seed=2), "hidden", 3, None)
    column = COLUMNS["hidden"].index(6)
    cell = value["cells"][LRS.index(0.1) * len(COLUMNS["hidden"]) + column]
    runs = [run_to_end(lr=0.1, hidden=6, epochs=20, seed=seed) for seed in (2, 3, 4)]
    losses = [run.history.losses[-1] for run in runs]
    shares = [run.progress.evaluation.test_accuracy for run in runs]
    assert cell[:2] == [3, 0]
    assert cell[2:5] == pytest.approx([np.mean(losses), min(losses), max(losses)], rel=2e-3)
    assert cell[5:] == pytest.approx([np.mean(shares), min(shares), max(shares)], abs=1e-4)
    assert None not in value["cells"]
    assert value["note"].startswith("297 runs in")
    assert not value["running"]


def test_a_stopped_landscape_keeps_what_is_done():
    stop = Event()
    updates = run_landscape(stop, make_settings(epochs=50_000), "hidden", 10, None)
    next(updates)
    next(updates)
    stop.set()
    *_, last = updates
    done = sum(cell[0] for cell in last["cells"] if cell)
    assert 0 < done < 990
    assert last["note"].startswith(f"Stopped after {done} of 990 runs")
    assert count_sweep_threads() == 0


def test_a_closed_tab_ends_its_trainings():
    updates = run_luck(Event(), make_settings(epochs=50_000), None)
    next(updates)
    next(updates)
    assert count_sweep_threads() > 0
    updates.close()
    assert count_sweep_threads() == 0


def test_a_host_stops_a_sweep_at_its_wall_time(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/iris")
    monkeypatch.setattr(config, "PUBLIC_LIMITS", replace(config.PUBLIC_LIMITS, wall_s=0.1))
    *_, last = run_landscape(Event(), make_settings(epochs=50_000), "hidden", 10, None)
    assert last["note"].startswith("Stopped after ")
    one_lane = {"hidden": "1024", "epochs": "100000", "batch_size": 1}
    *_, (summary, _) = sweep(**one_lane)
    assert (summary["outcome"], summary["done"]) == ("stopped", 0)


def test_endpoint_is_heard_of_while_its_only_training_runs():
    updates = sweep(hidden="1024", epochs="100000", batch_size=1)
    assert next(updates) == ({"done": 0, "lanes": 1}, None)
    updates.close()
    assert count_sweep_threads() == 0


def test_a_sweep_over_the_cap_is_refused_with_the_largest_allowed(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/iris")
    with pytest.raises(gr.Error, match=r"1,980 trainings.*at most 1,000"):
        next(run_landscape(Event(), make_settings(), "hidden", 20, None))
    with pytest.raises(gr.Error, match=r"1,001 trainings.*at most 1,000"):
        next(sweep(seeds="0:1001"))
    assert next(run_landscape(Event(), make_settings(epochs=10), "hidden", 10, None))["running"]


def test_a_thousand_seeds_are_trained_with_the_visitors_among_them():
    *_, last = run_luck(Event(), make_settings(epochs=10, seed=123_456), None)
    runs = {seed: (loss, right) for seed, loss, right in last["runs"]}
    assert set(runs) == {*range(999), 123_456}
    solo = run_to_end(epochs=10, seed=123_456)
    assert runs[123_456][0] == pytest.approx(solo.history.losses[-1], rel=1e-3)
    assert runs[123_456][1] == round(30 * solo.progress.evaluation.test_accuracy)
    losses = {seed: loss for seed, (loss, _) in runs.items()}
    lucky, middle, unlucky = (seed for _, seed in last["picks"])
    assert losses[lucky] == min(losses.values())
    assert losses[unlucky] == max(losses.values())
    assert losses[middle] == pytest.approx(np.median(list(losses.values())), rel=1e-2)


@pytest.mark.parametrize(
    ("losses", "rights", "words"),
    [
        ([0.060, 0.061, 0.062, 0.063], [29, 29, 29, 29], "Little of this is luck"),
        ([0.30, 0.40, 0.45, 0.50], [28, 29, 29, 29], "Some of this is luck"),
        ([0.06, 0.06, 0.07, 1.10], [29, 29, 29, 9], "Much of this is luck"),
    ],
)
def test_the_conclusion_follows_from_the_numbers(losses, rights, words):
    sample = Sample(read_settings(make_settings(seed=1)))
    for seed, (loss, right) in enumerate(zip(losses, rights)):
        sample.add(make_lane(seed, loss, right))
    sentence = conclude_sample(sample, EN)
    assert words in sentence
    own = sum(loss > losses[1] for loss in losses) / 3
    assert f"seed 1 does better than {own:.0%} of the others" in sentence


def test_runs_that_diverged_have_no_place_in_the_meadow():
    *_, last = run_luck(Event(), make_settings(lr=1e30, hidden=64), None)
    diverged = [run for run in last["runs"] if run[1] is None]
    assert diverged
    assert {right for _, _, right in diverged} == {None}
    assert last["note"]


def test_cells_that_diverged_have_no_figures_and_are_not_the_best(monkeypatch):
    monkeypatch.setattr(landscape_panel, "LRS", (1e30, 0.1))
    *_, last = run_landscape(Event(), make_settings(epochs=200), "hidden", 1, None)
    diverged = [cell for cell in last["cells"] if cell[1]]
    assert diverged
    assert all(cell == [1, 1, *[None] * 6] for cell in diverged)
    assert "at learning rate 0.1" in last["note"]


def test_the_first_page_trains_nothing():
    controls, _, landscape, luck = load_page(None)
    assert 'id="live-lr"' in controls["frame"]
    assert set(landscape["cells"]) == {None}
    assert luck["runs"] == []


def test_no_text_of_a_catalogue_becomes_markup():
    html = render_controls(lambda key, **_: f"<x>{key}</x>")
    assert "<x>" not in html
    assert "&lt;x&gt;" in html


def test_both_languages_have_the_same_places_to_fill():
    texts = load_catalogue()
    for key in filter(lambda key: key.startswith("explore."), texts["en"]):
        places = {tuple(sorted(re.findall(r"\{\w+\}", texts[name][key]))) for name in LANGUAGES}
        assert len(places) == 1, key


def test_endpoint_streams_and_ends_with_a_summary_and_a_csv():
    summary, rows = {}, []
    # JSON clients send lists and numbers where the command line has texts.
    for summary, path in sweep(lr="0.01,0.1", hidden=[4, 10], epochs=30, seeds="0:3"):  # noqa: B007
        if path is not None:
            with Path(path).open(newline="") as file:
                rows = list(csv.DictReader(file))
    assert summary["done"] == summary["lanes"] == len(rows) == 12
    assert summary["outcome"] == "completed"
    assert {(row["lr"], row["hidden"]) for row in rows} == {
        (lr, hidden) for lr in ("0.01", "0.1") for hidden in ("4", "10")
    }
    best = max(rows, key=lambda row: (float(row["test_accuracy"]), -float(row["final_loss"])))
    assert summary["best"]["final_loss"] == float(best["final_loss"])
    assert summary["best"]["seed"] == int(best["seed"])


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"lr": "fast"}, "lr"),
        ({"hidden": "0"}, "hidden"),
        ({"seeds": "x:2"}, "seeds"),
        ({"optimizer": "rmsprop"}, "optimizer"),
        ({"random": 0}, "random"),
        ({"batch_size": 121}, "batch_size"),
    ],
)
def test_endpoint_refuses_bad_input_by_name(settings, word):
    with pytest.raises(gr.Error, match=word):
        next(sweep(**settings))
