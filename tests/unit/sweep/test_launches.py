"""Lanes in launches: each is the training it would be alone, interpreted or on a GPU."""

from threading import Event

import pytest
import torch

from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.engines import fused_cuda
from iris_mlp.model import build_model
from iris_mlp.sweep.launches import launch_lanes
from iris_mlp.sweep.settings import SweepConfig
from iris_mlp.training import evaluate
from tests.triton_process import start_process

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


def launch(configs, stop_after=None):
    """Return what each yield brought; sets `stop` at that yield."""
    stop, steps = Event(), []
    for results in launch_lanes(configs, stop):
        steps.append(results)
        if len(steps) == stop_after:
            stop.set()
    return steps


def train_alone(config):
    """Train one lane with the engine itself; return its losses and what the model is worth."""
    device = torch.device(config.device)
    split = load_split().to(device)
    model = build_model(config.hidden, config.seed).to(device)
    losses = [loss for chunk in fused_cuda.run(config, model, split) for loss in chunk.losses]
    return losses, evaluate(model, split)


@pytest.fixture(scope="module", params=["cpu", pytest.param("cuda", marks=needs_cuda)])
def gpu(request):
    """Return a device's name, and a way to call a function where Triton serves that device."""
    if request.param == "cuda":
        yield "cuda", lambda function, *arguments: function(*arguments)
        return
    with start_process(interpret="1") as pool:
        yield "cpu", lambda function, *arguments: pool.submit(function, *arguments).result()


def test_lanes_of_many_shapes_are_each_as_alone(gpu):
    device, call = gpu
    configs = [
        *SweepConfig(
            optimizer=("sgd", "adam"), lr=(0.01, 0.3), hidden=(3, 17), epochs=(6,), device=device
        ),
        *SweepConfig(epochs=(3,), batch_size=50, seeds=range(3), device=device),
    ]
    steps = call(launch, configs)
    results = [result for step in steps for result in step]
    assert {result.config for result in results} == set(configs)
    assert len(results) == len(configs)
    assert sum(map(bool, steps)) == 5  # shapes, whose results come one after the other
    for result in results:
        (final_loss,), evaluation = call(train_alone, result.config)
        assert result.final_loss == final_loss, result.config
        assert result.train_accuracy == evaluation.train_accuracy
        assert result.test_accuracy == evaluation.test_accuracy
        assert result.test_loss == pytest.approx(evaluation.test_loss, rel=1e-5)
        assert (result.outcome, result.epochs_done) == ("completed", result.config.epochs)


def test_a_lane_that_diverges_measures_nothing_and_spoils_no_other(gpu):
    device, call = gpu
    sane = TrainConfig(device=device, lr=0.1, epochs=4, record_every=1)
    wild = TrainConfig(device=device, lr=1e30, epochs=4, record_every=1)
    _, (good, bad) = call(launch, [sane, wild])
    losses, _ = call(train_alone, sane)
    assert (good.outcome, good.final_loss) == ("completed", losses[-1])
    assert bad.outcome == "diverged"
    assert bad.epochs_done < 4
    assert (bad.test_loss, bad.train_accuracy, bad.test_accuracy) == (None, None, None)


def test_stop_between_two_launches_leaves_the_lanes_out(gpu):
    device, call = gpu
    config = TrainConfig(device=device, epochs=10_000_000, record_every=10_000_000)
    assert call(launch, [config, config], 1) == [[]]
