"""The command line: what it prints and writes, its exit statuses, one line for bad input."""

import csv
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import iris_mlp
from iris_mlp.checkpoint import SHIPPED_WEIGHTS
from iris_mlp.cli import main
from tests.lesson import run_lesson

PROJECT = Path(__file__).parents[3]
GOLDEN = PROJECT / "tests" / "golden" / "cli"
UNIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and terminals of Unix")
SETOSA = ("5.1", "3.5", "1.4", "0.2")
SHORT = ("train", "--device", "cpu", "--epochs", "300")


@dataclass
class Answer:
    """What a command came to."""

    status: int
    out: str
    err: str


Run = Callable[..., Answer]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def run(capfd, monkeypatch, tmp_path) -> Iterator[Run]:
    """Run the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    on_interrupt = signal.getsignal(signal.SIGINT)

    def run_main(*arguments: Any) -> Answer:
        monkeypatch.setattr(sys, "argv", ["iris_mlp", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        return Answer(status, *capfd.readouterr())

    yield run_main
    signal.signal(signal.SIGINT, on_interrupt)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the command line in a process of its own, which does not outlive the test."""
    processes = []

    def start_process(*arguments: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "iris_mlp", *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=PROJECT, stdout=pipe, stderr=stderr, text=True)
        processes.append(process)
        return process

    yield start_process
    for process in processes:
        process.kill()
        process.wait()


def read_golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def parse_only_json(text: str) -> dict[str, Any]:
    """Read the one JSON object that a text is, and nothing else."""
    assert text.endswith("}\n")
    assert text.count("\n") == 1
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


# train


def test_train_prints_the_lessons_lines_and_the_result(run):
    answer = run(*SHORT)
    assert answer.status == 0
    assert answer.err == ""
    text = re.sub(r"[\d.]+ s on", "T s on", answer.out)
    assert re.sub(r"[\d,]+ epochs/s", "N epochs/s", text) == read_golden("train.txt")


