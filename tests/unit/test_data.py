"""The data, held against scikit-learn's own split and scaler."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES, FEATURE_RANGES_CM, load_flowers, load_split
from tests.lesson import load_rows

IRIS: Any = load_iris()


def fit_scaler() -> MinMaxScaler:
    x_train, *_ = train_test_split(IRIS.data, IRIS.target, test_size=0.2, random_state=42)
    return MinMaxScaler().fit(x_train)


def test_the_split_equals_the_lessons_to_the_last_bit():
    split = load_split()
    ours = (split.x_train, split.y_train, split.x_test, split.y_test)
    shapes = [(120, 4), (120,), (30, 4), (30,)]
    dtypes = [torch.float32, torch.int64, torch.float32, torch.int64]
    for tensor, expected, shape, dtype in zip(ours, load_rows(), shapes, dtypes):
        assert tuple(tensor.shape) == shape
        assert tensor.dtype == dtype
        assert torch.equal(tensor, expected)


@given(arrays(np.float64, st.tuples(st.integers(1, 20), st.just(4)), elements=st.floats(0, 100)))
def test_scaling_equals_min_max_scaler_to_the_last_bit(lengths_cm):
    expected = fit_scaler().transform(lengths_cm).astype(np.float32)
    scaled = load_split().scaler.scale(lengths_cm)
    assert scaled.dtype == np.float32
    assert np.array_equal(scaled, expected)


def test_scaling_rounds_as_min_max_scaler_where_it_shows():
    # Beside the minimum the order of the operations decides the result.
    lengths_cm = np.array([fit_scaler().data_min_ * (1 + n * 2**-52) for n in range(-50, 51)])
    expected = fit_scaler().transform(lengths_cm).astype(np.float32)
    assert np.array_equal(load_split().scaler.scale(lengths_cm), expected)


def test_the_scaler_is_fitted_on_the_training_rows_alone():
    scaler, expected = load_split().scaler, fit_scaler()
    assert scaler.minimum == tuple(expected.data_min_)
    assert scaler.maximum == tuple(expected.data_max_)
    everything = MinMaxScaler().fit(IRIS.data)
    assert scaler.maximum != tuple(everything.data_max_)


def test_the_ranges_of_the_features_are_those_of_the_150_flowers():
    lengths_cm, species = load_flowers()
    assert np.array_equal(lengths_cm, IRIS.data)
    assert np.array_equal(species, IRIS.target)
    expected = tuple(zip(IRIS.data.min(axis=0), IRIS.data.max(axis=0)))
    assert expected == FEATURE_RANGES_CM


def test_names_are_in_the_order_of_the_data():
    assert [f"{name.replace('_', ' ')} (cm)" for name in FEATURE_NAMES] == IRIS.feature_names
    assert list(CLASS_NAMES) == IRIS.target_names.tolist()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_split_moves_as_a_whole(device):
    moved = load_split().to(torch.device(device))
    assert {t.device.type for t in (moved.x_train, moved.y_train, moved.x_test, moved.y_test)} == {
        device
    }
    assert moved.scaler is load_split().scaler
