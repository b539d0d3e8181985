"""ZeroGPU: the page and the endpoint train in a forked process of the real package `spaces`."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_mlp import lent_gpu
from iris_mlp.config import TrainConfig
from iris_mlp.lent_gpu import estimate_duration_s
from iris_mlp.training import TrainingRun

PROJECT = Path(__file__).parents[2]

# A process of its own: the package patches PyTorch and forks, which all of pytest should not.
HEAD = """
import os, threading
from tests import zerogpu_standin
host = zerogpu_standin.start()

import gradio as gr
from iris_mlp.config import DEFAULTS, TrainConfig
from iris_mlp.lent_gpu import run_on_gpu
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


def lend(**settings):
    # `auto` asks where the run is, and there it is the CPU.
    return TrainConfig(device="cuda", **settings)
"""

PAGE = """
# The lesson trained here first: its threads must not be missed in the forked process.
expected = truth(TrainConfig(device="cpu", epochs=400))
updates = list(on_page(lend(epochs=400), threading.Event()))
shown = merge(updates)
assert host.durations_s == [11] and host.releases == [False], vars(host)
assert shown["checkpoint"].state["fc1.weight"].equal(expected.checkpoint.state["fc1.weight"])
assert shown["history"] == expected.history == shown["result"].history
assert updates[1].chart["train"], "the curve is live"
assert shown["chart"]["train"][-1][0] == 400

# A run on the CPU, which `auto` is here, asks for no GPU.
for device in ("cpu", "auto"):
    host.durations_s.clear()
    here = merge(on_page(TrainConfig(device=device, epochs=400), threading.Event()))
    assert here["checkpoint"].to_bytes() == expected.checkpoint.to_bytes()
    assert host.durations_s == []
"""

STOP = """
# Stop ends the run and keeps what it reached.
stop = threading.Event()
stream = on_page(lend(epochs=90_000, record_every=10), stop)
next(stream), next(stream)
stop.set()
shown = merge(stream)
metrics = shown["checkpoint"].metrics
assert metrics["outcome"] == "stopped" and 0 < metrics["epochs_done"] < 90_000, metrics
assert host.releases == [False]

# A closed tab ends it too.
stream = on_page(lend(epochs=90_000), threading.Event())
next(stream), next(stream)
stream.close()
assert host.releases == [False, False]
"""

REFUSED = """
def refuse(act=lambda: list(on_page(lend(epochs=5), threading.Event()))):
    try:
        act()
    except gr.Error as error:
        return str(error)
    raise AssertionError("nothing was refused")


class Headers(dict):
    pass


class Visitor:
    # What Gradio keeps of the visitor's request, where `spaces` finds the token of the page.
    headers = Headers()


from gradio.context import LocalContext
host.refuse_quota(0, "PT1H")
assert "callers with a Hugging Face token" in refuse()  # nobody's token
Visitor.headers["x-ip-token"] = "e30.e30.e30"
LocalContext.request.set(Visitor)
host.refuse_quota(7, "PT3H12M")
sentence = refuse()
assert "seconds were asked for, 7 are left" in sentence and "3:12:00" in sentence, sentence
assert "Signing in with Hugging Face" in sentence and "cpu costs nothing" in sentence
assert host.tokens[-1] == "e30.e30.e30"
host.refuse_quota(7, "-PT1S")
assert "more than one call may ask for" in refuse()
host.refuse_in_queue()
assert "No GPU became free within a minute" in refuse()
for status in (503, 401, 500):
    host.refuse_status(status)
    assert "No GPU can be lent now" in refuse()
assert "No GPU can be lent now" in refuse(lambda: list(api.train(device="cuda", epochs=5)))
"""

ABORTED = """
import multiprocessing

# Killed in the middle, as a worker is that outlives its time: what had arrived is kept.
stream = on_page(lend(epochs=90_000), threading.Event())
updates = [next(stream), next(stream), next(stream)]
for worker in multiprocessing.active_children():
    worker.kill()
updates += stream
shown = merge(updates)
metrics = shown["checkpoint"].metrics
assert metrics["outcome"] == "stopped" and 0 < metrics["epochs_done"] < 90_000, metrics
assert shown["history"].losses and host.releases == [True]
"""

ERROR = """
# What this process knows, it says without asking for a GPU; the rest crosses as its sentence.
for device, asked in (("nonsense", 0), ("cuda:7", 0), ("cuda:0", 1)):
    for act in (
        lambda: list(on_page(TrainConfig(device=device, epochs=5), threading.Event())),
        lambda: list(api.train(device=device, epochs=5)),
    ):
        host.durations_s.clear()
        try:
            act()
        except gr.Error as error:
            assert device in str(error) and "here there are: auto, cpu" in str(error), error
        else:
            raise AssertionError(f"{device} was not refused")
        assert len(host.durations_s) == asked, (device, host.durations_s)
"""

ENDPOINT = """
expected = truth(TrainConfig(device="cpu", epochs=300, seed=5))
summary, plot, weights = None, None, None
for summary, plot, weights in api.train(device="cuda", epochs=300, seed=5):
    data = weights and open(weights, "rb").read()
