"""What the commands share."""

from pathlib import Path

import click

FilePath = click.Path(dir_okay=False, path_type=Path)
