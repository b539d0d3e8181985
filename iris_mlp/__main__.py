"""The command line: `python -m iris_mlp train | classify | hardware | …`."""

import json
import signal
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from iris_mlp import __version__, hub_cli, sweep_cli
from iris_mlp.cli_types import FilePath
from iris_mlp.config import DEFAULTS, ENGINES, LOCAL_LIMITS, OPTIMIZERS, TRAIN_ROWS, TrainConfig
from iris_mlp.data import CLASS_NAMES
from iris_mlp.errors import IrisMlpError
from iris_mlp.files import check_writable, write_atomically

BAD_INPUT = 2
DIVERGED = 1
LOG_EVERY = 100


@click.group(context_settings={"max_content_width": 100}, invoke_without_command=True)
@click.version_option(__version__, prog_name="iris_mlp")
@click.pass_context
def cli(context: click.Context) -> None:
    """Train the small Iris MLP on a CPU or a GPU, classify flowers, read the hardware."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def config_options(command: Any) -> Any:
    """Add the settings of a training run to a command."""
    options = (
        click.option("--device", default="auto", help="auto, cpu, cuda, cuda:N, mps, …"),
        click.option("--engine", type=click.Choice(ENGINES), default=DEFAULTS.engine),
        click.option("--optimizer", type=click.Choice(OPTIMIZERS), default=DEFAULTS.optimizer),
        click.option("--lr", type=float, help="Learning rate.  [default: 0.01 sgd, 0.001 adam]"),
        click.option("--epochs", type=int, default=DEFAULTS.epochs),
        click.option("--hidden", type=int, default=DEFAULTS.hidden, help="Hidden units."),
        click.option("--batch-size", type=int, default=TRAIN_ROWS, help="120 is the full batch."),
        click.option("--seed", type=int, default=DEFAULTS.seed),
        click.option(
            "--record-every",
            type=int,
            default=DEFAULTS.record_every,
            help="Read the loss from the device every so many epochs.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@cli.command(context_settings={"show_default": True})
@config_options
@click.option("--output", type=FilePath, help="Write the weights (safetensors).")
@click.option("--history", type=FilePath, help="Write epoch,loss as CSV, with every digit.")
@click.option("--plot", type=FilePath, help="Write the loss plot (PNG).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def train(
    output: Path | None, history: Path | None, plot: Path | None, as_json: bool, **settings: Any
) -> None:
    """Train the model; without options, the lesson run with seed 0."""
    from iris_mlp.training import train as start_training

    config = TrainConfig(**settings)
    for path in filter(None, (output, history, plot)):
        check_writable(path)
    run, stop, logged = start_training(config), threading.Event(), 0
    # Ctrl-C ends the run between two epochs, and what it reached is kept.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    # disable=None leaves the bar out where standard error is not a terminal.
    with tqdm(total=config.epochs, unit="epoch", unit_scale=True, disable=None) as bar:
        for progress in run.watch(stop, LOCAL_LIMITS.wall_s):
            bar.update(progress.epoch - bar.n)
            bar.set_postfix(loss=_show_loss(progress.train_loss), refresh=False)
            if not as_json:
                logged = _print_log_lines(run.history, logged, config.epochs)
    result = run.result()
    if output and result.checkpoint:
        result.checkpoint.save(output)
    if history:
        rows = zip(result.history.epochs, result.history.losses)
        text = "epoch,loss\n" + "".join(f"{epoch},{loss!r}\n" for epoch, loss in rows)
        write_atomically(history, text.encode())
    if plot:
        from iris_mlp.plots import plot_loss, save_figure

        save_figure(plot_loss(result.history), plot)
    if as_json:
        click.echo(json.dumps(result.summarize()))
    else:
        _print_result(result)
    if result.outcome == "diverged":
        click.echo(f"error: {result.message}", err=True)
        sys.exit(DIVERGED)


@cli.command(context_settings={"ignore_unknown_options": True})  # else -1 would be an option
@click.argument("lengths", nargs=-1, metavar="[SEPAL_LENGTH SEPAL_WIDTH PETAL_LENGTH PETAL_WIDTH]")
@click.option("--weights", type=FilePath, help="A weights file.  [default: the shipped one]")
@click.option("--csv", "csv_path", type=FilePath, help="Classify each row of a CSV instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def classify(
    lengths: tuple[str, ...], weights: Path | None, csv_path: Path | None, as_json: bool
) -> None:
    """Classify one flower from four lengths in cm, or each row of a CSV."""
    import numpy as np

    from iris_mlp import inference
    from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint

    for text in lengths:
        if text.startswith("--"):
            raise click.NoSuchOption(text)
    if bool(lengths) == bool(csv_path):
        raise click.UsageError("give either four lengths in cm or --csv FILE.")
    if csv_path:
        flowers = inference.read_csv(_read_file(csv_path, inference.MAX_CSV_BYTES + 1))
    else:
        flowers = np.array([inference.read_lengths(lengths)])
    classifier = inference.Classifier(Checkpoint.load(weights or SHIPPED_WEIGHTS))
    prediction = classifier.predict(flowers)
    answers: list[dict[str, Any]] = [
        prediction.describe(row) | {"extrapolated": inference.list_extrapolated(flower)}
        for row, flower in enumerate(flowers.tolist())
    ]
    if as_json:
        click.echo(json.dumps({"flowers": answers} if csv_path else answers[0]))
    elif csv_path:
        click.echo(inference.write_csv(flowers, prediction), nl=False)
    else:
        click.echo(answers[0]["label"])
        for entry in answers[0]["confidences"]:
            click.echo(f"  {entry['label']:<10}  {entry['confidence']:.4f}")
        if answers[0]["extrapolated"]:
            names = ", ".join(answers[0]["extrapolated"])
            click.echo(f"note: extrapolated, outside the range of the data: {names}", err=True)


@cli.command()
@click.option("--decode", metavar="NAME", help="Say what the name of a GPU or a CPU means instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def hardware(decode: str | None, as_json: bool) -> None:
    """Show the CPU, the GPUs and what PyTorch can use of them."""
    from iris_mlp import hardware as machine

    if decode is None:
        report = machine.detect_hardware()
        click.echo(json.dumps(report.to_dict()) if as_json else machine.render_text(report))
        return
    name, render = machine.decode_gpu(decode), machine.render_gpu_name
    if not name.known and machine.decode_cpu(decode).line:
        name, render = machine.decode_cpu(decode), machine.render_cpu_name
    click.echo(json.dumps(machine.to_plain(name)) if as_json else render(name))  # type: ignore[arg-type]


@cli.command(context_settings={"show_default": True})
@config_options
@click.option("--output", type=FilePath, help="Write the script there instead of printing it.")
def script(output: Path | None, **settings: Any) -> None:
    """Print a run as a Python script of its own: plain PyTorch and scikit-learn."""
    from iris_mlp.script import render_script

    text = render_script(TrainConfig(**settings))
    if output:
        write_atomically(output, text.encode())
    else:
        click.echo(text, nl=False)


@cli.command()
@click.option("--repeats", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=DEFAULTS.epochs, show_default=True)
@click.option("--jax/--no-jax", default=True, help="JAX, in an environment of its own.")
@click.option("--compile/--no-compile", "compiled", default=True, help="torch.compile.")
def benchmark(repeats: int, epochs: int, jax: bool, compiled: bool) -> None:
    """Time every engine against its peers, side by side; needs the project's `benchmarks/`."""
    if find_spec("benchmarks") is None:
        raise IrisMlpError(
            "The benchmarks are not installed here; run this in a clone of the project."
        )
    from benchmarks.engines import run_benchmark

    click.echo(run_benchmark(repeats, epochs, jax=jax, compiled=compiled))


