from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from torch import nn

from iris_mlp.compare.batch import CurvePoint, race_batch_sizes
from iris_mlp.compare.batch_verdict import conclude_batch_sizes, wins_by_sign
from iris_mlp.compare.noise import (
    compute_noise,
    compute_row_gradients,
    draw_arrows,
    measure_noise,
    train_to,
)
from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.errors import SettingsError
from iris_mlp.model import build_model
from iris_mlp.training import evaluate

CONFIG = TrainConfig(device="cpu", epochs=2_000)


def _take_gradient(model, x, y):
    loss = nn.functional.cross_entropy(model(x), y)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


@pytest.mark.parametrize(("hidden", "seed"), [(10, 0), (3, 5)])
def test_row_gradients_equal_autograds_row_by_row(hidden, seed):
    split = load_split()
    gradients = compute_row_gradients(build_model(hidden, seed), split.x_train, split.y_train)
    model, x = build_model(hidden, seed).double(), split.x_train.double()
    for row in range(120):
        alone = _take_gradient(model, x[row : row + 1], split.y_train[row : row + 1])
        torch.testing.assert_close(gradients[row], alone, rtol=1e-12, atol=1e-14)
    whole = _take_gradient(model, x, split.y_train)
    torch.testing.assert_close(gradients.mean(0), whole, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("batch_size", range(1, 8))
def test_law_equals_the_mean_over_every_batch_there_is(batch_size):
    rows = torch.randn(7, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    full = rows.mean(0)
    trace = (rows - full).square().sum(1).mean().item()
    errors = [
        (rows[list(batch)].mean(0) - full).square().sum().item()
        for batch in combinations(range(7), batch_size)
    ]
    noise = compute_noise(trace, 7, batch_size)
    assert noise == pytest.approx(sum(errors) / len(errors), abs=1e-15)


@pytest.mark.parametrize("epoch", [0, 30, 200])
def test_drawn_batches_agree_with_the_law_at_every_batch_size(epoch):
    noise = measure_noise(train_to(CONFIG, epoch), samples=2_000, seed=epoch)
    for point in noise.points:
        margin = 3 * point.standard_error + 1e-12 * noise.trace
        assert abs(point.sampled - point.exact) <= margin, point.batch_size
        assert point.agrees
    assert noise.points[0].exact == pytest.approx(noise.trace)
    assert (noise.points[-1].batch_size, noise.points[-1].exact) == (120, 0)


def test_law_predicts_the_noise_of_real_mini_batches():
    model, split = train_to(CONFIG, 50), load_split()
    full = _take_gradient(model, split.x_train, split.y_train)
    draw = torch.Generator().manual_seed(11)
    errors = []
    for _ in range(200):
        rows = torch.randperm(120, generator=draw)[:8]
        batch = _take_gradient(model, split.x_train[rows], split.y_train[rows])
        errors.append((batch - full).square().sum().item())
    errors = torch.tensor(errors)
    (point,) = measure_noise(model, batch_sizes=(8,), samples=2).points
    assert abs(errors.mean() - point.exact) <= 3 * errors.std() / 200**0.5


def test_weights_at_an_epoch_are_those_of_the_lessons_loop():
    split = load_split()
    torch.manual_seed(0)
    truth = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 3))
    optimizer = torch.optim.SGD(truth.parameters(), lr=0.01)
    assert torch.equal(train_to(CONFIG, 0).fc1.weight, truth[0].weight)
    for _ in range(57):
        loss = nn.functional.cross_entropy(truth(split.x_train), split.y_train)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model = train_to(CONFIG, 57)
    assert torch.equal(model.fc1.weight, truth[0].weight)
    assert torch.equal(model.fc2.bias, truth[2].bias)


def test_settings_out_of_range_are_refused_by_name():
    with pytest.raises(SettingsError, match="epoch"):
        train_to(CONFIG, 2_001)
    with pytest.raises(SettingsError, match="batch size"):
        measure_noise(build_model(10, 0), batch_sizes=(121,))
    with pytest.raises(SettingsError, match="hidden"):
        measure_noise(build_model(5_000, 0))


