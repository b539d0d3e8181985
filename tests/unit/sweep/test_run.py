"""Sweeps: which trainings they hold, and that each is the training it would be alone."""

import itertools
from threading import Event
from threading import enumerate as enumerate_threads

import pytest

from iris_mlp.config import Limits, TrainConfig
from iris_mlp.errors import DeviceError, SettingsError
from iris_mlp.sweep.run import sweep, watch_sweep
from iris_mlp.sweep.settings import SweepConfig, parse_seeds, parse_values
from iris_mlp.training import prepare_run

HOURS = TrainConfig(device="cpu", engine="fused", epochs=10_000_000, hidden=4096)


def endless_lanes(taken):
    for seed in itertools.count():
        taken.append(seed)
        yield TrainConfig(device="cpu", engine="fused", epochs=10, record_every=10, seed=seed)


def test_grid_holds_every_combination():
    lanes = list(
        SweepConfig(
            optimizer=("sgd", "adam"), lr=(0.001, 0.1), hidden=(4, 10), seeds=range(3), epochs=(7,)
        )
    )
    settings = {(lane.optimizer, lane.lr, lane.hidden, lane.seed) for lane in lanes}
    expected = set(itertools.product(("sgd", "adam"), (0.001, 0.1), (4, 10), range(3)))
    assert len(lanes) == 24
    assert settings == expected
    assert {(lane.epochs, lane.record_every, lane.engine) for lane in lanes} == {(7, 7, "fused")}


def test_learning_rate_left_out_is_the_lessons_for_each_optimizer():
    lanes = SweepConfig(optimizer=("sgd", "adam"))
    assert [lane.lr for lane in lanes] == [0.01, 0.001]


def test_random_draws_stay_between_the_ends_and_repeat():
    config = SweepConfig(
        optimizer=("sgd", "adam"), lr=(1e-3, 1.0), hidden=(2, 64), seeds=range(5, 9), random=200
    )
    lanes = list(config)
    assert len(lanes) == len(config) == 200
    assert lanes == list(config)
    assert all(1e-3 <= lane.lr <= 1 and 2 <= lane.hidden <= 64 for lane in lanes)
    assert {lane.seed for lane in lanes} == {5, 6, 7, 8}
    assert {lane.optimizer for lane in lanes} == {"sgd", "adam"}
    assert sum(lane.lr < 0.0316 for lane in lanes) == pytest.approx(100, abs=40)  # log-uniform


def test_lanes_equal_their_solo_runs_bit_for_bit():
    configs = [
        *SweepConfig(optimizer=("sgd", "adam"), lr=(0.01, 20.0), hidden=(3, 10, 600), epochs=(50,)),
        *SweepConfig(epochs=(20,), batch_size=17, seeds=range(3), device="cpu"),
    ]
    results = list(sweep(configs, cores=4))
    assert {result.config for result in results} == set(configs)
    for result in results:
        run = prepare_run(result.config)
        for _ in run:
            pass
        solo = run.result().summarize()
        for name in ("outcome", "epochs_done", "final_loss", "test_loss", "test_accuracy"):
            assert getattr(result, name) == solo[name], result.config


def test_a_width_that_no_gpu_serves_sends_the_whole_sweep_to_the_cpu():
    assert {lane.device for lane in SweepConfig(hidden=(10, 128))} == {"auto"}
    assert {lane.device for lane in SweepConfig(hidden=(10, 129))} == {"cpu"}


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(DeviceError, match=r"meta.* here there are: auto, cpu"):
        next(sweep([TrainConfig(device="meta", engine="fused")]))


def test_only_a_few_lanes_are_made_ahead_of_the_results():
    taken = []
    results = sweep(endless_lanes(taken), cores=2)
    for done in range(1, 20):
        next(results)
        assert len(taken) <= done + 4
    results.close()


def test_stop_ends_an_endless_sweep_and_keeps_what_is_done():
    stop, kept = Event(), []
    for result in sweep(endless_lanes([]), cores=2, stop=stop):
        kept.append(result)
        if len(kept) == 5:
            stop.set()
    assert len(kept) >= 5
    assert {result.outcome for result in kept} == {"completed"}


def test_stop_ends_lanes_that_run_on_for_hours():
    stop = Event()
    short = TrainConfig(device="cpu", engine="fused", epochs=1)
    results = sweep([short, HOURS, HOURS, HOURS], cores=2, stop=stop)
    assert next(results).config == short
    stop.set()
    assert list(results) == []


def test_the_wall_time_ends_a_lane_that_runs_on_for_hours():
    assert not any(watch_sweep([HOURS], wall_s=0.1))


def test_a_sweep_can_be_closed_while_its_only_lane_runs():
    steps = watch_sweep([HOURS])
    assert next(steps) == []
    steps.close()
    assert not any(thread.name.startswith("sweep") for thread in enumerate_threads())


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"lr": (0.1, -1.0)}, "lr"),
        ({"lr": (float("nan"),)}, "lr"),
        ({"hidden": (0,)}, "hidden"),
        ({"hidden": ()}, "hidden"),
        ({"epochs": (1.5,)}, "epochs"),
        ({"seeds": range(0)}, "seeds"),
        ({"seeds": range(-1, 3)}, "seed"),
        ({"optimizer": ("rmsprop",)}, "optimizer"),
        ({"batch_size": 121}, "batch_size"),
        ({"random": 0}, "random"),
        ({"random": "x"}, "random"),
        ({"random": 2**63}, "random"),
        ({"draw_seed": None}, "draw_seed"),
        ({"device": ""}, "device"),
        ({"device": "cuda:1", "hidden": (4, 129)}, "hidden is 129.* device cpu"),
        ({"seeds": range(2**32), "lr": (0.1,) * 2**16, "hidden": (4,) * 2**16}, "fewer"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, word):
    with pytest.raises(SettingsError, match=word):
        SweepConfig(**settings)


def test_sweep_that_is_too_large_is_refused_with_the_largest_allowed():
    limits = Limits(epochs=50_000, hidden=100, wall_s=1.0)
    SweepConfig(seeds=range(1000)).check(limits, 1000)
    with pytest.raises(SettingsError, match=r"1,001 trainings.*at most 1,000"):
        SweepConfig(seeds=range(1001)).check(limits, 1000)
    with pytest.raises(SettingsError, match="hidden is 101"):
        SweepConfig(hidden=(4, 101)).check(limits, 1000)


def test_values_are_read_as_a_user_writes_them():
    assert parse_values("lr", "0.001, 1e-2") == (0.001, 0.01)
    assert parse_values("hidden", "4,10", int) == (4, 10)
    assert parse_values("optimizer", "sgd,adam", str) == ("sgd", "adam")
    assert parse_seeds("0:10") == range(10)
    assert parse_seeds("1,5") == (1, 5)


def test_no_text_is_no_value_which_a_sweep_refuses():
    assert parse_values("hidden", " ", int) == ()
    assert parse_seeds("") == ()


@pytest.mark.parametrize("text", ["a", "0.1,", "1:2:3", "1:x"])
def test_unreadable_values_are_refused(text):
    with pytest.raises(SettingsError):
        parse_seeds(text)
