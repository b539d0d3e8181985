"""How the arrays of the fused CPU engine lie in memory; the model and the rows laid out so.

Training rows lie along the lanes of vectors. All arrays are flat:

    rows: planes of `STRIDE` numbers, one for each row: the 4 features, one-hot classes, 1 for a
        real row and 1 for one that only fills the last vector, logits, and their gradients.
    weights: `UNIT` numbers for each unit: 4 input weights, bias, weights to class 1, to 2, to 0.
        Unit 0 is one that is always 1: its weights to the classes are the output's biases.
    relative: the same, with the weights to class 1 and 2 relative to those to class 0. A softmax
        depends on nothing else, so that class 0 needs neither a logit nor an exponential.
"""

from typing import NamedTuple

import llvmlite.binding
import numpy as np
import torch
from torch import Tensor

from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.data import IrisSplit
from iris_mlp.model import IrisMLP

LANES: int = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8
"""Numbers in a vector: 16 fill a register of AVX-512, 8 one of AVX2 or two of NEON."""
UNIT = 8
STRIDE = 128
PLANES = 13
X0, X1, X2, X3, Y0, Y1, Y2, REAL, PAD, Z1, Z2, DZ1, DZ2 = range(0, PLANES * STRIDE, STRIDE)
GIVEN = 9
"""Planes that do not change: all before the logits."""

DRAWS = TRAIN_ROWS - 1
"""Random numbers that shuffle the rows once."""
ARGUMENTS = (
    *(*["int64"] * 7, "float64"),  # Plan
    *(*["float32*"] * 8, "float64*", "uint8*"),  # Memory
    *("int64", "int64", "uint32*", "float32*", "float32*", "int64*"),
)
"""What the compiled function takes, in the order of `kernel.enter`; a star marks a pointer."""
_MOST_KEPT_UNITS = 512  # 256 KiB, inside the second cache


class Plan(NamedTuple):
    """The settings of a run; `end` is its last epoch, `kept_units` is the hidden units or 0.

    The values of the hidden units are kept for the backward pass unless there are so many that
    computing them twice costs less than fetching them.
    """

    hidden: int
    end: int
    record_every: int
    test_every: int
    batch_size: int
    adam: int
    kept_units: int
    lr: float


class Memory(NamedTuple):
    """All arrays that a run changes, and the rows; float32 where nothing else is said.

    Attributes:
        rows: The training rows.
        test_rows: The test rows.
        batch_rows: Room for the rows of a mini-batch.
        weights: The model; room for whole vectors, so perhaps for one unit more than there are.
        relative: The model relative to class 0.
        gradients: Room for the gradients of the weights, zero at first.
        moments: Adam's first and second moments, of the size of the weights each.
        active: Room for the values of the hidden units that are kept, `STRIDE` each.
        powers: Adam's powers of its two betas, float64.
        order: Room for the order of the rows, uint8.
    """

    rows: np.ndarray
    test_rows: np.ndarray
    batch_rows: np.ndarray
    weights: np.ndarray
    relative: np.ndarray
    gradients: np.ndarray
    moments: np.ndarray
    active: np.ndarray
    powers: np.ndarray
    order: np.ndarray


def make_plan(config: TrainConfig) -> Plan:
    """Return the settings as the compiled function takes them."""
    return Plan(
        hidden=config.hidden,
        end=config.epochs,
        record_every=config.record_every,
        test_every=config.test_every,
        batch_size=config.batch_size,
        adam=int(config.optimizer == "adam"),
        kept_units=config.hidden if config.hidden <= _MOST_KEPT_UNITS else 0,
        lr=config.lr,
    )


def lay_out(plan: Plan, model: IrisMLP, split: IrisSplit) -> Memory:
    """Return the arrays for a model and the rows, both on the CPU."""
    size = -(-(1 + plan.hidden) * UNIT // LANES) * LANES
    memory = Memory(
        rows=_lay_out_rows(split.x_train, split.y_train),
        test_rows=_lay_out_rows(split.x_test, split.y_test),
        batch_rows=_zeros(PLANES * STRIDE),
        weights=_zeros(size),
        relative=_zeros(size),
        gradients=_zeros(size),
        moments=_zeros(2 * size),
        active=_zeros(plan.kept_units * STRIDE),
        powers=np.ones(2),
        order=np.zeros(TRAIN_ROWS, np.uint8),
    )
    fc1, fc2, output_bias = _view_weights(memory, plan.hidden)
    with torch.no_grad():
        fc1.copy_(torch.cat([model.fc1.weight, model.fc1.bias[:, None]], dim=1))
        fc2.copy_(model.fc2.weight.roll(-1, dims=0).T)
        output_bias.copy_(model.fc2.bias.roll(-1))
    weights, relative = memory.weights.reshape(-1, UNIT), memory.relative.reshape(-1, UNIT)
    relative[:] = weights
    relative[:, 5:7] -= weights[:, 7:]
    return memory


def write_weights(memory: Memory, model: IrisMLP) -> None:
    """Copy the weights reached into the model."""
    fc1, fc2, output_bias = _view_weights(memory, model.fc1.out_features)
    with torch.no_grad():
        model.fc1.weight.copy_(fc1[:, :4])
        model.fc1.bias.copy_(fc1[:, 4])
        model.fc2.weight.copy_(fc2.T.roll(1, dims=0))
        model.fc2.bias.copy_(output_bias.roll(1))


def _view_weights(memory: Memory, hidden: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return views of the weights, (hidden, 5), (hidden, 3) and (3,), the class 0 last."""
    units = torch.from_numpy(memory.weights).reshape(-1, UNIT)[: 1 + hidden]
    return units[1:, :5], units[1:, 5:], units[0, 5:]


def _lay_out_rows(x: Tensor, y: Tensor) -> np.ndarray:
    rows, count = _zeros(PLANES * STRIDE), len(y)
    planes = rows.reshape(PLANES, STRIDE)
    planes[:4, :count] = x.numpy().T
    planes[Y0 // STRIDE + y.numpy(), np.arange(count)] = 1.0
    planes[REAL // STRIDE, :count] = 1.0
    planes[PAD // STRIDE, count:] = 1.0
    return rows


def _zeros(size: int) -> np.ndarray:
    """Return float32 zeros that begin on a cache line, so that no vector straddles two."""
    room = np.zeros(size + 16, np.float32)
    start = -room.ctypes.data % 64 // 4
    return room[start : start + size]
