"""Training, held against the lesson's plain PyTorch loop bit for bit."""

import itertools
import json
import math
import random
import threading
import time
import tracemalloc
from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, confusion_matrix

from iris_mlp import training
from iris_mlp.config import TrainConfig
from iris_mlp.training import History, TrainingRun, TrainResult, prepare_run
from tests.lesson import LessonRun, load_rows, run_lesson

LONG = 10_000_000
DIVERGES: dict[str, Any] = {"lr": 1e12, "seed": 0}
"""Settings whose loss is finite for two epochs and then is not; a smaller rate does not do it."""


def make_config(**settings: Any) -> TrainConfig:
    settings.setdefault("device", "cpu")
    return TrainConfig(**settings)


def run_to_end(**settings: Any) -> TrainResult:
    run = prepare_run(make_config(**settings))
    for _ in run:
        pass
    return run.result()


def draw_settings(chance: random.Random) -> dict[str, Any]:
    return {
        "lr": 10 ** chance.uniform(-5, 0.5),
        "epochs": chance.randint(1, 400),
        "hidden": chance.choice([1, 2, 3, 10, 31, 64, 300]),
        "seed": chance.randrange(2**32),
    }


def assert_same_weights(state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert state.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(state[name], tensor), name


def assert_equals_lesson(result: TrainResult, expected: LessonRun) -> None:
    assert list(result.history.losses) == expected.losses
    assert result.checkpoint is not None
    assert_same_weights(result.checkpoint.state, expected.model.state_dict())


# The same numbers as the lesson


@pytest.fixture(scope="module")
def lesson() -> LessonRun:
    return run_lesson()


def test_the_lesson_run_equals_the_plain_loop_bit_for_bit(lesson_result, lesson):
    assert len(lesson_result.history.losses) == 20_000
    assert_equals_lesson(lesson_result, lesson)


def test_the_lesson_run_comes_to_the_published_figures(lesson_result):
    history, summary = lesson_result.history, lesson_result.summarize()
    assert f"{history.losses[0]:.7f}" == "1.1229049"
    assert f"{summary['final_loss']:.7f}" == "0.0619221"
    assert summary["test_accuracy"] == 29 / 30
    assert summary["outcome"] == "completed"


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("draw", range(4))
def test_any_settings_equal_the_plain_loop_bit_for_bit(optimizer, draw, chance):
    settings = draw_settings(chance)
    print(settings)
    result = run_to_end(optimizer=optimizer, **settings)
    assert_equals_lesson(result, run_lesson(optimizer=optimizer, **settings))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [1, 7, 32, 119])
def test_mini_batches_equal_the_plain_loop(optimizer, batch_size, chance):
    settings = draw_settings(chance) | {"epochs": 3, "optimizer": optimizer, "lr": 0.01}
    settings["batch_size"] = batch_size
    print(settings)
    result, expected = run_to_end(**settings), run_lesson(**settings)
    assert result.checkpoint is not None
    assert_same_weights(result.checkpoint.state, expected.model.state_dict())
    # The oracle sums in double precision, the engine in float32 on the device.
    assert result.history.losses == pytest.approx(expected.losses, rel=1e-5)


@pytest.mark.parametrize("record_every", [2, 7, 100, 1_000])
def test_recording_rarely_keeps_those_losses_and_the_last_one(record_every):
    every = run_lesson(epochs=150, seed=5)
    result = run_to_end(epochs=150, seed=5, record_every=record_every)
    kept = [e for e in range(1, 151) if e % record_every == 0 or e == 150]
    assert list(result.history.epochs) == kept
    assert list(result.history.losses) == [every.losses[e - 1] for e in kept]
    assert result.checkpoint is not None
    assert_same_weights(result.checkpoint.state, every.model.state_dict())


def test_the_test_loss_is_that_of_the_plain_loop():
    result = run_to_end(epochs=450, seed=2)
    epochs = list(result.history.test_epochs)
    expected = run_lesson(epochs=450, seed=2, test_epochs=epochs)
    assert epochs == [*range(3, 450, 3), 450]
    assert list(result.history.test_losses) == list(expected.test_losses.values())


