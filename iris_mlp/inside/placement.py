"""Devices: put a model and its input somewhere, and see what this PyTorch version says."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from iris_mlp.devices import list_devices
from iris_mlp.errors import DeviceError
from iris_mlp.inside.snippet import Snippet, run_snippet
from iris_mlp.lent_gpu import is_lent
from iris_mlp.model import build_model
from iris_mlp.training import StopSignal

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


@dataclass(frozen=True)
class Movable:
    """What came of calling `.to` on something.

    Attributes:
        name: Key of what it is.
        code: The call.
        error: What it raised; None where it has a `.to`.
    """

    name: str
    code: str
    error: str | None


_MOVABLES = {
    "tensor": "x.to(device)",
    "module": "model.to(device)",
    "loss": "criterion.to(device)",
    "optimizer": "optimizer.to(device)",
    "list": "[x, y].to(device)",
    "array": "x.numpy().to(device)",
}


def try_moving() -> tuple[Movable, ...]:
    """Call `.to` on what a training loop has, and keep what each call raises."""
    model = build_model(hidden=10, seed=0)
    given = {
        **{"x": torch.zeros(1, 4), "y": torch.zeros(1), "device": torch.device("cpu")},
        **{"model": model, "criterion": nn.CrossEntropyLoss()},
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
    }
    tried = []
    for name, code in _MOVABLES.items():
        error = run_snippet(code, expected=(AttributeError,), **given).error
        tried.append(Movable(name, code, error and f"{error.type_name}: {error.message}"))
    return tuple(tried)


@dataclass(frozen=True)
class Recorded:
    """What PyTorch said on a machine with CUDA, as someone reported it.

    Attributes:
        version: Of PyTorch where the report tells it, and the year of the report.
        message: The error's text.
        source: Where it is reported.
    """

    version: str
    message: str
    source: str


RECORDED = (
    Recorded(
        "2020",
        "Expected object of device type cuda but got device type cpu for argument #2 'mat1' in "
        "call to _th_addmm",
        "https://github.com/diegoalejogm/gans/issues/12",
    ),
    Recorded(
        "2021",
        "Tensor for argument #2 'mat1' is on CPU, but expected it to be on GPU (while checking "
        "arguments for addmm)",
        "https://github.com/unit8co/darts/issues/492",
    ),
    Recorded(
        "2.x, 2024",
        "Expected all tensors to be on the same device, but found at least two devices, cpu and "
        "cuda:0! (when checking argument for argument mat1 in method wrapper_CUDA_addmm)",
        "https://github.com/haotian-liu/LLaVA/issues/1081",
    ),
    Recorded(
        "2.x, 2026",
        "Expected all tensors to be on the same device, but got mat2 is on cuda:0, different from "
        "other tensors on cpu (when checking argument in method wrapper_CUDA_mm)",
        "https://github.com/yolain/ComfyUI-Easy-Use/issues/937",
    ),
)


def list_places() -> list[str]:
    """Return the devices that a visitor may choose: those that are here, and `meta`.

    Of a GPU that is lent for a call see `run_mismatch`.
    """
    devices = list_devices()
    return ["cpu", META] if is_lent(devices) else [*devices, META]


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
    return _run_placement(model_device, input_device, scaled)


def run_mismatch(
    devices: Sequence[str], scaled: Sequence[float], stop: StopSignal
) -> Generator[Placement]:
    """Yield what comes of a model on a device and an input on the CPU, for each device.

    Args:
        devices: Where the model is; a GPU that is not here as well, once it is lent.
        scaled: The network's input, four numbers.
        stop: Ends it.
    """
    for device in devices:
        if not stop.is_set():
            found = _run_placement(device, "cpu", scaled)
            # Tensors and functions stay where they are; what is shown are the texts.
            mended = found.mended and replace(found.mended, names={})
            yield Placement(replace(found.placed, names={}), mended)


def _run_placement(model_device: str, input_device: str, scaled: Sequence[float]) -> Placement:
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
