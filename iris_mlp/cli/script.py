"""The command `script`."""

from pathlib import Path
from typing import Any

import click

from iris_mlp.cli.options import FilePath, config_options
from iris_mlp.config import TrainConfig
from iris_mlp.files import write_atomically
from iris_mlp.strings import LANGUAGES


@click.command(context_settings={"show_default": True})
@config_options
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0])
@click.option("--output", type=FilePath, help="Write it there: a script, or a notebook (.ipynb).")
def script(output: Path | None, language: str, **settings: Any) -> None:
    """Print a run as a Python script of its own: plain PyTorch and scikit-learn."""
    from iris_mlp.take_home.script import render_notebook, render_script

    text = render_script(TrainConfig(**settings), language)
    if output:
        if output.suffix == ".ipynb":
            text = render_notebook(text)
        write_atomically(output, text.encode())
    else:
        click.echo(text, nl=False)
