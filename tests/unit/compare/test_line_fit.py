import random

import pytest

from iris_mlp.compare.line_fit import fit_line


def test_line_equals_the_one_worked_by_hand():
    # Sxx = 5, Sxy = 11, residuals 0.3, 0.1, -1.1, 0.7, so s^2 = 0.9; t(2, 0.975) = 4.302653.
    fit = fit_line([0, 1, 2, 3], [1, 3, 4, 8])
    assert (fit.slope, fit.intercept) == pytest.approx((2.2, 0.7))
    assert fit.residual_sd**2 == pytest.approx(0.9)
    assert fit.slope_high - fit.slope == pytest.approx(4.302653 * (0.9 / 5) ** 0.5, rel=1e-6)
    margin = 4.302653 * (0.9 * (1 / 4 + 1.5**2 / 5)) ** 0.5
    assert fit.intercept - fit.intercept_low == pytest.approx(margin, rel=1e-6)


def test_line_equals_scipys():
    from scipy.stats import linregress

    draw = random.Random(7)
    x = [draw.uniform(0, 500) for _ in range(30)]
    y = [0.4 + 0.002 * value + draw.gauss(0, 0.1) for value in x]
    fit, truth = fit_line(x, y), linregress(x, y)
    assert fit.slope == pytest.approx(truth.slope)
    assert fit.intercept == pytest.approx(truth.intercept)
    assert (fit.slope_high - fit.slope) / truth.stderr == pytest.approx(2.048407, rel=1e-5)
    assert (fit.intercept_high - fit.intercept) / truth.intercept_stderr == pytest.approx(2.048407)


def test_intervals_hold_the_true_line_in_95_of_100_fits():
    draw = random.Random(0)
    x = [1, 2, 5, 10, 50, 100]
    slopes = intercepts = 0
    for _ in range(2_000):
        fit = fit_line(x, [3 + 0.5 * value + draw.gauss(0, 2) for value in x])
        slopes += fit.slope_low <= 0.5 <= fit.slope_high
        intercepts += fit.intercept_low <= 3 <= fit.intercept_high
    # Three standard errors of a share of 0.95 over 2,000 fits are 0.015.
    assert slopes / 2_000 == pytest.approx(0.95, abs=0.015)
    assert intercepts / 2_000 == pytest.approx(0.95, abs=0.015)


def test_line_says_when_zero_lies_in_its_slopes_interval():
    assert fit_line([0, 1, 2, 3], [5, 4, 5, 4]).is_inside_noise
    assert not fit_line([0, 1, 2, 3], [5.0, 6.1, 7.0, 8.1]).is_inside_noise


@pytest.mark.parametrize(("x", "y"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3])])
def test_points_without_a_line_are_refused(x, y):
    with pytest.raises(ValueError, match="a line"):
        fit_line(x, y)
