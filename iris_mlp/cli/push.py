"""The command `push`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iris_mlp.cli.options import FilePath, report_step
from iris_mlp.errors import IrisMlpError

if TYPE_CHECKING:
    from iris_mlp.training import History


@click.command()
@click.argument("repo_id", metavar="USER/NAME")
@click.option("--weights", type=FilePath, help="A weights file.  [default: the shipped one]")
@click.option("--history", type=FilePath, help="The losses that train wrote, for the plot.")
@click.option("--private", is_flag=True, help="Let nobody else see it.")
def push(repo_id: str, weights: Path | None, history: Path | None, private: bool) -> None:
    """Publish a model on the Hugging Face Hub and print its address.

    The login is the one of `hf auth login` or HF_TOKEN; HF_ENDPOINT names another Hub.
    """
    from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
    from iris_mlp.hub.push import push as publish

    checkpoint = Checkpoint.load(weights or SHIPPED_WEIGHTS)
    losses = _read_history(history) if history else None
    click.echo(publish(repo_id, checkpoint, losses, private=private, report=report_step))


def _read_history(path: Path) -> History:
    """Read the `epoch,loss` CSV that `train --history` writes."""
    from iris_mlp.training import History

    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(int(row["epoch"]), float(row["loss"])) for row in csv.DictReader(file)]
        if not rows:
            raise ValueError("no rows")
    except OSError as error:
        raise IrisMlpError(f"Cannot read {path}: {error.strerror}.") from error
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise IrisMlpError(f"{path} is not the CSV that train --history writes.") from error
    return History(epochs=[epoch for epoch, _ in rows], losses=[loss for _, loss in rows])
