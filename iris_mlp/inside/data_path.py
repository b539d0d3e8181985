"""The data's way into the network: split, scaling, types, and the loss that ends it."""

from functools import cache

import numpy as np
import torch
from torch import nn

from iris_mlp.inference import shipped_classifier
from iris_mlp.inside.snippet import Snippet, run_snippet

_SPLIT = """\
x, y = load_iris(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    x, y, test_size=0.2, random_state=42)
print(x_train.shape, x_test.shape)
"""

_SCALE = """\
def count_right(rows):
    answers = model(torch.tensor(rows, dtype=torch.float32)).argmax(1)
    return int((answers.numpy() == y_test).sum())

scaler = MinMaxScaler().fit(x_train)
rows = scaler.transform(x_test)
print("training rows:", count_right(rows), "right, largest", rows.max().round(3))
rows = MinMaxScaler().fit(x).transform(x_test)
print("all rows:", count_right(rows), "right, largest", rows.max().round(3))
rows = np.vstack([MinMaxScaler().fit_transform([row]) for row in x_test])
print("each flower alone:", count_right(rows), "right, largest", rows.max())
print("no scaling:", count_right(x_test), "right, largest", x_test.max())
"""

_DTYPES = """\
inputs = scaler.transform(x_test)
print(inputs.dtype, y_test.dtype)
model(torch.tensor(inputs))
"""

_TARGETS = """\
logits = model(torch.tensor(inputs, dtype=torch.float32))
criterion(logits, torch.tensor(y_test, dtype=torch.float32))
"""

_OUTPUT = """\
targets = torch.tensor(y_test, dtype=torch.int64)
print(criterion(logits, targets).item())
p = logits.softmax(dim=1)
print(-p[range(30), targets].log().mean().item())
print(criterion(p, targets).item())
certain = torch.tensor([[1.0, 0.0, 0.0]])
print(criterion(certain, torch.tensor([0])).item())
"""


@cache
def run_data_path() -> dict[str, Snippet]:
    """Run each part once with the shipped weights, and return it by the key of its text.

    `split` prints the shapes; `scale` counts the right answers of 30 for four ways to scale;
    `dtypes` and `targets` end in PyTorch's own error; `output` prints the loss of the logits, the
    same by hand, the loss of probabilities, and that of a certain and right answer.
    """
    from sklearn.datasets import load_iris
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import MinMaxScaler

    given = {
        **{"torch": torch, "np": np, "MinMaxScaler": MinMaxScaler, "load_iris": load_iris},
        "train_test_split": train_test_split,
        "model": shipped_classifier().checkpoint.build_model(),
        "criterion": nn.CrossEntropyLoss(),
    }
    done = {}
    for key, code in (
        ("split", _SPLIT),
        ("scale", _SCALE),
        ("dtypes", _DTYPES),
        ("targets", _TARGETS),
        ("output", _OUTPUT),
    ):
        done[key] = run_snippet(code, expected=(RuntimeError,), **given)
        given |= done[key].names
    return done
