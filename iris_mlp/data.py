"""The lesson's data: scikit-learn's Iris, split 120 to 30 and scaled to [0, 1]."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

FEATURE_NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
CLASS_NAMES = ("setosa", "versicolor", "virginica")
FEATURE_RANGES_CM = ((4.3, 7.9), (2.0, 4.4), (1.0, 6.9), (0.1, 2.5))
"""Shortest and longest of each feature over the 150 flowers of Fisher (1936)."""
MAX_LENGTH_CM = 100.0
"""The largest length that is accepted as one of a flower."""


@dataclass(frozen=True)
class Scaler:
    """Min-max scaling of the four lengths, fitted on the training rows.

    Attributes:
        minimum: Smallest length of each feature in cm, shape (4,).
        maximum: Largest length of each feature in cm, shape (4,).
    """

    minimum: tuple[float, ...]
    maximum: tuple[float, ...]

    def scale(self, lengths_cm: np.ndarray) -> np.ndarray:
        """Map lengths in cm of shape (n, 4) to float32 inputs, the training range to [0, 1].

        The arithmetic and its order are those of `sklearn.preprocessing.MinMaxScaler`, so that
        the result is the same to the last bit.
        """
        minimum, maximum = np.array(self.minimum), np.array(self.maximum)
        factor = 1.0 / (maximum - minimum)
        return (np.asarray(lengths_cm, np.float64) * factor - minimum * factor).astype(np.float32)


@dataclass(frozen=True)
class IrisSplit:
    """The scaled training and test rows as tensors on one device.

    Attributes:
        x_train: Inputs, float32 of shape (120, 4).
        y_train: Classes, int64 of shape (120,).
        x_test: Inputs, float32 of shape (30, 4).
        y_test: Classes, int64 of shape (30,).
        scaler: What maps lengths in cm to inputs.
    """

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor
    scaler: Scaler

    def to(self, device: torch.device) -> "IrisSplit":
        """Return the same rows on another device."""
        tensors = (self.x_train, self.y_train, self.x_test, self.y_test)
        return IrisSplit(*(tensor.to(device) for tensor in tensors), scaler=self.scaler)


@cache
def load_flowers() -> tuple[np.ndarray, np.ndarray]:
    """Return the 150 flowers: lengths in cm, float64 of shape (150, 4), and classes, (150,)."""
    from sklearn.datasets import load_iris  # slow to import, and only training and plots need it

    iris: Any = load_iris()
    return iris.data, iris.target.astype(np.int64)


@cache
def split_rows() -> tuple[np.ndarray, np.ndarray]:
    """Return which of the 150 flowers are the 120 training rows and which the 30 test rows.

    The lesson's split: `test_size=0.2`, `random_state=42`, not stratified.
    """
    from sklearn.model_selection import train_test_split

    rows: list[Any] = train_test_split(np.arange(150), test_size=0.2, random_state=42)
    return rows[0], rows[1]


@cache
def load_split() -> IrisSplit:
    """Return the lesson's split on the CPU."""
    lengths_cm, species = load_flowers()
    (x_train, y_train), (x_test, y_test) = ((lengths_cm[r], species[r]) for r in split_rows())
    scaler = Scaler(tuple(x_train.min(axis=0).tolist()), tuple(x_train.max(axis=0).tolist()))
    return IrisSplit(
        x_train=torch.from_numpy(scaler.scale(x_train)),
        y_train=torch.from_numpy(y_train),
        x_test=torch.from_numpy(scaler.scale(x_test)),
        y_test=torch.from_numpy(y_test),
        scaler=scaler,
    )
