"""The landscape: a table of learning rate by width or length, each cell the mean of some seeds."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from statistics import mean
from typing import Any, Literal

import gradio as gr

from iris_mlp.config import OPTIMIZER_NAMES, TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.sweep.run import LaneResult
from iris_mlp.sweep.settings import SweepConfig
from iris_mlp.ui.assets import mount
from iris_mlp.ui.explore.live_panel import settings_of

Axis = Literal["hidden", "epochs"]

LRS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
COLUMNS: dict[Axis, tuple[int, ...]] = {
    "hidden": (1, 2, 3, 4, 6, 10, 16, 32, 64),
    "epochs": (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
}
SEED_COUNTS = (1, 3, 10)

_TEMPLATE = """
<div class="landscape">
  <div class="landscape-table"></div>
  <p class="landscape-readout"></p>
  <div class="landscape-scale" aria-hidden="true"></div>
  <div class="landscape-progress"><i></i></div>
  <p class="landscape-note" role="status" aria-live="polite"></p>
</div>
"""


@dataclass
class Landscape:
    """A landscape and what is known of it so far.

    Attributes:
        base: The settings of all that is not an axis; its seed is the first of each cell.
        axis: What the columns are.
        seeds: Trainings of each cell.
        results: What each cell's trainings came to, by learning rate and column.
    """

    base: TrainConfig
    axis: Axis
    seeds: int
    results: dict[tuple[float, int], list[LaneResult]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def make_sweep(self) -> SweepConfig:
        """Return the sweep, to be checked against the caps of the host."""
        return self._sweep_seeds(range(self.base.seed, self.base.seed + self.seeds))

    def list_lanes(self) -> Iterator[TrainConfig]:
        """Return all cells with the first seed, then with the next: the whole picture first."""
        return chain.from_iterable(self._sweep_seeds((seed,)) for seed in self.make_sweep().seeds)

    def add(self, result: LaneResult) -> None:
        """Keep what one training came to."""
        config = result.config
        self.results[config.lr, getattr(config, self.axis)].append(result)

    @property
    def done(self) -> int:
        """Trainings done."""
        return sum(map(len, self.results.values()))

    def _sweep_seeds(self, seeds: Any) -> SweepConfig:
        columns: dict[str, Any] = {
            "hidden": (self.base.hidden,),
            "epochs": (self.base.epochs,),
            self.axis: COLUMNS[self.axis],
        }
        return SweepConfig(optimizer=(self.base.optimizer,), lr=LRS, seeds=seeds, **columns)


def build_landscape(**kwargs: Any) -> gr.HTML:
    """Build the table; its value is what `describe_landscape` returns.

    A cell that is chosen sends the event `choose` with `settings`, the five of the controls.
    """
    # A function, since Gradio writes a stub file beside every class that derives from its own.
    return gr.HTML(
        html_template=_TEMPLATE,
        js_on_load=mount("landscape", "choose"),
        apply_default_css=False,
        **kwargs,
    )


def describe_landscape(
    landscape: Landscape, note: str, running: bool, t: Translate
) -> dict[str, Any]:
    """Return the table's value.

    Returns:
        `rows` and `columns`, the values of the axes; `cells`, row by row, each `None` or a list:
        trainings, how many of them diverged, then mean, least and most of the final loss and of
        the test accuracy of the others (None where all diverged); `axis`, `base` and `words`.
    """
    columns = COLUMNS[landscape.axis]
    base = settings_of(landscape.base)
    fixed = "epochs" if landscape.axis == "hidden" else "hidden"
    return {
        "rows": LRS,
        "columns": columns,
        "cells": [
            _describe_cell(landscape.results.get((lr, column), []))
            for lr in LRS
            for column in columns
        ],
        "axis": landscape.axis,
        "base": base,
        "running": running,
        "progress": landscape.done / len(landscape.make_sweep()),
        "note": note,
        "words": {
            "caption": t(
                f"explore.caption_{fixed}",
                optimizer=OPTIMIZER_NAMES[base["optimizer"]],
                value=f"{base[fixed]:,}",
            ),
            "lr": t("train.lr"),
            "column": t(f"train.{landscape.axis}"),
            "cell": t(f"explore.cell_{landscape.axis}"),
            **{
                name: t(f"explore.{name}")
                for name in (
                    "cell_result",
                    "cell_range",
                    "cell_empty",
                    "cell_diverged",
                    "cell_all_diverged",
                    "hint",
                    "hint_touch",
                )
            },
            **{name: t(f"explore.scale_{name}") for name in ("accuracy", "loss")},
        },
    }


def conclude_landscape(landscape: Landscape, elapsed_s: float, t: Translate) -> str:
    """Return how far the table is and, once cells are there, its best one."""
    total = len(landscape.make_sweep())
    sentence = t(
        "explore.landscape_done" if landscape.done == total else "explore.landscape_stopped",
        done=f"{landscape.done:,}",
        total=f"{total:,}",
        elapsed=f"{elapsed_s:.1f}",
    )
    means = {
        cell: (mean(accuracies), -mean(losses))
        for cell, lanes in landscape.results.items()
        if len(losses := _list_losses(lanes)) == len(lanes) and (accuracies := _list_shares(lanes))
    }
    if not means:
        return sentence
    lr, column = best = max(means, key=lambda cell: means[cell])
    return sentence + t(
        f"explore.best_{landscape.axis}",
        lr=f"{lr:g}",
        column=f"{column:,}",
        accuracy=f"{means[best][0]:.1%}",
        loss=f"{-means[best][1]:.4f}",
    )


def _describe_cell(lanes: list[LaneResult]) -> list[float | None] | None:
    if not lanes:
        return None
    losses, shares = _list_losses(lanes), _list_shares(lanes)
    return [
        len(lanes),
        len(lanes) - len(losses),
        *(value and float(f"{value:.4g}") for value in _spread(losses)),
        *(value and round(value, 4) for value in _spread(shares)),
    ]


def _spread(values: list[float]) -> tuple[float | None, float | None, float | None]:
    return (mean(values), min(values), max(values)) if values else (None, None, None)


def _list_losses(lanes: list[LaneResult]) -> list[float]:
    return [
        lane.final_loss
        for lane in lanes
        if lane.outcome == "completed" and lane.final_loss is not None
    ]


def _list_shares(lanes: list[LaneResult]) -> list[float]:
    return [lane.test_accuracy for lane in lanes if lane.test_accuracy is not None]
