"""The whole training in one kernel on one multiprocessor of a GPU; a sweep fills the others.

What an epoch costs eager PyTorch on a GPU is the launches of its many kernels, not arithmetic.
Here one launch of `fused_cuda_kernel`, written in Triton, runs thousands of epochs, of as many
models as it is given beside each other. It computes in float32 like eager but in another order,
so that losses differ by rounding.

With `TRITON_INTERPRET=1` in the environment Triton interprets the kernel on the CPU, slowly, which
serves tests. It has to be set before Triton is imported.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from subprocess import CalledProcessError
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.data import IrisSplit
from iris_mlp.engines import CHUNK_S, Chunk, shuffle_rows
from iris_mlp.errors import DeviceError, SettingsError
from iris_mlp.model import IrisMLP

MOST_HIDDEN = 128
"""The largest hidden layer: its values for all rows are 32 registers of each of 512 threads.

What of all else spills, and how many models one multiprocessor holds: `benchmarks/registers.md`.
"""

_FIRST_EPOCHS = 20
_MOST_BYTES = 64 * 2**20
"""Room on the device for the losses and the batches of one launch, about."""
_PARTS, _ROWS, _TEST_ROWS = 11, 128, 32
"""As in the kernel, whose module is imported only where Triton is there."""
_LEAST_UNITS, _LEAST_WARPS, _MOST_WARPS, _UNITS_OF_A_WARP = 16, 4, 16, 4
ALIKE = ("optimizer", "epochs", "hidden", "batch_size", "record_every")
"""The settings that the trainings of one launch share."""


def run(config: TrainConfig, model: IrisMLP, split: IrisSplit) -> Generator[Chunk]:
    """Train `model` in place, many epochs at a time; see `iris_mlp.engines` for the contract.

    Args:
        config: The settings.
        model: The model, on a CUDA GPU.
        split: The rows, on the same GPU.

    Raises:
        DeviceError: The run is not on a CUDA GPU, or Triton is not there or fails.
        SettingsError: The hidden layer is too wide.
    """
    weights = {name: tensor.unsqueeze(0) for name, tensor in model.state_dict().items()}
    return (chunk for (chunk,) in run_many([config], weights, split))


def run_many(
    configs: Sequence[TrainConfig], weights: dict[str, Tensor], split: IrisSplit
) -> Generator[list[Chunk]]:
    """Train many models in one launch after another, and yield a `Chunk` of each after each launch.

    The models do not know of each other: each comes out as from `run`, bit for bit. One that
    diverges goes on with losses that are not finite. Close the generator between two launches to
    stop; at each yield `weights` holds what was reached.

    Args:
        configs: The settings, at least one, which may differ in learning rate and seed only.
        weights: The first weights, as by `torch.func.stack_module_state`: `fc1.weight` of (models,
            hidden, 4), `fc1.bias` of (models, hidden), `fc2.weight` of (models, 3, hidden) and
            `fc2.bias` of (models, 3), float32 on a CUDA GPU; trained in place.
        split: The rows, on the same GPU.

    Raises:
        DeviceError: The run is not on a CUDA GPU, or Triton is not there or fails.
        SettingsError: The hidden layer is too wide, or the settings differ in more.
    """
    _check_settings(configs)
    _check_device(split.x_train.device)
    return _launch(configs, weights, split)


def count_warps(units: int) -> int:
    """Return how many warps of 32 threads train a model of so many units, a power of two."""
    return max(_LEAST_WARPS, min(units // _UNITS_OF_A_WARP, _MOST_WARPS))


def _check_settings(configs: Sequence[TrainConfig]) -> None:
    for name in ALIKE:
        if len({getattr(config, name) for config in configs}) > 1:
            raise SettingsError(
                "The trainings of one launch differ in {name}; start a launch for each value.",
                name=name,
            )
    check_hidden(configs[0].hidden)


def check_hidden(hidden: int) -> None:
    """Refuse a hidden layer that is too wide for the kernel.

    Raises:
        SettingsError: It is; the sentence names what serves it.
    """
    if hidden > MOST_HIDDEN:
        raise SettingsError(
            "hidden is {hidden:,}, and the engine fused serves at most {most} on a GPU; "
            "use the engine cuda-graph, or fused on the device cpu.",
            hidden=hidden,
            most=MOST_HIDDEN,
        )


def _check_device(device: torch.device) -> None:
    interpreted = os.environ.get("TRITON_INTERPRET") == "1"
    if device.type != "cuda" and not (interpreted and device.type == "cpu"):
        raise DeviceError(
            "The engine {engine} needs a CUDA GPU, and this run is on {device}; "
            "use the engine eager, or fused on the device cpu.",
            engine="fused for GPUs",
            device=str(device),
        )
    try:
        import triton  # noqa: F401
    except ImportError:
        raise DeviceError(
            "The engine fused needs the package triton on a GPU, and it is not installed here; "
            "install it where its platform is served, or use the engine cuda-graph."
        ) from None


def _launch(
    configs: Sequence[TrainConfig], weights: dict[str, Tensor], split: IrisSplit
) -> Generator[list[Chunk]]:
    from iris_mlp.engines.fused_cuda_kernel import train_epochs

    kernel: Any = train_epochs
    config, count, device = configs[0], len(configs), split.x_train.device
    end, record_every, test_every = config.epochs, config.record_every, config.test_every
    units = max(_LEAST_UNITS, 1 << (config.hidden - 1).bit_length())
    models = torch.zeros(count, 3, _PARTS, units, device=device)
    views = _view_weights(models, config.hidden)
    _copy(weights, views)
    seeds = list(dict.fromkeys(each.seed for each in configs))
    settings = _lay_out_settings(configs, seeds, split)
    shuffles = [shuffle_rows(seed) for seed in seeds] if settings["BATCHED"] else []
    bytes_of_epoch = 4 * count / record_every + 4 * count / test_every + _ROWS * len(shuffles)
    most = max(1, int(_MOST_BYTES / bytes_of_epoch))
    done, size = 0, min(_FIRST_EPOCHS, most)
    while done < end:
        started = perf_counter()
        first, last = done + 1, min(done + size, end)
        epochs = _list_epochs(first, last, record_every, end)
        test_epochs = _list_epochs(first, last, test_every, end)
        losses = torch.zeros(count, max(1, len(epochs)), device=device)
        test_losses = torch.zeros(count, max(1, len(test_epochs)), device=device)
        batch_of_row = _number_batches(shuffles, last - done, config.batch_size).to(device)
        with torch.cuda.device_of(models), _explain_failure():
            kernel[(count,)](
                models=models,
                **settings,
                UNITS=units,
                num_warps=count_warps(units),
                batch_of_row=batch_of_row,
                losses=losses,
                test_losses=test_losses,
                first=first,
                last=last,
                room=losses.shape[1],
                test_room=test_losses.shape[1],
                order_room=batch_of_row.shape[1],
            )
        _copy(views, weights)
        recorded, tested = losses.tolist(), test_losses.tolist()  # waits for all of the above
        size = int((last - done) / (perf_counter() - started) * CHUNK_S)
        size = max(1, min(size, most))
        done = last
        yield [
            Chunk(
                epoch=done,
                epochs=list(epochs),
                losses=recorded[i][: len(epochs)],
                test_epochs=list(test_epochs),
                test_losses=tested[i][: len(test_epochs)],
            )
            for i in range(count)
        ]


def _lay_out_settings(
    configs: Sequence[TrainConfig], seeds: list[int], split: IrisSplit
) -> dict[str, Any]:
    """Return those arguments of the kernel that are the same in every launch of a run."""
    config, device = configs[0], split.x_train.device
    place = {seed: i for i, seed in enumerate(seeds)}
    return {
        "lrs": torch.tensor([each.lr for each in configs], device=device),
        "betas": torch.tensor([0.9, 0.999], dtype=torch.float64, device=device),
        "powers": torch.ones(len(configs), 2, dtype=torch.float64, device=device),
        "rows": _lay_out_rows(split.x_train, split.y_train, _ROWS),
        "test_rows": _lay_out_rows(split.x_test, split.y_test, _TEST_ROWS),
        "orders": torch.tensor([place[each.seed] for each in configs], device=device),
        "end": config.epochs,
        "record_every": config.record_every,
        "test_every": config.test_every,
        "batch_size": config.batch_size,
        "batches": config.batches_per_epoch,
        "ADAM": config.optimizer == "adam",
        "BATCHED": config.batch_size < TRAIN_ROWS,
    }


@contextmanager
def _explain_failure() -> Iterator[None]:
    """Say in a sentence that this host cannot build or run the kernel.

    Triton calls a C compiler for its launcher and an assembler for the GPU, and may find neither;
    it asserts that the driver's library is there, and imports what it has compiled.
    """
    from triton import TritonError

    ours = (RuntimeError, OSError, CalledProcessError, AssertionError, ImportError)
    try:
        yield
    except (TritonError, *ours) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DeviceError(
            "Triton cannot run the kernel of the engine fused here ({reason}); "
            "use the engine cuda-graph, or eager.",
            reason=reason[0][:200],
        ) from error


def _list_epochs(first: int, last: int, every: int, end: int) -> list[int]:
    epochs = list(range(-(-first // every) * every, last + 1, every))
    if last == end and end % every:
        epochs.append(end)
    return epochs


def _view_weights(models: Tensor, hidden: int) -> dict[str, Tensor]:
    """Return views of the kernel's weights in the shapes of stacked modules."""
    parts = models[:, 0]
    return {
        "fc1.weight": parts[:, :4, :hidden].transpose(1, 2),
        "fc1.bias": parts[:, 4, :hidden],
        "fc2.weight": parts[:, 5:8, :hidden],
        "fc2.bias": parts[:, 8:, 0],
    }


@torch.no_grad()
def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    for name, tensor in target.items():
        tensor.copy_(source[name])


def _lay_out_rows(x: Tensor, y: Tensor, width: int) -> Tensor:
    """Return the features and the class of each row, float32 of (5, width); see the kernel."""
    rows = torch.zeros(5, width, device=x.device)
    rows[4] = -1.0
    rows[:4, : len(y)] = x.T
    rows[4, : len(y)] = y.to(rows.dtype)
    return rows


def _number_batches(shuffles: list[Iterator[Tensor]], epochs: int, batch_size: int) -> Tensor:
    """Draw orders, and return the number of each row's batch, uint8 of (shuffles, epochs, 128)."""
    number = (torch.arange(TRAIN_ROWS) // batch_size).to(torch.uint8).expand(epochs, TRAIN_ROWS)
    batches = torch.full((max(1, len(shuffles)), epochs, _ROWS), 255, dtype=torch.uint8)
    for batches_of_seed, shuffle in zip(batches, shuffles):
        order = torch.stack([next(shuffle) for _ in range(epochs)])
        batches_of_seed.scatter_(1, order, number)
    return batches
