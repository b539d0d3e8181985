"""The named HTTP endpoints, for scripts and agents: the same acts as the command line.

Their docstrings are what agents read: Gradio makes a tool of each (`mcp_server` in `server.py`) and
takes from it the text before `Args:`, one line an argument, and what follows `Returns:`.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Any

import gradio as gr
import numpy as np
from gradio.components.api_component import Api
from gradio_client.utils import python_type_to_json_schema

from iris_mlp import inference
from iris_mlp.classify.table import doubt_lengths
from iris_mlp.compare.compared import list_compared
from iris_mlp.compare.race import (
    LESSON,
    Absence,
    estimate_race_s,
    list_candidates,
    race_all,
    summarize,
)
from iris_mlp.compare.verdict import conclude
from iris_mlp.config import DEFAULTS, Engine, Optimizer, TrainConfig, host_limits, read_int
from iris_mlp.errors import DeviceError, OutputError, SettingsError, WeightsError
from iris_mlp.hardware import decode_gpu as decode_gpu_name
from iris_mlp.hardware import detect_hardware
from iris_mlp.lent_gpu import prepare_run, run_on_devices
from iris_mlp.take_home.plot import draw_png, plot_loss
from iris_mlp.ui.downloads import keep_file
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.run_button import TimeLimit, make_switch, training_slots
from iris_mlp.ui.sweep_endpoint import sweep

PROGRESS_S = 1.0
LONGEST_NAME = 200
MOST_LAPS = 10


@user_errors
def train(
    device: str = DEFAULTS.device,
    engine: Engine = DEFAULTS.engine,  # type: ignore[assignment]
    optimizer: Optimizer = DEFAULTS.optimizer,  # type: ignore[assignment]
    lr: float | None = None,
    epochs: int = DEFAULTS.epochs,
    hidden: int = DEFAULTS.hidden,
    batch_size: int = DEFAULTS.batch_size,
    seed: int = DEFAULTS.seed,
    record_every: int = DEFAULTS.record_every,
) -> Iterator[tuple[dict[str, Any], str | None, str | None]]:
    """Train the Iris MLP; without arguments, the lesson run with seed 0.

    It tells its progress on the way, and ends with the summary, the loss plot and the weights file;
    where the server cannot write one of these, files_missing in the summary says why.

    Args:
        device: auto, cpu, cuda, cuda:N or mps.
        engine: eager, cuda-graph or fused.
        optimizer: sgd or adam.
        lr: Learning rate; null for the lesson's: 0.01 for sgd, 0.001 for adam.
        epochs: Passes over the 120 training rows.
        hidden: Hidden units.
        batch_size: Rows of a mini-batch; 120 is the full batch.
        seed: Seed of the first weights and of the order of mini-batches.
        record_every: Epochs between two recorded losses.
    """
    config = TrainConfig(
        device=device,
        engine=engine,
        optimizer=optimizer,
        lr=lr,  # type: ignore[arg-type]
        epochs=epochs,
        hidden=hidden,
        batch_size=batch_size,
        seed=seed,
        record_every=record_every,
    )
    host_limits().check(config)
    run = prepare_run(config)
    reported_s = 0.0
    for progress in run.watch(make_switch(), host_limits().wall_s):
        if progress.elapsed_s - reported_s >= PROGRESS_S:
            reported_s = progress.elapsed_s
            yield {"epoch": progress.epoch, "loss": progress.train_loss}, None, None
    result = run.result()
    summary, plot, weights = result.summarize(), None, None
    try:
        plot = keep_file(draw_png(plot_loss(result.history)), "loss.png")
        if result.checkpoint is not None:
            weights = keep_file(result.checkpoint.as_read().to_bytes(), "iris_mlp.safetensors")
    except (OutputError, WeightsError) as error:  # the run's answer is worth more than its files
        summary["files_missing"] = str(error)
    yield summary, plot, weights


@user_errors
def race(epochs: int = 1_000, repeats: int = 3) -> Iterator[dict[str, Any]]:
    """Race every engine on every device that is here over the lesson run; say who wins and why.

    It tells the laps on the way, and ends with the standings, the fastest first, and the verdict.

    Args:
        epochs: Epochs of a lap; fewer than the lesson's 20,000 are projected to all of them.
        repeats: Laps of each contender; a verdict takes two or more.

    Returns:
        Standings with the seconds of a full run (median, lowest, highest), and the verdict.
    """
    epochs = read_int("epochs", epochs, 1, LESSON.epochs)
    repeats = read_int("repeats", repeats, 1, MOST_LAPS)
    devices, laps, absences = list_compared(), [], []
    most, limit = len(list_candidates(devices)), TimeLimit(make_switch())
    running = run_on_devices(
        *(race_all, devices, epochs, repeats),
        stop=limit,
        estimate_s=lambda: estimate_race_s(devices, epochs, repeats),
    )
    refusal = None
    try:
        with closing(running):
            for found in running:
                if isinstance(found, Absence):
                    absences.append(found)
                elif found.is_over:
                    laps.append(found)
                    yield {"laps_done": len(laps), "laps": repeats * (most - len(absences))}
    except DeviceError as error:  # what ran before is worth more
        refusal = str(error)
    standings = summarize(laps)
    yield {
        "outcome": "completed" if len(laps) == repeats * (most - len(absences)) else "stopped",
        "message": refusal,
        "standings": [asdict(standing) for standing in standings],
        "verdict": asdict(conclude(standings)),
        "absent": [asdict(absence) for absence in absences],
    }


@user_errors
def classify(
    sepal_length: float, sepal_width: float, petal_length: float, petal_width: float
) -> dict[str, Any]:
    """Classify a flower with the shipped weights from its four lengths in cm.

    Args:
        sepal_length: Length of a sepal in cm.
        sepal_width: Width of a sepal in cm.
        petal_length: Length of a petal in cm.
        petal_width: Width of a petal in cm.

    Returns:
        The label, a confidence for each class, the lengths outside the range of the data, and a
        warning where they look like mm or inches.
    """
    lengths_cm = inference.read_lengths([sepal_length, sepal_width, petal_length, petal_width])
    answer = inference.shipped_classifier().predict(np.array([lengths_cm])).describe()
    doubt = doubt_lengths(lengths_cm)
    return answer | {
        "extrapolated": inference.list_extrapolated(lengths_cm),
        "warning": str(doubt) if doubt else None,
    }


@user_errors
def hardware() -> dict[str, Any]:
    """Tell the CPU, the GPUs and what PyTorch can use of them; unknown facts are null."""
    return asdict(detect_hardware())


@user_errors
def decode_gpu(name: str) -> dict[str, Any]:
    """Say what a GPU's name means; a name that is not in the catalogue comes with known = false.

    Args:
        name: A card's name, as a driver, a shop or a person writes it.

    Returns:
        Series, architecture, year, memory and more, with their source; unknown facts are null.
    """
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise SettingsError("name must be a text of at most {most} characters.", most=LONGEST_NAME)
    return asdict(decode_gpu_name(name))


def build() -> None:
    """Add the endpoints to the app that is being built."""
    slots = training_slots()
    summary = gr.JSON(visible=False, label="summary")
    plot = gr.Image(visible=False, label="loss_plot", type="filepath", format="png")
    weights = gr.File(visible=False, label="weights_file")
    table = gr.File(visible=False, label="csv_file")
    standings = gr.JSON(visible=False, label="standings")
    # gr.api cannot hand out files or stream, so these are events without a trigger.
    gr.on([], train, _describe_inputs(train), [summary, plot, weights], api_name="train", **slots)
    gr.on([], sweep, _describe_inputs(sweep), [summary, table], api_name="sweep", **slots)
    gr.on([], race, _describe_inputs(race), standings, api_name="race", **slots)
    gr.api(classify, api_name="classify", queue=False)
    gr.api(hardware, api_name="hardware", concurrency_id="hardware", concurrency_limit=2)
    gr.api(decode_gpu, api_name="decode_gpu", concurrency_id="hardware", concurrency_limit=2)


def _describe_inputs(endpoint: Callable[..., Any]) -> list[Any]:
    """Return inputs that take any JSON, described by the type hints: our own checks answer."""
    return [
        Api(parameter.default, python_type_to_json_schema(parameter.annotation), name)
        for name, parameter in inspect.signature(endpoint).parameters.items()
    ]