for command in (sweep_cli.sweep, hub_cli.push, hub_cli.pull, hub_cli.deploy):
    cli.add_command(command)


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit status 2."""
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


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise IrisMlpError(f"Cannot read {path}: {error.strerror}.") from error


def _print_log_lines(history: Any, done: int, epochs: int) -> int:
    """Print the lesson's line for each hundredth epoch from index `done` on; return the next."""
    for epoch, loss in zip(history.epochs[done:], history.losses[done:]):
        if epoch % LOG_EVERY == 0:
            tqdm.write(f"Epoch [{epoch}/{epochs}], Loss: {loss:.4f}", file=sys.stdout)
    return len(history.epochs)


def _show_loss(loss: float | None) -> str:
    return "unknown" if loss is None else f"{loss:.4f}"


def _print_result(result: Any) -> None:
    summary = result.summarize()
    click.echo(f"Training time: {summary['elapsed_s']:.2f} s on {summary['device']}", nl=False)
    click.echo(f" ({summary['engine']}, {summary['epochs_per_s']:,.0f} epochs/s)")
    if result.checkpoint is None:
        return
    losses = f"{_show_loss(summary['final_loss'])} (test {_show_loss(summary['test_loss'])})"
    click.echo(f"Final loss: {losses}")
    accuracies = f"{summary['train_accuracy']:.1%} (test {summary['test_accuracy']:.1%})"
    click.echo(f"Accuracy: {accuracies}")
    click.echo("Test rows, true class by predicted class:")
    click.echo(" " * 12 + "".join(f"{name:>12}" for name in CLASS_NAMES))
    for name, row in zip(CLASS_NAMES, summary["confusion"]):
        click.echo(f"{name:>12}" + "".join(f"{count:>12}" for count in row))


if __name__ == "__main__":
    main()
