"""Results as matplotlib figures, in colours that people with any colour vision tell apart."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from iris_mlp.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from iris_mlp.training import History

Scale = Literal["linear", "log"]

TRAIN_COLOR = "#5b3fa0"
TEST_COLOR = "#b35908"


def plot_loss(history: History, scale: Scale = "linear") -> Figure:
    """Draw the lesson's plot: training loss over the epochs, and the test loss beside it.

    Args:
        history: The losses of a run.
        scale: `linear` or `log`, for the axis of the loss.
    """
    # Without pyplot, which keeps every figure alive and is not safe in threads.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(history.epochs, history.losses, color=TRAIN_COLOR, linewidth=2, label="Training")
    axes.plot(
        history.test_epochs,
        history.test_losses,
        color=TEST_COLOR,
        linewidth=1.5,
        linestyle=(0, (4, 2)),
        label="Test",
    )
    axes.set(
        xlabel="Epoch",
        ylabel="Loss",
        title="Training Loss over Epochs",
        yscale=scale,
        xlim=(0, None),
    )
    axes.grid(alpha=0.25, which="both" if scale == "log" else "major")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def draw_png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG.

    Raises:
        OutputError: The path cannot be written.
    """
    write_atomically(path, draw_png(figure))
