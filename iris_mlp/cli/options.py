"""What the commands share: the settings of a run, and paths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from iris_mlp.config import DEFAULTS, ENGINES, OPTIMIZERS, TRAIN_ROWS
from iris_mlp.data import CLASS_NAMES

if TYPE_CHECKING:
    from iris_mlp.hub.account import Step

FilePath = click.Path(dir_okay=False, path_type=Path)


_STEPS: dict[Step, str] = {
    "sign_in": "Asking the Hub who you are",
    "create": "Looking for the repository, and creating it where there is none",
    "upload": "Uploading what has changed",
}


def config_options(command: Any) -> Any:
    """Add the settings of a training run to a command."""
    options = (
        click.option("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps, …"),
        click.option("--engine", type=click.Choice(ENGINES), default=DEFAULTS.engine),
        click.option("--optimizer", type=click.Choice(OPTIMIZERS), default=DEFAULTS.optimizer),
        click.option("--lr", type=float, help="Learning rate.  [default: 0.01 sgd, 0.001 adam]"),
        click.option("--epochs", type=int, default=DEFAULTS.epochs),
        click.option("--hidden", type=int, default=DEFAULTS.hidden, help="Hidden units."),
        click.option("--batch-size", type=int, default=TRAIN_ROWS, help="120 is the full batch."),
        click.option("--seed", type=int, default=DEFAULTS.seed),
        click.option(
            "--record-every",
            type=int,
            default=DEFAULTS.record_every,
            help="Read the loss from the device every so many epochs.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def report_step(step: Step) -> None:
    """Say on standard error what the Hub is asked for."""
    if step in _STEPS:
        click.echo(f"{_STEPS[step]} …", err=True)


def print_confusion(confusion: list[list[int]], err: bool = False) -> None:
    """Print rows by true class and predicted class."""
    click.echo(" " * 12 + "".join(f"{name:>12}" for name in CLASS_NAMES), err=err)
    for name, row in zip(CLASS_NAMES, confusion):
        click.echo(f"{name:>12}" + "".join(f"{count:>12}" for count in row), err=err)
