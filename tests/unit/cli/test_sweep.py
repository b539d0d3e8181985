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
from iris_mlp.errors import ClusterError, DeviceError, IrisMlpError, OutputError, SettingsError
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
        (["--device", "cuda:7"], DeviceError),
        (["--device", "cuda", "--hidden", "129"], SettingsError),
        (["--cluster", "nowhere.json"], ClusterError),
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


def test_resume_trains_what_has_no_row_and_tells_of_what_had(tmp_path):
    path = tmp_path / "sweep.csv"
    settings = ("--epochs", "5", "--device", "cpu", "--output", str(path), "--resume")
    assert invoke("--seeds", "0:3", *settings).exit_code == 0  # which begins where no file is
    first = path.read_text()
    done = invoke("--seeds", "0:5", *settings)
    assert done.stdout.startswith("5 of 5 trainings in")
    assert "Done before: 3" in done.stdout
    assert path.read_text().startswith(first)
    assert {row["seed"] for row in read_rows(path)} == set("01234")


def test_resume_with_other_settings_is_refused_and_changes_nothing(tmp_path):
    path = tmp_path / "sweep.csv"
    invoke("--seeds", "0:3", "--epochs", "5", "--output", str(path))
    before = path.read_bytes()
    done = invoke("--seeds", "0:3", "--epochs", "6", "--output", str(path), "--resume")
    assert isinstance(done.exception, SettingsError)
    assert str(path) in str(done.exception)
    assert path.read_bytes() == before


def test_resume_without_a_table_is_refused():
    assert invoke("--resume").exit_code == 2


def test_best_is_the_most_accurate_and_then_the_lowest_loss():
    tally = Tally(3)
    assert tally.summarize(1.0)["best"] is None
    assert tally.summarize(0.0)["lanes_per_s"] == 0.0
