"""The captured epoch: run uncaptured on the CPU, where it must be eager to the last bit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch

from iris_mlp.compare.lesson_loop import LessonLoop
from iris_mlp.compare.profiling import profile_loop
from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.engines import cuda_graph, eager
from iris_mlp.engines.cuda_graph import _Epoch, _loop
from iris_mlp.errors import DeviceError
from iris_mlp.model import build_model
from iris_mlp.training import prepare_run

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
OPTIMIZERS = pytest.mark.parametrize("optimizer", ["sgd", "adam"])
BATCHES = pytest.mark.parametrize("batch_size", [120, 50])


def draw(chance, **settings):
    return TrainConfig(
        device="cpu",
        lr=10 ** chance.uniform(-3, -1),
        epochs=chance.randint(21, 60),
        hidden=chance.randint(1, 40),
        seed=chance.randrange(2**32),
        record_every=chance.choice([1, 1, 7]),
        **settings,
    )


def gather(chunks):
    """Return losses by epoch, test losses by epoch, and where the chunks ended."""
    losses, tests, ends = {}, {}, []
    for chunk in chunks:
        losses.update(zip(chunk.epochs, chunk.losses, strict=True))
        tests.update(zip(chunk.test_epochs, chunk.test_losses, strict=True))
        ends.append(chunk.epoch)
    return losses, tests, ends


def train_eagerly(config, device="cpu"):
    model = build_model(config.hidden, config.seed).to(device)
    losses, tests, _ = gather(eager.run(config, model, load_split().to(torch.device(device))))
    return losses, tests, model


def assert_same_weights(model, other):
    for weight, expected in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(weight, expected)


@OPTIMIZERS
@BATCHES
def test_uncaptured_epoch_is_eager_bit_for_bit(chance, optimizer, batch_size):
    config = draw(chance, optimizer=optimizer, batch_size=batch_size)
    model = build_model(config.hidden, config.seed)
    losses, tests, ends = gather(_loop(_Epoch(config, model, load_split()), captured=False))

    eager_losses, eager_tests, eager_model = train_eagerly(config)
    assert losses == eager_losses
    assert tests == eager_tests
    assert ends[-1] == config.epochs
    assert_same_weights(model, eager_model)


@OPTIMIZERS
@BATCHES
def test_warm_up_leaves_no_trace(chance, optimizer, batch_size):
    config = draw(chance, optimizer=optimizer, batch_size=batch_size)
    model = build_model(config.hidden, config.seed)
    epoch = _Epoch(config, model, load_split())
    places = [weight.data_ptr() for weight in model.parameters()]
    for _ in range(3):
        epoch.run()
    epoch.rewind()
    assert_same_weights(model, build_model(config.hidden, config.seed))

    losses, _, _ = gather(_loop(epoch, captured=False))
    assert losses == train_eagerly(config)[0]
    assert [weight.data_ptr() for weight in model.parameters()] == places


def test_rewind_undoes_a_warm_up_that_diverged():
    config = TrainConfig(device="cpu", optimizer="adam", epochs=5)
    model = build_model(config.hidden, config.seed)
    epoch = _Epoch(config, model, load_split())
    epoch.run()
    with torch.no_grad():
        model.fc1.weight.fill_(torch.nan)
    epoch.run()
    epoch.rewind()
    losses, _, _ = gather(_loop(epoch, captured=False))
    assert losses == train_eagerly(config)[0]


def test_closing_between_chunks_keeps_the_weights_reached():
    config = TrainConfig(device="cpu", epochs=1_000_000)
    model = build_model(config.hidden, config.seed)
    chunks = _loop(_Epoch(config, model, load_split()), captured=False)
    reached = next(chunks).epoch
    chunks.close()
    assert_same_weights(model, train_eagerly(replace(config, epochs=reached))[2])


def test_cpu_is_refused_with_the_engines_that_serve_it():
    config = TrainConfig(device="cpu", engine="cuda-graph")
    with pytest.raises(DeviceError, match=r"needs a CUDA GPU.* on cpu; use the engine eager, or f"):
        cuda_graph.run(config, build_model(10, 0), load_split())


def test_another_accelerator_is_refused_with_the_engine_that_serves_it():
    config = TrainConfig(engine="cuda-graph")
    split = load_split().to(torch.device("meta"))  # any device that is neither CUDA nor the CPU
    with pytest.raises(DeviceError, match=r"on meta; use the engine eager, or fused"):
        cuda_graph.run(config, build_model(10, 0), split)


@needs_cuda
@OPTIMIZERS
@BATCHES
def test_replayed_epochs_follow_eager_on_the_gpu(chance, optimizer, batch_size):
    config = replace(draw(chance, optimizer=optimizer, batch_size=batch_size), device="cuda")
    model = build_model(config.hidden, config.seed).to("cuda")
    split = load_split().to(torch.device("cuda"))
    losses, tests, _ = gather(cuda_graph.run(config, model, split))
    eager_losses, eager_tests, _ = train_eagerly(config, "cuda")
    assert losses == pytest.approx(eager_losses, rel=1e-5)
    assert tests == pytest.approx(eager_tests, rel=1e-5)


@needs_cuda
def test_lesson_run_follows_eager_on_the_gpu():
    config = TrainConfig(device="cuda", engine="cuda-graph")
    model = build_model(config.hidden, config.seed).to("cuda")
    split = load_split().to(torch.device("cuda"))
    losses, _, _ = gather(cuda_graph.run(config, model, split))
    eager_losses, _, eager_model = train_eagerly(config, "cuda")
    assert losses == pytest.approx(eager_losses, rel=1e-3)
    assert torch.equal(model(split.x_test).argmax(1), eager_model(split.x_test).argmax(1))


@needs_cuda
def test_visitors_at_once_do_not_break_each_others_captures():
    def learn(engine):
        run = prepare_run(TrainConfig(device="cuda", engine=engine, epochs=300))
        list(run)
        return run.result().history.losses

    def trace(_):
        return profile_loop(LessonLoop(TrainConfig(device="cuda")), epochs=5)

    alone = learn("eager")
    with ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(learn, engine) for engine in ["cuda-graph", "eager"] * 10]
        traces = [pool.submit(trace, number) for number in range(5)]
        for run in runs:
            assert run.result() == pytest.approx(alone, rel=1e-5)
        assert all(trace.result().wall_us > 0 for trace in traces)
