"""One training step by hand: the formulas of backward beside autograd's gradients."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from iris_mlp.checkpoint import TENSOR_NAMES, Checkpoint
from iris_mlp.config import default_lr
from iris_mlp.data import load_split
from iris_mlp.inference import read_lengths
from iris_mlp.inside.snippet import Snippet, run_snippet
from iris_mlp.inside.walkthrough import check_class


@dataclass(frozen=True)
class StepTensor:
    """One of the four tensors in the step.

    Attributes:
        name: Such as `fc1.weight`.
        before: Its values, float32.
        by_hand: Gradient by the formulas, float64.
        by_autograd: Gradient by autograd, float32.
        updated_by_hand: before - lr * by_hand, float64.
        updated_by_optimizer: What `torch.optim.SGD` made of it, float32.
    """

    name: str
    before: np.ndarray
    by_hand: np.ndarray
    by_autograd: np.ndarray
    updated_by_hand: np.ndarray
    updated_by_optimizer: np.ndarray


@dataclass(frozen=True)
class TrainingStep:
    """A step of SGD, twice.

    Attributes:
        source: The function of the formulas, as it stands in this package.
        rows: Rows of the batch.
        lr: Learning rate.
        loss_by_hand: Mean cross-entropy by the formulas.
        loss_by_autograd: The same by PyTorch.
        tensors: The four tensors, in the order of the weights file.
        max_gradient_difference: Largest difference of any two gradients.
        max_update_difference: Largest difference of any two updated values.
    """

    source: str
    rows: int
    lr: float
    loss_by_hand: float
    loss_by_autograd: float
    tensors: tuple[StepTensor, ...]
    max_gradient_difference: float
    max_update_difference: float


def backward_by_hand(
    x: np.ndarray, y: np.ndarray, weights: dict[str, np.ndarray]
) -> tuple[float, dict[str, np.ndarray]]:
    """Return the mean cross-entropy and its gradient for each of the four tensors.

    Source of the formulas: C. M. Bishop, Pattern Recognition and Machine Learning (2006),
    section 5.3; ReLU's derivative at 0 is taken as 0, as PyTorch does.

    Args:
        x: Scaled inputs, shape (n, 4).
        y: Classes, shape (n,).
        weights: `fc1.weight` (hidden, 4), `fc1.bias` (hidden,), `fc2.weight` (3, hidden) and
            `fc2.bias` (3,).
    """
    rows = np.arange(len(y))
    # Forward, keeping what backward needs.
    z = x @ weights["fc1.weight"].T + weights["fc1.bias"]
    h = np.maximum(z, 0)
    logits = h @ weights["fc2.weight"].T + weights["fc2.bias"]
    shifted = logits - logits.max(axis=1, keepdims=True)  # the same softmax, without overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[rows, y].mean()
    # Backward, from the loss to the first layer.
    d_logits = np.exp(log_p)
    d_logits[rows, y] -= 1
    d_logits /= len(y)
    d_h = d_logits @ weights["fc2.weight"]
    d_z = d_h * (z > 0)
    return float(loss), {
        "fc1.weight": d_z.T @ x,
        "fc1.bias": d_z.sum(axis=0),
        "fc2.weight": d_logits.T @ h,
        "fc2.bias": d_logits.sum(axis=0),
    }


_ACCUMULATE = """\
criterion(model(x), y).backward()
once = model.fc2.bias.grad.clone()
criterion(model(x), y).backward()  # without zero_grad
twice = model.fc2.bias.grad.clone()
optimizer.zero_grad()
criterion(model(x), y).backward()
again = model.fc2.bias.grad.clone()
print(torch.equal(twice, 2 * once), torch.equal(again, once))
"""


def run_accumulation(checkpoint: Checkpoint) -> Snippet:
    """Call `backward` twice without `zero_grad` and once more after it, on the training rows.

    The names `once`, `twice` and `again` hold the gradient of `fc2.bias`, shape (3,), after each.
    """
    model, split = checkpoint.build_model(), load_split()
    optimizer = torch.optim.SGD(model.parameters(), lr=default_lr("sgd"))
    given = {"model": model, "x": split.x_train, "y": split.y_train, "optimizer": optimizer}
    return run_snippet(_ACCUMULATE, torch=torch, criterion=nn.CrossEntropyLoss(), **given)


def step_flower(
    checkpoint: Checkpoint,
    lengths_cm: Sequence[object],
    true_class: int,
    lr: float = default_lr("sgd"),
) -> TrainingStep:
    """Take one step on a single flower.

    Args:
        checkpoint: The weights and the scaler.
        lengths_cm: The four lengths.
        true_class: Index of its class.
        lr: Learning rate.

    Raises:
        MeasurementsError: A length cannot be read.
        SettingsError: There is no such class.
    """
    check_class(true_class)
    lengths = np.array([read_lengths(lengths_cm)])
    x = torch.from_numpy(checkpoint.scaler.scale(lengths))
    return _step(checkpoint, x, torch.tensor([true_class]), lr)


def step_batch(checkpoint: Checkpoint, lr: float = default_lr("sgd")) -> TrainingStep:
    """Take one step on the 120 training rows, as an epoch of the lesson run does."""
    split = load_split()
    return _step(checkpoint, split.x_train, split.y_train, lr)


def _step(checkpoint: Checkpoint, x: Tensor, y: Tensor, lr: float) -> TrainingStep:
    model = checkpoint.build_model()
    before = {name: tensor.numpy().copy() for name, tensor in checkpoint.state.items()}
    loss_by_hand, by_hand = backward_by_hand(
        x.numpy().astype(np.float64),
        y.numpy(),
        {name: values.astype(np.float64) for name, values in before.items()},
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    by_autograd = {}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        by_autograd[name] = parameter.grad.numpy().copy()
    optimizer.step()
    after = {name: p.detach().numpy() for name, p in model.named_parameters()}
    tensors = tuple(
        StepTensor(
            name=name,
            before=before[name],
            by_hand=by_hand[name],
            by_autograd=by_autograd[name],
            updated_by_hand=before[name].astype(np.float64) - lr * by_hand[name],
            updated_by_optimizer=after[name],
        )
        for name in TENSOR_NAMES
    )
    return TrainingStep(
        source=inspect.getsource(backward_by_hand),
        rows=len(y),
        lr=lr,
        loss_by_hand=loss_by_hand,
        loss_by_autograd=loss.item(),
        tensors=tensors,
        max_gradient_difference=max(_differ(t.by_hand, t.by_autograd) for t in tensors),
        max_update_difference=max(
            _differ(t.updated_by_hand, t.updated_by_optimizer) for t in tensors
        ),
    )


def _differ(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max())