assert summary["final_loss"] == expected.history.losses[-1]
assert host.durations_s == [11] and host.releases == [False]
"""

CHOICES = """
from iris_mlp.ui.layout import build_app
from iris_mlp.ui.train import settings_form
from iris_mlp.ui.visitor import offer_settings
from iris_mlp.training import list_engines
choices = settings_form._list_device_choices()
assert choices[:3] == [("auto (cpu)", "auto"), ("cpu", "cpu"), ("cuda", "cuda")], choices
assert "cuda-graph" in list_engines()
assert offer_settings(TrainConfig(device="cuda", engine="cuda-graph"))[:2] == ["cuda", "cuda-graph"]
build_app()
"""


EXPERIMENTS = """
import json
from iris_mlp.hardware import detect_hardware
from iris_mlp.ui.compare import crossover, ledger, memory, race, tab
from tests.helpers import request_in

(gpu,) = detect_hardware().gpus
assert gpu.name is None and "note.lent" in gpu.notes, "unknown before the first call"
asked, request = host.durations_s, request_in("en")
race.LAP_EPOCHS = (20, 1_000)
*_, card = race.run_race(None, 20, request)
timed = '<span class="race-time"><b>\u2248'
assert card.count('class="race-row gpu') == 3 and card.count(timed) == 6, card
assert "On this GPU the engine cuda-graph does not run" in card, "the CPU stands in for the GPU"
*_, card = ledger.run_ledger(None, request, 0.05, 0.05)
assert card.count("data-plot") == 2, "the reads of both devices"
*_, card = crossover.run_crossover(None, None, request, 0.001, ["hidden"])
assert "GPU" in card
assert "measured, GPU" in memory.measure_step(10, 120, "adam", request)
assert len(asked) == 4 and max(asked) <= 20, asked
assert host.releases == [False] * 4

# Later visitors see what was measured, with its day; what they may press asks for little.
with gr.Blocks():
    shown = tab.build(gr.State()).on_load(request)
assert sum("An earlier visitor measured this" in card for card in shown.values()) == 3
assert race.estimate_race_s(["cpu", "cuda"], 1_000, race.REPEATS) <= 25

# The GPU itself, as it was read where it was.
(gpu,) = detect_hardware().gpus
assert (gpu.name, gpu.compute_capability) == ("NVIDIA RTX PRO 6000", "12.0"), gpu
assert gpu.vram_total_mib == 49152
assert gpu.driver_version and "note.lent" in gpu.notes

# Refused, the CPU's part is shown, here and to a program.
host.refuse_quota(0, "PT1H")
*_, card = race.run_race(None, 20, request)
assert card.count(timed) == 3, card
*_, answer = api.race(epochs=20, repeats=2)
assert {each["contender"]["device"] for each in answer["standings"]} == {"cpu"}
assert answer["outcome"] == "stopped" and "use the device cpu" in answer["message"]
"""

SWEEP = """
from iris_mlp.ui.sweep_endpoint import sweep
for device, calls in (("auto", 0), ("cpu", 0), ("cuda", 1)):
    host.durations_s.clear()
    *_, (summary, _) = sweep(epochs="20", seeds="0:5", device=device)
    assert summary["done"] == 5 and len(host.durations_s) == calls, (device, summary)
assert host.durations_s[0] <= 12

from iris_mlp.ui.explore.live_panel import settings_of
from iris_mlp.ui.explore.tab import run_landscape, run_luck

host.durations_s.clear()
settings = settings_of(TrainConfig(epochs=20))
*_, here = run_luck(threading.Event(), settings, None, "cpu")
assert host.durations_s == []
*_, lent = run_luck(threading.Event(), settings, None, "cuda")
assert sorted(here["runs"]) == sorted(lent["runs"]) and len(host.durations_s) == 1
*_, here = run_landscape(threading.Event(), settings, "hidden", 1, None, "cpu")
*_, lent = run_landscape(threading.Event(), settings, "hidden", 1, None, "cuda")
assert here["cells"] == lent["cells"] and len(host.durations_s) == 2
"""


@pytest.mark.parametrize(
    "script",
    [PAGE, STOP, REFUSED, ABORTED, ERROR, ENDPOINT, CHOICES, EXPERIMENTS, SWEEP],
    ids=[
        "page",
        "stop",
        "refused",
        "aborted",
        "error",
        "endpoint",
        "choices",
        "experiments",
        "sweep",
    ],
)
def test_work_is_lent_a_gpu(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script],
        env={
            **os.environ,
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


def test_longer_runs_ask_for_more_time_up_to_the_cap() -> None:
    short, lesson, batches, longest = (
        estimate_duration_s(TrainConfig(**settings))
        for settings in (
            {"epochs": 100},
            {},
            {"batch_size": 40},
            {"epochs": 100_000, "batch_size": 1},
        )
    )
    assert short < lesson < batches <= longest == 120


def test_an_engine_with_fewer_launches_asks_for_less() -> None:
    eager, graph, fused = (
        estimate_duration_s(TrainConfig(engine=engine))
        for engine in ("eager", "cuda-graph", "fused")
    )
    assert fused < graph < eager


def count_up(most: int, stop) -> Iterator[int]:
    for number in range(most):
        if stop.is_set():
            return
        yield number


def test_elsewhere_work_runs_here_until_it_is_stopped() -> None:
    stop = threading.Event()
    numbers = lent_gpu.run_on_gpu(count_up, 9, stop=stop, wall_s=60, duration_s=1)
    assert [next(numbers), next(numbers)] == [0, 1]
    stop.set()
    assert list(numbers) == []
    assert (
        list(lent_gpu.run_on_gpu(count_up, 9, stop=threading.Event(), wall_s=0, duration_s=1)) == []
    )
