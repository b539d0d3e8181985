"""The command `classify`."""

import json
from pathlib import Path
from typing import Any

import click

from iris_mlp.cli.options import FilePath
from iris_mlp.errors import IrisMlpError


@click.command(context_settings={"ignore_unknown_options": True})  # else -1 would be an option
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


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise IrisMlpError(f"Cannot read {path}: {error.strerror}.") from error
