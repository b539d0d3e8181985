"""The command `sweep`."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from tqdm import tqdm

from iris_mlp.cli.options import FilePath
from iris_mlp.config import DEFAULTS, TRAIN_ROWS
from iris_mlp.files import check_writable
from iris_mlp.sweep.run import LaneResult, Tally, write_csv
from iris_mlp.sweep.run import sweep as start_sweep
from iris_mlp.sweep.settings import read_sweep


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
