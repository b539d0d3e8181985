"""The network and its first weights."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

from iris_mlp.model import IrisMLP, build_model
from tests.lesson import LessonMLP


def make_lesson_model(hidden: int, seed: int) -> LessonMLP:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LessonMLP(hidden)


def assert_same_weights(ours: nn.Module, expected: nn.Module) -> None:
    assert list(ours.state_dict()) == list(expected.state_dict())
    for name, tensor in expected.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name


def test_the_lessons_network_has_83_parameters():
    model = IrisMLP()
    assert [name for name, _ in model.named_children()] == ["fc1", "relu", "fc2"]
    assert isinstance(model.relu, nn.ReLU)
    assert sum(tensor.numel() for tensor in model.parameters()) == 83


def test_forward_equals_the_arithmetic_worked_by_hand():
    model = IrisMLP(hidden=2)
    model.load_state_dict(
        {
            "fc1.weight": torch.tensor([[1.0, 0.0, 2.0, 0.0], [0.0, -1.0, 0.0, 1.0]]),
            "fc1.bias": torch.tensor([0.5, -0.25]),
            "fc2.weight": torch.tensor([[1.0, 1.0], [-1.0, 0.0], [0.0, 4.0]]),
            "fc2.bias": torch.tensor([0.0, 1.0, 2.0]),
        }
    )
    x = torch.tensor([[1.0, 0.5, 0.25, 1.0], [-1.0, 1.0, 0.0, 0.0]])
    # Hidden units: (1 + 0.5 + 0.5, -0.5 + 1 - 0.25) = (2, 0.25), and (-0.5, -1.25), cut to zeros.
    expected = [[2.25, -1.0, 3.0], [0.0, 1.0, 2.0]]
    assert model(x).tolist() == expected


@pytest.mark.parametrize("hidden", [1, 10, 257])
def test_first_weights_are_those_of_manual_seed(hidden, chance):
    seed = chance.randrange(2**32)
    assert_same_weights(build_model(hidden, seed), make_lesson_model(hidden, seed))


def test_building_a_model_leaves_the_callers_random_state_alone():
    torch.manual_seed(123)
    before = torch.get_rng_state()
    build_model(10, seed=7)
    assert torch.equal(torch.get_rng_state(), before)


def test_models_built_at_once_in_threads_get_their_own_seeds():
    expected = [make_lesson_model(50, seed) for seed in range(8)]
    built: list[IrisMLP | None] = [None] * 160
    ready = threading.Barrier(8)

    def build(first: int) -> None:
        ready.wait()
        for i in range(first, len(built), 8):
            built[i] = build_model(50, seed=i % 8)

    threads = [threading.Thread(target=build, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, model in enumerate(built):
        assert model is not None
        assert_same_weights(model, expected[i % 8])


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, second, other = build_model(10, 3), build_model(10, 3), build_model(10, 4)
    assert_same_weights(first, second)
    assert not np.array_equal(first.fc1.weight.detach(), other.fc1.weight.detach())
