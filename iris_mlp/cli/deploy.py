"""The command `deploy`."""

import sys
import time

import click

from iris_mlp.cli.options import report_step
from iris_mlp.errors import SpaceError

NOT_RUNNING = 1


@click.command()
@click.argument("space_id", metavar="USER/NAME")
@click.option("--private", is_flag=True, help="Let nobody else see it.")
@click.option(
    "--hardware",
    metavar="NAME",
    help="What a new Space runs on: zero-a10g, cpu-basic, …  [default: zero-a10g]",
)
@click.option("--wait/--no-wait", default=True, help="Follow the Space until it runs.")
def deploy(space_id: str, private: bool, hardware: str | None, wait: bool) -> None:
    """Put this app on a Hugging Face Space, or update it there, and print its address.

    A Space that exists keeps its hardware. Exit status 1: it was uploaded and does not run.
    """
    from iris_mlp.hub.deploy import deploy as put_on_space
    from iris_mlp.hub.space_start import follow

    space = put_on_space(space_id, private=private, hardware=hardware, report=report_step)
    if wait:
        started_s = time.monotonic()
        try:
            for runtime in follow(space.space_id, space.commit):
                on = runtime.hardware or runtime.requested_hardware or "hardware unknown"
                waited_s = time.monotonic() - started_s
                click.echo(f"{waited_s:5.0f} s  {runtime.stage}  ({on})", err=True)
        except SpaceError as error:
            for line in error.log:
                click.echo(f"  {click.unstyle(line)}", err=True)
            click.echo(f"error: {error} {space.address}", err=True)
            sys.exit(NOT_RUNNING)
    click.echo(space.address)
