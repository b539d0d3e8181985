"""The commands that speak with the Hub: `push`, `pull`, `deploy`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from iris_mlp.cli_types import FilePath
from iris_mlp.errors import IrisMlpError
from iris_mlp.files import check_writable

if TYPE_CHECKING:
    from iris_mlp.hub import Step
    from iris_mlp.training import History

_STEPS: dict[Step, str] = {
    "sign_in": "Asking the Hub who you are",
    "create": "Looking for the repository, and creating it where there is none",
    "upload": "Uploading what has changed",
}


@click.command()
@click.argument("repo_id", metavar="USER/NAME")
@click.option("--weights", type=FilePath, help="A weights file.  [default: the shipped one]")
@click.option("--history", type=FilePath, help="The losses that train wrote, for the plot.")
@click.option("--private", is_flag=True, help="Let nobody else see it.")
def push(repo_id: str, weights: Path | None, history: Path | None, private: bool) -> None:
    """Publish a model on the Hugging Face Hub and print its address.

    The login is the one of `hf auth login` or HF_TOKEN; HF_ENDPOINT names another Hub.
    """
    from iris_mlp import hub
    from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint

    checkpoint = Checkpoint.load(weights or SHIPPED_WEIGHTS)
    losses = _read_history(history) if history else None
    click.echo(hub.push(repo_id, checkpoint, losses, private=private, report=_report))


@click.command()
@click.argument("repo_id", metavar="USER/NAME")
@click.option("--output", type=FilePath, required=True, help="Where to write the weights.")
@click.option("--revision", default="main", help="Branch, tag or commit.  [default: main]")
def pull(repo_id: str, output: Path, revision: str) -> None:
    """Fetch a model from the Hugging Face Hub, check it and write its weights."""
    from iris_mlp import hub

    check_writable(output)
    hub.pull(repo_id, revision=revision).save(output)


@click.command()
@click.argument("space_id", metavar="USER/NAME")
@click.option("--private", is_flag=True, help="Let nobody else see it.")
def deploy(space_id: str, private: bool) -> None:
    """Put this app on a Hugging Face Space, or update it there, and print its address."""
    from iris_mlp import hub

    click.echo(hub.deploy(space_id, private=private, report=_report))


def _report(step: Step) -> None:
    if step in _STEPS:
        click.echo(f"{_STEPS[step]} …", err=True)


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