def test_accuracies_and_confusion_are_those_of_scikit_learn(lesson_result, lesson):
    x_train, y_train, x_test, y_test = load_rows()
    with torch.no_grad():
        on_train, on_test = lesson.model(x_train), lesson.model(x_test)
    summary = lesson_result.summarize()
    assert summary["train_accuracy"] == accuracy_score(y_train, on_train.argmax(1))
    assert summary["test_accuracy"] == accuracy_score(y_test, on_test.argmax(1))
    assert summary["confusion"] == confusion_matrix(y_test, on_test.argmax(1)).tolist()
    assert summary["test_loss"] == torch.nn.functional.cross_entropy(on_test, y_test).item()


def test_the_summary_is_plain_json_with_every_setting(lesson_result):
    summary = json.loads(json.dumps(lesson_result.summarize(), allow_nan=False))
    assert summary == lesson_result.summarize()
    assert summary.items() >= make_config().to_dict().items()
    assert summary["epochs_done"] == 20_000
    assert summary["elapsed_s"] > 0
    assert summary["epochs_per_s"] == pytest.approx(20_000 / summary["elapsed_s"])


# Runs beside each other


def test_runs_in_threads_do_not_disturb_each_other_or_the_caller(lesson_result):
    seeds = list(range(8))
    expected = {seed: run_lesson(epochs=60, seed=seed) for seed in seeds}
    results: dict[int, list[TrainResult]] = {seed: [] for seed in seeds}
    ready = threading.Barrier(len(seeds))
    torch.manual_seed(99)
    before = torch.get_rng_state()

    def work(seed: int) -> None:
        ready.wait()
        for _ in range(3):
            results[seed].append(run_to_end(epochs=60, seed=seed))
            # A visitor who classifies builds a model too, and must not draw from the seed.
            assert lesson_result.checkpoint is not None
            lesson_result.checkpoint.build_model()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in seeds:
        assert len(results[seed]) == 3
        for result in results[seed]:
            assert_equals_lesson(result, expected[seed])
    assert torch.equal(torch.get_rng_state(), before)


# Stopping


@pytest.mark.parametrize("updates", [1, 2, 3])
def test_a_closed_run_keeps_exactly_what_it_reached(updates):
    threads = threading.active_count()
    run = prepare_run(make_config(epochs=LONG, seed=4))
    seen = []
    for progress in run:
        seen.append(progress)
        if len(seen) == updates:
            break
    result = run.result()
    done = seen[-1].epoch
    assert result.outcome == "stopped"
    assert result.progress.epoch == done
    assert 0 < done < LONG
    assert_equals_lesson(result, run_lesson(epochs=done, seed=4))
    assert result.checkpoint is not None
    assert result.checkpoint.metrics["outcome"] == "stopped"
    assert result.checkpoint.metrics["epochs_done"] == done
    assert list(run) == []
    assert run.result().progress.epoch == done
    assert threading.active_count() == threads


def test_progress_tells_where_the_run_stands():
    run = prepare_run(make_config(epochs=LONG))
    for progress in itertools.islice(run, 3):
        assert progress.epoch == run.history.epochs[-1]
        assert progress.train_loss == run.history.losses[-1]
        assert progress.epochs_per_s == pytest.approx(progress.epoch / progress.elapsed_s)
        left = (LONG - progress.epoch) / progress.epochs_per_s
        assert progress.remaining_s == pytest.approx(left)
    run.result()


def test_a_run_can_go_on_after_a_pause_and_from_another_thread():
    run = prepare_run(make_config(epochs=2_000, seed=6))
    next(iter(run))
    thread = threading.Thread(target=lambda: [None for _ in run])
    thread.start()
    thread.join()
    result = run.result()
    assert result.outcome == "completed"
    assert_equals_lesson(result, run_lesson(epochs=2_000, seed=6))


def test_a_run_that_never_began_has_no_weights():
    result = prepare_run(make_config()).result()
    assert result.outcome == "stopped"
    assert result.checkpoint is None
    assert list(result.history.losses) == []
    assert json.dumps(result.summarize(), allow_nan=False)