def test_arrows_are_the_gradients_of_drawn_batches_seen_along_the_full_one():
    model, split = build_model(10, 0), load_split()
    full = _take_gradient(model, split.x_train, split.y_train)
    few, some, whole = draw_arrows(model, (1, 32, 120), draws=200)
    # Without replacement, all 120 rows are the full gradient, which has length 1 along itself.
    assert all(tip == pytest.approx((1, 0), abs=1e-5) for tip in whole.tips)
    # A tip along the full gradient is a batch's own g_B . g / |g|^2: for single rows, one of these.
    alone = [
        _take_gradient(model, split.x_train[i : i + 1], split.y_train[i : i + 1])
        for i in range(120)
    ]
    rows = [float(gradient @ full / (full @ full)) for gradient in alone]
    for along, _ in few.tips:
        assert min(abs(along - row) for row in rows) < 1e-4
    spread = [np.std([tip[0] for tip in arrows.tips]) for arrows in (few, some)]
    # The law of the noise along one direction: sqrt((120 - 32) / 119 / 32) of that of single rows.
    assert spread[1] / spread[0] == pytest.approx((88 / 119 / 32) ** 0.5, rel=0.3)


def test_runs_with_several_batch_sizes_get_the_same_time_each():
    points = list(race_batch_sizes(CONFIG, batch_sizes=(8, 50, 120), wall_s=0.3))
    start = evaluate(build_model(10, 0), load_split()).test_loss
    assert [(p.batch_size, p.epoch, p.test_loss) for p in points[:3]] == [
        (size, 0, start) for size in (8, 50, 120)
    ]
    for size, updates in ((8, 15), (50, 3), (120, 1)):
        curve = [point for point in points if point.batch_size == size]
        assert curve[-1].elapsed_s >= 0.3 > curve[-2].elapsed_s
        assert all(point.updates == updates * point.epoch for point in curve)


def test_race_of_batch_sizes_can_be_closed_at_any_point():
    points = race_batch_sizes(CONFIG, wall_s=60)
    for _ in range(6):
        next(points)
    points.close()
    assert next(points, None) is None


def _curve(size, losses, pace=1_000.0, turns=20, turn_s=0.1):
    """A run at an even pace; `losses` are those after 0, 1,000, 2,000, … steps."""
    curve = []
    for turn in range(turns + 1):
        steps = pace * turn_s * turn
        loss = float(np.interp(steps, [1_000 * i for i in range(len(losses))], losses))
        curve.append(CurvePoint(size, 0, int(steps), turn_s * turn, None, loss))
    return curve


FALLING = (1.1, 0.5, 0.3, 0.2, 0.1)


def test_sizes_that_are_level_per_step_differ_by_their_pace():
    points = [*_curve(1, FALLING), *_curve(8, FALLING), *_curve(120, FALLING, pace=1_500)]
    result = conclude_batch_sizes(points)
    assert (result.key, result.paces_differ, result.pace_explains) == ("level", True, True)
    assert (result.wins, result.rounds) == (20, 20)
    assert result.at_steps[0].updates == result.at_steps[-1].updates == 2_000
    assert (result.fastest.batch_size, result.fastest.steps_per_s) == (120, pytest.approx(1_500))
    best = result.in_time[0]
    assert (best.batch_size, best.updates, best.elapsed_s) == (120, 3_000, pytest.approx(2.0))
    # From step 1,500 on: 0.4 to 0.3 in a third of the way, then 0.3 to 0.2.
    assert best.test_loss == pytest.approx(0.35 / 3 + 0.25 * 2 / 3, abs=1e-3)