def test_train_writes_history_with_every_digit(run):
    answer = run(*SHORT, "--history", "h.csv")
    expected = run_lesson(epochs=300)
    with Path("h.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert answer.status == 0
    assert header == ["epoch", "loss"]
    assert [int(epoch) for epoch, _ in rows] == list(range(1, 301))
    assert [float(loss) for _, loss in rows] == expected.losses


def test_a_small_model_trains_on_one_thread_with_the_bits_of_several(run):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        expected = run_lesson(epochs=100)
        answer = run("train", "--device", "cpu", "--epochs", "100", "--history", "h.csv")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    assert answer.status == 0
    with Path("h.csv").open(newline="") as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == expected.losses


def test_train_writes_weights_plot_and_history_of_the_run(run):
    settings = ("--optimizer", "adam", "--hidden", "7", "--seed", "9", "--record-every", "40")
    answer = run(*SHORT, *settings, "--output", "w", "--history", "h", "--plot", "p", "--json")
    expected = run_lesson(optimizer="adam", lr=0.001, hidden=7, seed=9, epochs=300)
    assert answer.status == 0
    assert sorted(path.name for path in Path().iterdir()) == ["h", "p", "w"]
    state = load_file("w")
    for name, tensor in expected.model.state_dict().items():
        assert torch.equal(state[name], tensor)
    epochs = [int(line.split(",")[0]) for line in Path("h").read_text().splitlines()[1:]]
    assert epochs == [40, 80, 120, 160, 200, 240, 280, 300]
    data = Path("p").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (960, 540)


def test_train_json_is_one_object_and_nothing_else(run):
    answer = run(*SHORT, "--json", "--batch-size", "32")
    summary = parse_only_json(answer.out)
    assert answer.status == 0
    assert answer.err == ""
    assert summary["final_loss"] == pytest.approx(run_lesson(epochs=300, batch_size=32).losses[-1])
    assert summary["outcome"] == "completed"
    assert summary["epochs_done"] == summary["epochs"] == 300
    assert summary["batch_size"] == 32
    assert summary["device"] == "cpu"
    assert summary["engine"] == "eager"


def test_a_diverging_run_ends_with_status_1_and_keeps_its_curve(run):
    answer = run(*SHORT, "--lr", "1e12", "--output", "w", "--history", "h", "--json")
    assert answer.status == 1
    assert parse_only_json(answer.out)["outcome"] == "diverged"
    assert answer.err.count("\n") == 1
    assert "learning rate 1e+12 is too high" in answer.err
    assert Path("h").read_text().splitlines()[0] == "epoch,loss"
    assert len(Path("h").read_text().splitlines()) > 1
    assert not Path("w").exists()


def test_trained_weights_classify(run):
    assert run(*SHORT, "--optimizer", "adam", "--lr", "0.05", "--output", "w").status == 0
    answer = run("classify", "--weights", "w", "--json", "6.3", "3.3", "6.0", "2.5")
    assert parse_only_json(answer.out)["label"] == "virginica"


@UNIX
def test_ctrl_c_keeps_what_was_reached(start, tmp_path):
    weights, history = tmp_path / "w", tmp_path / "h"
    process = start(
        *("train", "--device", "cpu", "--epochs", "10000000", "--optimizer", "adam"),
        *("--output", str(weights), "--history", str(history)),
    )
    assert process.stdout.readline() == "Epoch [100/10000000], Loss: 1.0001\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert err == ""
    assert "Training time:" in out
    losses = [float(line.split(",")[1]) for line in history.read_text().splitlines()[1:]]
    expected = run_lesson(optimizer="adam", lr=0.001, epochs=len(losses))
    assert losses == expected.losses
    for name, tensor in load_file(weights).items():
        assert torch.equal(tensor, expected.model.state_dict()[name])


@UNIX
def test_a_terminal_shows_a_bar_and_ctrl_c_before_the_first_loss_is_answered(start):
    import fcntl
    import termios

    terminal, end_of_process = os.openpty()
    # A terminal of no size would get no bar.
    fcntl.ioctl(end_of_process, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    process = start(
        *("train", "--device", "cpu", "--epochs", "10000000", "--record-every", "10000000"),
        stderr=end_of_process,
    )
    os.close(end_of_process)
    seen = b""
    while b"epoch/s" not in seen:
        seen += read_terminal(terminal)
    process.send_signal(signal.SIGINT)
    while chunk := read_terminal(terminal):
        seen += chunk
    os.close(terminal)
    out, _ = process.communicate()
    assert process.returncode == 0, seen
    assert b"%|" in seen
    assert "Final loss: unknown" in out


def read_terminal(terminal: int) -> bytes:
    """Return what a program wrote on a terminal; nothing once it has ended."""
    assert select.select([terminal], [], [], 120)[0], "the program says nothing"
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux answers so when the last writer is gone
        return b""


@UNIX
def test_a_disk_that_fills_up_costs_a_file_and_not_the_answer(tmp_path):
    code = (
        "import resource, sys; from iris_mlp.cli import main; import iris_mlp.training; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000)); "
        "sys.argv = ['iris_mlp', *sys.argv[1:]]; main()"
    )
    outputs = ("--history", str(tmp_path / "h"), "--output", str(tmp_path / "w"), "--json")
    process = subprocess.run(
        [sys.executable, "-c", code, *SHORT, *outputs], cwd=PROJECT, capture_output=True, text=True
    )
    assert process.returncode == 2
    assert parse_only_json(process.stdout)["epochs_done"] == 300
    assert process.stderr.startswith("error: Cannot write")
    assert process.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["w"]  # the small file has its place


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "latin-1"])
def test_a_terminal_that_lacks_a_character_shows_an_escape(tmp_path, encoding):
    path = tmp_path / "in.csv"
    path.write_text(
        "sepal_length,sepal_width,petal_length,petal_width,注ö\n5.1,3.5,1.4,0.2,é花😀\n"
    )
    process = subprocess.run(
        [sys.executable, "-m", "iris_mlp", "classify", "--csv", str(path)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
    )
    assert process.returncode == 0, process.stderr
    out = process.stdout.decode(encoding)
    assert "setosa,0.998668" in out
    assert "\\U0001f600" in out


# Bad input


BAD_TRAINING = [
    (("--device", "cuda:99"), "device 'cuda:99' is not on this machine"),
    (("--device", "meta"), "device 'meta' is not on this machine"),
    (("--device", "gpu"), "device 'gpu' is unknown; here there are: auto, cpu"),
    (("--device", ""), "device must be a name"),
    (("--engine", "jax"), "'jax' is not one of 'eager', 'cuda-graph', 'fused'"),
    (("--optimizer", "rmsprop"), "'rmsprop' is not one of 'sgd', 'adam'"),
    (("--epochs", "0"), "epochs must be a whole number from 1 to 10,000,000, not 0"),
    (("--epochs", "10000001"), "epochs must be a whole number"),
    (("--epochs", "1.5"), "'1.5' is not a valid integer"),
    (("--epochs", "nan"), "'nan' is not a valid integer"),
    (("--hidden", "-1"), "hidden must be a whole number from 1 to 65,536, not -1"),
    (("--batch-size", "121"), "batch_size must be a whole number from 1 to 120, not 121"),
    (("--seed", "-1"), "seed must be a whole number from 0 to 4,294,967,295, not -1"),
    (("--record-every", "0"), "record_every must be a whole number"),
    (("--lr", "0"), "lr (learning rate) must be a number above 0"),
    (("--lr", "-0.01"), "lr (learning rate) must be a number above 0"),
    (("--lr", "nan"), "lr (learning rate) must be a number above 0"),
    (("--lr", "inf"), "lr (learning rate) must be a number above 0"),
    (("--lr", "1e31"), "lr (learning rate) must be a number above 0"),
    (("--lr", "fast"), "'fast' is not a valid float"),
    (("--colour", "red"), "No such option '--colour'"),
    (("extra",), "unexpected extra argument"),
]


def assert_one_line_and_nothing_done(answer: Answer, sentence: str) -> None:
    assert answer.status == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert sentence in answer.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("arguments", "sentence"), BAD_TRAINING, ids=lambda value: str(value)[:30])
