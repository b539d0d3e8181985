import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from iris_mlp.compare.memory import (
    estimate_memory,
    measure_memory,
)
from iris_mlp.errors import SettingsError


def test_lesson_run_takes_the_bytes_counted_by_hand():
    memory = estimate_memory(hidden=10, batch_size=120, optimizer="adam")
    assert memory.parameter_bytes == memory.gradient_bytes == 83 * 4
    assert memory.optimizer_bytes == 2 * 83 * 4 + 4 * 4  # two moments, and a count a tensor
    assert memory.batch_bytes == 120 * (4 * 4 + 8)
    assert memory.activation_bytes == 4 * (120 * 10 + 120 * 3 + 1)
    assert estimate_memory(10, 120, "sgd").optimizer_bytes == 0


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("hidden", "batch_size"), [(10, 120), (1, 1), (333, 7), (20, 5_000)])
def test_computed_parts_equal_the_tensors_that_pytorch_really_keeps(hidden, batch_size, optimizer):
    computed = estimate_memory(hidden, batch_size, optimizer)
    measured = measure_memory(hidden, batch_size, optimizer)
    for part in ("parameter", "gradient", "optimizer", "batch", "activation"):
        assert getattr(measured, f"{part}_bytes") == getattr(computed, f"{part}_bytes"), part
    assert measured.workspace_bytes is None
    assert measured.total_bytes is None


class PeakMeter(TorchDispatchMode):
    """Adds up, after every operation, the storages that are still alive."""

    def __init__(self):
        super().__init__()
        self.alive = {}
        self.peak_bytes = 0

    def watch(self, tensor):
        storage = tensor.untyped_storage()
        self.alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.watch(tensor)
        self.alive = {k: v for k, v in self.alive.items() if not v[0].expired()}
        self.peak_bytes = max(self.peak_bytes, sum(size for _, size in self.alive.values()))
        return result


@pytest.mark.parametrize(("hidden", "batch_size"), [(10, 2_000), (64, 500), (500, 1_000)])
def test_computed_total_is_the_peak_of_the_second_step_or_little_more(hidden, batch_size):
    model = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.rand(batch_size, 4), torch.zeros(batch_size, dtype=torch.int64)
    meter = PeakMeter()
    for tensor in (x, y, *(parameter.detach() for parameter in model.parameters())):
        meter.watch(tensor)
    with meter:
        for _ in range(2):
            outputs = model(x)
            loss = nn.functional.cross_entropy(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    computed = estimate_memory(hidden, batch_size, "sgd").total_bytes
    assert meter.peak_bytes <= computed <= 1.1 * meter.peak_bytes


@pytest.mark.parametrize(
    ("hidden", "batch_size", "optimizer", "named"),
    [
        (0, 1, "sgd", "hidden"),
        (10, 0, "sgd", "batch_size"),
        (10, 2.5, "sgd", r"batch_size must be .*, not 2\.5"),
        (10, None, "sgd", "batch_size is empty"),
        (10, 1, "lion", "optimizer"),
    ],
)
def test_values_out_of_range_are_refused_by_name(hidden, batch_size, optimizer, named):
    with pytest.raises(SettingsError, match=named):
        estimate_memory(hidden, batch_size, optimizer)


def test_step_that_is_too_large_to_run_is_refused_before_it_runs():
    with pytest.raises(SettingsError, match="GiB"):
        measure_memory(60_000, 10_000_000)
