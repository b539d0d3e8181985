"""The command line: `python -m iris_mlp train | classify | hardware | …`, a module a command."""

import sys

import click

from iris_mlp import __version__
from iris_mlp.cli.classify import classify
from iris_mlp.cli.deploy import deploy
from iris_mlp.cli.hardware import hardware
from iris_mlp.cli.pull import pull
from iris_mlp.cli.push import push
from iris_mlp.cli.script import script
from iris_mlp.cli.sweep import sweep
from iris_mlp.cli.train import train
from iris_mlp.errors import IrisMlpError
from iris_mlp.files import print_anything

BAD_INPUT = 2


@click.group(context_settings={"max_content_width": 100}, invoke_without_command=True)
@click.version_option(__version__, prog_name="iris_mlp")
@click.pass_context
def cli(context: click.Context) -> None:
    """Train the small Iris MLP on a CPU or a GPU, classify flowers, read the hardware."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (train, classify, hardware, sweep, script, push, pull, deploy):
    cli.add_command(command)


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit status 2."""
    print_anything()
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        sys.exit(_complain(error.format_message()))
    except IrisMlpError as error:
        sys.exit(_complain(str(error)))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


def _complain(message: str) -> int:
    click.echo("error: " + " ".join(message.split()), err=True)
    return BAD_INPUT
