"""Share: an address carries a run, and nothing that comes in does more than be refused."""

import base64
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iris_mlp.checkpoint import SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.config import ENGINES, OPTIMIZERS, TrainConfig
from iris_mlp.data import Scaler, load_flowers, load_split
from iris_mlp.errors import ShareError
from iris_mlp.inference import Classifier
from iris_mlp.model import build_model
from iris_mlp.take_home import link

SHIPPED = Checkpoint.load(SHIPPED_WEIGHTS)
LESSON = TrainConfig(device="cpu")

configs = st.builds(
    TrainConfig,
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:15", "mps", "privateuseone:0"]),
    engine=st.sampled_from(ENGINES),
    optimizer=st.sampled_from(OPTIMIZERS),
    lr=st.floats(0, 1_000, exclude_min=True),
    epochs=st.integers(1, 10_000_000),
    hidden=st.integers(1, 65_536),
    batch_size=st.integers(1, 120),
    seed=st.integers(0, 2**32 - 1),
    record_every=st.integers(1, 10_000_000),
)


def make_checkpoint(hidden: int, seed: int = 0) -> Checkpoint:
    state = dict(build_model(hidden, seed).state_dict())
    return Checkpoint(state=state, scaler=SHIPPED.scaler, settings={}, metrics={})


def seal(body: bytes) -> str:
    """Return a body as an address whose checksum is right."""
    return base64.urlsafe_b64encode(body + zlib.crc32(body).to_bytes(4, "little")).decode()


def unseal(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[:-4]


@given(configs)
@example(LESSON)
@settings(deadline=None)
def test_settings_come_back_as_they_were(config: TrainConfig) -> None:
    text = link.encode(config)
    assert link.decode(text) == (config, None)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,70}", text)


def test_shipped_model_fits_into_an_address_and_comes_back_whole() -> None:
    text = link.encode(LESSON, SHIPPED)
    assert len(text) <= 520
    config, model = link.decode(text)
    assert config == LESSON
    assert model is not None
    assert model.to_bytes() == SHIPPED.to_bytes()


@given(st.integers(1, link.MAX_HIDDEN), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_logits_of_a_shared_model_are_identical(hidden: int, seed: int) -> None:
    checkpoint = make_checkpoint(hidden, seed)
    text = link.encode(replace(LESSON, hidden=hidden), checkpoint)
    assert len(text) <= link.MAX_CHARACTERS
    _, shared = link.decode(text)
    assert shared is not None
    flowers, _ = load_flowers()
    before, after = (Classifier(each).predict(flowers).logits for each in (checkpoint, shared))
    assert np.array_equal(before, after)


def test_another_scaler_travels_along() -> None:
    scaler = Scaler((0.1, 0.2, 0.3, 0.4), (1.1, 1.2, 1.3, 1 / 3 + 1))
    _, shared = link.decode(link.encode(LESSON, replace(SHIPPED, scaler=scaler)))
    assert shared is not None
    assert shared.scaler == scaler


def test_scaler_that_is_left_out_is_the_lessons() -> None:
    assert load_split().scaler == link.LESSON_SCALER


@pytest.mark.parametrize(
    "metrics",
    [{}, {"final_loss": "x", "test_loss": float("nan"), "epochs_done": -1, "outcome": ["?"]}],
)
def test_metrics_that_are_not_known_are_left_out(metrics: dict) -> None:
    _, shared = link.decode(link.encode(LESSON, replace(SHIPPED, metrics=metrics)))
    assert shared is not None
    assert shared.metrics == {}


def test_model_that_is_too_large_is_refused_with_the_limit() -> None:
    config = replace(LESSON, hidden=33)
    assert not link.fits(make_checkpoint(33))
    with pytest.raises(ShareError, match="up to 32 fit"):
        link.encode(config, make_checkpoint(33))


def test_model_of_other_settings_is_refused() -> None:
    with pytest.raises(ShareError, match="not made with these settings"):
        link.encode(replace(LESSON, hidden=3), SHIPPED)


@pytest.mark.parametrize("device", ["x" * 17, "<b>", "\ud800", "é"])
def test_device_that_is_no_name_is_refused(device: str) -> None:
    with pytest.raises(ShareError, match="name of this device"):
        link.encode(replace(LESSON, device=device))


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 100, 400])
def test_half_an_address_is_refused(cut: int) -> None:
    with pytest.raises(ShareError, match="damaged or incomplete"):
        link.decode(link.encode(LESSON, SHIPPED)[:-cut])


def test_address_of_another_version_is_named() -> None:
    with pytest.raises(ShareError, match="another version"):
        link.decode(seal(b"\x02" + unseal(link.encode(LESSON))[1:]))


def test_weights_that_are_not_finite_are_refused() -> None:
    body = unseal(link.encode(LESSON, SHIPPED))
    with pytest.raises(ShareError, match="not finite"):
        link.decode(seal(body[:-4] + np.float32("nan").tobytes()))


def test_settings_out_of_range_are_named() -> None:
    body = bytearray(unseal(link.encode(LESSON)))
    body[18] = 121  # the batch size, after version, flags, engine, optimizer, lr, epochs, hidden
    with pytest.raises(ShareError, match="batch_size must be"):
        link.decode(seal(bytes(body)))


def test_bytes_left_over_are_refused() -> None:
    for text in (link.encode(LESSON), link.encode(LESSON, SHIPPED)):
        with pytest.raises(ShareError, match="damaged"):
            link.decode(seal(unseal(text) + b"\0"))


def test_long_text_is_refused_unread() -> None:
    with pytest.raises(ShareError, match="longer than"):
        link.decode("A" * 1_000_000)


def accept_or_refuse(text: str) -> None:
    try:
        config, checkpoint = link.decode(text)
    except ShareError:
        return
    assert isinstance(config, TrainConfig)
    if checkpoint is not None:
        assert all(torch.isfinite(tensor).all() for tensor in checkpoint.state.values())
        assert checkpoint.hidden == config.hidden <= link.MAX_HIDDEN


@given(st.text())
@settings(deadline=None, max_examples=150)
def test_any_text_is_read_or_refused(text: str) -> None:
    accept_or_refuse(text)


@given(st.binary(max_size=80))
@settings(deadline=None, max_examples=150)
def test_any_bytes_with_a_right_checksum_are_read_or_refused(body: bytes) -> None:
    accept_or_refuse(seal(b"\x01" + body))


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_any_change_of_a_real_address_is_read_or_refused(data: st.DataObject) -> None:
    scaler = data.draw(st.sampled_from([SHIPPED.scaler, Scaler((0.0,) * 4, (1.0,) * 4)]))
    body = bytearray(unseal(link.encode(LESSON, replace(SHIPPED, scaler=scaler))))
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly in the front, where all the meaning is.
        place = data.draw(st.integers(0, 120) | st.integers(0, len(body) - 1))
        body[place] = data.draw(st.sampled_from([0, 1, 2, 3, 127, 128, 255]) | st.integers(0, 255))
    accept_or_refuse(seal(bytes(body)))
