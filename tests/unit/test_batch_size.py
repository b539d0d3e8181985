from itertools import combinations

import pytest
import torch
from torch import nn

from iris_mlp.batch_size import (
    CurvePoint,
    compute_noise,
    compute_row_gradients,
    conclude_batch_sizes,
    measure_noise,
    race_batch_sizes,
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


def _curve(size, *losses, pace_s=1.0):
    return [CurvePoint(size, i, i, pace_s * i, None, loss) for i, loss in enumerate(losses)]


@pytest.mark.parametrize(
    ("losses", "key"),
    [
        ({1: 0.1, 32: 0.2, 120: 0.3}, "smallest_best"),
        ({1: 0.3, 32: 0.1, 120: 0.3}, "between_best"),
        ({1: 0.3, 32: 0.2, 120: 0.1}, "largest_best"),
        ({1: 0.1, 32: 0.1001, 120: 0.3}, "tie"),
        ({1: float("nan"), 120: 0.3}, "too_few"),
        ({}, "too_few"),
    ],
)
def test_best_batch_size_is_read_from_the_numbers(losses, key):
    points = [point for size, loss in losses.items() for point in _curve(size, 1.0, loss)]
    assert conclude_batch_sizes(points)[0] == key


def test_losses_are_compared_at_the_time_that_all_reached():
    # At 2 s, which both reached, the first is at 0.6; its 0.0 came at 3 s.
    points = [*_curve(1, 1.0, 0.8, 0.6, 0.0), *_curve(120, 1.0, 0.7, 0.5)]
    key, ranked = conclude_batch_sizes(points)
    assert (key, ranked[0].batch_size) == ("largest_best", 120)
