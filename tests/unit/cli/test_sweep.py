"""The command `sweep`, in a process of its own."""

import csv
import json
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from iris_mlp.cli.sweep import sweep
from iris_mlp.config import TrainConfig
from iris_mlp.errors import IrisMlpError, OutputError, SettingsError
from iris_mlp.sweep.results import Tally
from iris_mlp.training import prepare_run


def invoke(*arguments):
    return CliRunner().invoke(sweep, arguments, catch_exceptions=True)


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_those_of_the_trainings_alone(tmp_path):
    path = tmp_path / "sweep.csv"
    done = invoke("--lr", "0.01,0.1", "--epochs", "25", "--seeds", "3,7", "--output", str(path))
    assert done.exit_code == 0, done.output
    rows = read_rows(path)
    assert {(row["lr"], row["seed"]) for row in rows} == {
        (lr, seed) for lr in ("0.01", "0.1") for seed in ("3", "7")
    }
    for row in rows:
        lr, seed = float(row["lr"]), int(row["seed"])
        run = prepare_run(TrainConfig(device="cpu", engine="fused", lr=lr, seed=seed, epochs=25))
        for _ in run:
            pass
        assert float(row["final_loss"]) == run.history.losses[-1]
    assert done.stdout.startswith("4 of 4 trainings in")
    assert "Best: sgd, lr 0.1" in done.stdout


def test_json_is_one_object_and_nothing_else():
    done = invoke("--epochs", "5", "--seeds", "0:6", "--json")
    summary = json.loads(done.stdout)
    assert (summary["done"], summary["lanes"], summary["outcome"]) == (6, 6, "completed")
    assert summary["best"]["epochs"] == 5


def test_random_draws_are_counted():
    done = invoke("--random", "7", "--lr", "0.001,0.1", "--epochs", "5", "--json")
    assert json.loads(done.stdout)["done"] == 7


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--lr", "fast"], SettingsError),
        (["--hidden", "0"], SettingsError),
        (["--seeds", "3:3"], SettingsError),
        (["--output", "/nowhere/sweep.csv"], OutputError),
    ],
)
def test_bad_input_is_refused_before_any_training(arguments, error):
    done = invoke(*arguments)
    assert isinstance(done.exception, error)
    assert isinstance(done.exception, IrisMlpError)  # which the command line answers with status 2
    assert done.stdout == ""


def test_interrupt_keeps_the_rows_of_what_is_done(tmp_path):
    path = tmp_path / "sweep.csv"
    code = "from iris_mlp.cli.sweep import sweep; sweep()"
    arguments = ["--epochs", "10", "--seeds", "0:1000000", "--output", str(path), "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        while not (path.exists() and path.stat().st_size) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    summary = json.loads(output)
    assert process.returncode == 0
    assert summary["outcome"] == "stopped"
    assert 0 < summary["done"] == len(read_rows(path)) < 1_000_000


def test_best_is_the_most_accurate_and_then_the_lowest_loss():
    tally = Tally(3)
    assert tally.summarize(1.0)["best"] is None
    assert tally.summarize(0.0)["lanes_per_s"] == 0.0
