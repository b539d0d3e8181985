"""The settings of a sweep, a grid or a random draw, and how a user writes them."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

from iris_mlp.config import (
    DEFAULTS,
    LOCAL_LIMITS,
    MAX_SEED,
    TRAIN_ROWS,
    Limits,
    TrainConfig,
    read_int,
)
from iris_mlp.engines.fused_cuda import MOST_HIDDEN, check_hidden
from iris_mlp.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """The settings of a sweep; iterate it for those of its lanes, made one at a time.

    Without `random` the lanes are the grid: every combination of the values. With it each lane is a
    draw: an optimizer and a seed among those given, and `lr`, `hidden` and `epochs` between the
    smallest and the largest given, uniform in their logarithm.

    Attributes:
        optimizer: Optimizers.
        lr: Learning rates; none for the lesson's rate of each optimizer.
        hidden: Numbers of hidden units.
        epochs: Numbers of epochs.
        seeds: Seeds, of which a range takes no memory.
        batch_size: Rows of a mini-batch, for all lanes.
        random: How many lanes to draw; None for the grid.
        draw_seed: Seed of the draw.
        device: `cpu`, `cuda`, `cuda:1`, …; `auto` for a CUDA GPU where there is one, unless some
            hidden layer is too wide for the engine there.

    Raises:
        SettingsError: A value is out of range, or a setting has none.
    """

    optimizer: Sequence[str] = (DEFAULTS.optimizer,)
    lr: Sequence[float] = ()
    hidden: Sequence[int] = (DEFAULTS.hidden,)
    epochs: Sequence[int] = (DEFAULTS.epochs,)
    seeds: Sequence[int] = range(1)
    batch_size: int = TRAIN_ROWS
    random: int | None = None
    draw_seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        values = {"optimizer": self.optimizer, "hidden": self.hidden, "epochs": self.epochs}
        for name, given in {**values, "seeds": self.seeds}.items():
            if not given:
                raise SettingsError("{name} has no value; give at least one.", name=name)
        if self.random is not None:
            random = read_int("random", self.random, 1, LOCAL_LIMITS.sweep_lanes)
            object.__setattr__(self, "random", random)
        object.__setattr__(self, "draw_seed", read_int("draw_seed", self.draw_seed, 0, MAX_SEED))
        ends = self.seeds if not isinstance(self.seeds, range) else (self.seeds[0], self.seeds[-1])
        for name, given in {**values, "seed": ends, "lr": self.lr}.items():
            for value in given:
                TrainConfig(batch_size=self.batch_size, device=self.device, **{name: value})
        if self.device.startswith("cuda"):
            check_hidden(max(self.hidden))
        elif self.device == "auto" and max(self.hidden) > MOST_HIDDEN:
            object.__setattr__(self, "device", "cpu")
        if self._count_lanes() > LOCAL_LIMITS.sweep_lanes:  # `len` itself ends at 2 ** 63
            raise SettingsError(
                "The sweep has {lanes:,} trainings, and no sweep may have more than {most:,}; "
                "choose fewer.",
                lanes=self._count_lanes(),
                most=LOCAL_LIMITS.sweep_lanes,
            )

    def __len__(self) -> int:
        """Return the number of lanes."""
        return self._count_lanes()

    def _count_lanes(self) -> int:
        if self.random is not None:
            return self.random
        settings = (self.optimizer, self.lr or (None,), self.hidden, self.epochs, self.seeds)
        return math.prod(len(values) for values in settings)

    def __iter__(self) -> Iterator[TrainConfig]:
        """Yield the settings of each lane; the same ones each time."""
        if self.random is None:
            lrs = self.lr or (None,)
            for optimizer, lr, hidden, epochs in product(
                self.optimizer, lrs, self.hidden, self.epochs
            ):
                for seed in self.seeds:
                    yield self._make_lane(optimizer, lr, hidden, epochs, seed)
            return
        source = Random(self.draw_seed)
        for _ in range(self.random):
            yield self._make_lane(
                source.choice(self.optimizer),
                _draw(source, self.lr) if self.lr else None,
                round(_draw(source, self.hidden)),
                round(_draw(source, self.epochs)),
                source.choice(self.seeds),
            )

    def check(self, limits: Limits, most_lanes: int) -> None:
        """Refuse a sweep that is larger than this host accepts.

        Raises:
            SettingsError: The sweep has too many lanes, or one of them is too large.
        """
        limits.check(TrainConfig(hidden=max(self.hidden), epochs=max(self.epochs)))
        if len(self) > most_lanes:
            raise SettingsError(
                "The sweep has {lanes:,} trainings, and this public demo accepts at most "
                "{most:,}; choose fewer, or run the app on your own machine.",
                lanes=len(self),
                most=most_lanes,
            )

    def _make_lane(
        self, optimizer: str, lr: float | None, hidden: int, epochs: int, seed: int
    ) -> TrainConfig:
        rate: dict[str, Any] = {} if lr is None else {"lr": lr}
        return TrainConfig(
            device=self.device,
            engine="fused",
            optimizer=optimizer,
            epochs=epochs,
            hidden=hidden,
            batch_size=self.batch_size,
            seed=seed,
            record_every=epochs,
            **rate,
        )


def read_sweep(
    optimizer: str,
    lr: str | None,
    hidden: str,
    epochs: str,
    seeds: str,
    batch_size: int,
    random: int | None,
    draw_seed: int,
    device: str,
) -> SweepConfig:
    """Return the sweep that these settings describe, each as a user writes it: `0.01,0.1`.

    Raises:
        SettingsError: A value cannot be read or is out of range; the sentence names it.
    """
    return SweepConfig(
        optimizer=parse_values("optimizer", optimizer, str),
        lr=parse_values("lr", lr or ""),
        hidden=parse_values("hidden", hidden, int),
        epochs=parse_values("epochs", epochs, int),
        seeds=parse_seeds(seeds),
        batch_size=batch_size,
        random=random,
        draw_seed=draw_seed,
        device=device,
    )


def parse_values(name: str, text: str, kind: Callable[[str], Any] = float) -> tuple[Any, ...]:
    """Read values as a user writes them: `0.001,0.01`; none from an empty text.

    Args:
        name: What they are, for the sentence of a refusal.
        text: The values, with commas between them.
        kind: Reads one value: `float`, `int` or `str`.

    Raises:
        SettingsError: A value cannot be read.
    """
    if not text.strip():
        return ()
    try:
        return tuple(kind(value.strip()) for value in text.split(","))
    except ValueError:
        raise SettingsError(
            "{name} must be numbers with commas between them, not {value!r}.",
            name=name,
            value=text[:40],
        ) from None


def parse_seeds(text: str) -> Sequence[int]:
    """Read seeds: `3`, `1,2,5`, or `0:10` for the ten from 0 to 9.

    Raises:
        SettingsError: The text is none of these.
    """
    if ":" not in text:
        return parse_values("seeds", text, int)
    try:
        first, end = (int(value) for value in text.split(":"))
    except ValueError:
        raise SettingsError(
            "seeds must read like 0:10 or 1,2,5, not {value!r}.", value=text[:40]
        ) from None
    return range(first, end)


def _draw(source: Random, values: Sequence[float]) -> float:
    return math.exp(source.uniform(math.log(min(values)), math.log(max(values))))
