import re

import numpy as np
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.strings import translator
from iris_mlp.ui.components.network import MAX_UNITS, draw_network, rank_units

FLOWER_CM = (5.9, 2.8, 4.5, 1.4)
EN = translator("en")


def make_checkpoint(hidden, seed=0):
    draw = torch.Generator().manual_seed(seed)
    shapes = {"fc1.weight": (hidden, 4), "fc1.bias": (hidden,)}
    shapes |= {"fc2.weight": (3, hidden), "fc2.bias": (3,)}
    state = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return Checkpoint(state, shipped_classifier().checkpoint.scaler, {}, {})


def draw(checkpoint, t=EN):
    prediction = Classifier(checkpoint).predict(np.array([FLOWER_CM]))
    return draw_network(checkpoint, FLOWER_CM, prediction, t), prediction


def read_lines(html):
    """Sign and width of each line, in the order of the drawing."""
    found = re.findall(r'<path class="([pn])[^"]*" stroke-width="([\d.]+)"', html)
    return [(1 if kind == "p" else -1, float(width)) for kind, width in found]


def test_each_weight_is_one_line_with_its_sign_and_size():
    checkpoint = make_checkpoint(10)
    lines = read_lines(draw(checkpoint)[0])
    weights = [
        checkpoint.state["fc1.weight"].numpy().T.ravel(),
        checkpoint.state["fc2.weight"].numpy().T.ravel(),
    ]
    assert len(lines) == 4 * 10 + 10 * 3
    for layer, drawn in zip(weights, (lines[:40], lines[40:])):
        signs, widths = np.array(drawn).T
        assert (signs == np.sign(layer)).all()
        assert (np.diff(widths[np.argsort(np.abs(layer))]) >= 0).all()


def test_wide_network_shows_its_strongest_units_and_says_so():
    checkpoint = make_checkpoint(200)
    strong = [3, 77, 150]
    checkpoint.state["fc1.weight"][strong] *= 50
    html, _ = draw(checkpoint)
    assert len(read_lines(html)) == 7 * MAX_UNITS
    assert f"the {MAX_UNITS} strongest of 200 hidden units" in html
    assert set(strong) <= set(rank_units(checkpoint))


def test_strength_stays_the_same_when_relu_moves_a_factor():
    checkpoint = make_checkpoint(200)
    before = rank_units(checkpoint)
    for name, factor in (("fc1.weight", 1e3), ("fc1.bias", 1e3)):
        checkpoint.state[name][before[0]] *= factor
    checkpoint.state["fc2.weight"][:, before[0]] /= 1e3
    assert rank_units(checkpoint) == before


def test_units_that_relu_cuts_off_are_drawn_silent():
    checkpoint = make_checkpoint(16)
    html, prediction = draw(checkpoint)
    kinds = re.findall(r'<circle class="(unit[a-z ]*)"[^>]*><title>', html)
    assert [kind == "unit silent" for kind in kinds] == (prediction.hidden[0] == 0).tolist()
    fills = [float(x) for x in re.findall(r"--fill:([\d.]+)\"><title>", html)]
    expected = prediction.hidden[0] / prediction.hidden[0].max()
    assert np.abs(np.array(fills) - expected).max() < 0.006


def test_outputs_show_the_confidences_in_words_for_those_who_cannot_see():
    html, prediction = draw(shipped_classifier().checkpoint)
    label = re.search(r'aria-label="([^"]+)"', html).group(1)
    assert f"versicolor {prediction.probabilities[0, 1]:.1%}" in label
