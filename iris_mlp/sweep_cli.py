"""The command `sweep`, and what it shares with the endpoint: reading settings, summing up."""

import json
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from tqdm import tqdm

from iris_mlp.config import DEFAULTS, TRAIN_ROWS
from iris_mlp.files import check_writable
from iris_mlp.sweep import (
    CSV_COLUMNS,
    LaneResult,
    SweepConfig,
    parse_seeds,
    parse_values,
    write_csv,
)
from iris_mlp.sweep import sweep as start_sweep

FilePath = click.Path(dir_okay=False, path_type=Path)


@dataclass
class Tally:
    """What a sweep has come to so far, without keeping its results.

    Attributes:
        lanes: Trainings that it holds.
        done: Trainings that ended.
        diverged: How many of them diverged.
        best: The one with the highest test accuracy, and of those the lowest final loss.
    """

    lanes: int
    done: int = 0
    diverged: int = 0
    best: LaneResult | None = None

    def add(self, result: LaneResult) -> None:
        """Count a training that ended."""
        self.done += 1
        if result.outcome != "completed":
            self.diverged += 1
        elif self.best is None or _rank(result) > _rank(self.best):
            self.best = result

    def summarize(self, elapsed_s: float) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        best = self.best and {**self.best.config.to_dict(), **vars(self.best)}
        return {
            "outcome": "completed" if self.done == self.lanes else "stopped",
            "lanes": self.lanes,
            "done": self.done,
            "diverged": self.diverged,
            "elapsed_s": elapsed_s,
            "lanes_per_s": self.done / elapsed_s if elapsed_s else 0.0,
            "best": best and {name: best[name] for name in CSV_COLUMNS},
        }


def read_sweep(
    optimizer: str = DEFAULTS.optimizer,
    lr: str | None = None,
    hidden: str = str(DEFAULTS.hidden),
    epochs: str = str(DEFAULTS.epochs),
    seeds: str = "0",
    batch_size: int = TRAIN_ROWS,
    random: int | None = None,
    draw_seed: int = 0,
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
    )


@click.command(context_settings={"show_default": True})
@click.option("--optimizer", default=DEFAULTS.optimizer, help="sgd, adam, or sgd,adam.")
@click.option("--lr", help="Learning rates: 0.001,0.01.  [default: 0.01 sgd, 0.001 adam]")
@click.option("--hidden", default=str(DEFAULTS.hidden), help="Hidden units: 4,10,64.")
@click.option("--epochs", default=str(DEFAULTS.epochs), help="Epochs: 2000,20000.")
@click.option("--seeds", default="0", help="Seeds: 0:1000 for the first thousand, or 1,2,5.")
@click.option("--batch-size", type=int, default=TRAIN_ROWS, help="120 is the full batch.")
@click.option("--random", type=int, help="Draw so many trainings between the values, no grid.")
@click.option("--draw-seed", type=int, default=0, help="Seed of the draw.")
@click.option("--output", type=FilePath, help="Write one row for each training (CSV).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def sweep(output: Path | None, as_json: bool, **settings: Any) -> None:
    """Train a grid of settings, or a random draw, on all cores; Ctrl-C keeps what is done."""
    config = read_sweep(**settings)
    if output:
        check_writable(output)
    stop, tally, started = threading.Event(), Tally(len(config)), perf_counter()
    # Ctrl-C ends the trainings under way, and the rows of those that ended are kept.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    # disable=None leaves the bar out where standard error is not a terminal.
    with tqdm(total=len(config), unit="training", unit_scale=True, disable=None) as bar:

        def watch() -> Iterator[LaneResult]:
            for result in start_sweep(config, stop=stop):
                tally.add(result)
                bar.update()
                yield result

        if output:
            write_csv(output, watch())
        else:
            for _ in watch():
                pass
    summary = tally.summarize(perf_counter() - started)
    click.echo(json.dumps(summary) if as_json else _describe(summary))


def _describe(summary: dict[str, Any]) -> str:
    """Return the summary in words, one to three lines."""
    lines = [
        f"{summary['done']:,} of {summary['lanes']:,} trainings in {summary['elapsed_s']:.2f} s "
        f"({summary['lanes_per_s']:,.1f}/s)"
    ]
    if summary["diverged"]:
        lines.append(f"Diverged: {summary['diverged']:,}")
    if best := summary["best"]:
        lines.append(
            f"Best: {best['optimizer']}, lr {best['lr']:g}, {best['hidden']:,} hidden units, "
            f"{best['epochs']:,} epochs, seed {best['seed']}: test accuracy "
            f"{best['test_accuracy']:.1%}, final loss {best['final_loss']:.4f}"
        )
    return "\n".join(lines)


def _rank(result: LaneResult) -> tuple[float, float]:
    loss = result.final_loss
    return result.test_accuracy, -loss if loss is not None else float("-inf")
