from dataclasses import replace

import pytest
import torch
from torch import nn

from iris_mlp.compare.published import derive_launch_costs, load_published
from iris_mlp.compare.race import (
    RARELY,
    Contender,
    find_contenders,
    list_candidates,
    project_s,
    race,
    summarize,
)
from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.training import prepare_run

EACH = Contender("cpu", "eager", 1)
SELDOM = Contender("cpu", "eager", RARELY)


def finish(race):
    return [lap for lap in race if lap.is_over]


def test_eager_contends_on_the_cpu_recording_always_and_rarely():
    contenders, absences = find_contenders(list_candidates(["cpu"]))
    assert contenders[:2] == [EACH, SELDOM]
    assert len(contenders) + len(absences) == 3
    assert all(absence.reason.endswith(".") for absence in absences)


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a machine without an NVIDIA GPU")
def test_device_that_is_not_here_is_absent_with_a_reason():
    contenders, absences = find_contenders(list_candidates(["cuda"]))
    assert contenders == []
    assert {absence.engine for absence in absences} == {"eager", "cuda-graph", "fused"}
    assert all("cuda" in absence.reason for absence in absences)


def test_race_runs_everyone_in_turns_and_trains_the_real_thing():
    config = TrainConfig(epochs=25, seed=4)
    laps = finish(race([EACH, SELDOM], config, repeats=2))
    order = [(lap.repeat, lap.contender) for lap in laps]
    assert order == [(1, EACH), (1, SELDOM), (2, SELDOM), (2, EACH)]

    torch.manual_seed(4)
    model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 3))
    optimizer, split = torch.optim.SGD(model.parameters(), lr=0.01), load_split()
    for _ in range(25):
        loss = nn.CrossEntropyLoss()(model(split.x_train), split.y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for lap in laps:
        assert lap.final_loss == loss.item()
        assert (lap.epochs, lap.is_projected, lap.full_s) == (25, False, lap.elapsed_s)


def test_shorter_race_runs_just_so_many_epochs_and_projects_all_of_them():
    (lap,) = finish(race([EACH], TrainConfig(epochs=1_000_000), lap_epochs=10, repeats=1))
    assert lap.is_projected
    assert lap.epochs == 10
    assert lap.full_s > lap.elapsed_s


def test_run_is_seen_to_go_on_before_it_is_over():
    laps = list(race([EACH], TrainConfig(epochs=20_000), lap_epochs=4_000, repeats=1))
    epochs = [lap.epochs for lap in laps]
    assert epochs == sorted(set(epochs))
    assert [lap.is_over for lap in laps] == [False] * (len(laps) - 1) + [True]
    assert all(lap.repeat == 1 for lap in laps)


def test_projection_pays_a_slow_start_once():
    (*_, report) = prepare_run(TrainConfig(device="cpu", epochs=1))
    first = replace(report, epoch=100, elapsed_s=5.0)
    last = replace(report, epoch=600, elapsed_s=6.0)
    assert project_s(first, last, 20_000) == pytest.approx(6.0 + 19_400 * 1.0 / 500)
    assert project_s(first, first, 20_000) == pytest.approx(20_000 * 5.0 / 100)
    assert project_s(first, last, 600) == 6.0


def test_race_can_be_closed_between_two_runs():
    laps = race([EACH, SELDOM], TrainConfig(epochs=20), repeats=100)
    assert next(laps).contender == EACH
    laps.close()
    assert next(laps, None) is None


def test_standing_is_the_median_with_the_spread():
    (lap,) = finish(race([EACH], TrainConfig(epochs=5), repeats=1))
    laps = [replace(lap, full_s=s) for s in (3.0, 1.0, 8.0)]
    laps += [replace(lap, contender=SELDOM, full_s=s) for s in (2.0, 2.5)]
    first, second = summarize(laps)
    assert (first.contender, first.median_s, first.laps) == (SELDOM, 2.25, 2)
    assert (second.median_s, second.low_s, second.high_s) == (3, 1, 8)


def test_published_times_are_those_of_the_lesson_and_labelled():
    runs = load_published()
    assert [run.elapsed_s for run in runs] == [4.62, 16.85, 13.08, 19.09]
    assert {run.source for run in runs} == {"published by others, not measured by this project"}
    assert runs[2].contender == Contender("cuda", "eager", RARELY)


def test_published_gpu_times_give_the_fixed_costs_of_the_lesson():
    (costs,) = derive_launch_costs()
    # 20,000 reads against 10: 3.77 s over 19,990 reads; the rest is paid by 20,000 epochs.
    read_s = 3.77 / 19_990
    assert costs.read_us == pytest.approx(1e6 * read_s)
    assert costs.epoch_us == pytest.approx(1e6 * (13.08 - 10 * read_s) / 20_000)
