"""The command `script`."""

from pathlib import Path
from typing import Any

import click

from iris_mlp.cli.options import FilePath, config_options
from iris_mlp.config import TrainConfig
from iris_mlp.files import write_atomically


@click.command(context_settings={"show_default": True})
@config_options
@click.option("--output", type=FilePath, help="Write the script there instead of printing it.")
def script(output: Path | None, **settings: Any) -> None:
    """Print a run as a Python script of its own: plain PyTorch and scikit-learn."""
    from iris_mlp.take_home.script import render_script

    text = render_script(TrainConfig(**settings))
    if output:
        write_atomically(output, text.encode())
    else:
        click.echo(text, nl=False)
