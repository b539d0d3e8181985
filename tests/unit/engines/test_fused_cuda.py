"""The Triton engine against eager: under Triton's interpreter on the CPU, and on a GPU if any."""

import os
import sys
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.engines import eager, fused_cuda
from iris_mlp.errors import DeviceError, SettingsError
from iris_mlp.model import build_model
from tests.triton_process import start_process

PARITY = 1e-5
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
OPTIMIZERS = pytest.mark.parametrize("optimizer", ["sgd", "adam"])


@dataclass
class Trained:
    """What a training left: losses by epoch, where its chunks ended, and its weights."""

    losses: dict[int, float]
    tests: dict[int, float]
    ends: list[int]
    weights: dict[str, torch.Tensor]


def train_together(device, configs, most_chunks=None, poisoned=False):
    """Train stacked models with `run_many`; runs in the interpreter's process or in this one."""
    models = [build_model(config.hidden, config.seed) for config in configs]
    stacked, _ = torch.func.stack_module_state(models)
    weights = {name: tensor.detach().to(device) for name, tensor in stacked.items()}
    if poisoned:
        weights["fc1.weight"][0, 0, 0] = torch.nan
    lanes = [Trained({}, {}, [], {}) for _ in configs]
    run = fused_cuda.run_many(configs, weights, load_split().to(torch.device(device)))
    for chunks in run:
        for lane, chunk in zip(lanes, chunks, strict=True):
            lane.losses.update(zip(chunk.epochs, chunk.losses, strict=True))
            lane.tests.update(zip(chunk.test_epochs, chunk.test_losses, strict=True))
            lane.ends.append(chunk.epoch)
        if len(lanes[0].ends) == most_chunks:
            run.close()
    for i, lane in enumerate(lanes):
        lane.weights = {name: tensor[i].cpu() for name, tensor in weights.items()}
    return lanes


def train_alone(device, config):
    """Train one model with `run`."""
    model = build_model(config.hidden, config.seed).to(device)
    trained = Trained({}, {}, [], {})
    for chunk in fused_cuda.run(config, model, load_split().to(torch.device(device))):
        trained.losses.update(zip(chunk.epochs, chunk.losses, strict=True))
        trained.tests.update(zip(chunk.test_epochs, chunk.test_losses, strict=True))
        trained.ends.append(chunk.epoch)
    trained.weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return trained


def train_eagerly(config):
    model = build_model(config.hidden, config.seed)
    trained = Trained({}, {}, [], {})
    for chunk in eager.run(config, model, load_split()):
        trained.losses.update(zip(chunk.epochs, chunk.losses, strict=True))
        trained.tests.update(zip(chunk.test_epochs, chunk.test_losses, strict=True))
    trained.weights = model.state_dict()
    return trained


@pytest.fixture(scope="module")
def interpreter():
    with start_process(interpret="1") as pool:
        yield lambda function, *arguments: pool.submit(function, "cpu", *arguments).result()


@pytest.fixture(params=["interpreter", pytest.param("cuda", marks=needs_cuda)])
def train(request):
    """Call a training function of this module, under the interpreter or on the GPU."""
    if request.param == "cuda":
        return lambda function, *arguments: function("cuda", *arguments)
    return request.getfixturevalue("interpreter")


def assert_parity(trained, config):
    expected = train_eagerly(config)
    assert trained.losses == pytest.approx(expected.losses, rel=PARITY), config
    assert trained.tests == pytest.approx(expected.tests, rel=PARITY), config
    assert trained.ends[-1] == config.epochs


@OPTIMIZERS
@pytest.mark.parametrize("mini_batches", [False, True])
def test_random_settings_follow_eager(train, chance, optimizer, mini_batches):
    lowest, highest = (-3, -0.3) if optimizer == "sgd" else (-4, -1.5)
    config = TrainConfig(
        optimizer=optimizer,
        lr=10 ** chance.uniform(lowest, highest),
        epochs=chance.randint(21, 25) if mini_batches else chance.randint(21, 40),
        hidden=chance.randint(1, 60),
        batch_size=chance.randint(40, 119) if mini_batches else 120,
        seed=chance.randrange(2**32),
    )
    assert_parity(train(train_alone, config), config)


@pytest.mark.parametrize("hidden", [1, 3, 10, 16, 17, 128])
def test_filled_up_units_change_nothing(train, hidden):
    config = TrainConfig(optimizer="adam", lr=0.01, epochs=8, hidden=hidden)
    assert_parity(train(train_alone, config), config)


def test_batch_of_one_row_follows_eager(train):
    config = TrainConfig(epochs=1, batch_size=1)
    assert_parity(train(train_alone, config), config)


def test_models_of_one_launch_are_each_as_alone_bit_for_bit(train):
    lanes = [(0.01, 0), (0.1, 0), (0.01, 7)]
    configs = [
        TrainConfig(optimizer="adam", lr=lr, seed=seed, epochs=7, batch_size=64)
        for lr, seed in lanes
    ]
    together = train(train_together, configs)
    for lane, config in zip(together, configs, strict=True):
        alone = train(train_alone, config)
        assert lane.losses == alone.losses
        assert lane.tests == alone.tests
        for name, weight in lane.weights.items():
            assert torch.equal(weight, alone.weights[name])
    assert len({lane.losses[7] for lane in together}) == 3


