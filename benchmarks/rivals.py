"""The lesson run in other libraries: same data and weights, the loss of every epoch kept."""

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from iris_mlp.data import load_split
from iris_mlp.model import build_model

LR = 0.01


def plain_pytorch(epochs: int) -> float:
    """Run the lesson's loop; return the last loss."""
    split, model = load_split(), build_model(10, seed=0)
    x, y = split.x_train, split.y_train
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    losses = []
    for _ in range(epochs):
        outputs = model(x)
        loss = criterion(outputs, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[-1]


def compile_pytorch() -> Callable[[int], float]:
    """Return the lesson's loop with `torch.compile` around the whole step."""
    split = load_split()
    x, y = split.x_train, split.y_train

    @torch.compile
    def step(w1, b1, w2, b2):
        loss = nn.functional.cross_entropy((x @ w1.T + b1).relu() @ w2.T + b2, y)
        weights = (w1, b1, w2, b2)
        gradients = torch.autograd.grad(loss, weights)
        return loss, tuple(
            (weight - LR * gradient).detach().requires_grad_()
            for weight, gradient in zip(weights, gradients)
        )

    def run(epochs: int) -> float:
        weights = tuple(build_model(10, seed=0).parameters())
        losses = []
        for _ in range(epochs):
            loss, weights = step(*weights)
            losses.append(loss.item())
        return losses[-1]

    return run


def numpy_loop(epochs: int) -> float:
    """Run the lesson in plain NumPy, with the gradients written out; return the last loss."""
    split = load_split()
    x, y = split.x_train.numpy(), split.y_train.numpy()
    w1, b1, w2, b2 = (p.detach().numpy().copy() for p in build_model(10, seed=0).parameters())
    rows, target = np.arange(len(y)), np.eye(3, dtype=np.float32)[y]
    losses = []
    for _ in range(epochs):
        a = np.maximum(x @ w1.T + b1, 0)
        z = a @ w2.T + b2
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        p = e / e.sum(axis=1, keepdims=True)
        losses.append(float(-np.log(p[rows, y]).mean()))
        dz = (p - target) / np.float32(len(y))
        da = (dz @ w2) * (a > 0)
        w2 -= LR * (dz.T @ a)
        b2 -= LR * dz.sum(axis=0)
        w1 -= LR * (da.T @ x)
        b1 -= LR * da.sum(axis=0)
    return losses[-1]


def scikit_learn(epochs: int) -> float:
    """Run scikit-learn's MLPClassifier with the lesson's settings, from weights of its own."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    split = load_split()
    classifier = MLPClassifier(
        hidden_layer_sizes=(10,),
        activation="relu",
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        batch_size=120,  # type: ignore[arg-type]
        learning_rate_init=LR,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs,
        shuffle=False,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(split.x_train.numpy(), split.y_train.numpy())
    return classifier.loss_curve_[-1]
