"""A run that a browser sent, without a browser."""

import base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from iris_mlp.config import LOCAL_LIMITS, PUBLIC_LIMITS, TrainConfig
from iris_mlp.errors import IrisMlpError
from iris_mlp.training import prepare_run
from iris_mlp.ui.train.visitor_run import read_visitor_run


def encode(values) -> str:
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def send(**changes):
    """Return what a browser sends of a run of 205 epochs, and that run on the eager engine."""
    settings: dict[str, Any] = {
        "device": "browser:cpu",
        "optimizer": "adam",
        "lr": 0.01,
        "epochs": 205,
        "hidden": 6,
        "batch_size": 120,
        "seed": 3,
        "record_every": 10,
    }
    run = prepare_run(replace(TrainConfig(**settings), device="cpu"))
    for _ in run:
        pass
    result = run.result()
    assert result.checkpoint is not None
    state = result.checkpoint.state
    units = np.concatenate(
        [
            state["fc1.weight"].numpy(),
            state["fc1.bias"].numpy()[:, None],
            state["fc2.weight"].numpy().T,
        ],
        axis=1,
    )
    sent = {
        "settings": settings,
        "epoch": 205,
        "elapsed_s": 0.25,
        "losses": encode(result.history.losses),
        "test_losses": encode(result.history.test_losses),
        "weights": encode([*units.ravel(), *state["fc2.bias"].numpy()]),
    }
    return sent | changes, result


def test_a_run_is_measured_here_and_keeps_what_it_came_to():
    sent, truth = send()
    result = read_visitor_run(sent, LOCAL_LIMITS)
    assert result.outcome == "completed"
    assert result.config == replace(truth.config, device="browser:cpu")
    assert result.progress.evaluation == truth.progress.evaluation
    assert list(result.history.epochs) == list(truth.history.epochs)
    assert list(result.history.losses) == list(truth.history.losses)
    assert list(result.history.test_epochs) == list(truth.history.test_epochs)
    assert result.progress.elapsed_s == 0.25
    assert result.checkpoint is not None
    assert truth.checkpoint is not None
    for name, tensor in truth.checkpoint.state.items():
        assert torch.equal(result.checkpoint.state[name], tensor)
    assert result.checkpoint.metrics == truth.checkpoint.metrics


def test_a_stopped_run_keeps_what_it_reached():
    sent, truth = send(epoch=57, losses=encode([1.0] * 5), test_losses=encode([1.0] * 5))
    result = read_visitor_run(sent, LOCAL_LIMITS)
    assert result.outcome == "stopped"
    assert list(result.history.epochs) == [10, 20, 30, 40, 50]
    assert result.progress.evaluation == truth.progress.evaluation


def test_a_run_that_diverged_leaves_no_weights():
    losses = [1.0] * 20 + [float("nan")]
    result = read_visitor_run(send(losses=encode(losses))[0], LOCAL_LIMITS)
    assert (result.outcome, result.checkpoint) == ("diverged", None)
    assert list(result.history.losses) == [1.0] * 20
    weights = read_visitor_run(send(weights=encode([float("inf")] * 51))[0], LOCAL_LIMITS)
    assert (weights.outcome, weights.checkpoint) == ("diverged", None)


SETTINGS = send()[0]["settings"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"settings": None}, "settings"),
        ({"settings": {**SETTINGS, "engine": "eager"}}, "settings"),
        ({"settings": {**SETTINGS, "device": "cpu"}}, "device"),
        ({"settings": {**SETTINGS, "lr": float("nan")}}, "lr"),
        ({"settings": {**SETTINGS, "hidden": 7}}, "weights"),
        ({"epoch": 206}, "epoch"),
        ({"epoch": 5.5}, "epoch"),
        ({"epoch": True}, "epoch"),
        ({"epoch": 204}, "losses"),
        ({"elapsed_s": 0}, "elapsed_s"),
        ({"elapsed_s": float("nan")}, "elapsed_s"),
        ({"losses": None}, "losses"),
        ({"losses": encode([1.0] * 20)}, "losses"),
        ({"losses": "*" * len(encode([1.0] * 21))}, "losses"),
    ],
)
def test_a_damaged_run_is_refused(changes, word):
    with pytest.raises(IrisMlpError, match=word):
        read_visitor_run(send(**changes)[0], LOCAL_LIMITS)


@pytest.mark.parametrize("sent", [None, [], "run", {}])
def test_what_is_no_run_is_refused(sent):
    with pytest.raises(IrisMlpError, match="settings"):
        read_visitor_run(sent, LOCAL_LIMITS)


def test_a_public_space_caps_a_run_of_the_visitors_computer_too():
    with pytest.raises(IrisMlpError, match=r"hidden is 1,025"):
        read_visitor_run(send(settings={**SETTINGS, "hidden": 1025})[0], PUBLIC_LIMITS)
