"""One flower through the network, number by number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.errors import SettingsError
from iris_mlp.inference import read_lengths


@dataclass(frozen=True)
class Walkthrough:
    """Every tensor on the way of one flower, float32 values.

    Attributes:
        lengths_cm: The four lengths.
        scaled: What the network gets, (4,).
        pre_activation: Output of fc1, (hidden,).
        hidden: After ReLU, (hidden,).
        logits: Output of fc2, (3,).
        probabilities: Softmax of the logits, (3,).
        true_class: Index of the class that the flower is said to have.
        loss: Cross-entropy, minus the logarithm of that class's probability.
    """

    lengths_cm: list[float]
    scaled: list[float]
    pre_activation: list[float]
    hidden: list[float]
    logits: list[float]
    probabilities: list[float]
    true_class: int
    loss: float


@dataclass(frozen=True)
class Term:
    """One product of a unit's sum."""

    feature: str
    weight: float
    value: float
    product: float


@dataclass(frozen=True)
class UnitArithmetic:
    """The arithmetic of one hidden unit, in double precision on the float32 numbers.

    Attributes:
        unit: Which one, counted from 0.
        terms: Weight times input for each feature.
        bias: What is added.
        total: Sum of the products and the bias.
        activation: max(0, total).
    """

    unit: int
    terms: tuple[Term, ...]
    bias: float
    total: float
    activation: float


@torch.no_grad()
def walk_through(
    checkpoint: Checkpoint, lengths_cm: Sequence[object], true_class: int
) -> Walkthrough:
    """Send a flower through the model and keep each tensor.

    Args:
        checkpoint: The weights and the scaler.
        lengths_cm: Sepal length and width, petal length and width.
        true_class: Index of the class for the loss.

    Raises:
        MeasurementsError: A length cannot be read.
        SettingsError: There is no such class.
    """
    check_class(true_class)
    lengths = read_lengths(lengths_cm)
    model = checkpoint.build_model()
    x = torch.from_numpy(checkpoint.scaler.scale(np.array([lengths])))
    pre_activation = model.fc1(x)
    hidden = model.relu(pre_activation)
    logits = model.fc2(hidden)
    loss = nn.functional.cross_entropy(logits, torch.tensor([true_class]))
    return Walkthrough(
        lengths_cm=lengths,
        scaled=x[0].tolist(),
        pre_activation=pre_activation[0].tolist(),
        hidden=hidden[0].tolist(),
        logits=logits[0].tolist(),
        probabilities=logits.softmax(1)[0].tolist(),
        true_class=true_class,
        loss=loss.item(),
    )


def explain_unit(checkpoint: Checkpoint, scaled: Sequence[float], unit: int) -> UnitArithmetic:
    """Write out what one hidden unit computes.

    Args:
        checkpoint: The weights.
        scaled: The network's input, as in `Walkthrough.scaled`.
        unit: Which unit, counted from 0.

    Raises:
        SettingsError: There is no such unit.
    """
    whole = isinstance(unit, int) and not isinstance(unit, bool)
    if not whole or not 0 <= unit < checkpoint.hidden:
        raise SettingsError(
            "unit must be from 0 to {last}, not {value!r}.", last=checkpoint.hidden - 1, value=unit
        )
    weights = checkpoint.state["fc1.weight"][unit].tolist()
    bias = checkpoint.state["fc1.bias"][unit].item()
    terms = tuple(
        Term(feature, weight, value, weight * value)
        for feature, weight, value in zip(FEATURE_NAMES, weights, scaled, strict=True)
    )
    total = sum(term.product for term in terms) + bias
    return UnitArithmetic(unit, terms, bias, total, max(0.0, total))


def check_class(true_class: int) -> None:
    """Refuse what is not the index of a class.

    Raises:
        SettingsError: There is no such class.
    """
    whole = isinstance(true_class, int) and not isinstance(true_class, bool)
    if not whole or not 0 <= true_class < len(CLASS_NAMES):
        raise SettingsError(
            "The class must be from 0 to {last} ({names}), not {value!r}.",
            last=len(CLASS_NAMES) - 1,
            names=", ".join(CLASS_NAMES),
            value=true_class,
        )
