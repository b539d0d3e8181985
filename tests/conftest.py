"""What all tests share: one thread for PyTorch, the lesson run, and chance with a printed seed."""

import os

# Before PyTorch is imported, and for the processes that tests start: two threads that share the
# tiny work of this model wait for each other, on a busy machine a hundred times longer than they
# work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import random
import secrets

import pytest
from hypothesis import HealthCheck, settings

from iris_mlp.config import TrainConfig
from iris_mlp.training import TrainResult, prepare_run

settings.register_profile(
    "iris",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("iris")


@pytest.fixture
def chance() -> random.Random:
    """Random draws that differ in each run; the seed is printed where a test fails."""
    seed = int(os.environ.get("TEST_SEED") or secrets.randbits(32))
    print(f"draws of this test: set TEST_SEED={seed} to repeat them")
    return random.Random(seed)


@pytest.fixture(scope="session")
def lesson_result() -> TrainResult:
    """Our training of the lesson run: SGD, 0.01, 20,000 epochs, 10 hidden units, seed 0."""
    run = prepare_run(TrainConfig(device="cpu"))
    for _ in run:
        pass
    return run.result()