def test_bad_settings_are_one_line_and_nothing_is_written(run, arguments, sentence):
    outputs = ("--output", "w", "--history", "h", "--plot", "p", "--json")
    assert_one_line_and_nothing_done(run("train", *outputs, *arguments), sentence)


@pytest.mark.parametrize("option", ["--output", "--history", "--plot"])
@pytest.mark.parametrize("path", ["missing/w", ".", "x" * 300, os.devnull], ids=lambda p: p[:9])
def test_an_unwritable_path_is_refused_before_training(run, option, path):
    # Training would print the lines of epochs 100 and 200.
    answer = run("train", "--device", "cpu", "--epochs", "200", option, path)
    assert_one_line_and_nothing_done(answer, path)


def test_bad_input_in_a_process_of_its_own_is_one_line_and_status_2(start, tmp_path):
    process = start("train", "--lr", "nan", "--output", str(tmp_path / "w"))
    out, err = process.communicate()
    assert process.returncode == 2
    assert out == ""
    assert re.fullmatch(r"error: lr .*, not nan\.\n", err)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_refused(run):
    assert_one_line_and_nothing_done(run("tarin"), "No such command 'tarin'")


def test_without_a_command_the_help_is_shown(run):
    answer = run()
    assert answer.status == 0
    assert answer.err == ""
    assert answer.out == run("--help").out
    for name in ("train", "classify", "hardware"):
        assert re.search(rf"^  {name} ", answer.out, re.MULTILINE)


# classify


def test_classify_prints_the_label_and_three_confidences(run):
    answer = run("classify", *SETOSA)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == read_golden("classify.txt")


def test_classify_json_is_one_object(run):
    answer = run("classify", "--json", *SETOSA)
    found = parse_only_json(answer.out)
    assert found["label"] == "setosa"
    assert [entry["label"] for entry in found["confidences"]] == [
        "setosa",
        "versicolor",
        "virginica",
    ]
    assert sum(entry["confidence"] for entry in found["confidences"]) == pytest.approx(1, abs=1e-6)
    assert found["extrapolated"] == []


def test_classify_marks_extrapolation_apart_from_the_answer(run):
    answer = run("classify", "9", "3.5", "0.5", "0.2")
    assert answer.status == 0
    assert answer.err == (
        "note: extrapolated, outside the range of the data: sepal_length, petal_length\n"
    )
    found = parse_only_json(run("classify", "--json", "9", "3.5", "0.5", "0.2").out)
    assert found["extrapolated"] == ["sepal_length", "petal_length"]


def test_classify_csv_answers_csv(run):
    answer = run("classify", "--csv", GOLDEN / "flowers.csv")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == read_golden("classify_csv.txt")


