"""What a training step of this model keeps in memory, computed and measured."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from iris_mlp.config import OPTIMIZER_NAMES, TrainConfig, read_int
from iris_mlp.devices import explain_failure, resolve_device
from iris_mlp.errors import SettingsError
from iris_mlp.model import build_model
from iris_mlp.training import StopSignal

GIB = 1024**3
CARD_SIZES_GIB = (8, 12, 24, 48, 80)
MAX_MEASURED_BYTES = GIB // 2
"""A step that needs more is computed but not run, so that a visitor cannot fill the host."""

MAX_ROWS = 10**12
"""More rows than any card holds."""

_FLOAT, _INT64 = 4, 8
_FEATURES, _CLASSES = 4, 3
_LAYER_TENSORS = 4


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes that one training step holds, by what they hold.

    Attributes:
        parameter_bytes: Weights and biases.
        gradient_bytes: One number for each parameter.
        optimizer_bytes: What the optimizer keeps between steps: nothing for plain SGD; two
            moments for each parameter and a step count for each tensor with Adam.
        batch_bytes: Inputs (float32) and classes (int64) of the rows.
        activation_bytes: What the forward pass keeps for the backward pass.
        workspace_bytes: What comes and goes within the step, at its largest; None when unknown.
    """

    parameter_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    batch_bytes: int
    activation_bytes: int
    workspace_bytes: int | None

    @property
    def total_bytes(self) -> int | None:
        """All parts together; None when one is unknown."""
        parts = [getattr(self, field.name) for field in fields(self)]
        return None if None in parts else sum(parts)


def estimate_memory(hidden: float, batch_size: float, optimizer: str = "sgd") -> TrainingMemory:
    """Compute the memory of one training step of the MLP in float32.

    Saved for backward (what autograd keeps, PyTorch notes "Autograd mechanics", section "Saved
    tensors"): the output of ReLU, the log-softmax, and one scalar of the loss. The largest
    workspace is reached in ReLU's backward: the gradients at both of its sides; the logits, which
    the loop's variable holds, are counted too. Left out: what a driver and its libraries take for
    themselves, some hundreds of MiB on CUDA.

    Raises:
        SettingsError: A value is out of range.
    """
    config = TrainConfig(hidden=hidden, optimizer=optimizer)  # type: ignore[arg-type]  # checks both
    hidden, batch_size = config.hidden, read_int("batch_size", batch_size, 1, MAX_ROWS)
    parameters = hidden * (_FEATURES + 1) + _CLASSES * (hidden + 1)
    moments = 2 * parameters + _LAYER_TENSORS if optimizer == "adam" else 0
    return TrainingMemory(
        parameter_bytes=_FLOAT * parameters,
        gradient_bytes=_FLOAT * parameters,
        optimizer_bytes=_FLOAT * moments,
        batch_bytes=batch_size * (_FEATURES * _FLOAT + _INT64),
        activation_bytes=_FLOAT * (batch_size * (hidden + _CLASSES) + 1),
        workspace_bytes=_FLOAT * batch_size * (2 * hidden + _CLASSES),
    )


def measure_memory(
    hidden: float, batch_size: float, optimizer: str = "sgd", device: str = "cpu"
) -> TrainingMemory:
    """Run one training step and count the tensors that it really keeps.

    The workspace is known on CUDA alone, where the allocator reports its peak.

    Raises:
        SettingsError: A value is out of range, or the step is too large to run here.
        DeviceError: The device is not there, or full.
    """
    needed = _total(estimate_memory(hidden, batch_size, optimizer))
    if needed > MAX_MEASURED_BYTES:
        raise SettingsError(
            "This step needs {needed_gib:,.1f} GiB; at most {most_gib:.1f} GiB "
            "is measured here, so choose fewer rows or hidden units.",
            needed_gib=needed / GIB,
            most_gib=MAX_MEASURED_BYTES / GIB,
        )
    place = resolve_device(device)
    with explain_failure(place):  # a GPU may be full of something else
        return _run_step(int(hidden), int(batch_size), optimizer, place)


def measure_memory_on(
    devices: Sequence[str], hidden: float, batch_size: float, optimizer: str, stop: StopSignal
) -> Generator[TrainingMemory]:
    """Yield what `measure_memory` finds on each device."""
    for device in devices:
        if not stop.is_set():
            yield measure_memory(hidden, batch_size, optimizer, device)


def _run_step(hidden: int, batch_size: int, optimizer: str, place: torch.device) -> TrainingMemory:
    """Run one step and count; see `measure_memory`."""
    on_cuda = place.type == "cuda"
    if on_cuda:
        # cuBLAS takes its workspace at a thread's first products and keeps it: not this step's.
        small = build_model(hidden=10, seed=0).to(place)
        small(torch.zeros(8, _FEATURES, device=place)).sum().backward()
        del small
        torch.cuda.reset_peak_memory_stats(place)
    before = torch.cuda.memory_allocated(place) if on_cuda else 0
    model = build_model(hidden, seed=0).to(place)
    stepper = getattr(torch.optim, OPTIMIZER_NAMES[optimizer])(model.parameters())
    x = torch.zeros(batch_size, _FEATURES, device=place)
    y = torch.zeros(batch_size, dtype=torch.int64, device=place)
    saved: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = model(x)
        loss = nn.functional.cross_entropy(outputs, y)
    parameters = list(model.parameters())
    activation_bytes = _count_bytes(saved, known=[*parameters, x, y])
    saved.clear()  # else they would outlive the backward pass and count towards the peak
    loss.backward()
    stepper.step()
    gradients = [tensor.grad for tensor in parameters if tensor.grad is not None]
    state = [
        value
        for values in stepper.state.values()
        for value in values.values()
        if isinstance(value, Tensor)
    ]
    counted = TrainingMemory(
        parameter_bytes=_count_bytes(parameters),
        gradient_bytes=_count_bytes(gradients),
        optimizer_bytes=_count_bytes(state),
        batch_bytes=_count_bytes([x, y]),
        activation_bytes=activation_bytes,
        workspace_bytes=0,
    )
    peak = torch.cuda.max_memory_allocated(place) - before if on_cuda else None
    workspace = None if peak is None else max(0, peak - _total(counted))
    values = {field.name: getattr(counted, field.name) for field in fields(counted)}
    return TrainingMemory(**{**values, "workspace_bytes": workspace})


def _total(memory: TrainingMemory) -> int:
    assert memory.total_bytes is not None
    return memory.total_bytes


def _count_bytes(tensors: Iterable[Tensor], known: Iterable[Tensor] = ()) -> int:
    """Return the bytes of the storages behind some tensors, each once, without known ones."""
    storages = {tensor.untyped_storage().data_ptr(): tensor for tensor in tensors}
    for tensor in known:
        storages.pop(tensor.untyped_storage().data_ptr(), None)
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())
