"""What the batch size costs and buys: noise of the gradient, and the loss in equal time."""

import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from statistics import median
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from iris_mlp.config import LOCAL_LIMITS, TRAIN_ROWS, TrainConfig
from iris_mlp.data import load_split
from iris_mlp.errors import DIVERGED, SettingsError
from iris_mlp.model import IrisMLP, build_model
from iris_mlp.training import Progress, evaluate, train

NOISE_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 120)
RACE_BATCH_SIZES = (1, 8, 32, 120)
MAX_NOISE_HIDDEN = 4_096
"""Widest model whose gradients of all rows are held at once (about 30 MB)."""

_ROUNDING = 1e-12
LEVEL = 0.1
"""Mean losses over equal steps that differ by no more than this share are called level.

With single rows the loss wavers by 10 % from one turn to the next, and its mean over the later half
of two seconds lies from 0 to 5 % above that of the full batch, depending on the seed.
"""

MIN_ROUNDS, MIN_STEPS = 8, 500
"""Turns and steps of every run without which there is no verdict."""

_CHANCE = 0.05


@dataclass(frozen=True)
class NoisePoint:
    """The noise of a mini-batch gradient, E|g_B - g|^2, at one batch size.

    Attributes:
        batch_size: Rows B drawn without replacement.
        exact: The law's value.
        sampled: Mean over the drawn batches.
        standard_error: Of that mean.
        agrees: Whether the two lie within three standard errors (or rounding, at B = N).
    """

    batch_size: int
    exact: float
    sampled: float
    standard_error: float
    agrees: bool


@dataclass(frozen=True)
class GradientNoise:
    """The noise of mini-batch gradients at fixed weights.

    Attributes:
        squared_norm: |g|^2 of the full gradient, which the noise is to be compared with.
        trace: tr S, S the covariance of the rows' gradients, divided by N.
        points: One for each batch size.
    """

    squared_norm: float
    trace: float
    points: tuple[NoisePoint, ...]


def train_to(config: TrainConfig, epoch: int) -> IrisMLP:
    """Return the model of a run after some of its epochs; 0 is the first weights.

    Raises:
        SettingsError: The epoch is not one of the run, or the run diverges before it.
        DeviceError: The device or the engine is not there.
    """
    if not 0 <= epoch <= config.epochs:
        raise SettingsError(
            "epoch must be from 0 to {last:,}, not {value!r}.", last=config.epochs, value=epoch
        )
    if epoch == 0:
        return build_model(config.hidden, config.seed)
    run = train(replace(config, epochs=epoch, record_every=epoch))
    for _ in run:
        pass
    result = run.result()
    if result.checkpoint is None:
        raise SettingsError(DIVERGED, lr=config.lr)
    return result.checkpoint.build_model()


