"""The command `deploy`."""

import click

from iris_mlp.cli.options import report_step


@click.command()
@click.argument("space_id", metavar="USER/NAME")
@click.option("--private", is_flag=True, help="Let nobody else see it.")
def deploy(space_id: str, private: bool) -> None:
    """Put this app on a Hugging Face Space, or update it there, and print its address."""
    from iris_mlp.hub.deploy import deploy as put_on_space

    click.echo(put_on_space(space_id, private=private, report=report_step))
