"""The command `hardware`."""

import json
from dataclasses import asdict

import click


@click.command()
@click.option("--decode", metavar="NAME", help="Say what the name of a GPU or a CPU means instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def hardware(decode: str | None, as_json: bool) -> None:
    """Show the CPU, the GPUs and what PyTorch can use of them."""
    from iris_mlp import hardware as machine

    if decode is None:
        report = machine.detect_hardware()
        click.echo(json.dumps(asdict(report)) if as_json else machine.render_text(report))
        return
    name, render = machine.decode_gpu(decode), machine.render_gpu_name
    if name.basis in (None, "pattern") and machine.decode_cpu(decode).line:
        name, render = machine.decode_cpu(decode), machine.render_cpu_name
    click.echo(json.dumps(asdict(name)) if as_json else render(name))  # type: ignore[arg-type]
