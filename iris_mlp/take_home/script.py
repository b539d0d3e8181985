"""A run as a script of its own: plain PyTorch and scikit-learn, nothing of this package."""

from iris_mlp.config import BROWSER_DEVICES, OPTIMIZER_NAMES, TRAIN_ROWS, TrainConfig

_HEAD = '''\
"""Train a small network on the Iris flowers, with the settings of one run of Iris MLP.{note}"""

import time

import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from torch import nn

# 150 flowers, four lengths in cm each. 30 of them are kept aside to test on, and the lengths are
# scaled by the range of the other 120 alone, so that the test stays a test.
lengths, species = load_iris(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    lengths, species, test_size=0.2, random_state=42
)
scaler = MinMaxScaler().fit(x_train)

# Data and model must be on the same device. Both move there once, before the loop.
device = {device}
x_train = torch.tensor(scaler.transform(x_train), dtype=torch.float32, device=device)
x_test = torch.tensor(scaler.transform(x_test), dtype=torch.float32, device=device)
y_train, y_test = torch.tensor(y_train, device=device), torch.tensor(y_test, device=device)

torch.manual_seed({seed})  # the same first weights every time
model = nn.Sequential(nn.Linear(4, {hidden}), nn.ReLU(), nn.Linear({hidden}, 3)).to(device)
criterion = nn.CrossEntropyLoss()  # holds the softmax, so the model ends with plain logits
optimizer = torch.optim.{optimizer}(model.parameters(), lr={lr!r})
'''

_FULL_BATCH = """
losses, started = [], time.perf_counter()
for epoch in range(1, {epochs} + 1):
    loss = criterion(model(x_train), y_train)  # all 120 flowers at once
    optimizer.zero_grad()  # gradients add up unless they are cleared
    loss.backward()
    optimizer.step()
"""

_MINI_BATCHES = """
losses, started = [], time.perf_counter()
generator = torch.Generator().manual_seed({seed})  # the order of the flowers in each epoch
for epoch in range(1, {epochs} + 1):
    loss = torch.zeros((), device=device)
    for rows in torch.randperm({rows}, generator=generator).to(device).split({batch_size}):
        batch_loss = criterion(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()  # gradients add up unless they are cleared
        batch_loss.backward()
        optimizer.step()
        loss += batch_loss.detach() * (len(rows) / {rows})  # the mean over the epoch's flowers
"""

_RECORD_EACH = """\
    losses.append(loss.item())  # .item() waits for the device, every time
    if epoch % 100 == 0:
        print(f"Epoch [{{epoch}}/{epochs}], Loss: {{losses[-1]:.4f}}")
"""

_RECORD_SOME = """\
    if epoch % {record_every} == 0 or epoch == {epochs}:
        losses.append(loss.item())  # .item() waits for the device, so it is asked rarely
        if epoch % 100 == 0:
            print(f"Epoch [{{epoch}}/{epochs}], Loss: {{losses[-1]:.4f}}")
"""

_TAIL = """\
print(f"Training time: {{time.perf_counter() - started:.2f}} s on {{device}}")

with torch.no_grad():  # measuring needs no gradients
    accuracy = (model(x_test).argmax(dim=1) == y_test).float().mean().item()
print(f"Test accuracy: {{accuracy:.1%}}")
"""


def render_script(config: TrainConfig) -> str:
    """Return a Python script that trains with these settings, without this package.

    On the CPU its losses are those of the eager engine, bit for bit. The other engines compute
    the same training, rounded in another order; the script says so where it matters.
    """
    engine = config.engine
    note = "" if engine == "eager" else _note_engine(engine)
    loop = _FULL_BATCH if config.batch_size == TRAIN_ROWS else _MINI_BATCHES
    record = _RECORD_EACH if config.record_every == 1 else _RECORD_SOME
    values = config.to_dict() | {
        "device": _render_device(config.device),
        "optimizer": OPTIMIZER_NAMES[config.optimizer],
        "rows": TRAIN_ROWS,
        "note": note,
    }
    return (_HEAD + loop + record + _TAIL).format(**values)


def _note_engine(engine: str) -> str:
    return (
        f"\n\nThe run used the engine {engine!r}; this is the plain loop, whose losses differ from "
        "its\nin the last digits and whose time differs a lot.\n"
    )


def _render_device(device: str) -> str:
    if device == "auto":
        return 'torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")'
    if device in BROWSER_DEVICES:  # of which PyTorch knows nothing
        device = "cpu"
    # repr, since a device is any text until PyTorch has seen it
    return f"torch.device({device!r})"
