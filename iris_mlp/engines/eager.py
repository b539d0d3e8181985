"""The lesson's loop in eager PyTorch, which is the truth that other engines are held against."""

from collections.abc import Generator
from time import perf_counter

import torch
from torch import Tensor, nn

from iris_mlp.config import OPTIMIZER_NAMES, TRAIN_ROWS, TrainConfig
from iris_mlp.data import IrisSplit
from iris_mlp.devices import synchronize
from iris_mlp.engines import CHUNK_S, Chunk, shuffle_rows
from iris_mlp.model import IrisMLP


def run(config: TrainConfig, model: IrisMLP, split: IrisSplit) -> Generator[Chunk]:
    """Train `model` in place, epoch by epoch; see `iris_mlp.engines` for the contract.

    Args:
        config: The settings.
        model: The model, on the device of the run.
        split: The rows, on the same device.
    """
    # Made before the first epoch is asked for: the lesson times the loop alone.
    make_optimizer = getattr(torch.optim, OPTIMIZER_NAMES[config.optimizer])
    optimizer = make_optimizer(model.parameters(), lr=config.lr)
    return _loop(config, model, split, optimizer)


def _loop(
    config: TrainConfig, model: IrisMLP, split: IrisSplit, optimizer: torch.optim.Optimizer
) -> Generator[Chunk]:
    criterion = nn.CrossEntropyLoss()
    x, y = split.x_train, split.y_train
    orders = shuffle_rows(config.seed)
    last, record_every, test_every = config.epochs, config.record_every, config.test_every
    chunk, deadline = Chunk(epoch=0), perf_counter() + CHUNK_S
    for epoch in range(1, last + 1):
        if epoch % test_every == 0 or epoch == last:
            chunk.test_epochs.append(epoch)
            chunk.test_losses.append(measure_loss(model, split.x_test, split.y_test))

        if config.batch_size == TRAIN_ROWS:
            outputs = model(x)
            loss = criterion(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        else:
            loss = torch.zeros((), device=x.device)
            for rows in next(orders).to(x.device).split(config.batch_size):
                batch_loss = criterion(model(x[rows]), y[rows])
                optimizer.zero_grad()
                batch_loss.backward()
                optimizer.step()
                loss += batch_loss.detach() * (len(rows) / TRAIN_ROWS)

        if epoch % record_every == 0 or epoch == last:
            chunk.epochs.append(epoch)
            chunk.losses.append(loss.item())
        if epoch == last or perf_counter() >= deadline:
            synchronize(x.device)
            chunk.epoch = epoch
            yield chunk
            chunk, deadline = Chunk(epoch), perf_counter() + CHUNK_S


def measure_loss(model: IrisMLP, x: Tensor, y: Tensor) -> float:
    """Return the mean cross-entropy of the model over some rows."""
    with torch.no_grad():
        return nn.functional.cross_entropy(model(x), y).item()