def compute_row_gradients(model: IrisMLP, x: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of each row's loss, float64 of shape (n, parameters), on the CPU.

    The parameters stand in the order of `model.parameters()`, each one flattened.

    Args:
        model: The model; left as it is.
        x: Scaled inputs of shape (n, 4).
        y: Classes of shape (n,).
    """
    weights = {name: p.detach().cpu().double() for name, p in model.named_parameters()}

    def row_loss(weights: dict[str, Tensor], row: Tensor, target: Tensor) -> Tensor:
        logits = functional_call(model, weights, (row.unsqueeze(0),))
        return nn.functional.cross_entropy(logits, target.unsqueeze(0))

    gradients = vmap(grad(row_loss), in_dims=(None, 0, 0))(weights, x.cpu().double(), y.cpu())
    return torch.cat([gradients[name].flatten(1) for name in weights], dim=1)


def compute_noise(trace: float, rows: int, batch_size: int) -> float:
    """Return the exact E|g_B - g|^2 = (tr S / B) (N - B) / (N - 1) for B of N rows.

    Source: variance of a sample mean without replacement, W. G. Cochran, Sampling Techniques,
    3rd edition (1977), theorem 2.2, added up over the parameters.
    """
    if rows == 1:
        return 0.0
    return trace / batch_size * (rows - batch_size) / (rows - 1)


def measure_noise(
    model: IrisMLP,
    batch_sizes: Sequence[int] = NOISE_BATCH_SIZES,
    samples: int = 4_000,
    seed: int = 0,
) -> GradientNoise:
    """Compare the exact noise of mini-batch gradients with that of drawn batches.

    Args:
        model: The weights at which to look.
        batch_sizes: Rows of a batch, each from 1 to 120.
        samples: Batches drawn for each size, at least 2.
        seed: Seed of the draws.

    Raises:
        SettingsError: A batch size is out of range, or the model is too wide.
    """
    if any(not 1 <= size <= TRAIN_ROWS for size in batch_sizes):
        raise SettingsError("A batch size must be from 1 to {most}.", most=TRAIN_ROWS)
    if model.fc1.out_features > MAX_NOISE_HIDDEN:
        raise SettingsError(
            "The noise is measured up to {most:,} hidden units; choose fewer.",
            most=MAX_NOISE_HIDDEN,
        )
    split = load_split()
    gradients = compute_row_gradients(model, split.x_train, split.y_train)
    full = gradients.mean(0)
    deviations = gradients - full
    # |g_B - g|^2 needs the rows' products alone: 120 x 120 whatever the number of parameters.
    products = deviations @ deviations.T
    trace = products.diagonal().mean().item()
    generator = torch.Generator().manual_seed(seed)
    points = []
    for size in batch_sizes:
        exact = compute_noise(trace, TRAIN_ROWS, size)
        drawn = torch.rand(samples, TRAIN_ROWS, generator=generator).argsort(1)[:, :size]
        chosen = torch.zeros(samples, TRAIN_ROWS, dtype=torch.float64).scatter_(1, drawn, 1 / size)
        noise = ((chosen @ products) * chosen).sum(1).clamp_min(0)
        sampled, error = noise.mean().item(), noise.std().item() / samples**0.5
        agrees = abs(sampled - exact) <= 3 * error + _ROUNDING * trace
        points.append(NoisePoint(size, exact, sampled, error, agrees))
    return GradientNoise(full.square().sum().item(), trace, tuple(points))


@dataclass(frozen=True)
class CurvePoint:
    """Where the run with one batch size stands.

    Attributes:
        batch_size: Rows of its mini-batches.
        epoch: Epochs done.
        updates: Steps of the optimizer done.
        elapsed_s: Seconds this run has spent, without those of the other runs.
        train_loss: Mean over the last epoch's batches, while the weights moved; at epoch 0 over
            all rows.
        test_loss: Over the 30 test rows at the weights reached: what the runs are compared by.
    """

    batch_size: int
    epoch: int
    updates: int
    elapsed_s: float
    train_loss: float | None
    test_loss: float


def race_batch_sizes(
    config: TrainConfig, batch_sizes: Sequence[int] = RACE_BATCH_SIZES, wall_s: float = 2.0
) -> Generator[CurvePoint]:
    """Train the same model at several batch sizes for the same time each, in rounds of short turns.

    Each run yields a point after each of its turns of about a tenth of a second, so that what slows
    the machine for longer slows all of them. May be closed at any point.

    Args:
        config: The settings of the run; its batch size and number of epochs are not used.
        batch_sizes: Rows of a mini-batch, each from 1 to 120.
        wall_s: Seconds that each run gets.

    Raises:
        SettingsError: A batch size is out of range.
        DeviceError: The device or the engine is not there.
    """
    runs = {
        size: train(replace(config, batch_size=size, epochs=LOCAL_LIMITS.epochs))
        for size in batch_sizes
    }
    turns = {size: iter(run) for size, run in runs.items()}
    split = load_split()
    first = build_model(config.hidden, config.seed)
    with torch.no_grad():
        train_loss = nn.functional.cross_entropy(first(split.x_train), split.y_train).item()
    test_loss = evaluate(first, split).test_loss
    try:
        for size in batch_sizes:
            yield CurvePoint(size, 0, 0, 0.0, train_loss, test_loss)
        for shift in count():
            if not turns:
                return
            order = deque(turns)
            order.rotate(-shift)  # whoever comes first in one round comes last in the next
            for size in order:
                progress = next(turns[size], None)
                if progress is not None:
                    yield _make_point(size, progress)
                if progress is None or progress.elapsed_s >= wall_s:
                    del turns[size]
    finally:
        for run in runs.values():
            run.result()


def group_curves(points: Sequence[CurvePoint]) -> dict[int, list[CurvePoint]]:
    """Return the points of each run in their order, by batch size."""
    curves: dict[int, list[CurvePoint]] = {}
    for point in points:
        curves.setdefault(point.batch_size, []).append(point)
    return curves


@dataclass(frozen=True)
class Pace:
    """The steps per second of one run: median of its turns."""

    batch_size: int
    steps_per_s: float


@dataclass(frozen=True)
class BatchVerdict:
    """What sets the batch sizes apart: how far a step goes, or how many fit into a second.

    A run that diverged is left out.

    Attributes:
        key: `level` when the test losses over equally many steps agree within `LEVEL`, `differ`
            when they do not; `too_few` when not every size has trained for `MIN_ROUNDS` turns and
            `MIN_STEPS` steps.
        at_steps: The runs after as many steps as the slowest one took, best first, each with the
            mean of its test loss over the later half of these steps.
        in_time: The runs after the time of the shortest one in the same way.
        fastest: The pace of the fastest run; None with `too_few`.
        slowest: The pace of the slowest one.
        rounds: Rounds in which the two are compared, without those that are even.
        wins: Those in which the fastest was the faster one.
        paces_differ: Whether that is more often than chance explains.
        pace_explains: Whether that makes most of what sets these two apart in equal time.
    """

    key: Literal["level", "differ", "too_few"]
    at_steps: tuple[CurvePoint, ...] = ()
    in_time: tuple[CurvePoint, ...] = ()
    fastest: Pace | None = None
    slowest: Pace | None = None
    rounds: int = 0
    wins: int = 0
    paces_differ: bool = False
    pace_explains: bool = False


def conclude_batch_sizes(points: Sequence[CurvePoint]) -> BatchVerdict:
    """Say what sets the runs of `race_batch_sizes` apart, from their points alone."""
    curves = group_curves(points).values()
    finite = [curve for curve in curves if math.isfinite(curve[-1].test_loss)]
    rounds = min((len(curve) - 1 for curve in finite), default=0)
    steps = min((curve[-1].updates for curve in finite), default=0)
    if len(finite) < 2 or rounds < MIN_ROUNDS or steps < MIN_STEPS:
        return BatchVerdict("too_few")
    at_steps = _rank(finite, lambda point: point.updates)
    in_time = _rank(finite, lambda point: point.elapsed_s)
    paces = {
        curve[0].batch_size: [
            (b.updates - a.updates) / (b.elapsed_s - a.elapsed_s)
            for a, b in pairwise(curve[: rounds + 1])
        ]
        for curve in finite
    }
    ranked = sorted((Pace(size, median(pace)) for size, pace in paces.items()), key=_read_pace)
    slowest, fastest = ranked[0], ranked[-1]
    turns = zip(paces[fastest.batch_size], paces[slowest.batch_size], strict=True)
    faster = [fast > slow for fast, slow in turns if fast != slow]
    wins, pairs = sum(faster), math.comb(len(finite), 2)
    differ = wins_by_sign(wins, len(faster), pairs)
    per_step, per_time = (
        losses[slowest.batch_size] - losses[fastest.batch_size]
        for losses in map(_read_losses, (at_steps, in_time))
    )
    best, worst = at_steps[0].test_loss, at_steps[-1].test_loss
    return BatchVerdict(
        key="level" if worst - best <= LEVEL * worst else "differ",
        at_steps=at_steps,
        in_time=in_time,
        fastest=fastest,
        slowest=slowest,
        rounds=len(faster),
        wins=wins,
        paces_differ=differ,
        pace_explains=differ and per_time > 2 * abs(per_step),
    )


def wins_by_sign(wins: int, rounds: int, pairs: int = 1) -> bool:
    """Tell whether one of two wins more rounds than chance explains at the 5 % level.

    The two-sided sign test: without a difference each round is a toss of a coin. The level is
    divided by the number of pairs from which this one was picked (Bonferroni). Source: W. J.
    Conover, Practical Nonparametric Statistics, 3rd edition (1999), section 3.4.
    """
    tail = sum(math.comb(rounds, k) for k in range(wins, rounds + 1)) / 2**rounds
    return 2 * tail <= _CHANCE / pairs


def _read_pace(pace: Pace) -> float:
    return pace.steps_per_s


def _read_losses(ranking: Sequence[CurvePoint]) -> dict[int, float]:
    return {point.batch_size: point.test_loss for point in ranking}


def _rank(
    curves: Sequence[list[CurvePoint]], measure: Callable[[CurvePoint], float]
) -> tuple[CurvePoint, ...]:
    """Return the runs, best first, where the one that went least far by some measure ended."""
    end = min(measure(curve[-1]) for curve in curves)
    return tuple(
        sorted(
            (_read_curve(curve, measure, end) for curve in curves),
            key=lambda point: point.test_loss,
        )
    )


def _read_curve(
    curve: Sequence[CurvePoint], measure: Callable[[CurvePoint], float], end: float
) -> CurvePoint:
    """Return where a run stood, on straight lines between its points.

    Its test loss is the mean over the later half, as the last value alone wavers.
    """
    places = [measure(point) for point in curve]
    losses = [point.test_loss for point in curve]

    def read(values: list[float]) -> float:
        return float(np.interp(end, places, values))

    return CurvePoint(
        batch_size=curve[0].batch_size,
        epoch=int(read([point.epoch for point in curve])),
        updates=round(read([point.updates for point in curve])),
        elapsed_s=read([point.elapsed_s for point in curve]),
        train_loss=None,
        test_loss=float(np.interp(np.linspace(end / 2, end, 101), places, losses).mean()),
    )


def _make_point(size: int, progress: Progress) -> CurvePoint:
    return CurvePoint(
        batch_size=size,
        epoch=progress.epoch,
        updates=progress.epoch * -(-TRAIN_ROWS // size),
        elapsed_s=progress.elapsed_s,
        train_loss=progress.train_loss,
        test_loss=progress.evaluation.test_loss,
    )
