"""The settings of a run: the lesson's defaults, and a sentence for whatever is out of range."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iris_mlp.config import (
    DEFAULTS,
    LOCAL_LIMITS,
    PUBLIC_LIMITS,
    Limits,
    TrainConfig,
    host_limits,
)
from iris_mlp.errors import SettingsError

WHOLE_NUMBERS = {
    "epochs": (1, 10_000_000),
    "hidden": (1, 65_536),
    "batch_size": (1, 120),
    "seed": (0, 2**32 - 1),
    "record_every": (1, 10_000_000),
}


def make(**settings: Any) -> TrainConfig:
    return TrainConfig(**settings)


def test_defaults_are_the_lesson_run():
    assert DEFAULTS.to_dict() == {
        "device": "auto",
        "engine": "eager",
        "optimizer": "sgd",
        "lr": 0.01,
        "epochs": 20_000,
        "hidden": 10,
        "batch_size": 120,
        "seed": 0,
        "record_every": 1,
    }


def test_adam_takes_the_lessons_rate_unless_one_is_given():
    assert make(optimizer="adam").lr == 0.001
    assert make(optimizer="adam", lr=0.5).lr == 0.5


def test_settings_cannot_be_changed_once_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULTS.epochs = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_a_whole_number_is_accepted_to_its_bounds_and_not_beyond(name):
    low, high = WHOLE_NUMBERS[name]
    for value in (low, high, float(high)):
        accepted = getattr(make(**{name: value}), name)
        assert accepted == value
        assert type(accepted) is int
    for value in (low - 1, high + 1, -(10**30), 10**400):
        with pytest.raises(SettingsError, match=rf"^{name} must be a whole number from {low:,} to"):
            make(**{name: value})


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
@pytest.mark.parametrize(
    "value", [1.5, math.nan, math.inf, -math.inf, "10", True, [1], {}, b"1", 1j, "x" * 10_000]
)
def test_what_is_not_a_whole_number_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=f"^{name} must be a whole number") as caught:
        make(**{name: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "value",
    [0, -0.01, math.nan, math.inf, -math.inf, 1e31, 10**400, "0.1", True, [0.1], np.array([1, 2])],
)
def test_a_learning_rate_out_of_range_is_refused(value):
    with pytest.raises(SettingsError, match=r"^lr \(learning rate\) must be a number above 0"):
        make(lr=value)


@given(lr=st.floats(0, 1e30, exclude_min=True) | st.integers(1, 2**53))
@example(lr=5e-324)
def test_any_positive_finite_learning_rate_is_kept_as_it_is(lr):
    assert make(lr=lr).lr == lr


@pytest.mark.parametrize("name", ["engine", "optimizer"])
@pytest.mark.parametrize("value", ["", "EAGER", "rmsprop", None, 3, [], "x" * 10_000])
def test_an_unknown_engine_or_optimizer_is_answered_with_the_choices(name, value):
    with pytest.raises(SettingsError, match=f"^{name} .* is unknown; choose one of") as caught:
        make(**{name: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", ["", None, 0, ["cpu"]])
def test_a_device_that_is_not_a_name_is_refused(value):
    with pytest.raises(SettingsError, match=r"^device must be a name"):
        make(device=value)


@given(epochs=st.integers(1, 100_000), record_every=st.integers(1, 100_000))
def test_test_losses_are_few_and_fall_on_recorded_epochs(epochs, record_every):
    config = make(epochs=epochs, record_every=record_every)
    assert len(range(config.test_every, epochs, config.test_every)) <= 200
    assert config.test_every % record_every == 0


def test_a_run_over_a_hosts_cap_is_refused_with_the_cap():
    caps = Limits(epochs=100, hidden=8, wall_s=1.0)
    caps.check(make(epochs=100, hidden=8))
    with pytest.raises(SettingsError, match=r"epochs is 101, .* at most 100;"):
        caps.check(make(epochs=101, hidden=8))
    with pytest.raises(SettingsError, match=r"hidden is 9, .* at most 8;"):
        caps.check(make(epochs=100, hidden=9))


def test_a_public_space_has_tighter_caps_that_admit_the_lesson_run(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert host_limits() is LOCAL_LIMITS
    monkeypatch.setenv("SPACE_ID", "someone/iris")
    assert host_limits() is PUBLIC_LIMITS
    PUBLIC_LIMITS.check(DEFAULTS)
    assert PUBLIC_LIMITS.wall_s < LOCAL_LIMITS.wall_s
