"""The oracle: a plain copy of the lesson's PyTorch loop, which shares no code with the package."""

import warnings
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from torch import Tensor, nn


class LessonMLP(nn.Module):
    """The lesson's network."""

    def __init__(self, hidden: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(4, hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.relu(self.fc1(x)))


@dataclass
class LessonRun:
    """What the loop came to.

    Attributes:
        model: The trained model.
        losses: `loss.item()` of every epoch; with mini-batches, the mean over the epoch's rows.
        test_losses: Test loss before each epoch's first update, for the epochs asked for.
        states: The weights after each epoch asked for.
    """

    model: LessonMLP
    losses: list[float] = field(default_factory=list)
    test_losses: dict[int, float] = field(default_factory=dict)
    states: dict[int, dict[str, Tensor]] = field(default_factory=dict)


def load_rows() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x_train, y_train, x_test, y_test as the lesson makes them."""
    iris: Any = load_iris()
    x_train, x_test, y_train, y_test = train_test_split(
        iris.data, iris.target, test_size=0.2, random_state=42
    )
    scaler = MinMaxScaler()
    x_train = torch.FloatTensor(scaler.fit_transform(x_train))
    x_test = torch.FloatTensor(scaler.transform(x_test))
    return x_train, torch.LongTensor(y_train), x_test, torch.LongTensor(y_test)


def run_lesson(
    *,
    optimizer: str = "sgd",
    lr: float = 0.01,
    epochs: int = 20_000,
    hidden: int = 10,
    batch_size: int = 120,
    seed: int = 0,
    test_epochs: Collection[int] = (),
    state_epochs: Collection[int] = (),
) -> LessonRun:
    """Train as the lesson does; mini-batches take their order from a generator of the same seed."""
    x_train, y_train, x_test, y_test = load_rows()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LessonMLP(hidden)
    criterion = nn.CrossEntropyLoss()
    if optimizer == "adam":
        update = torch.optim.Adam(model.parameters(), lr=lr)
    else:
        update = torch.optim.SGD(model.parameters(), lr=lr)
    order = torch.Generator().manual_seed(seed)
    run = LessonRun(model)

    for epoch in range(1, epochs + 1):
        if epoch in test_epochs:
            with torch.no_grad():
                run.test_losses[epoch] = criterion(model(x_test), y_test).item()
        if batch_size == 120:
            outputs = model(x_train)
            loss = criterion(outputs, y_train)
            update.zero_grad()
            loss.backward()
            update.step()
            run.losses.append(loss.item())
        else:
            total = 0.0
            for rows in torch.randperm(120, generator=order).split(batch_size):
                loss = criterion(model(x_train[rows]), y_train[rows])
                update.zero_grad()
                loss.backward()
                update.step()
                total += loss.item() * len(rows)
            run.losses.append(total / 120)
        if epoch in state_epochs:
            run.states[epoch] = {k: v.clone() for k, v in model.state_dict().items()}
    return run


# PyTorch imports its compiler at the first optimizer step, which takes seconds: not inside a test.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    run_lesson(epochs=1)
