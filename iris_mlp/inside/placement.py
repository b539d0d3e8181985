"""Devices: put a model and its input somewhere, and see what this PyTorch version says."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from iris_mlp.config import is_zerogpu
from iris_mlp.devices import list_devices
from iris_mlp.errors import DeviceError
from iris_mlp.inside.snippet import Snippet, run_snippet
from iris_mlp.model import build_model

META = "meta"
"""PyTorch's device of tensors with a shape but no numbers; stands in where there is no GPU."""

_PLACED = """\
model = build_model(hidden=10, seed=0).to("{model_device}")
x = torch.tensor([{row}]).to("{input_device}")
logits = model(x)
print(tuple(logits.shape), logits.device)
"""

_MENDED = """\
device = torch.device("{device}")
model = build_model(hidden=10, seed=0).to(device)
x = torch.tensor([{row}]).to(device)
logits = model(x)
print(tuple(logits.shape), logits.device)
"""

_MOVED = """\
x = torch.zeros(1, 4)
print(x.to("cpu") is x)
moved = x.to("{other}")
print(moved is x, x.device, moved.device)

model = build_model(hidden=10, seed=0)
returned = model.to("{other}")
print(returned is model, model.fc1.weight.device)
"""


@dataclass(frozen=True)
class Placement:
    """What came of a model and an input on two devices.

    Attributes:
        placed: The code as the visitor asked for it, with its output or its error.
        mended: The code with one device for both; None when the first one ran.
    """

    placed: Snippet
    mended: Snippet | None


@dataclass(frozen=True)
class Moves:
    """What `.to` returns.

    Attributes:
        snippet: The code that was run.
        other: The device that things were moved to.
        tensor_is_same_when_there: `x.to(d) is x` for an x that is on d already.
        tensor_is_same_when_moved: The same for an x that is elsewhere.
        module_is_same_when_moved: `model.to(d) is model`: it works in place.
        module_device: Where the model's weights are after that.
    """

    snippet: Snippet
    other: str
    tensor_is_same_when_there: bool
    tensor_is_same_when_moved: bool
    module_is_same_when_moved: bool
    module_device: str


def list_places() -> list[str]:
    """Return the devices that a visitor may choose: those that are here, and `meta`.

    On ZeroGPU only `cpu` and `meta`: there the process that serves the page must not touch the GPU.
    """
    return ["cpu", META] if is_zerogpu() else [*list_devices(), META]


def run_placement(
    model_device: str, input_device: str, scaled: Sequence[float] = (0.5, 0.5, 0.5, 0.5)
) -> Placement:
    """Run the model and an input on the devices chosen; where that fails, mend the code.

    The mended code puts both on the model's device, or on the input's where the model's is `meta`.

    Args:
        model_device: One of `list_places()`.
        input_device: One of `list_places()`.
        scaled: The network's input, four numbers.

    Raises:
        DeviceError: A device is not one of them.
    """
    for device in (model_device, input_device):
        if device not in list_places():
            raise DeviceError(
                "device {device!r} is not here; choose one of {places}.",
                device=device,
                places=", ".join(list_places()),
            )
    row = [float(value) for value in scaled]
    names = {"torch": torch, "build_model": build_model}
    code = _PLACED.format(model_device=model_device, input_device=input_device, row=row)
    placed = run_snippet(code, expected=(RuntimeError,), **names)
    if placed.error is None:
        return Placement(placed, None)
    device = input_device if model_device == META else model_device
    return Placement(placed, run_snippet(_MENDED.format(device=device, row=row), **names))


def run_moves() -> Moves:
    """Move a tensor and a model, to another device where there is one, else to `meta`."""
    other = next(device for device in list_places() if device != "cpu")
    snippet = run_snippet(_MOVED.format(other=other), torch=torch, build_model=build_model)
    x, model = snippet.names["x"], snippet.names["model"]
    return Moves(
        snippet=snippet,
        other=other,
        tensor_is_same_when_there=x.to("cpu") is x,
        tensor_is_same_when_moved=snippet.names["moved"] is x,
        module_is_same_when_moved=snippet.names["returned"] is model,
        module_device=str(model.fc1.weight.device),
    )
