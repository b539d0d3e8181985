"""A process that is killed while it saves leaves one whole file: the old one or the new one.

`KILLS=200` in the environment kills as often as that.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint

PROJECT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KILLS", "20"))
LATEST_KILL_S = 0.1
"""Some saves long, so that a kill falls on any moment of one."""

# Each victim is forked, which takes no time; a start of Python and PyTorch takes seconds.
SAVER = """
import itertools, os, sys
from pathlib import Path
from iris_mlp.checkpoint import Checkpoint

path, *models = map(Path, sys.argv[1:])
models = [Checkpoint.load(model) for model in models]
for _ in sys.stdin:
    victim = os.fork()
    if victim == 0:
        print(os.getpid(), flush=True)
        for model in itertools.cycle(models):
            model.save(path)
    os.waitpid(victim, 0)
    print("dead", flush=True)
"""


def make_wide_model(value: float) -> Checkpoint:
    """Return a model that takes some time to write: 2 MiB."""
    shipped = Checkpoint.load(SHIPPED_WEIGHTS)
    shapes = {
        "fc1.weight": (65_536, 4),
        "fc1.bias": (65_536,),
        "fc2.weight": (3, 65_536),
        "fc2.bias": (3,),
    }
    state = {name: torch.full(shape, value) for name, shape in shapes.items()}
    return Checkpoint(state, shipped.scaler, shipped.settings, shipped.metrics)


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL of Unix")
def test_a_process_killed_while_it_saves_leaves_the_old_file_or_the_new_one(tmp_path, chance):
    models = [tmp_path / "first", tmp_path / "second"]
    for value, model in enumerate(models):
        make_wide_model(value / 8).save(model)
    whole = [model.read_bytes() for model in models]
    folder = tmp_path / "saved"
    folder.mkdir()
    path = folder / "w.safetensors"
    path.write_bytes(whole[0])
    halves = 0
    with subprocess.Popen(
        [sys.executable, "-c", SAVER, path, *models],
        cwd=PROJECT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as saver:
        assert saver.stdin is not None
        assert saver.stdout is not None
        # On a busy machine most die before they write: more of them are killed then.
        for kills in range(20 * KILLS):
            if kills >= KILLS and halves > KILLS / 4:
                break
            print("save", file=saver.stdin, flush=True)
            victim = int(saver.stdout.readline())
            time.sleep(chance.uniform(0, LATEST_KILL_S))  # the moment of the kill is the test
            os.kill(victim, signal.SIGKILL)
            assert saver.stdout.readline() == "dead\n"
            assert path.read_bytes() in whole
            for other in folder.iterdir():
                if other != path:
                    halves += 1
                    other.unlink()
    # What the dead had begun to write stands beside the file: they were killed in the midst of it.
    assert halves > KILLS / 4
