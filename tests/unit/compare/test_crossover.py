import pytest
import torch
from torch import nn

from iris_mlp.compare import crossover
from iris_mlp.compare.crossover import (
    ModelStack,
    Point,
    conclude_crossover,
    find_crossings,
    measure_crossover,
    measure_point,
)
from iris_mlp.data import load_split
from iris_mlp.errors import DeviceError, SettingsError
from iris_mlp.model import build_model

SIZES = (1, 10, 100, 1_000)


def test_crossing_of_two_power_laws_is_found_exactly():
    # 3 x^0.5 = 0.1 x at x = 900; straight on log-log axes, whatever points are measured.
    sizes = (8, 70, 500, 4_000)
    crossings = find_crossings(sizes, [3 * x**0.5 for x in sizes], [0.1 * x for x in sizes])
    assert crossings == pytest.approx([900])


def test_lines_that_do_not_cross_within_the_points_have_no_crossing():
    assert find_crossings((1, 2, 4), [1, 2, 4], [5, 6, 7]) == []


def test_lines_that_meet_at_a_point_cross_there():
    assert find_crossings((1, 2, 4), [1, 2, 4], [3, 2, 1]) == [2]


def _points(cpu_us, gpu_us, spread=0.01):
    return [
        Point(device, "rows", size, us, us * (1 - spread), us * (1 + spread))
        for device, times in (("cpu", cpu_us), ("cuda", gpu_us))
        for size, us in zip(SIZES, times, strict=True)
    ]


def _conclude(*args, **kwargs):
    return conclude_crossover(_points(*args, **kwargs), "rows", "cpu", "cuda")


def test_single_crossing_says_where_and_who_wins_small():
    result = _conclude((10, 100, 1_000, 10_000), (500, 500, 500, 500))
    assert (result.key, result.first_wins_small) == ("crosses", True)
    assert result.value == pytest.approx(50)
    assert (result.smallest_ratio, result.largest_ratio) == pytest.approx((50, 0.05))


def test_crossing_the_other_way_round_is_told_so():
    result = _conclude((500, 500, 500, 500), (10, 100, 1_000, 10_000))
    assert (result.key, result.first_wins_small) == ("crosses", False)


@pytest.mark.parametrize(
    ("cpu_us", "gpu_us", "key"),
    [
        ((1, 2, 3, 4), (5, 6, 7, 8), "first_always"),
        ((5, 6, 7, 8), (1, 2, 3, 4), "second_always"),
        ((1, 9, 1, 9), (3, 3, 3, 3), "crosses_often"),
        ((5, 5, 5, 5), (5.01, 4.99, 5.01, 4.99), "tie"),
    ],
)
def test_other_outcomes_have_keys_of_their_own(cpu_us, gpu_us, key):
    result = _conclude(cpu_us, gpu_us)
    assert (result.key, result.value) == (key, None)


def test_sizes_whose_spreads_overlap_decide_nothing():
    # The second size alone would be a second crossing; its spreads overlap.
    result = _conclude((100, 300, 310, 9_000), (300, 299, 600, 700), spread=0.02)
    assert result.key == "crosses"
    assert 100 < result.value < 1_000


def test_conclusion_tells_which_sizes_decide_it():
    # At the first size and at the last one the spreads overlap.
    result = _conclude((300, 300, 2_000, 9_000), (300, 600, 4_000, 9_000))
    assert (result.key, result.first_decided, result.last_decided) == ("first_always", 10, 100)
    result = _conclude((300, 300, 5_000, 9_000), (600, 300, 300, 300))
    assert (result.key, result.between) == ("crosses", (1, 100))


def test_device_that_was_not_measured_is_missing():
    points = [point for point in _points((1, 2, 3, 4), (4, 3, 2, 1)) if point.device == "cpu"]
    assert conclude_crossover(points, "rows", "cpu", "cuda").key == "missing"


def test_stack_of_models_trains_each_as_if_it_were_alone():
    split = load_split()
    models = [build_model(10, seed) for seed in range(3)]
    stack = ModelStack(models)
    stepper = torch.optim.SGD(stack.parameters(), lr=0.01)
    for _ in range(5):
        logits = stack(split.x_train)
        loss = sum(nn.functional.cross_entropy(part, split.y_train) for part in logits)
        stepper.zero_grad()
        loss.backward()
        stepper.step()
    for i, model in enumerate(models):
        alone = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(5):
            loss = nn.functional.cross_entropy(model(split.x_train), split.y_train)
            alone.zero_grad()
            loss.backward()
            alone.step()
        torch.testing.assert_close(stack.weight1[i], model.fc1.weight, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(stack.bias2[i], model.fc2.bias, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("axis", "value"), [("hidden", 33), ("rows", 500), ("models", 20)])
def test_each_axis_is_measured(axis, value):
    point = measure_point("cpu", axis, value, point_s=0.01)
    assert (point.device, point.axis, point.value) == ("cpu", axis, value)
    assert 0 < point.low_us <= point.epoch_us <= point.high_us


def test_devices_take_turns_over_growing_sizes(monkeypatch):
    monkeypatch.setitem(crossover.AXES, "hidden", (5, 6))
    points = list(measure_crossover(axes=["hidden"], devices=["cpu"], point_s=0.001))
    assert [(p.device, p.value) for p in points] == [("cpu", 5), ("cpu", 6)]


def test_sizes_and_devices_that_are_not_there_are_refused():
    with pytest.raises(SettingsError, match="hidden"):
        measure_point("cpu", "hidden", 0)
    with pytest.raises(SettingsError, match="models"):
        measure_point("cpu", "models", 10**9)
    with pytest.raises(DeviceError, match="nowhere"):
        measure_point("nowhere", "rows", 120)