def test_pace_is_no_explanation_for_what_differs_at_equal_steps():
    worse = tuple(1.06 * loss for loss in FALLING)
    result = conclude_batch_sizes([*_curve(1, worse), *_curve(120, FALLING, pace=1_050)])
    assert (result.key, result.paces_differ, result.pace_explains) == ("level", True, False)


def test_pace_that_changes_from_round_to_round_sets_nothing_apart():
    # By turns one is faster and then the other; in the end the first is ahead by 1 %.
    shares = {1: [1.2, 0.8] * 9 + [1.2], 120: [0.8, 1.2] * 9 + [0.8]}
    points = []
    for size, turns in shares.items():
        steps = [round(500 * sum(turns[:i])) for i in range(len(turns) + 1)]
        points += [CurvePoint(size, 0, n, 0.1 * i, None, 0.9**i) for i, n in enumerate(steps)]
    result = conclude_batch_sizes(points)
    assert (result.fastest.batch_size, result.wins, result.rounds) == (1, 10, 19)
    assert not result.paces_differ


def test_sizes_whose_steps_differ_are_told_at_equal_steps():
    points = [*_curve(1, (1.1, 0.4, 0.2)), *_curve(120, (1.1, 0.5, 0.3, 0.1), pace=1_500)]
    result = conclude_batch_sizes(points)
    assert result.key == "differ"
    assert [p.batch_size for p in result.at_steps] == [1, 120]
    # Means of the later half: from 0.4 to 0.2 and from 0.5 to 0.3.
    assert [p.test_loss for p in result.at_steps] == pytest.approx([0.3, 0.4], abs=1e-3)
    # In equal time the second takes 3,000 steps: from 0.4 to 0.3, then to 0.1.
    assert [p.batch_size for p in result.in_time] == [120, 1]
    assert result.in_time[0].test_loss == pytest.approx(0.35 / 3 + 0.2 * 2 / 3, abs=1e-3)


def test_single_value_that_wavers_is_no_difference():
    wavering = _curve(1, FALLING)
    wavering[-1] = replace(wavering[-1], test_loss=1.1 * wavering[-1].test_loss)
    assert conclude_batch_sizes([*wavering, *_curve(120, FALLING)]).key == "level"


@pytest.mark.parametrize(
    "points",
    [
        [],
        _curve(1, FALLING),
        [*_curve(1, FALLING), *_curve(8, FALLING), *_curve(120, FALLING)[:1]],  # 120 never ran
        [*_curve(1, FALLING, turns=7), *_curve(120, FALLING)],
        [*_curve(1, FALLING, pace=100), *_curve(120, FALLING)],
        [*_curve(1, (1.1, float("nan"), float("nan"))), *_curve(120, FALLING)],
    ],
)
def test_too_little_training_gives_no_verdict(points):
    result = conclude_batch_sizes(points)
    assert (result.key, result.at_steps, result.fastest) == ("too_few", (), None)


@pytest.mark.parametrize(
    ("wins", "rounds", "pairs", "beyond_chance"),
    [
        (6, 6, 1, True),  # 2/64
        (5, 5, 1, False),  # 2/32
        (9, 10, 1, True),  # 22/1024
        (8, 10, 1, False),  # 112/1024
        (9, 10, 6, False),  # more than 0.05/6
        (1, 10, 1, False),
        (0, 0, 1, False),
        (10, 20, 1, False),
    ],
)
def test_sign_test_is_that_of_the_binomial_table(wins, rounds, pairs, beyond_chance):
    assert wins_by_sign(wins, rounds, pairs) is beyond_chance


def test_runs_take_short_turns_and_begin_in_turn():
    points = list(race_batch_sizes(CONFIG, batch_sizes=(120, 60), wall_s=0.25))
    turns = {size: [p for p in points if p.batch_size == size] for size in (120, 60)}
    assert [p.batch_size for p in points[2:6]] == [120, 60, 60, 120]
    assert all(a.elapsed_s < b.elapsed_s for t in turns.values() for a, b in pairwise(t))
