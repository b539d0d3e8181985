"""What this project measured on a machine with a GPU; shown on machines that have none.

The measurements stand in `measured.json`, which `python -m benchmarks.gpu` writes on such a
machine; until then there is no such file.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import torch

from iris_mlp.compare.crossover import AXES, Axis, Point, measure_crossover
from iris_mlp.compare.ledger import Ledger, measure_ledger
from iris_mlp.compare.memory import TrainingMemory, measure_memory
from iris_mlp.compare.race import LESSON, Standing, find_contenders, race, summarize
from iris_mlp.compare.reads import ReadPoint, measure_reads
from iris_mlp.config import TrainConfig

FILE = Path(__file__).with_name("measured.json")

STEPS = ((10, 120, "sgd"), (4_096, 8_192, "adam"))
"""Hidden units, rows and optimizer of the training steps whose memory is measured."""


@dataclass(frozen=True)
class MeasuredStep:
    """The memory of one training step on the GPU."""

    hidden: int
    batch_size: int
    optimizer: str
    memory: TrainingMemory


@dataclass(frozen=True)
class MeasuredMachine:
    """Every experiment of the CPU vs GPU tab on one machine.

    Attributes:
        gpu: Its GPU, as the driver names it.
        cpu: Its CPU.
        torch: Version of PyTorch.
        measured_on: Date, as 2026-01-31.
        device: The GPU in PyTorch's spelling.
        standings: The race, CPU and GPU.
        ledger: One epoch on the GPU.
        reads: Runs on the GPU that read the loss more or less often.
        points: The crossover's line of the GPU.
        steps: Memory of training steps on the GPU.
    """

    gpu: str
    cpu: str
    torch: str
    measured_on: str
    device: str
    standings: tuple[Standing, ...]
    ledger: Ledger
    reads: tuple[ReadPoint, ...]
    points: tuple[Point, ...]
    steps: tuple[MeasuredStep, ...]

    def to_json(self) -> str:
        """Return it as the text of `measured.json`."""
        return json.dumps(asdict(self), indent=1) + "\n"


def load_measured() -> MeasuredMachine | None:
    """Return what was measured; None as long as nothing was."""
    return _load(FILE)


def measure_machine(
    gpu: str,
    cpu: str,
    device: str = "cuda",
    *,
    max_epochs: int | None = None,
    budget_s: float = 4.0,
    point_s: float = 0.2,
    axes: Sequence[Axis] = tuple(AXES),
) -> MeasuredMachine:
    """Run every experiment here, some minutes with the defaults.

    Args:
        gpu: Name of the GPU.
        cpu: Name of the CPU.
        device: The GPU in PyTorch's spelling.
        max_epochs: Epochs of a lap of the race; left out, all are run.
        budget_s: Seconds for the ledger, and for the reads.
        point_s: Seconds for a point of the crossover.
        axes: Axes of the crossover.

    Raises:
        DeviceError: The device is not there.
    """
    config = TrainConfig(device=device)
    contenders, _ = find_contenders(list(dict.fromkeys(["cpu", device])))
    standings = tuple(summarize(list(race(contenders, LESSON, max_epochs))))
    reads = tuple(measure_reads(config, budget_s=budget_s))
    points = tuple(measure_crossover(axes, [device], point_s))
    steps = tuple(
        MeasuredStep(*step, measure_memory(*step, device=device))  # type: ignore[arg-type]
        for step in STEPS
    )
    # Last, for it profiles: what traces a GPU stays on in the process and slows each launch.
    ledger = measure_ledger(config, budget_s)
    assert ledger is not None  # nobody ends it early
    return MeasuredMachine(
        gpu=gpu,
        cpu=cpu,
        torch=torch.__version__,
        measured_on=date.today().isoformat(),
        device=device,
        standings=standings,
        ledger=ledger,
        reads=reads,
        points=points,
        steps=steps,
    )


@cache
def _load(path: Path) -> MeasuredMachine | None:
    if not path.exists():
        return None
    return _read(MeasuredMachine, json.loads(path.read_text(encoding="utf-8")))


def _read(kind: Any, plain: Any) -> Any:
    """Turn what `asdict` and JSON made of a dataclass back into it."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        values = {field.name: _read(hints[field.name], plain[field.name]) for field in fields(kind)}
        return kind(**values)  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], value) for value in plain)
    if get_origin(kind) is UnionType and plain is not None:
        return _read(next(k for k in get_args(kind) if k is not NoneType), plain)
    return plain
