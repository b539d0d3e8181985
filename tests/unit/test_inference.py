"""Lengths in cm to probabilities, held against the arithmetic in double precision."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.errors import MeasurementsError
from iris_mlp.inference import Classifier, list_extrapolated, read_lengths

IRIS: Any = load_iris()
FLOWERS: np.ndarray = IRIS.data


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(Checkpoint.load(SHIPPED_WEIGHTS))


# The model's answer


def compute_forward(lengths_cm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return hidden units, logits and probabilities by the formulas, in double precision."""
    x_train: Any = train_test_split(FLOWERS, test_size=0.2, random_state=42)[0]
    low, high = x_train.min(axis=0), x_train.max(axis=0)
    weights = {name: w.astype(np.float64) for name, w in load_file(SHIPPED_WEIGHTS).items()}
    x = (lengths_cm - low) / (high - low)
    hidden = np.maximum(x @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
    logits = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return hidden, logits, raised / raised.sum(axis=1, keepdims=True)


def test_the_answer_equals_the_arithmetic_in_double_precision(classifier):
    hidden, logits, probabilities = compute_forward(FLOWERS)
    prediction = classifier.predict(FLOWERS)
    assert np.abs(prediction.hidden - hidden).max() < 1e-5
    assert np.abs(prediction.logits - logits).max() < 1e-5
    assert np.abs(prediction.probabilities - probabilities).max() < 1e-5
    assert np.array_equal(prediction.classes, logits.argmax(axis=1))


@given(st.lists(st.lists(st.floats(0, 100), min_size=4, max_size=4), min_size=1, max_size=20))
def test_confidences_sum_to_one_and_are_ordered(classifier, flowers):
    prediction = classifier.predict(np.array(flowers))
    assert np.isfinite(prediction.logits).all()
    for row in range(len(flowers)):
        answer = prediction.describe(row)
        confidences = [entry["confidence"] for entry in answer["confidences"]]
        assert sum(confidences) == pytest.approx(1.0, abs=1e-6)
        assert confidences == sorted(confidences, reverse=True)
        assert answer["label"] == answer["confidences"][0]["label"]
        names = {entry["label"] for entry in answer["confidences"]}
        assert names == {"setosa", "versicolor", "virginica"}


def test_a_flower_is_answered_alike_alone_and_among_others(classifier):
    together = classifier.predict(FLOWERS)
    for row in (0, 60, 149):
        alone = classifier.predict(FLOWERS[row : row + 1])
        assert alone.logits[0] == pytest.approx(together.logits[row], abs=1e-5)


# Lengths


def test_lengths_are_read_from_numbers_and_texts():
    assert read_lengths([5.1, "3.5", 1, " 0.2 "]) == [5.1, 3.5, 1.0, 0.2]
    assert read_lengths([0, 100, 0.0, "1e1"]) == [0.0, 100.0, 0.0, 10.0]


@pytest.mark.parametrize(
    "value", ["long", "", None, "5,1", math.nan, "nan", "inf", -math.inf, True, [1.0], "x" * 9_999]
)
def test_what_is_not_a_length_is_refused_by_name(value):
    with pytest.raises(
        MeasurementsError, match=r"^petal_length is .*, not a length in cm"
    ) as error:
        read_lengths([5.1, 3.5, value, 0.2])
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", [-0.1, "-1", 100.1, 1e300])
def test_a_negative_or_absurd_length_is_refused(value):
    with pytest.raises(MeasurementsError, match=r"^sepal_width is .*from 0 to 100 cm is expected"):
        read_lengths([5.1, value, 1.4, 0.2])


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_another_count_than_four_is_refused(count):
    with pytest.raises(MeasurementsError, match=rf"^{count} values; four are expected"):
        read_lengths([1.0] * count)


def test_extrapolation_names_what_is_outside_the_data():
    assert list_extrapolated([5.1, 3.5, 1.4, 0.2]) == []
    assert list_extrapolated([4.3, 2.0, 1.0, 0.1]) == []
    assert list_extrapolated([7.9, 4.4, 6.9, 2.5]) == []
    assert list_extrapolated([4.2, 3.5, 7.0, 2.5]) == ["sepal_length", "petal_length"]
    assert list_extrapolated([8.0, 1.9, 0.9, 2.6]) == [
        "sepal_length",
        "sepal_width",
        "petal_length",
        "petal_width",
    ]
    assert all(list_extrapolated(flower) == [] for flower in FLOWERS)