@pytest.mark.parametrize("hidden", [3, 10, 20])
def test_first_gradients_are_those_of_autograd(train, hidden):
    config = TrainConfig(lr=1000, epochs=1, hidden=hidden, seed=hidden)
    moved = train(train_alone, config).weights
    model, split = build_model(hidden, config.seed), load_split()
    nn.CrossEntropyLoss()(model(split.x_train), split.y_train).backward()
    for name, weight in model.named_parameters():
        gradient = (weight.detach() - moved[name]) / config.lr
        assert weight.grad is not None
        error = (gradient - weight.grad).abs().max() / weight.grad.abs().max()
        assert error < 1e-5, name


def test_losses_are_recorded_at_the_epochs_asked_for(train):
    config = TrainConfig(epochs=23, record_every=5)
    trained = train(train_alone, config)
    assert list(trained.losses) == [5, 10, 15, 20, 23]
    assert_parity(trained, config)


def test_closing_between_launches_keeps_the_weights_reached(train):
    config = TrainConfig(epochs=100_000, hidden=5, batch_size=100)
    (lane,) = train(train_together, [config], 1)
    assert len(lane.ends) == 1
    expected = train_eagerly(replace(config, epochs=lane.ends[0])).weights
    for name, weight in lane.weights.items():
        assert torch.allclose(weight, expected[name], rtol=1e-5, atol=1e-6)


def test_weights_that_are_not_numbers_give_a_loss_that_is_none(train):
    (lane,) = train(train_together, [TrainConfig(epochs=1)], None, True)
    assert lane.losses[1] != lane.losses[1]


def compile_kernel(cache_dir, capability):
    """Compile the kernel for a GPU that need not be there."""
    os.environ["TRITON_CACHE_DIR"] = str(cache_dir)
    from benchmarks import registers

    return registers.compile_kernel(capability, units=16, adam=True, batched=True)


@pytest.mark.parametrize("capability", [80, 90, 120])
def test_kernel_compiles_for_a_gpu_within_its_memory(tmp_path, capability):
    with start_process(interpret="0") as pool:
        usage = pool.submit(compile_kernel, tmp_path, capability).result()
    assert usage.code_bytes > 0
    assert usage.spilled_bytes == 0  # the lesson's width stays in the registers
    assert usage.shared_bytes <= 48 * 1024  # bytes that every GPU grants without asking


def test_cpu_is_refused_with_the_engine_that_serves_it(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    config = TrainConfig(device="cpu", engine="fused")
    with pytest.raises(DeviceError, match=r"needs a CUDA GPU.* on cpu; use the engine eager"):
        fused_cuda.run(config, build_model(10, 0), load_split())


def test_another_accelerator_is_refused_with_the_engines_that_serve_it():
    split = load_split().to(torch.device("meta"))  # any device that is neither CUDA nor the CPU
    with pytest.raises(DeviceError, match=r"on meta; use the engine eager, or fused on the device"):
        fused_cuda.run(TrainConfig(engine="fused"), build_model(10, 0), split)


def test_missing_triton_is_told_with_the_engine_to_use(monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setitem(sys.modules, "triton", None)  # what Python does where it is not installed
    with pytest.raises(DeviceError, match=r"needs the package triton.* use the engine cuda-graph"):
        fused_cuda.run(TrainConfig(), build_model(10, 0), load_split())


def test_a_driver_that_triton_does_not_find_is_told_with_the_engine_to_use(monkeypatch):
    pytest.importorskip("triton", reason="needs a platform that Triton has packages for")
    from triton.backends.nvidia.driver import libcuda_dirs

    # As in a container whose linker does not know the driver's library.
    monkeypatch.setattr("subprocess.check_output", lambda *_, **__: b"")
    for name in ("LD_LIBRARY_PATH", "TRITON_LIBCUDA_PATH"):
        monkeypatch.delenv(name, raising=False)
    told = pytest.raises(DeviceError, match=r"libcuda.* use the engine cuda-graph")
    with told, fused_cuda._explain_failure():
        libcuda_dirs.__wrapped__()


def test_too_wide_a_hidden_layer_is_refused_with_the_largest():
    config = TrainConfig(hidden=129)
    with pytest.raises(SettingsError, match=r"hidden is 129.* at most 128.* engine cuda-graph"):
        fused_cuda.run(config, build_model(129, 0), load_split())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer", "adam"),
        ("epochs", 3),
        ("hidden", 3),
        ("batch_size", 3),
        ("record_every", 3),
    ],
)
def test_a_launch_of_unlike_trainings_is_refused(name, value):
    configs = [TrainConfig(), replace(TrainConfig(), **{name: value})]
    with pytest.raises(SettingsError, match=f"differ in {name}"):
        fused_cuda.run_many(configs, {}, load_split())


@needs_cuda
@pytest.mark.parametrize(
    ("optimizer", "batch_size"), [("sgd", 120), ("adam", 120), ("sgd", 32), ("adam", 32)]
)
def test_long_run_follows_eager_on_the_gpu(optimizer, batch_size):
    epochs = 20_000 if batch_size == 120 else 1_000
    config = TrainConfig(optimizer=optimizer, epochs=epochs, batch_size=batch_size)
    trained, expected = train_alone("cuda", config), train_eagerly(config)
    assert trained.losses == pytest.approx(expected.losses, rel=1e-3)
    model, split = build_model(config.hidden, config.seed), load_split()
    model.load_state_dict(expected.weights)
    predictions = model(split.x_test).argmax(1)
    model.load_state_dict(trained.weights)
    assert torch.equal(model(split.x_test).argmax(1), predictions)


@needs_cuda
def test_a_thousand_models_of_one_launch_are_each_as_alone():
    configs = [TrainConfig(epochs=2_000, seed=seed, record_every=2_000) for seed in range(1_000)]
    together = train_together("cuda", configs)
    for seed in (0, 499, 999):
        assert together[seed].losses == train_alone("cuda", configs[seed]).losses
