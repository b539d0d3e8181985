"""The eager epoch captured once as a CUDA graph and replayed: one launch for some tens of kernels.

A graph replays the very kernels of eager on the very same memory, so that what it reads and writes
stays in place: the weights, the order of the rows, the loss. The warm-up on a side stream is that
of "CUDA Graphs" in PyTorch's notes on CUDA semantics.

Unlike eager it never waits for a loss: each one recorded is copied to a buffer on the device,
which is read once a chunk.
"""

from collections.abc import Callable, Generator
from time import perf_counter

import torch
from torch import Tensor, nn

from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.data import IrisSplit
from iris_mlp.devices import capturing
from iris_mlp.engines import CHUNK_S, Chunk, shuffle_rows
from iris_mlp.errors import DeviceError
from iris_mlp.model import IrisMLP

_WARM_UP_EPOCHS = 3
_FIRST_EPOCHS = 20
_MOST_EPOCHS = 10_000
"""Epochs of one chunk at most, which bounds the buffers."""


def run(config: TrainConfig, model: IrisMLP, split: IrisSplit) -> Generator[Chunk]:
    """Train `model` in place by replaying one epoch; see `iris_mlp.engines` for the contract.

    Args:
        config: The settings.
        model: The model, on a CUDA GPU.
        split: The rows, on the same GPU.

    Raises:
        DeviceError: The run is not on a CUDA GPU.
    """
    device = split.x_train.device
    if device.type != "cuda":
        raise DeviceError(
            "The engine {engine} needs a CUDA GPU, and this run is on {device}; "
            "use the engine eager, or fused on the device cpu.",
            engine="cuda-graph",
            device=str(device),
        )
    return _loop(_Epoch(config, model, split), captured=True)


class _Epoch:
    """One epoch of training on tensors that stay in place: it can be run, or captured."""

    def __init__(self, config: TrainConfig, model: IrisMLP, split: IrisSplit) -> None:
        device = split.x_train.device
        self.config, self.model, self.split = config, model, split
        self.order = torch.arange(TRAIN_ROWS, device=device)
        """What mini-batches are cut from; written before each epoch."""
        self.loss = torch.zeros((), device=device)
        """The training loss of the epoch; read after it."""
        self._optimizer = _make_optimizer(config, model, device)
        self._criterion = nn.CrossEntropyLoss()
        self._first_weights = [weight.detach().clone() for weight in model.parameters()]

    def run(self) -> None:
        """Train one epoch, by the operations of the eager engine in their order."""
        x, y, batch_size = self.split.x_train, self.split.y_train, self.config.batch_size
        if batch_size == TRAIN_ROWS:
            self.loss.copy_(self._step(x, y))
            return
        self.loss.zero_()
        for rows in self.order.split(batch_size):
            self.loss += self._step(x[rows], y[rows]) * (len(rows) / TRAIN_ROWS)

    def rewind(self) -> None:
        """Put the weights and the optimizer's state back to where they began, in place."""
        with torch.no_grad():
            for weight, first in zip(self.model.parameters(), self._first_weights):
                weight.copy_(first)
            for state in self._optimizer.state.values():
                for tensor in state.values():
                    tensor.zero_()  # Adam's moments and its count of steps all begin at 0

    def measure_test_loss(self) -> Tensor:
        """Return the mean cross-entropy over the test rows, left on the device."""
        with torch.no_grad():
            return nn.functional.cross_entropy(self.model(self.split.x_test), self.split.y_test)

    def _step(self, x: Tensor, y: Tensor) -> Tensor:
        loss = self._criterion(self.model(x), y)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss.detach()  # a loss that kept its graph would keep it over the capture


def _loop(epoch: _Epoch, *, captured: bool) -> Generator[Chunk]:
    config, device = epoch.config, epoch.order.device
    orders = shuffle_rows(config.seed)
    last, record_every, test_every = config.epochs, config.record_every, config.test_every
    done, size = 0, _FIRST_EPOCHS
    started = perf_counter()
    train_epoch = _capture(epoch) if captured else epoch.run
    while done < last:
        size = min(size, last - done)
        chunk = Chunk(epoch=done + size)
        losses, test_losses = torch.zeros(2, size, device=device)
        chunk_orders = None
        if config.batch_size < TRAIN_ROWS:
            chunk_orders = torch.stack([next(orders) for _ in range(size)]).to(device)
        for number in range(done + 1, done + size + 1):
            if number % test_every == 0 or number == last:
                test_losses[len(chunk.test_epochs)].copy_(epoch.measure_test_loss())
                chunk.test_epochs.append(number)
            if chunk_orders is not None:
                epoch.order.copy_(chunk_orders[number - done - 1])
            train_epoch()
            if number % record_every == 0 or number == last:
                losses[len(chunk.epochs)].copy_(epoch.loss)
                chunk.epochs.append(number)
        chunk.losses = losses.tolist()[: len(chunk.epochs)]  # waits for all that was given above
        chunk.test_losses = test_losses.tolist()[: len(chunk.test_epochs)]
        done += size
        # The size, not the clock, ends a chunk: a clock would run ahead of a device that lags.
        size = int(size / (perf_counter() - started) * CHUNK_S)
        size = max(1, min(size, _MOST_EPOCHS))
        yield chunk
        started = perf_counter()


def _capture(epoch: _Epoch) -> Callable[[], None]:
    """Warm up on a side stream, undo what that trained, capture one epoch; return its replay."""
    with capturing, torch.cuda.device(epoch.order.device):
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_EPOCHS):
                epoch.run()
            epoch.rewind()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Of this thread alone: other visitors may allocate memory meanwhile.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            epoch.run()
    return graph.replay


def _make_optimizer(
    config: TrainConfig, model: IrisMLP, device: torch.device
) -> torch.optim.Optimizer:
    if config.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), lr=config.lr)
    # Fused too: its one kernel corrects the bias in float64, as eager does on the host.
    on_gpu = device.type == "cuda"
    return torch.optim.Adam(model.parameters(), lr=config.lr, capturable=on_gpu, fused=on_gpu)