def test_a_run_stopped_before_its_first_recorded_loss_keeps_its_weights():
    run = prepare_run(make_config(epochs=LONG, record_every=LONG, seed=1))
    progress = next(iter(run))
    result = run.result()
    assert progress.train_loss is None
    assert result.summarize()["final_loss"] is None
    assert result.checkpoint is not None
    expected = run_lesson(epochs=progress.epoch, seed=1)
    assert_same_weights(result.checkpoint.state, expected.model.state_dict())


def test_watching_ends_at_the_stop_event():
    run, stop = prepare_run(make_config(epochs=LONG)), threading.Event()
    seen = []
    for progress in run.watch(stop, wall_s=math.inf):
        seen.append(progress.epoch)
        if len(seen) == 2:
            stop.set()
    assert len(seen) == 2
    assert run.result().progress.epoch == seen[-1]


def test_watching_ends_at_the_wall_time_with_one_update_at_least():
    run = prepare_run(make_config(epochs=LONG))
    assert len(list(run.watch(threading.Event(), wall_s=0.0))) == 1
    assert run.result().outcome == "stopped"


def test_watching_a_short_run_ends_with_the_run():
    run = prepare_run(make_config(epochs=5))
    assert [p.epoch for p in run.watch(threading.Event(), wall_s=math.inf)][-1] == 5
    assert run.result().outcome == "completed"


def test_time_in_which_nobody_asks_for_more_is_not_training_time(monkeypatch):
    paused_s = 0.0
    monkeypatch.setattr(training, "perf_counter", lambda: time.perf_counter() + paused_s)
    began = time.perf_counter()
    run = prepare_run(make_config(epochs=LONG))
    for progress in itertools.islice(run, 3):
        paused_s += 1_000_000.0
        assert 0 < progress.elapsed_s <= time.perf_counter() - began
    assert run.result().progress.elapsed_s <= time.perf_counter() - began


# Divergence


@pytest.mark.parametrize("record_every", [1, 2])
def test_a_diverging_run_keeps_its_curve_and_names_the_learning_rate(record_every):
    result = run_to_end(epochs=500, record_every=record_every, **DIVERGES)
    losses = run_lesson(epochs=10, **DIVERGES).losses
    finite = next(i for i, loss in enumerate(losses) if not math.isfinite(loss))
    expected = losses[record_every - 1 : finite : record_every]
    assert expected
    assert result.outcome == "diverged"
    assert list(result.history.losses) == expected
    assert all(math.isfinite(loss) for loss in result.history.test_losses)
    assert "learning rate 1e+12 is too high" in result.message
    assert result.checkpoint is None
    first_recorded = math.ceil((finite + 1) / record_every) * record_every
    assert result.progress.epoch == first_recorded
    assert f"epoch {first_recorded:,}:" in result.message
    assert json.dumps(result.summarize(), allow_nan=False)


def test_a_diverged_run_goes_no_further():
    run = prepare_run(make_config(epochs=LONG, **DIVERGES))
    for _ in run:
        pass
    assert list(run) == []
    assert run.result().outcome == "diverged"


def test_weights_whose_answers_overflow_count_as_diverged():
    # Both recorded losses and all weights are finite; the loss after the last update is not.
    expected = run_lesson(epochs=2, **DIVERGES)
    assert all(math.isfinite(loss) for loss in expected.losses)
    assert all(torch.isfinite(tensor).all() for tensor in expected.model.state_dict().values())
    result = run_to_end(epochs=2, **DIVERGES)
    assert result.outcome == "diverged"
    assert result.checkpoint is None
    assert list(result.history.losses) == expected.losses


def test_a_run_starts_only_when_it_is_asked_for_progress():
    run = TrainingRun(make_config(epochs=LONG))
    assert list(run.history.losses) == []
    assert run.snapshot().progress.epoch == 0


def test_the_history_of_a_long_run_takes_some_16_bytes_an_epoch():
    tracemalloc.start()
    try:
        history = History()
        for first in range(1, 100_001, 1_000):
            epochs = range(first, first + 1_000)
            history.extend(History([*epochs], [1 / epoch for epoch in epochs]))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 20 * 100_000
    assert (history.epochs[-1], history.losses[-1]) == (100_000, 1e-5)
