"""The noise of a mini-batch gradient: the law, and drawn batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.data import load_split
from iris_mlp.errors import DIVERGED, SettingsError
from iris_mlp.model import IrisMLP, build_model
from iris_mlp.training import prepare_run

NOISE_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 120)
MAX_NOISE_HIDDEN = 4_096
"""Widest model whose gradients of all rows are held at once (about 30 MB)."""
_ROUNDING = 1e-12


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
    run = prepare_run(replace(config, epochs=epoch, record_every=epoch))
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


@dataclass(frozen=True)
class Arrows:
    """Gradients of drawn batches, seen in the plane of the full gradient.

    Attributes:
        batch_size: Rows of a batch.
        tips: Where each arrow ends: along the full gradient, whose own arrow ends at (1, 0), and
            along the direction in which the rows' gradients differ most across it.
    """

    batch_size: int
    tips: tuple[tuple[float, float], ...]


def draw_arrows(
    model: IrisMLP, batch_sizes: Sequence[int], draws: int = 24, seed: int = 0
) -> tuple[Arrows, ...]:
    """Draw batches without replacement and return their gradients, in lengths of the full one.

    The second direction is the first principal component of what is left of the rows' gradients
    without the part along the full gradient.

    Args:
        model: The weights at which to look.
        batch_sizes: Rows of a batch, each from 1 to 120.
        draws: Batches of each size.
        seed: Seed of the draws.
    """
    split = load_split()
    gradients = compute_row_gradients(model, split.x_train, split.y_train)
    full = gradients.mean(0)
    along = full / full.norm().clamp_min(_ROUNDING)
    across = gradients - torch.outer(gradients @ along, along)
    axes = torch.stack([along, torch.linalg.svd(across, full_matrices=False).Vh[0]])
    places = gradients @ axes.T / full.norm().clamp_min(_ROUNDING)
    generator = torch.Generator().manual_seed(seed)
    arrows = []
    for size in batch_sizes:
        drawn = torch.rand(draws, TRAIN_ROWS, generator=generator).argsort(1)[:, :size]
        arrows.append(Arrows(size, tuple((a, b) for a, b in places[drawn].mean(1).tolist())))
    return tuple(arrows)


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
