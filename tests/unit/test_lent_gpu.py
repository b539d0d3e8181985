"""ZeroGPU: the page and the endpoint train in a forked process, as `spaces.GPU` would run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iris_mlp import lent_gpu
from iris_mlp.config import TrainConfig
from iris_mlp.lent_gpu import estimate_duration_s
from iris_mlp.training import TrainingRun

PROJECT = Path(__file__).parents[2]

# A process of its own: what stands in for the package forks, and should not fork all of pytest.
HEAD = """
import threading
from tests.spaces_standin import install
spaces = install()

import gradio as gr
from iris_mlp.config import DEFAULTS, TrainConfig
from iris_mlp.training import prepare_run as prepare_here
from iris_mlp.ui import api
from iris_mlp.ui.train import tab as train_tab


def truth(config):
    run = prepare_here(config)
    list(run)
    return run.result()


def on_page(config, stop, take=None):
    settings = config.to_dict().values()
    for shown in train_tab.run_training(stop, "linear", None, *settings):
        yield shown


def merge(updates):
    pairs = (pair for update in updates for pair in update._asdict().items())
    return {name: value for name, value in pairs if value != gr.skip()}
"""

PAGE = """
# The lesson trained here first: its threads must not be missed in the forked process.
expected = truth(TrainConfig(device="cpu", epochs=400))

updates = list(on_page(TrainConfig(epochs=400), threading.Event()))
shown = merge(updates)
assert spaces.durations_s == [15] and spaces.exit_codes == [0], spaces.exit_codes
assert shown["result"].config.device == "cpu"  # what `auto` is where the run is
assert shown["checkpoint"].to_bytes() == expected.checkpoint.to_bytes()
assert shown["history"] == expected.history == shown["result"].history
assert updates[1].chart["train"], "the curve is live"
assert shown["chart"]["train"][-1][0] == 400

# Losses cross once: what crosses for an update is what is new, not the run so far.
spaces.sizes.clear()
list(on_page(TrainConfig(epochs=6_000), threading.Event()))
print("bytes", sum(spaces.sizes), "updates", len(spaces.sizes), "largest", max(spaces.sizes))
assert sum(spaces.sizes) < 6_000 * 16 + 2_000 * len(spaces.sizes)

# A run on the CPU asks for no GPU.
spaces.durations_s.clear()
here = merge(on_page(TrainConfig(device="cpu", epochs=400), threading.Event()))
assert here["checkpoint"].to_bytes() == expected.checkpoint.to_bytes()
assert spaces.durations_s == []
"""

STOP = """
# Stop ends the run and keeps what it reached.
stop = threading.Event()
stream = on_page(TrainConfig(epochs=90_000, record_every=10), stop)
next(stream), next(stream)
stop.set()
shown = merge(stream)
metrics = shown["checkpoint"].metrics
assert metrics["outcome"] == "stopped" and 0 < metrics["epochs_done"] < 90_000, metrics
assert spaces.exit_codes == [0]

# A closed tab ends it too.
stream = on_page(TrainConfig(epochs=90_000), threading.Event())
next(stream), next(stream)
stream.close()
assert spaces.exit_codes == [0, 0]
"""

ERROR = """
# What this process knows, it says without asking for a GPU; the rest crosses as its sentence.
for device, asked in (("nonsense", 0), ("cuda:7", 0), ("cuda", 1)):
    for act in (
        lambda: list(on_page(TrainConfig(device=device, epochs=5), threading.Event())),
        lambda: list(api.train(device=device, epochs=5)),
    ):
        spaces.durations_s.clear()
        try:
            act()
        except gr.Error as error:
            assert device in str(error) and "here there are: auto, cpu" in str(error), error
        else:
            raise AssertionError(f"{device} was not refused")
        assert len(spaces.durations_s) == asked, (device, spaces.durations_s)
"""

ENDPOINT = """
expected = truth(TrainConfig(device="cpu", epochs=300, seed=5))
summary, plot, weights = None, None, None
for summary, plot, weights in api.train(epochs=300, seed=5):
    data = weights and open(weights, "rb").read()
assert data == expected.checkpoint.to_bytes()
assert (summary["device"], summary["final_loss"]) == ("cpu", expected.history.losses[-1])
assert spaces.durations_s == [15] and spaces.exit_codes == [0]
"""

CHOICES = """
from iris_mlp.ui.layout import build_app
from iris_mlp.ui.train import settings_form
from iris_mlp.ui.visitor import offer_settings
from iris_mlp.training import list_engines
choices = settings_form._list_device_choices()
assert choices == [("auto (cuda)", "auto"), ("cpu", "cpu"), ("cuda", "cuda")], choices
assert "cuda-graph" in list_engines()
assert offer_settings(TrainConfig(device="cuda", engine="cuda-graph"))[:2] == ["cuda", "cuda-graph"]
build_app()
"""


@pytest.mark.parametrize(
    "script",
    [PAGE, STOP, ERROR, ENDPOINT, CHOICES],
    ids=["page", "stop", "error", "endpoint", "choices"],
)
def test_training_is_lent_a_gpu(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script],
        env={
            **os.environ,
            "SPACES_ZERO_GPU": "true",
            "SPACE_ID": "someone/iris",
            "CUDA_VISIBLE_DEVICES": "",  # the worker's hardware is the CPU, whatever is here
            "PYTHONPATH": str(PROJECT),
        },
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", [None, "", "0", "false"])
def test_elsewhere_a_run_is_the_plain_one(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    if value is not None:
        monkeypatch.setenv("SPACES_ZERO_GPU", value)
    assert type(lent_gpu.prepare_run(TrainConfig(epochs=1))) is TrainingRun
    assert "spaces" not in sys.modules


def estimate(**settings: int) -> int:
    return estimate_duration_s(TrainConfig(**settings), None, 0)  # type: ignore[arg-type]


def test_longer_runs_ask_for_more_time_up_to_the_cap() -> None:
    assert estimate(epochs=100) < estimate() < estimate(batch_size=40) <= 120
    assert estimate(epochs=100_000, batch_size=1) == 120
