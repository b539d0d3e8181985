"""The named endpoints where the server fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="needs the limits of Unix")
def test_a_full_disk_costs_train_its_files_and_not_its_answer():
    code = (
        "import json, resource; from iris_mlp.ui import api; import matplotlib.pyplot; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
        "*_, last = api.train(device='cpu', epochs=50); print(json.dumps(last))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    summary, plot, weights = json.loads(done.stdout.splitlines()[-1])
    assert summary["epochs_done"] == 50
    assert summary["files_missing"].startswith("The server could not write loss.png")
    assert (plot, weights) == (None, None)
