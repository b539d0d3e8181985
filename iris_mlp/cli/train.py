"""The command `train`."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from iris_mlp.cli.options import FilePath, config_options, print_confusion
from iris_mlp.config import LOCAL_LIMITS, TrainConfig
from iris_mlp.errors import IrisMlpError
from iris_mlp.files import check_writable, write_atomically

DIVERGED = 1
LOG_EVERY = 100
MOST_UNITS_ON_ONE_THREAD = 1024
"""Up to here an epoch takes about a millisecond, less than threads lose while they wait."""


@click.command(context_settings={"show_default": True})
@config_options
@click.option("--output", type=FilePath, help="Write the weights (safetensors).")
@click.option("--history", type=FilePath, help="Write epoch,loss as CSV, with every digit.")
@click.option("--plot", type=FilePath, help="Write the loss plot (PNG).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def train(
    output: Path | None, history: Path | None, plot: Path | None, as_json: bool, **settings: Any
) -> None:
    """Train the model; without options, the lesson run with seed 0."""
    import torch

    from iris_mlp.training import prepare_run

    config = TrainConfig(**settings)
    if config.hidden <= MOST_UNITS_ON_ONE_THREAD:
        torch.set_num_threads(1)
    for path in filter(None, (output, history, plot)):
        check_writable(path)
    run, stop, logged = prepare_run(config), threading.Event(), 0
    # Ctrl-C ends the run between two epochs, and what it reached is kept.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    # disable=None leaves the bar out where standard error is not a terminal.
    with tqdm(total=config.epochs, unit="epoch", unit_scale=True, disable=None) as bar:
        for progress in run.watch(stop, LOCAL_LIMITS.wall_s):
            bar.update(progress.epoch - bar.n)
            bar.set_postfix(loss=_show_loss(progress.train_loss), refresh=False)
            if not as_json:
                logged = _print_log_lines(run.history, logged, config.epochs)
    result = run.result()
    # The answer before the files: a disk that has become full must not cost it.
    if as_json:
        click.echo(json.dumps(result.summarize()))
    else:
        _print_result(result)
    _write_files(result, output, history, plot)
    if result.outcome == "diverged":
        click.echo(f"error: {result.message}", err=True)
        sys.exit(DIVERGED)


def _write_files(result: Any, output: Path | None, history: Path | None, plot: Path | None) -> None:
    """Write what was asked for; a file that cannot be written does not keep the others back."""
    failures: list[IrisMlpError] = []
    if output and result.checkpoint:
        with _collect(failures):
            result.checkpoint.save(output)
    if history:
        rows = zip(result.history.epochs, result.history.losses)
        text = "epoch,loss\n" + "".join(f"{epoch},{loss!r}\n" for epoch, loss in rows)
        with _collect(failures):
            write_atomically(history, text.encode())
    if plot:
        from iris_mlp.take_home.plot import plot_loss, save_figure

        with _collect(failures):
            save_figure(plot_loss(result.history), plot)
    if failures:
        raise failures[0]


@contextmanager
def _collect(failures: list[IrisMlpError]) -> Iterator[None]:
    try:
        yield
    except IrisMlpError as error:
        failures.append(error)


def _print_log_lines(history: Any, done: int, epochs: int) -> int:
    """Print the lesson's line for each hundredth epoch from index `done` on; return the next."""
    for epoch, loss in zip(history.epochs[done:], history.losses[done:]):
        if epoch % LOG_EVERY == 0:
            tqdm.write(f"Epoch [{epoch}/{epochs}], Loss: {loss:.4f}", file=sys.stdout)
    return len(history.epochs)


def _show_loss(loss: float | None) -> str:
    return "unknown" if loss is None else f"{loss:.4f}"


def _print_result(result: Any) -> None:
    summary = result.summarize()
    click.echo(f"Training time: {summary['elapsed_s']:.2f} s on {summary['device']}", nl=False)
    click.echo(f" ({summary['engine']}, {summary['epochs_per_s']:,.0f} epochs/s)")
    if result.checkpoint is None:
        return
    losses = f"{_show_loss(summary['final_loss'])} (test {_show_loss(summary['test_loss'])})"
    click.echo(f"Final loss: {losses}")
    accuracies = f"{summary['train_accuracy']:.1%} (test {summary['test_accuracy']:.1%})"
    click.echo(f"Accuracy: {accuracies}")
    click.echo("Test rows, true class by predicted class:")
    print_confusion(summary["confusion"])
