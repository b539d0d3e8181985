"""Devices by name: the one that is there, or a sentence that lists what is."""

from contextlib import suppress

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from iris_mlp import training
from iris_mlp.config import TrainConfig
from iris_mlp.devices import (
    choose_auto_device,
    explain_failure,
    explain_missing,
    has_code_for,
    list_devices,
    resolve_device,
    synchronize,
)
from iris_mlp.errors import DeviceError
from iris_mlp.training import prepare_run

HAS_CUDA = torch.cuda.is_available()
HAS_MPS = torch.backends.mps.is_available()


def test_the_cpu_is_always_there_and_first():
    assert list_devices()[0] == "cpu"
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("cpu:0") == torch.device("cpu")


def test_every_listed_device_holds_a_tensor():
    for name in list_devices():
        device = resolve_device(name)
        assert torch.ones(3, device=device).sum().item() == 3
        synchronize(device)


def test_auto_takes_the_accelerator_where_there_is_one():
    device, reason = choose_auto_device()
    assert resolve_device("auto") == device
    if HAS_CUDA or HAS_MPS:
        assert device.type in ("cuda", "mps")
        assert reason == "accelerator"
        assert explain_missing() == "none_missing"
    else:
        assert device == torch.device("cpu")
        assert reason == "only_cpu"
        assert explain_missing() == ("no_gpu" if torch.version.cuda else "cpu_build")


@pytest.mark.skipif(HAS_CUDA, reason="needs a machine without an NVIDIA GPU")
def test_cuda_where_there_is_none_is_refused_with_what_there_is():
    for name in ("cuda", "cuda:0", "cuda:99"):
        with pytest.raises(DeviceError, match=rf"'{name}' is not on this machine.*auto, cpu"):
            prepare_run(TrainConfig(device=name, epochs=1))


@pytest.mark.skipif(not HAS_CUDA, reason="needs an NVIDIA GPU")
def test_a_gpu_beyond_the_last_one_is_refused():
    assert resolve_device("cuda").type == "cuda"
    assert resolve_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(DeviceError, match="'cuda:99' is not on this machine"):
        resolve_device("cuda:99")


@pytest.mark.skipif(HAS_MPS, reason="needs a machine without Apple's MPS")
def test_mps_where_there_is_none_is_refused():
    with pytest.raises(DeviceError, match="'mps' is not on this machine"):
        resolve_device("mps")


@pytest.mark.parametrize(
    "name", ["meta", "cpu:1", "xla", "cpu:256", "cpu:128", "cuda:128", "cuda:256"]
)
def test_a_device_that_cannot_train_is_refused(name):
    with pytest.raises(DeviceError, match=f"device '{name}' is not on this machine"):
        resolve_device(name)


@pytest.mark.parametrize(
    "name", ["", "gpu", "CPU", "auto ", "cuda:", "cuda:-1", "cuda:x", "cuda:" + "9" * 30, "é", "\0"]
)
def test_an_unknown_device_is_refused_with_what_there_is(name):
    with pytest.raises(DeviceError, match=r"is unknown; here there are: auto, cpu") as caught:
        resolve_device(name)
    assert len(str(caught.value)) < 200


@given(st.text() | st.from_regex(r"[a-z]{1,12}(:-?\d{1,40})?", fullmatch=True))
@example("\udcff")
@example("x" * 100_000)
def test_any_name_is_a_device_or_a_sentence(name):
    with suppress(DeviceError):
        assert resolve_device(name).type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize(
    ("capability", "built_for", "runs"),
    [
        ((12, 0), ["sm_80", "sm_90"], False),
        ((8, 9), ["sm_80", "sm_90"], True),  # the same major version
        ((8, 0), ["sm_86"], False),  # not an earlier minor one
        ((12, 0), ["sm_90", "compute_90"], True),  # compiled on the spot
        ((12, 1), ["sm_120a"], False),
        ((12, 0), ["sm_120a"], True),
        ((7, 0), ["sm_75", "compute_80"], False),
        (None, ["sm_90"], True),
        ((9, 0), [], True),
    ],
)
def test_a_build_runs_on_the_cards_that_it_has_code_for(capability, built_for, runs):
    assert has_code_for(capability, built_for) == runs


@pytest.mark.parametrize(
    ("capabilities", "device", "reason"),
    [
        ([(12, 0)], "cpu", "no_code"),
        ([(9, 0)], "cuda", "accelerator"),
        ([(12, 0), (9, 0)], "cuda:1", "accelerator"),
    ],
)
def test_auto_takes_no_card_that_this_build_has_no_code_for(
    monkeypatch, capabilities, device, reason
):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: len(capabilities))
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_80", "sm_90"])
    monkeypatch.setattr(torch.cuda, "get_device_capability", capabilities.__getitem__)
    assert choose_auto_device() == (torch.device(device), reason)


def test_a_device_that_fails_at_its_work_is_told_in_a_sentence(monkeypatch):
    # PyTorch's meta device takes a model, and fails where a number is read.
    monkeypatch.setattr(training, "resolve_device", torch.device)
    run = prepare_run(TrainConfig(device="meta", epochs=1))
    with pytest.raises(DeviceError, match=r"device meta fails here \(.+\); choose the device cpu"):
        list(run)


def test_an_error_on_the_cpu_stays_as_it_is():
    with pytest.raises(RuntimeError, match="our own"), explain_failure(torch.device("cpu")):
        raise RuntimeError("our own")
