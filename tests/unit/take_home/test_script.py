"""Copy as Python: the script stands alone and finds the losses of the run."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from iris_mlp.cli import cli
from iris_mlp.config import TrainConfig
from iris_mlp.take_home.script import render_notebook, render_script
from iris_mlp.training import prepare_run

# Runs each script as its own program would run and tells the losses that it found.
RUNNER = """
import json, runpy, sys
names = [runpy.run_path(path, run_name="__main__") for path in sys.argv[1:]]
print("losses", json.dumps([each["losses"] for each in names]))
"""

CONFIGS = [
    TrainConfig(device="cpu", epochs=200),
    TrainConfig(device="cpu", epochs=105, optimizer="adam", hidden=7, seed=3, record_every=50),
    TrainConfig(device="cpu", epochs=23, batch_size=32, seed=11, lr=0.123456789),
    TrainConfig(device="cpu", epochs=11, batch_size=1, optimizer="adam", record_every=4),
    TrainConfig(device="cpu", epochs=3, hidden=64, batch_size=119, lr=1e-7),
    TrainConfig(device="cpu", epochs=1, record_every=1000),
]


def test_scripts_find_the_losses_of_the_run_bit_for_bit(tmp_path: Path) -> None:
    paths = [tmp_path / f"run_{i}.py" for i in range(len(CONFIGS))]
    for path, config in zip(paths, CONFIGS):
        path.write_text(render_script(config))
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-W",
            "ignore",
            "-c",
            RUNNER,
            *map(str, paths),
        ],  # -I: this package is not there
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "agg"},
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.rpartition("losses ")[2])
    for config, losses in zip(CONFIGS, found):
        run = prepare_run(config)
        for _ in run:
            pass
        assert losses == list(run.history.losses)
    assert "Epoch [200/200], Loss: " in done.stdout
    assert "Test accuracy: " in done.stdout


@pytest.mark.parametrize("config", CONFIGS)
def test_script_is_short_and_needs_only_pytorch_and_scikit_learn(config: TrainConfig) -> None:
    script = render_script(config)
    names = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(script))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [node.names[0].name]
        )
    }
    assert names == {"time", "torch", "sklearn", "matplotlib"}
    assert len(script.splitlines()) <= 75
    assert max(map(len, script.splitlines())) <= 100


def test_notebook_runs_as_the_script_does() -> None:
    config = CONFIGS[1]
    notebook = json.loads(render_notebook(render_script(config)))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) == 4
    names: dict = {}
    for cell in cells:
        exec("".join(cell["source"]), names)
    run = prepare_run(config)
    list(run)
    assert names["losses"] == list(run.history.losses)


@pytest.mark.parametrize("config", CONFIGS)
def test_comments_are_in_the_language_of_the_reader(config: TrainConfig) -> None:
    english, chinese = (render_script(config, language) for language in ("en", "zh-CN"))
    assert ast.dump(ast.parse(english).body[1]) == ast.dump(ast.parse(chinese).body[1])
    assert "梯度" in chinese
    assert not re.search(r"[\u4e00-\u9fff]", english)


def test_command_prints_the_script_or_writes_it(tmp_path: Path) -> None:
    options = ["--optimizer", "adam", "--epochs", "77", "--seed", "5"]
    expected = render_script(TrainConfig(optimizer="adam", epochs=77, seed=5))
    assert CliRunner().invoke(cli, ["script", *options]).stdout == expected
    path = tmp_path / "run.py"
    CliRunner().invoke(cli, ["script", *options, "--output", str(path)], catch_exceptions=False)
    assert path.read_text() == expected


def test_lesson_run_is_written_out_whole() -> None:
    script = render_script(TrainConfig())
    for text in (
        "random_state=42",
        "manual_seed(0)",
        "SGD",
        "lr=0.01",
        "epochs, losses, started = 20000",
        "class MLP(nn.Module)",
        "self.fc1(x)",
    ):
        assert text in script


def test_device_is_quoted_whatever_it_is() -> None:
    name = "cpu\"); import os  # '\n"
    calls = [
        node
        for node in ast.walk(ast.parse(render_script(TrainConfig(device=name))))
        if isinstance(node, ast.Constant) and node.value == name
    ]
    assert len(calls) == 1


def test_script_of_another_engine_says_that_it_is_the_plain_loop() -> None:
    assert "'fused'" in render_script(TrainConfig(engine="fused"))
    assert "engine" not in render_script(TrainConfig())
