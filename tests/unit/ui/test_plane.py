import random
import re

import numpy as np
import pytest
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import load_flowers
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.strings import translator
from iris_mlp.ui.components.plane import (
    GRID,
    PETAL_PLANE,
    SEPAL_PLANE,
    SLIDER_RANGES_CM,
    SURE_LOGITS,
    draw_frame,
    trace_regions,
)

FLOWER_CM = (5.9, 2.8, 4.5, 1.4)


def make_classifier(hidden, seed):
    draw = torch.Generator().manual_seed(seed)
    shapes = {"fc1.weight": (hidden, 4), "fc1.bias": (hidden,)}
    shapes |= {"fc2.weight": (3, hidden), "fc2.bias": (3,)}
    state = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return Classifier(Checkpoint(state, shipped_classifier().checkpoint.scaler, {}, {}))


def predict_around(classifier, plane, x_cm, y_cm):
    """Logits at a point of the slice and around it, as far as a cell of the grid reaches."""
    steps = [
        np.linspace(-1.1, 1.1, 13) * (SLIDER_RANGES_CM[i][1] - SLIDER_RANGES_CM[i][0]) / (n - 1)
        for i, n in zip((plane.x, plane.y), GRID)
    ]
    flowers = np.tile(FLOWER_CM, (13 * 13, 1))
    flowers[:, plane.x] = x_cm + np.repeat(steps[0], 13)
    flowers[:, plane.y] = y_cm + np.tile(steps[1], 13)
    return classifier.predict(flowers).logits


def contains(path, x, y):
    """Tell whether a point lies inside path data of straight lines, by the even-odd rule."""
    inside = False
    for ring in re.findall(r"M([^Z]+)Z", path):
        corners = [tuple(map(float, pair.split())) for pair in ring.split("L")]
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1]):
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                inside = not inside
    return inside


@pytest.mark.parametrize("plane", [SEPAL_PLANE, PETAL_PLANE], ids=lambda plane: plane.name)
@pytest.mark.parametrize("hidden", [None, 1, 12])
def test_point_in_a_region_gets_that_class_from_the_model(plane, hidden, chance: random.Random):
    seed = chance.randrange(10**6)
    classifier = make_classifier(hidden, seed) if hidden else shipped_classifier()
    regions, sure = trace_regions(plane, classifier, FLOWER_CM)
    checked = 0
    for _ in range(300):
        lengths_cm = [chance.uniform(*span) for span in SLIDER_RANGES_CM]
        x, y = plane.to_px(lengths_cm[plane.x], lengths_cm[plane.y])
        logits = predict_around(classifier, plane, lengths_cm[plane.x], lengths_cm[plane.y])
        classes, (runner_up, best) = logits.argmax(axis=1), np.sort(logits, axis=1)[:, 1:].T
        if len(set(classes)) == 1:
            checked += 1
            inside = [contains(region, x, y) for region in regions]
            assert inside == [k == classes[0] for k in range(3)]
            leads = best - runner_up > SURE_LOGITS
            if len(set(leads)) == 1:
                assert contains(sure[classes[0]], x, y) == leads[0]
    assert checked > 100


def test_very_wide_model_is_sliced_on_a_coarser_grid():
    regions, _ = trace_regions(PETAL_PLANE, make_classifier(20_000, 1), FLOWER_CM)
    assert any(regions)


def test_frame_shows_each_of_the_150_flowers_and_rings_the_mistakes():
    classifier = shipped_classifier()
    flowers, species = load_flowers()
    html = draw_frame(PETAL_PLANE, classifier, translator("en"))
    places = [(float(x), float(y)) for x, y in re.findall(r'<use [^>]*x="(\S+)" y="(\S+)"', html)]
    expected = [PETAL_PLANE.to_px(a, b) for _, _, a, b in flowers.round(1)]
    assert np.array(sorted(places)) == pytest.approx(np.array(sorted(expected)), abs=0.06)
    wrong = classifier.predict(flowers).classes != species
    rings = [(float(x), float(y)) for x, y in re.findall(r'cx="(\S+)" cy="(\S+)" r="7"', html)]
    expected = [PETAL_PLANE.to_px(a, b) for _, _, a, b in flowers[wrong]]
    assert np.array(sorted(rings)) == pytest.approx(np.array(sorted(expected)), abs=0.06)
