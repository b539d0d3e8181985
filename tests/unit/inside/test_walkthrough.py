import math

import numpy as np
import pytest

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.errors import MeasurementsError, SettingsError
from iris_mlp.inference import Classifier
from iris_mlp.inside.walkthrough import explain_unit, walk_through

FLOWER = [6.1, 2.8, 4.7, 1.2]


@pytest.fixture(scope="module")
def checkpoint():
    return Checkpoint.load(SHIPPED_WEIGHTS)


def test_tensors_equal_the_same_arithmetic_in_numpy(checkpoint):
    walk = walk_through(checkpoint, FLOWER, true_class=1)
    state = {name: tensor.numpy().astype(float) for name, tensor in checkpoint.state.items()}
    low, high = np.array(checkpoint.scaler.minimum), np.array(checkpoint.scaler.maximum)
    scaled = (np.array(FLOWER) - low) / (high - low)
    z = state["fc1.weight"] @ scaled + state["fc1.bias"]
    logits = state["fc2.weight"] @ np.maximum(z, 0) + state["fc2.bias"]
    p = np.exp(logits) / np.exp(logits).sum()
    assert walk.scaled == pytest.approx(scaled, rel=1e-6)
    assert walk.pre_activation == pytest.approx(z, abs=1e-5)
    assert walk.hidden == [max(0, value) for value in walk.pre_activation]
    assert walk.logits == pytest.approx(logits, abs=1e-5)
    assert walk.probabilities == pytest.approx(p, abs=1e-5)
    assert walk.loss == pytest.approx(-math.log(p[1]), rel=1e-4)


def test_confidences_are_those_of_the_classifier(checkpoint):
    walk = walk_through(checkpoint, FLOWER, true_class=0)
    prediction = Classifier(checkpoint).predict(np.array([FLOWER]))
    assert walk.probabilities == prediction.probabilities[0].tolist()


def test_arithmetic_of_each_unit_gives_its_activation(checkpoint):
    walk = walk_through(checkpoint, FLOWER, true_class=0)
    for unit in range(checkpoint.hidden):
        arithmetic = explain_unit(checkpoint, walk.scaled, unit)
        assert [t.product for t in arithmetic.terms] == [
            t.weight * t.value for t in arithmetic.terms
        ]
        assert arithmetic.total == pytest.approx(walk.pre_activation[unit], abs=1e-5)
        assert arithmetic.activation == pytest.approx(walk.hidden[unit], abs=1e-5)


def test_what_is_not_there_is_refused(checkpoint):
    with pytest.raises(SettingsError, match="setosa"):
        walk_through(checkpoint, FLOWER, true_class=3)
    with pytest.raises(MeasurementsError, match="petal_length"):
        walk_through(checkpoint, [5, 3, "x", 1], true_class=0)
    with pytest.raises(SettingsError, match="unit"):
        explain_unit(checkpoint, [0, 0, 0, 0], unit=10)
