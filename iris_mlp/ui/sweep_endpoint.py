"""The named endpoint `/sweep`: many trainings at once, with the command line's settings."""

import io
from collections.abc import Iterator
from contextlib import closing
from time import perf_counter
from typing import Any

from iris_mlp.config import DEFAULTS, TRAIN_ROWS, host_limits
from iris_mlp.errors import OutputError
from iris_mlp.lent_gpu import run_on_devices
from iris_mlp.sweep.results import LaneResult, Tally
from iris_mlp.sweep.run import STEP_S, choose_device, estimate_sweep_s, sweep_on
from iris_mlp.sweep.settings import read_sweep
from iris_mlp.sweep.table import write_rows
from iris_mlp.ui.downloads import keep_file
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.run_button import make_switch

CSV_NAME = "sweep.csv"


@user_errors
def sweep(
    optimizer: str = DEFAULTS.optimizer,
    lr: str | None = None,
    hidden: str = str(DEFAULTS.hidden),
    epochs: str = str(DEFAULTS.epochs),
    seeds: str = "0",
    batch_size: int = TRAIN_ROWS,
    random: int | None = None,
    draw_seed: int = 0,
    device: str = "auto",
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Train a grid of settings, or a random draw, together; without arguments, one training.

    It tells its progress on the way, and ends with the summary and a CSV, one row a training.

    Args:
        optimizer: sgd, adam, or sgd,adam.
        lr: Learning rates with commas between them; null for the lesson's of each optimizer.
        hidden: Numbers of hidden units with commas between them.
        epochs: Numbers of epochs with commas between them.
        seeds: 0:1000 for the first thousand, or 1,2,5.
        batch_size: Rows of a mini-batch; 120 is the full batch.
        random: How many trainings to draw between the values; null for the grid.
        draw_seed: Seed of the draw.
        device: auto, cpu, cuda or cuda:N; auto is a CUDA GPU where there is one.
    """
    texts = (_as_text(value) for value in (optimizer, lr, hidden, epochs, seeds))
    config = read_sweep(*texts, batch_size, random, draw_seed, device)  # type: ignore[arg-type]
    limits = host_limits()
    config.check(limits, limits.sweep_lanes)
    device = choose_device(config.device)
    answers = run_on_devices(
        *(sweep_on, [device], config, limits.wall_s),
        stop=make_switch(),
        estimate_s=lambda: estimate_sweep_s(config),
    )
    tally, started = Tally(len(config)), perf_counter()
    results: list[LaneResult] = []
    told_at = started
    with closing(answers) as steps:
        for ended in steps:
            for result in ended:
                tally.add(result)
            results += ended
            now = perf_counter()
            if now - told_at >= STEP_S:
                told_at = now
                yield {"done": tally.done, "lanes": tally.lanes}, None
    table = io.StringIO()
    write_rows(table, results)
    summary, path = tally.summarize(perf_counter() - started), None
    try:
        path = keep_file(table.getvalue().encode(), CSV_NAME)
    except OutputError as error:  # the answer is worth more than its file
        summary["files_missing"] = str(error)
    yield summary, path


def _as_text(value: Any) -> str:
    """Return one value or a list of them, which JSON can say, as the command line's text."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)
