"""A straight line through measured points, with how sure one may be of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class LineFit:
    """The least-squares line y = intercept + slope x with 95 % confidence intervals.

    Attributes:
        intercept: Value at x = 0.
        intercept_low: Lower end of its interval.
        intercept_high: Upper end.
        slope: Change of y for one more x.
        slope_low: Lower end of its interval.
        slope_high: Upper end.
        residual_sd: Standard deviation of what the line does not explain, n - 2 degrees of freedom.
        points: Number n of points.
    """

    intercept: float
    intercept_low: float
    intercept_high: float
    slope: float
    slope_low: float
    slope_high: float
    residual_sd: float
    points: int

    @property
    def is_inside_noise(self) -> bool:
        """Whether zero lies in the slope's interval: the points show no dependence."""
        return self.slope_low <= 0 <= self.slope_high


def fit_line(x: Sequence[float], y: Sequence[float]) -> LineFit:
    """Fit y = a + b x by ordinary least squares.

    With Sxx = sum (x - mean x)^2 and s^2 = sum r^2 / (n - 2): se(b) = s / sqrt(Sxx) and
    se(a) = s sqrt(1/n + (mean x)^2 / Sxx), times Student's t with n - 2 degrees of freedom.
    Source: D. C. Montgomery, E. A. Peck, G. G. Vining, Introduction to Linear Regression Analysis,
    5th edition (2012), sections 2.2 and 2.4.

    Raises:
        ValueError: There are fewer than three points, or all have the same x.
    """
    n = len(x)
    if n < 3 or len(y) != n:
        raise ValueError("a line with an interval needs three points or more")
    x_mean, y_mean = fmean(x), fmean(y)
    sxx = math.fsum((value - x_mean) ** 2 for value in x)
    if sxx == 0:
        raise ValueError("a line needs two different x")
    slope = math.fsum((u - x_mean) * (v - y_mean) for u, v in zip(x, y, strict=True)) / sxx
    intercept = y_mean - slope * x_mean
    squares = math.fsum((v - intercept - slope * u) ** 2 for u, v in zip(x, y, strict=True))
    residual_sd = math.sqrt(squares / (n - 2))

    from scipy.special import stdtrit  # slow to import, and only a fit needs it

    t = float(stdtrit(n - 2, 0.975))
    slope_margin = t * residual_sd / math.sqrt(sxx)
    intercept_margin = t * residual_sd * math.sqrt(1 / n + x_mean**2 / sxx)
    return LineFit(
        intercept=intercept,
        intercept_low=intercept - intercept_margin,
        intercept_high=intercept + intercept_margin,
        slope=slope,
        slope_low=slope - slope_margin,
        slope_high=slope + slope_margin,
        residual_sd=residual_sd,
        points=n,
    )
