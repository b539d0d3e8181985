import numpy as np
import pytest
import torch
from torch import nn

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.data import load_split
from iris_mlp.errors import SettingsError
from iris_mlp.inside.training_step import (
    backward_by_hand,
    run_accumulation,
    step_batch,
    step_flower,
)


@pytest.fixture(scope="module")
def checkpoint():
    return Checkpoint.load(SHIPPED_WEIGHTS)


def _draw(rows, hidden, seed):
    draw = np.random.default_rng(seed)
    weights = {
        "fc1.weight": draw.normal(size=(hidden, 4)),
        "fc1.bias": draw.normal(size=hidden),
        "fc2.weight": draw.normal(size=(3, hidden)),
        "fc2.bias": draw.normal(size=3),
    }
    return draw.random((rows, 4)), draw.integers(3, size=rows), weights


@pytest.mark.parametrize(("rows", "hidden", "seed"), [(1, 10, 0), (120, 10, 1), (7, 3, 2)])
def test_formulas_equal_autograd_in_double_precision(rows, hidden, seed):
    x, y, weights = _draw(rows, hidden, seed)
    loss, gradients = backward_by_hand(x, y, weights)
    model = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 3)).double()
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), weights.values(), strict=True):
            parameter.copy_(torch.from_numpy(values))
    truth = nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
    truth.backward()
    assert loss == pytest.approx(truth.item(), rel=1e-12)
    for parameter, values in zip(model.parameters(), gradients.values(), strict=True):
        np.testing.assert_allclose(values, parameter.grad.numpy(), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("hidden", [1, 2, 10, 33, 128, 1_000])
def test_step_equals_autograd_to_float_precision_for_any_flower_and_weights(hidden, chance):
    draw = np.random.default_rng(chance.randrange(2**32))
    scaler = Checkpoint.load(SHIPPED_WEIGHTS).scaler
    for _ in range(25):
        _, _, weights = _draw(1, hidden, chance.randrange(2**32))
        silent = draw.random(hidden) < draw.choice([0, 0.5, 1])
        weights["fc1.weight"][silent] = -abs(weights["fc1.weight"][silent])
        weights["fc1.bias"][silent] = -abs(weights["fc1.bias"][silent]) - 0.1
        state = {name: torch.from_numpy(values).float() for name, values in weights.items()}
        lengths_cm = [draw.uniform(low, high) for low, high in ((4, 8), (2, 5), (1, 7), (0, 3))]
        x = torch.from_numpy(scaler.scale(np.array([lengths_cm])))
        z = nn.functional.linear(x, state["fc1.weight"], state["fc1.bias"])
        if (z.abs() < 1e-5).any():  # ReLU's corner lies within the rounding
            continue
        true_class = chance.randrange(3)
        step = step_flower(Checkpoint(state, scaler, {}, {}), lengths_cm, true_class, lr=0.01)
        assert step.loss_by_hand == pytest.approx(step.loss_by_autograd, rel=1e-5, abs=1e-5)
        largest = max(float(np.abs(tensor.by_hand).max()) for tensor in step.tensors)
        assert step.max_gradient_difference <= 1e-5 * max(largest, 1)
        assert step.max_update_difference <= 1e-6 * max(largest, 1) + 2e-6
        shut = (z <= 0).numpy()[0]
        gradients = {tensor.name: tensor for tensor in step.tensors}
        for name in ("fc1.weight", "fc1.bias"):
            assert not gradients[name].by_hand[shut].any()
            assert not gradients[name].by_autograd[shut].any()


def test_formulas_equal_difference_quotients():
    x, y, weights = _draw(5, 4, seed=3)
    _, gradients = backward_by_hand(x, y, weights)
    for name, values in weights.items():
        for place in np.ndindex(values.shape):
            losses = []
            for change in (1e-6, -1e-6):
                moved = {key: array.copy() for key, array in weights.items()}
                moved[name][place] += change
                losses.append(backward_by_hand(x, y, moved)[0])
            slope = (losses[0] - losses[1]) / 2e-6
            assert gradients[name][place] == pytest.approx(slope, abs=1e-8)


def test_large_logits_do_not_overflow():
    x, y, weights = _draw(4, 3, seed=4)
    weights["fc2.weight"] *= 1e4
    loss, gradients = backward_by_hand(x, y, weights)
    assert np.isfinite(loss)
    assert all(np.isfinite(values).all() for values in gradients.values())


def test_step_of_the_lesson_run_stands_beside_pytorchs(checkpoint):
    step, split = step_batch(checkpoint, lr=0.01), load_split()
    model = checkpoint.build_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss = nn.functional.cross_entropy(model(split.x_train), split.y_train)
    loss.backward()
    optimizer.step()
    assert (step.rows, step.loss_by_autograd) == (120, loss.item())
    assert step.loss_by_hand == pytest.approx(loss.item(), rel=1e-6)
    for tensor in step.tensors:
        parameter = model.get_parameter(tensor.name)
        np.testing.assert_array_equal(tensor.by_autograd, parameter.grad.numpy())
        np.testing.assert_array_equal(tensor.updated_by_optimizer, parameter.detach().numpy())
        np.testing.assert_array_equal(tensor.before, checkpoint.state[tensor.name].numpy())
    assert 0 < step.max_gradient_difference < 1e-6
    assert 0 < step.max_update_difference < 1e-6


def test_step_on_one_flower_moves_against_its_gradient(checkpoint):
    step = step_flower(checkpoint, [6.0, 3.0, 4.0, 1.2], true_class=2, lr=0.5)
    for tensor in step.tensors:
        moved = tensor.before.astype(float) - 0.5 * tensor.by_hand
        np.testing.assert_array_equal(tensor.updated_by_hand, moved)
    assert (step.rows, step.lr) == (1, 0.5)
    assert step.max_gradient_difference < 1e-5


def test_shown_formulas_are_the_function_that_ran(checkpoint):
    names = {"np": np}
    exec(step_batch(checkpoint).source, names)
    x, y, weights = _draw(6, 5, seed=5)
    loss, gradients = names["backward_by_hand"](x, y, weights)
    truth_loss, truth = backward_by_hand(x, y, weights)
    assert loss == truth_loss
    assert all(np.array_equal(gradients[name], truth[name]) for name in truth)


def test_class_that_is_not_there_is_refused(checkpoint):
    with pytest.raises(SettingsError, match="class"):
        step_flower(checkpoint, [6.0, 3.0, 4.0, 1.2], true_class=-1)


def test_backward_adds_to_the_gradient_until_it_is_cleared(checkpoint):
    split, model = load_split(), checkpoint.build_model()
    nn.CrossEntropyLoss()(model(split.x_train), split.y_train).backward()
    run = run_accumulation(checkpoint)
    once, twice, again = (run.names[name] for name in ("once", "twice", "again"))
    assert torch.equal(once, model.fc2.bias.grad)
    assert torch.equal(twice, 2 * once)
    assert torch.equal(again, once)
    assert run.output == ("True True",)
