"""The named endpoints where the server fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="needs the limits of Unix")
@pytest.mark.parametrize(
    ("call", "name", "done"),
    [
        ("train(device='cpu', epochs=50)", "loss.png", {"epochs_done": 50}),
        ("sweep(epochs='20', seeds='0:2')", "sweep.csv", {"done": 2}),
    ],
    ids=["train", "sweep"],
)
def test_a_full_disk_costs_an_endpoint_its_files_and_not_its_answer(call, name, done):
    code = (
        "import json, resource; from iris_mlp.ui import api; import matplotlib.pyplot; "
        "list(api.sweep(epochs='20')); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
        f"*_, last = api.{call}; print(json.dumps(last))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    summary, *files = json.loads(process.stdout.splitlines()[-1])
    assert done.items() <= summary.items()
    assert summary["files_missing"].startswith(f"The server could not write {name}")
    assert set(files) == {None}