def test_classify_csv_tells_what_it_assumed_and_how_many_are_right(run, tmp_path):
    path = tmp_path / "iris.data"
    path.write_text("5.1,3.5,1.4,0.2,Iris-setosa\n51,35,14,2,Iris-virginica\n5.1,?,1.4,0.2,x\n\n")
    answer = run("classify", "--csv", path)
    assert answer.status == 0
    assert (
        answer.out.splitlines()[1]
        == "1,5.1,3.5,1.4,0.2,Iris-setosa,setosa,0.998668,0.001332,0.000000,"
    )
    assert "note: No header names the lengths: columns 1 to 4 are taken as" in answer.err
    assert "warning: Line 2 (row 2): The lengths look like mm" in answer.err
    assert "warning: Line 3 (row 3): sepal_width is '?', not a length" in answer.err
    assert "Accuracy: 50.0% (1 of 2)" in answer.err
    found = parse_only_json(run("classify", "--csv", path, "--json").out)
    assert found["comparison"]["accuracy"] == 0.5
    assert [flower["row"] for flower in found["flowers"]] == [1, 2]
    assert [row["line"] for row in found["unread"]] == [3]


def test_classify_warns_of_lengths_that_look_like_mm(run):
    answer = run("classify", "51", "35", "14", "2")
    assert "warning: The lengths look like mm, not cm" in answer.err
    found = parse_only_json(run("classify", "--json", "51", "35", "14", "2").out)
    assert "look like mm" in found["warning"]
    assert parse_only_json(run("classify", "--json", *SETOSA).out)["warning"] is None


def test_classify_csv_json_is_one_object(run):
    answer = run("classify", "--csv", GOLDEN / "flowers.csv", "--json")
    flowers = parse_only_json(answer.out)["flowers"]
    assert [flower["label"] for flower in flowers] == ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give either four lengths in cm or --csv FILE"),
        ((*SETOSA, "--csv", "x"), "give either four lengths in cm or --csv FILE"),
        (SETOSA[:3], "3 values; four are expected"),
        ((*SETOSA, "1"), "5 values; four are expected"),
        (("5.1", "long", "1.4", "0.2"), "sepal_width is 'long', not a length in cm"),
        (("-5.1", "3.5", "1.4", "0.2"), "sepal_length is '-5.1'; a length from 0 to 100 cm"),
        (("5.1", "3.5", "nan", "0.2"), "petal_length is 'nan', not a length in cm"),
        (("5.1", "3.5", "1.4", "-inf"), "petal_width is '-inf', not a length in cm"),
        (("--jsn", *SETOSA), "No such option '--jsn'"),
        (("--csv", "missing.csv"), "Cannot read missing.csv: No such file or directory"),
        (("--csv", "."), "'.' is a directory"),
        (("--weights", "missing.safetensors", *SETOSA), "Cannot read missing.safetensors"),
        (("--weights", GOLDEN / "flowers.csv", *SETOSA), "This is not a safetensors file"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_questions_are_one_line(run, arguments, sentence):
    assert_one_line_and_nothing_done(run("classify", *arguments), sentence)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The CSV is empty"),
        (
            b"sepal_length,sepal_width,petal_length,petal_width\n5,x,1,0\n",
            "Line 2 (row 1): sepal_width",
        ),
        (b"alcohol,ash\n12,2\n", "No row holds four lengths"),
        (b"5.1,3.5,1.4,0.2\n" * 1_000_000, "larger than 2 MiB"),
        (b"PK\x03\x04[Content_Types].xml", "This is an Excel workbook (.xlsx)"),
    ],
    ids=["empty", "text", "no flowers", "a million rows", "Excel"],
)
def test_a_bad_csv_is_one_line(run, data, sentence, tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / "in.csv"
    path.write_bytes(data)
    assert_one_line_and_nothing_done(run("classify", "--csv", path), sentence)


# hardware


def test_hardware_prints_text_or_one_object(run):
    answer = run("hardware")
    assert answer.status == 0
    assert torch.__version__ in answer.out
    report = parse_only_json(run("hardware", "--json").out)
    assert isinstance(report, dict)
    assert report


def test_the_version_is_that_of_the_package(run):

    answer = run("--version")
    assert (answer.status, answer.err) == (0, "")
    assert iris_mlp.__version__ in answer.out
    assert SHIPPED_WEIGHTS.exists()
