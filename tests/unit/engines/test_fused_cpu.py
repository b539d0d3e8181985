"""The fused CPU engine against the eager one, which is the lesson's loop."""

import os
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.engines import eager, fused_cpu, shuffle_rows
from iris_mlp.model import build_model

PARITY = 1e-3


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Keep eager from waiting for a second core that may be busy: its operations are tiny."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def chance():
    seed = random.SystemRandom().randrange(2**32)
    print(f"random settings from seed {seed}")  # shown when the test fails
    return random.Random(seed)


def run(engine, config):
    """Return the model, losses by epoch and test losses by epoch."""
    model, losses, tests, epoch = build_model(config.hidden, config.seed), {}, {}, 0
    for chunk in engine.run(config, model, load_split()):
        losses.update(zip(chunk.epochs, chunk.losses, strict=True))
        tests.update(zip(chunk.test_epochs, chunk.test_losses, strict=True))
        epoch = chunk.epoch
    assert epoch == config.epochs
    return model, losses, tests


def assert_parity(config):
    _, eager_losses, eager_tests = run(eager, config)
    _, losses, tests = run(fused_cpu, config)
    assert list(losses) == list(eager_losses), config
    assert list(tests) == list(eager_tests), config
    assert losses == pytest.approx(eager_losses, rel=PARITY), config
    assert tests == pytest.approx(eager_tests, rel=PARITY), config


def draw(chance, **settings):
    adam = chance.random() < 0.5
    drawn = {
        "optimizer": "adam" if adam else "sgd",
        "lr": 10 ** chance.uniform(-4, -2.5 if adam else -0.7),
        "hidden": chance.randint(1, 40),
        "seed": chance.randrange(2**32),
        "epochs": chance.randint(1, 100),
        "record_every": chance.choice([1, 1, 7, 50]),
    }
    return TrainConfig(**{**drawn, **settings})


def test_lesson_run_equals_eager():
    config = TrainConfig(device="cpu")
    eager_model, eager_losses, eager_tests = run(eager, config)
    model, losses, tests = run(fused_cpu, config)
    assert losses == pytest.approx(eager_losses, rel=PARITY)
    assert tests == pytest.approx(eager_tests, rel=PARITY)
    split = load_split()
    with torch.no_grad():
        for x in (split.x_train, split.x_test):
            assert torch.equal(model(x).argmax(1), eager_model(x).argmax(1))


def test_random_full_batch_runs_equal_eager(chance):
    for _ in range(12):
        assert_parity(draw(chance))


def test_random_mini_batch_runs_equal_eager(chance):
    for _ in range(12):
        batch_size = chance.randint(1, 119)
        epochs = chance.randint(1, 1 + 100 * batch_size // 120)
        assert_parity(draw(chance, batch_size=batch_size, epochs=epochs))


def test_wide_layers_equal_eager(chance):
    for hidden in (512, 513, chance.randint(514, 3000)):
        assert_parity(draw(chance, hidden=hidden, epochs=20, batch_size=chance.choice([120, 31])))


def test_logits_that_overflow_an_exponential_equal_eager(chance):
    assert_parity(TrainConfig(lr=50.0, epochs=8, seed=chance.randrange(100)))
    assert_parity(TrainConfig(lr=1000.0, epochs=3, hidden=300, seed=chance.randrange(100)))


def test_first_step_has_the_gradients_of_autograd(chance):
    split = load_split()
    for hidden in (1, chance.randint(2, 100), chance.randint(513, 2000)):
        config = draw(chance, optimizer="sgd", lr=1.0, hidden=hidden, epochs=1)
        before = build_model(config.hidden, config.seed)
        nn.functional.cross_entropy(before(split.x_train), split.y_train).backward()
        after, _, _ = run(fused_cpu, config)
        for old, new in zip(before.parameters(), after.parameters(), strict=True):
            torch.testing.assert_close(old - new, old.grad, atol=1e-5, rtol=0)


def test_rows_are_shuffled_as_eager_shuffles_them(chance):
    from iris_mlp.engines.fused_cpu.kernel import shuffle

    seed = chance.randrange(2**32)
    draws = fused_cpu.draw(np.random.RandomState(seed), 50)
    order = np.zeros(120, np.uint8)
    for expected, numbers in zip(shuffle_rows(seed), draws, strict=False):
        shuffle(order, numbers, 0)
        assert order.tolist() == expected.tolist()


def test_rare_records_are_those_of_a_full_record(chance):
    config = draw(chance, epochs=100, record_every=1)
    _, losses, _ = run(fused_cpu, config)
    _, rare, tests = run(fused_cpu, replace(config, record_every=30))
    assert rare == {epoch: losses[epoch] for epoch in (30, 60, 90, 100)}
    assert list(tests) == [30, 60, 90, 100]


def test_closed_run_has_the_weights_of_a_run_that_ended_there():
    config = TrainConfig(device="cpu", epochs=10_000_000, record_every=1_000)
    model = build_model(config.hidden, config.seed)
    chunks = fused_cpu.run(config, model, load_split())
    next(chunks)
    epoch = next(chunks).epoch
    chunks.close()
    assert 0 < epoch < config.epochs
    ended, _, _ = run(fused_cpu, replace(config, epochs=epoch))
    for closed, other in zip(model.parameters(), ended.parameters(), strict=True):
        assert torch.equal(closed, other)


def test_run_ends_at_a_loss_that_is_not_finite():
    model = build_model(10, 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1e30)
    (chunk,) = fused_cpu.run(TrainConfig(device="cpu"), model, load_split())
    assert chunk.epoch == 1
    assert not np.isfinite(chunk.losses[-1])


def test_exp_and_log_are_exact_to_float32():
    from numba import njit

    from iris_mlp.engines.fused_cpu import vectors
    from iris_mlp.engines.fused_cpu.layout import LANES

    exp, log, load, store = vectors.exp, vectors.log, vectors.load, vectors.store

    @njit
    def compute(exponents, positives):
        for i in range(0, exponents.size, LANES):
            store(exponents, i, exp(load(exponents, i)))
            store(positives, i, log(load(positives, i)))

    exponents = np.linspace(-80, 80, 4096, dtype=np.float32)
    positives = np.concatenate([np.geomspace(1e-30, 1, 2048), 1 - np.geomspace(1e-6, 0.5, 2048)])
    positives = positives.astype(np.float32)
    expected = np.exp(exponents.astype(float)), np.log(positives.astype(float))
    compute(exponents, positives)
    np.testing.assert_allclose(exponents, expected[0], rtol=5e-6)
    np.testing.assert_allclose(positives, expected[1], rtol=3e-7)


def test_installation_without_a_place_for_the_cache_still_trains(tmp_path):
    import iris_mlp

    shutil.copytree(
        Path(iris_mlp.__file__).parent,
        tmp_path / "iris_mlp",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "iris_mlp" / "engines" / "__pycache__").touch()  # nothing can be written in there
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), os.devnull)
    code = "from iris_mlp.training import warm_up; warm_up(); print('trained')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **nowhere, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": ""},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("trained\n", "")
