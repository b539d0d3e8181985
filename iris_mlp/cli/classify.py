"""The command `classify`."""

import json
from pathlib import Path

import click

from iris_mlp.cli.options import FilePath, print_confusion
from iris_mlp.errors import IrisMlpError

MOST_WARNINGS = 20


@click.command(context_settings={"ignore_unknown_options": True})  # else -1 would be an option
@click.argument("lengths", nargs=-1, metavar="[SEPAL_LENGTH SEPAL_WIDTH PETAL_LENGTH PETAL_WIDTH]")
@click.option("--weights", type=FilePath, help="A weights file.  [default: the shipped one]")
@click.option("--csv", "csv_path", type=FilePath, help="Classify each row of a table instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def classify(
    lengths: tuple[str, ...], weights: Path | None, csv_path: Path | None, as_json: bool
) -> None:
    """Classify one flower from four lengths in cm, or each row of a table (CSV)."""
    import numpy as np

    from iris_mlp import inference
    from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
    from iris_mlp.classify.table import doubt_lengths

    for text in lengths:
        if text.startswith("--"):
            raise click.NoSuchOption(text)
    if bool(lengths) == bool(csv_path):
        raise click.UsageError("give either four lengths in cm or --csv FILE.")
    if csv_path:
        _classify_table(csv_path, weights, as_json)
        return
    lengths_cm = inference.read_lengths(lengths)
    doubt = doubt_lengths(lengths_cm)
    classifier = inference.Classifier(Checkpoint.load(weights or SHIPPED_WEIGHTS))
    answer = classifier.predict(np.array([lengths_cm])).describe()
    extrapolated = inference.list_extrapolated(lengths_cm)
    if as_json:
        warning = str(doubt) if doubt else None
        click.echo(json.dumps(answer | {"extrapolated": extrapolated, "warning": warning}))
        return
    click.echo(answer["label"])
    for entry in answer["confidences"]:
        click.echo(f"  {entry['label']:<10}  {entry['confidence']:.4f}")
    if extrapolated:
        names = ", ".join(extrapolated)
        click.echo(f"note: extrapolated, outside the range of the data: {names}", err=True)
    if doubt:
        click.echo(f"warning: {doubt}", err=True)


def _classify_table(path: Path, weights: Path | None, as_json: bool) -> None:
    """Print the answers for a table, and beside them what was assumed and what is odd."""
    from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
    from iris_mlp.classify import answers
    from iris_mlp.classify.table import MAX_BYTES, read_table
    from iris_mlp.inference import Classifier

    table = read_table(_read_file(path, MAX_BYTES + 1))
    prediction = Classifier(Checkpoint.load(weights or SHIPPED_WEIGHTS)).predict(table.lengths_cm)
    for note in table.notes:
        click.echo(f"note: {note}", err=True)
    warnings = answers.list_warnings(table)
    for warning in warnings[:MOST_WARNINGS]:
        click.echo(f"warning: {warning}", err=True)
    if len(warnings) > MOST_WARNINGS:
        click.echo(f"warning: {len(warnings) - MOST_WARNINGS:,} more, beside their rows", err=True)
    if as_json:
        click.echo(json.dumps(answers.describe(table, prediction)))
        return
    click.echo(answers.write_csv(table, prediction), nl=False)
    if comparison := answers.compare(table, prediction):
        share = comparison.right / comparison.rows
        click.echo(f"Accuracy: {share:.1%} ({comparison.right} of {comparison.rows})", err=True)
        click.echo("True species by answer:", err=True)
        print_confusion(comparison.confusion.tolist(), err=True)


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise IrisMlpError(f"Cannot read {path}: {error.strerror}.") from error
