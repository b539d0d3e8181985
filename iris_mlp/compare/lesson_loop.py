"""The lesson's full-batch loop with nothing around it, to be timed."""

from time import perf_counter

import torch
from torch import nn

from iris_mlp.config import OPTIMIZER_NAMES, TrainConfig
from iris_mlp.data import load_split
from iris_mlp.devices import explain_failure, resolve_device, synchronize
from iris_mlp.model import build_model

STAGES = ("forward", "loss", "zero_grad", "backward", "optimizer", "item")
"""What the loop does in an epoch, in its order."""


class LessonLoop:
    """The lesson's full-batch loop with nothing around it, ready to be timed.

    Args:
        config: Device, hidden units, optimizer, learning rate and seed; the rest is not used.
        repeat_rows: How often the 120 training rows are repeated.

    Attributes:
        device: Where it runs.
        model: What it trains.
    """

    def __init__(self, config: TrainConfig, repeat_rows: int = 1) -> None:
        self.device = resolve_device(config.device)
        with explain_failure(self.device):
            split = load_split().to(self.device)
            self._x = split.x_train.repeat(repeat_rows, 1)
            self._y = split.y_train.repeat(repeat_rows)
            self.model = build_model(config.hidden, config.seed).to(self.device)
        self._criterion = nn.CrossEntropyLoss()
        make_optimizer = getattr(torch.optim, OPTIMIZER_NAMES[config.optimizer])
        self._optimizer = make_optimizer(self.model.parameters(), lr=config.lr)

    def time_epochs(self, epochs: int, record_every: int = 1) -> float:
        """Run some epochs and return their seconds, waiting for the device at both ends."""
        x, y, model = self._x, self._y, self.model
        criterion, optimizer = self._criterion, self._optimizer
        synchronize(self.device)
        started = perf_counter()
        for epoch in range(1, epochs + 1):
            outputs = model(x)
            loss = criterion(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if epoch % record_every == 0:
                loss.item()
        synchronize(self.device)
        return perf_counter() - started

    def clock_stages(self, epochs: int) -> tuple[float, ...]:
        """Run some epochs and return the seconds of each of `STAGES`.

        The clock reads the host: on a GPU a stage is the time of giving orders, and the waiting
        falls to `item`.
        """
        x, y, model = self._x, self._y, self.model
        criterion, optimizer = self._criterion, self._optimizer
        forward = loss_s = zero = backward = step = item = 0.0
        synchronize(self.device)
        for _ in range(epochs):
            t0 = perf_counter()
            outputs = model(x)
            t1 = perf_counter()
            loss = criterion(outputs, y)
            t2 = perf_counter()
            optimizer.zero_grad()
            t3 = perf_counter()
            loss.backward()
            t4 = perf_counter()
            optimizer.step()
            t5 = perf_counter()
            loss.item()
            t6 = perf_counter()
            forward += t1 - t0
            loss_s += t2 - t1
            zero += t3 - t2
            backward += t4 - t3
            step += t5 - t4
            item += t6 - t5
        return forward, loss_s, zero, backward, step, item
