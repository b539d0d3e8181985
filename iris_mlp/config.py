"""Settings of a training run, checked when they are made, and the caps of a host."""

import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from iris_mlp.errors import SettingsError

Engine = Literal["eager", "cuda-graph", "fused"]
Optimizer = Literal["sgd", "adam"]

ENGINES: tuple[str, ...] = get_args(Engine)
OPTIMIZERS: tuple[str, ...] = get_args(Optimizer)
OPTIMIZER_NAMES = {"sgd": "SGD", "adam": "Adam"}
"""What people, and the classes of `torch.optim`, call them."""
BROWSER_DEVICES = ("browser:cpu", "browser:gpu")
"""The visitor's own computer, which trains in the page and then sends what came out."""
TRAIN_ROWS, TEST_ROWS = 120, 30
MAX_SEED = 2**32 - 1
MAX_LR = 1e30
"""Far beyond use; float32 overflows before it."""
TEST_POINTS = 200
"""About how many times a run measures its test loss, whatever its length."""

_DEFAULT_LR = {"sgd": 0.01, "adam": 0.001}


def default_lr(optimizer: str) -> float:
    """Return the lesson's learning rate for an optimizer: 0.01 for SGD, 0.001 for Adam."""
    return _DEFAULT_LR.get(optimizer, _DEFAULT_LR["sgd"])


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The largest run that a host accepts.

    Attributes:
        epochs: Most epochs of one run.
        hidden: Most hidden units.
        wall_s: Seconds after which a run is stopped and keeps what it reached.
        sweep_lanes: Most trainings of one sweep.
    """

    epochs: int
    hidden: int
    wall_s: float
    sweep_lanes: int = 10_000_000

    def check(self, config: "TrainConfig") -> None:
        """Refuse a run that is larger than this host accepts.

        Raises:
            SettingsError: A setting is over its cap; the sentence names both.
        """
        for name in ("epochs", "hidden"):
            value, cap = getattr(config, name), getattr(self, name)
            if value > cap:
                raise SettingsError(
                    "{name} is {value:,}, and this public demo accepts at most {cap:,}; "
                    "choose less, or run the app on your own machine.",
                    name=name,
                    value=value,
                    cap=cap,
                )


LOCAL_LIMITS = Limits(epochs=10_000_000, hidden=65_536, wall_s=24 * 3600.0)
PUBLIC_LIMITS = Limits(epochs=100_000, hidden=1_024, wall_s=120.0, sweep_lanes=1_000)


def is_public_space() -> bool:
    """Tell whether this process serves a Hugging Face Space (`SPACE_ID` is set there)."""
    return bool(os.environ.get("SPACE_ID"))


def is_zerogpu() -> bool:
    """Tell whether this process serves a ZeroGPU Space, as the package `spaces` decides it."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def host_limits() -> Limits:
    """Return the caps of this host: tight on a public Space, wide on one's own machine."""
    return PUBLIC_LIMITS if is_public_space() else LOCAL_LIMITS


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The settings of one training run; the defaults are the lesson run with seed 0.

    Attributes:
        device: `auto`, or a device that PyTorch knows: `cpu`, `cuda`, `cuda:1`, `mps`, …
        engine: What computes the run: `eager` (the lesson's loop), `cuda-graph` or `fused`.
        optimizer: `sgd` or `adam`.
        lr: Learning rate; left out, the lesson's rate for the optimizer.
        epochs: Passes over the training rows.
        hidden: Units of the hidden layer.
        batch_size: Rows of a mini-batch; left out, all 120 rows (full batch).
        seed: Seed of the first weights and of the order of mini-batches.
        record_every: The loss is read from the device every so many epochs, and at the last one.

    Raises:
        SettingsError: A value is out of range or of the wrong kind; the sentence names it.
    """

    device: str = "auto"
    engine: str = "eager"
    optimizer: str = "sgd"
    lr: float = None  # type: ignore[assignment]  # filled in below, so that readers see a float
    epochs: int = 20_000
    hidden: int = 10
    batch_size: int = TRAIN_ROWS
    seed: int = 0
    record_every: int = 1

    @classmethod
    def from_values(cls, values: Iterable[Any]) -> "TrainConfig":
        """Return the settings of values in the order of the fields.

        Raises:
            SettingsError: A value is out of range or of the wrong kind; the sentence names it.
            ValueError: There are more or fewer values than fields.
        """
        return cls(**dict(zip(cls.__dataclass_fields__, values, strict=True)))

    def __post_init__(self) -> None:
        _check_choice("engine", self.engine, ENGINES)
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        if not isinstance(self.device, str) or not self.device:
            raise SettingsError("device must be a name such as auto, cpu or cuda.")
        values = {
            "lr": _read_lr(default_lr(self.optimizer) if self.lr is None else self.lr),
            "epochs": read_int("epochs", self.epochs, 1, LOCAL_LIMITS.epochs),
            "hidden": read_int("hidden", self.hidden, 1, LOCAL_LIMITS.hidden),
            "batch_size": read_int(
                "batch_size",
                TRAIN_ROWS if self.batch_size is None else self.batch_size,
                1,
                TRAIN_ROWS,
            ),
            "seed": read_int("seed", self.seed, 0, MAX_SEED),
            "record_every": read_int("record_every", self.record_every, 1, LOCAL_LIMITS.epochs),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def batches_per_epoch(self) -> int:
        """Steps of the optimizer in one pass over the training rows."""
        return math.ceil(TRAIN_ROWS / self.batch_size)

    @property
    def test_every(self) -> int:
        """Epochs between two measurements of the test loss: a multiple of `record_every`."""
        return self.record_every * math.ceil(self.epochs / (TEST_POINTS * self.record_every))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return asdict(self)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(
            "{name} {value} is unknown; choose one of {choices}.",
            name=name,
            value=_show(value),
            choices=", ".join(choices),
        )


def read_int(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number, which JSON may also write as 10.0.

    Raises:
        SettingsError: It is none, or out of range; the sentence names it.
    """
    if value is None:
        raise SettingsError(
            "{name} is empty; give a whole number from {low:,} to {high:,}.",
            name=name,
            low=low,
            high=high,
        )
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not low <= value <= high:  # type: ignore[operator]
        raise SettingsError(
            "{name} must be a whole number from {low:,} to {high:,}, not {value}.",
            name=name,
            low=low,
            high=high,
            value=_show(value),
        )
    return int(value)  # type: ignore[call-overload]


def _read_lr(value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= MAX_LR:  # type: ignore[operator]
        raise SettingsError(
            "lr (learning rate) must be a number above 0 and at most {high:g}, not {value}.",
            high=MAX_LR,
            value=_show(value),
        )
    return float(value)  # type: ignore[arg-type]


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


DEFAULTS = TrainConfig()
"""The lesson run with seed 0."""
