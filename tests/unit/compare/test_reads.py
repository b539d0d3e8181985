import random

import pytest

from iris_mlp.compare.reads import ReadPoint, conclude_reads, fit_line, measure_reads
from iris_mlp.config import TrainConfig


def _draw_points(read_us, noise_us, epoch_us=120.0, epochs=1_000):
    draw = random.Random(1)
    return [
        ReadPoint(
            every,
            epochs,
            epochs // every,
            1e-6 * (epoch_us * epochs + read_us * (epochs // every) + draw.gauss(0, noise_us)),
        )
        for _ in range(5)
        for every in (1, 2, 5, 10, 100)
    ]


def test_cost_of_a_read_is_found_again():
    cost = conclude_reads(_draw_points(read_us=190, noise_us=500))
    assert cost.key == "costs"
    assert cost.read_us_low <= 190 <= cost.read_us_high
    assert cost.epoch_us == pytest.approx(120, rel=0.01)


def test_cost_inside_the_noise_is_called_so():
    cost = conclude_reads(_draw_points(read_us=0.5, noise_us=10_000))
    assert cost.key == "inside_noise"
    assert cost.read_us_low < 0 < cost.read_us_high


def test_slope_below_zero_is_not_hidden():
    assert conclude_reads(_draw_points(read_us=-190, noise_us=500)).key == "saves"


def test_too_few_points_give_no_fit():
    points = _draw_points(read_us=1, noise_us=0)
    assert conclude_reads(points[:2]).key == "too_few"
    assert conclude_reads([points[0]] * 5).key == "too_few"
    assert conclude_reads([]).fit is None


def test_every_number_of_reads_is_timed_in_each_repeat():
    config = TrainConfig(device="cpu")
    points = list(measure_reads(config, record_every=(1, 3, 20), repeats=2, budget_s=0))
    for repeat in (points[:3], points[3:]):
        assert sorted((p.record_every, p.reads) for p in repeat) == [(1, 20), (3, 6), (20, 1)]
    assert all(point.elapsed_s > 0 for point in points)


def test_line_equals_the_one_worked_by_hand():
    # Sxx = 5, Sxy = 11, residuals 0.3, 0.1, -1.1, 0.7, so s^2 = 0.9; t(2, 0.975) = 4.302653.
    fit = fit_line([0, 1, 2, 3], [1, 3, 4, 8])
    assert (fit.slope, fit.intercept) == pytest.approx((2.2, 0.7))
    margin = 4.302653 * (0.9 / 5) ** 0.5
    assert (fit.slope_low, fit.slope_high) == pytest.approx((2.2 - margin, 2.2 + margin))
    assert not fit.is_inside_noise
    assert fit_line([0, 1, 2, 3], [5, 4, 5, 4]).is_inside_noise
