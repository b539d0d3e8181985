"""The command `pull`."""

from pathlib import Path

import click

from iris_mlp.cli.options import FilePath
from iris_mlp.files import check_writable


@click.command()
@click.argument("repo_id", metavar="USER/NAME")
@click.option("--output", type=FilePath, required=True, help="Where to write the weights.")
@click.option("--revision", help="Branch, tag or commit.  [default: that of the address, or main]")
def pull(repo_id: str, output: Path, revision: str | None) -> None:
    """Fetch a model from the Hugging Face Hub, check it and write its weights."""
    from iris_mlp.hub.pull import pull as fetch

    check_writable(output)
    fetch(repo_id, revision=revision).save(output)
