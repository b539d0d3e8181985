"""The loss plot: the lesson's title and axes, and the numbers of the run."""

import struct
import sys
import warnings

import numpy as np
import pytest

from iris_mlp.errors import OutputError
from iris_mlp.take_home.plot import plot_loss, save_figure
from iris_mlp.training import History

HISTORY = History(
    epochs=[10, 20, 30], losses=[1.1, 0.9, 0.5], test_epochs=[20, 30], test_losses=[1.0, 0.7]
)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_plot_has_the_lessons_title_and_axes(scale):
    (axes,) = plot_loss(HISTORY, scale).axes
    assert axes.get_title() == "Training Loss over Epochs"
    assert axes.get_xlabel() == "Epoch"
    assert axes.get_ylabel() == "Loss"
    assert axes.get_yscale() == scale
    assert axes.get_xscale() == "linear"


def test_the_curves_are_the_losses_of_the_run():
    (axes,) = plot_loss(HISTORY).axes
    curves = {line.get_label(): np.array(line.get_xydata()).tolist() for line in axes.get_lines()}
    assert curves == {
        "Training": [[10.0, 1.1], [20.0, 0.9], [30.0, 0.5]],
        "Test": [[20.0, 1.0], [30.0, 0.7]],
    }
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Training", "Test"]


def test_the_two_curves_differ_without_colour():
    (axes,) = plot_loss(HISTORY).axes
    assert len({line.is_dashed() for line in axes.get_lines()}) == 2


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "history",
    [History(), History([1], [1.1], [], []), History([1, 2], [0.0, 0.0], [2], [1e30])],
    ids=["no losses", "one loss", "zeros"],
)
def test_an_odd_history_is_drawn_without_a_warning(history, scale, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(plot_loss(history, scale), tmp_path / "p.png")


def test_the_file_is_a_png_of_the_figures_size(tmp_path):
    path = tmp_path / "p.png"
    save_figure(plot_loss(HISTORY), path)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (960, 540)
    assert data.endswith(b"IEND\xaeB`\x82")


def test_a_plot_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(OutputError, match="Cannot write"):
        save_figure(plot_loss(HISTORY), tmp_path / "missing" / "p.png")


def test_drawing_needs_no_global_state():
    # `matplotlib.pyplot` keeps every figure alive and is not safe in threads.
    before = "matplotlib.pyplot" in sys.modules
    plot_loss(HISTORY)
    assert ("matplotlib.pyplot" in sys.modules) == before
