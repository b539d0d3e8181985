"""The command `sweep`."""

import json
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from tqdm import tqdm

from iris_mlp.cli.options import FilePath
from iris_mlp.config import DEFAULTS, TRAIN_ROWS, TrainConfig
from iris_mlp.errors import ClusterError
from iris_mlp.files import check_writable
from iris_mlp.sweep.results import LaneResult, Tally
from iris_mlp.sweep.run import choose_device
from iris_mlp.sweep.run import sweep as sweep_here
from iris_mlp.sweep.settings import read_sweep
from iris_mlp.sweep.table import FinishedLanes, check_format, write_table

LOST = 1


@click.command(context_settings={"show_default": True})
@click.option("--optimizer", default=DEFAULTS.optimizer, help="sgd, adam, or sgd,adam.")
@click.option("--lr", help="Learning rates: 0.001,0.01.  [default: 0.01 sgd, 0.001 adam]")
@click.option("--hidden", default=str(DEFAULTS.hidden), help="Hidden units: 4,10,64.")
@click.option("--epochs", default=str(DEFAULTS.epochs), help="Epochs: 2000,20000.")
@click.option("--seeds", default="0", help="Seeds: 0:1000 for the first thousand, or 1,2,5.")
@click.option("--batch-size", type=int, default=TRAIN_ROWS, help="120 is the full batch.")
@click.option("--random", type=int, help="Draw so many trainings between the values, no grid.")
@click.option("--draw-seed", type=int, default=0, help="Seed of the draw.")
@click.option("--device", default="auto", help="auto (a CUDA GPU, else the CPU), cpu, cuda, cuda:N")
@click.option("--cluster", help="A Dask scheduler: tcp://HOST:PORT, its file, or local.")
@click.option("--output", type=FilePath, help="Write a row for each training (CSV or .parquet).")
@click.option("--resume", is_flag=True, help="Go on where the rows of --output end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def sweep(
    cluster: str | None, output: Path | None, resume: bool, as_json: bool, **settings: Any
) -> None:
    """Train a grid of settings, or a random draw, together; Ctrl-C keeps what is done."""
    config = read_sweep(**settings)
    if resume and not output:
        raise click.UsageError("--resume needs --output, the table to continue.")
    if not cluster:
        choose_device(config.device)
    if output:
        check_writable(output)
        check_format(output, resume)
    tally = Tally(len(config))
    finished = FinishedLanes(output, config, tally) if output and resume else None
    lanes = finished.leave_out(config) if finished else config
    stop, started = threading.Event(), perf_counter()
    # Ctrl-C ends the trainings under way, and the rows of those that ended are kept.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    lost = None
    # disable=None leaves the bar out where standard error is not a terminal.
    with tqdm(
        total=len(config), initial=tally.done, unit="training", unit_scale=True, disable=None
    ) as bar:

        def watch() -> Iterator[LaneResult]:
            nonlocal lost
            try:
                for result in _start(lanes, cluster, stop):
                    tally.add(result)
                    bar.update()
                    yield result
            except ClusterError as error:  # the rows so far are written, and the summary is told
                lost = error

        if output:
            write_table(output, watch(), append=bool(finished and finished.rows))
        else:
            for _ in watch():
                pass
    if lost and tally.done == tally.resumed:
        raise lost
    summary = tally.summarize(perf_counter() - started)
    click.echo(json.dumps(summary) if as_json else _describe(summary))
    if lost:
        click.echo(f"error: {lost}", err=True)
        sys.exit(LOST)


def _start(
    lanes: Iterable[TrainConfig], cluster: str | None, stop: threading.Event
) -> Iterable[LaneResult]:
    if not cluster:
        return sweep_here(lanes, stop=stop)
    from iris_mlp.sweep.cluster import sweep_on_cluster

    return sweep_on_cluster(lanes, cluster, stop)


def _describe(summary: dict[str, Any]) -> str:
    """Return the summary in words, one to three lines."""
    lines = [
        f"{summary['done']:,} of {summary['lanes']:,} trainings in {summary['elapsed_s']:.2f} s "
        f"({summary['lanes_per_s']:,.1f}/s)"
    ]
    if summary["resumed"]:
        lines.append(f"Done before: {summary['resumed']:,}")
    if summary["diverged"]:
        lines.append(f"Diverged: {summary['diverged']:,}")
    if best := summary["best"]:
        lines.append(
            f"Best: {best['optimizer']}, lr {best['lr']:g}, {best['hidden']:,} hidden units, "
            f"{best['epochs']:,} epochs, seed {best['seed']}: test accuracy "
            f"{best['test_accuracy']:.1%}, final loss {best['final_loss']:.4f}"
        )
    return "\n".join(lines)
