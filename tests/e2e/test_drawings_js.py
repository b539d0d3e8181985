"""What the browser draws of flowers and weights, against PyTorch and geometry."""

import random
import re
from itertools import pairwise, product

import numpy as np
import pytest

from iris_mlp.data import CLASS_NAMES, FEATURE_RANGES_CM, load_flowers
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.strings import translator
from iris_mlp.ui.components.flower import flower_texts
from iris_mlp.ui.components.network import describe_model, network_texts
from iris_mlp.ui.components.plane import plane_texts
from tests.e2e.test_model_js import draw_checkpoint

FLOWER_CM = (5.9, 2.8, 4.5, 1.4)
EN = translator("en")
AXES = {"sepal": (0, 1), "petal": (2, 3)}
SLIDER_RANGES_CM = ((3.8, 8.4), (1.6, 4.8), (0.1, 7.8), (0.1, 2.9))
"""The data, and some way beyond it to try extrapolation; as in `static/iris.js`."""
PLANE_BOX_PX = (50, 392, 8, 250)
SURE_LOGITS = np.log(9)
MAX_UNITS = 24

DRAW = """async ([address, name, host, ...given]) => {
  const module = await import(address);
  document.body.replaceChildren(document.createElement("figure"));
  const figure = document.body.firstChild;
  figure.className = host;
  module[name](figure, ...given);
  return figure.outerHTML;
}"""


def draw_plane(modules, classifier, plane, lengths_cm=FLOWER_CM, **options):
    options |= {"plane": plane, "lengthsCm": lengths_cm, "texts": plane_texts(plane, EN)}
    model = describe_model(classifier.checkpoint)
    return modules.evaluate(DRAW, [modules.address("plane"), "drawPlane", "plane", model, options])


def draw_network(modules, checkpoint, t=EN):
    options = {"lengthsCm": FLOWER_CM, "texts": network_texts(t)}
    address = modules.address("network_view")
    given = [address, "drawNetwork", "network", describe_model(checkpoint), options]
    return modules.evaluate(DRAW, given)


def draw_flower(modules, lengths_cm, species, t=EN):
    address = modules.address("flower")
    given = [address, "drawFlower", "flower", lengths_cm, species, flower_texts(t)]
    return modules.evaluate(DRAW, given)


def make_classifier(hidden, seed):
    return Classifier(draw_checkpoint(hidden, seed)) if hidden else shipped_classifier()


def to_px(plane, lengths_cm):
    """Where a flower lies in the drawing of a plane."""
    left, right, top, bottom = PLANE_BOX_PX
    (x_low, x_high), (y_low, y_high) = (SLIDER_RANGES_CM[i] for i in AXES[plane])
    x_cm, y_cm = (lengths_cm[i] for i in AXES[plane])
    return (
        left + (x_cm - x_low) / (x_high - x_low) * (right - left),
        bottom - (y_cm - y_low) / (y_high - y_low) * (bottom - top),
    )


def test_flowers_and_ranges_of_the_browser_are_those_of_the_data(modules):
    data = modules.evaluate(
        "async (address) => ({...await import(address)})", modules.address("iris")
    )
    flowers, species = load_flowers()
    assert data["FLOWERS_CM"] == flowers.tolist()
    assert data["SPECIES"] == species.tolist()
    assert data["CLASS_NAMES"] == list(CLASS_NAMES)
    assert data["FEATURE_RANGES_CM"] == [list(span) for span in FEATURE_RANGES_CM]
    for (low, high), (first, last) in zip(data["SLIDER_RANGES_CM"], FEATURE_RANGES_CM):
        assert low <= first
        assert last < high


# Planes


def predict_within_a_pixel(classifier, plane, lengths_cm):
    """Logits at a flower and all around it, a pixel away in the drawing of a plane."""
    left, right, top, bottom = PLANE_BOX_PX
    flowers = np.tile(lengths_cm, (17, 1))
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    steps = ((0, np.cos(turns), right - left), (1, np.sin(turns), bottom - top))
    for axis, step, size_px in steps:
        low, high = SLIDER_RANGES_CM[AXES[plane][axis]]
        flowers[1:, AXES[plane][axis]] += step * (high - low) / size_px
    return classifier.predict(flowers).logits


@pytest.mark.parametrize("plane", ["sepal", "petal"])
@pytest.mark.parametrize("hidden", [None, 1, 12, 64])
def test_a_point_in_a_region_gets_that_class_from_pytorch(modules, plane, hidden, chance):
    classifier = make_classifier(hidden, chance.randrange(10**6))
    draw_plane(modules, classifier, plane)
    points, expected, unsure = [], [], []
    for _ in range(600):
        lengths_cm = list(FLOWER_CM)
        for i in AXES[plane]:
            lengths_cm[i] = chance.uniform(*SLIDER_RANGES_CM[i])
        logits = predict_within_a_pixel(classifier, plane, lengths_cm)
        runner_up, best = np.sort(logits, axis=1)[:, 1:].T
        if len(set(logits.argmax(axis=1))) > 1:
            continue
        points.append(to_px(plane, lengths_cm))
        expected.append(int(logits[0].argmax()))
        leads = set((best - runner_up > SURE_LOGITS).tolist())
        unsure.append(leads.pop() if len(leads) == 1 else None)
    assert len(points) > 200
    inside = modules.evaluate(
        """(points) => ["regions", "sure"].map((name) => {
          const paths = [...document.querySelectorAll(`.${name} path`)];
          return points.map(([x, y]) => paths.map((path) => path.isPointInFill({ x, y })));
        })""",
        points,
    )
    wrong = [
        (point, found)
        for point, k, found in zip(points, expected, inside[0])
        if found != [k == species for species in range(3)]
    ]
    assert not wrong
    for k, is_sure, found in zip(expected, unsure, inside[1]):
        assert is_sure is None or found == [is_sure and k == species for species in range(3)]


def test_a_very_wide_model_is_drawn_on_a_coarser_grid(modules):
    html = draw_plane(modules, make_classifier(20_000, 1), "petal")
    assert re.search(r'<g class="regions">.*? d="M', html)


@pytest.mark.parametrize("plane", ["sepal", "petal"])
def test_plane_shows_each_of_the_150_flowers_and_rings_the_mistakes(modules, plane, chance):
    classifier = make_classifier(chance.choice([None, 10]), chance.randrange(10**6))
    html = draw_plane(modules, classifier, plane)
    flowers, species = load_flowers()
    places = re.findall(r"translate\(([\d.]+) ([\d.]+)\) scale", html)
    expected = np.array([to_px(plane, flower) for flower in flowers])
    assert np.array(places, dtype=float) == pytest.approx(expected, abs=0.06)
    wrong = classifier.predict(flowers).classes != species
    rings = np.array(re.findall(r'cx="(\S+)" cy="(\S+)" r="7"', html), dtype=float)
    assert rings.reshape(-1, 2) == pytest.approx(expected[wrong], abs=0.06)


def test_marker_stands_at_the_flower_in_the_colour_that_is_predicted(modules):
    html = draw_plane(modules, shipped_classifier(), "sepal", (6.3, 3.3, 6.0, 2.5), marker=True)
    place = re.search(r'class="you" transform="translate\((\S+) (\S+)\)"', html).groups()
    assert np.array(place, dtype=float) == pytest.approx(to_px("sepal", (6.3, 3.3)), abs=0.06)
    assert "--flower: var(--iris-virginica)" in html
    assert "6.0 × 2.5" in html


def test_units_switch_on_where_the_folds_are(modules, chance):
    classifier = make_classifier(40, chance.randrange(10**6))
    html = draw_plane(modules, classifier, "petal", folds=True)
    lines = re.findall(r"M(\S+) (\S+?)L(\S+) ([^M\"]+)", re.search(r'folds" d="([^"]*)', html)[1])
    left, right, top, bottom = PLANE_BOX_PX
    (x_low, x_high), (y_low, y_high) = (SLIDER_RANGES_CM[i] for i in AXES["petal"])
    weight = classifier.checkpoint.state["fc1.weight"].numpy()
    bias = classifier.checkpoint.state["fc1.bias"].numpy()
    assert lines
    for x0, y0, x1, y1 in np.array(lines, dtype=float):
        flower = np.tile(FLOWER_CM, (1, 1))
        flower[:, 2] = x_low + ((x0 + x1) / 2 - left) / (right - left) * (x_high - x_low)
        flower[:, 3] = y_low + (bottom - (y0 + y1) / 2) / (bottom - top) * (y_high - y_low)
        sums = classifier.checkpoint.scaler.scale(flower) @ weight.T + bias
        assert np.abs(sums).min() < 0.02


def test_a_click_gives_the_lengths_under_it_on_the_steps_of_the_sliders(modules, chance):
    draw_plane(modules, shipped_classifier(), "petal")
    modules.evaluate(
        """async ([address, model, options]) => {
          const { drawPlane } = await import(address);
          document.body.replaceChildren(document.createElement("figure"));
          globalThis.picked = [];
          drawPlane(document.body.firstChild, model, {
            ...options, onPick: (...place) => picked.push(place),
          });
        }""",
        [
            modules.address("plane"),
            describe_model(shipped_classifier().checkpoint),
            {"plane": "petal", "lengthsCm": FLOWER_CM, "texts": plane_texts("petal", EN)},
        ],
    )
    box = modules.page.locator("svg").bounding_box()
    for _ in range(20):
        point = [round(chance.uniform(*SLIDER_RANGES_CM[i]), 1) for i in AXES["petal"]]
        x, y = to_px("petal", (0, 0, *point))
        modules.page.mouse.click(box["x"] + x, box["y"] + y)
        *found, ended = modules.evaluate("() => picked.at(-1)")
        assert (found, ended) == (pytest.approx(point, abs=0.01), True)
    modules.page.mouse.click(box["x"] + 1, box["y"] + 1)
    lowest, highest = SLIDER_RANGES_CM[2][0], SLIDER_RANGES_CM[3][1]
    assert modules.evaluate("() => picked.at(-1)") == [lowest, highest, True]


# Network


def read_lines(html):
    """Sign and width of each line, in the order of the drawing."""
    found = re.findall(r'<path d="M\d+ [^"]*C[^>]*>', html)
    kinds = [re.search(r'class="([^"]*)"', line) for line in found]
    widths = [float(re.search(r'stroke-width="([^"]*)"', line).group(1)) for line in found]
    return [
        (-1 if kind and "n" in kind.group(1).split() else 1, width)
        for kind, width in zip(kinds, widths)
    ]


def test_each_weight_is_one_line_with_its_sign_and_size(modules, chance):
    checkpoint = draw_checkpoint(10, chance.randrange(10**6))
    lines = read_lines(draw_network(modules, checkpoint))
    assert len(lines) == 4 * 10 + 10 * 3
    for name, drawn in (("fc1.weight", lines[:40]), ("fc2.weight", lines[40:])):
        layer = checkpoint.state[name].numpy().T.ravel()
        signs, widths = np.array(drawn).T
        assert (signs == np.sign(layer)).all()
        assert (np.diff(widths[np.argsort(np.abs(layer))]) >= 0).all()


def test_a_wide_network_shows_its_strongest_units_and_says_so(modules, chance):
    checkpoint = draw_checkpoint(200, chance.randrange(10**6))
    strong = [3, 77, 150]
    checkpoint.state["fc1.weight"][strong] *= 50
    html = draw_network(modules, checkpoint)
    assert len(read_lines(html)) == 7 * MAX_UNITS
    assert f"the {MAX_UNITS} strongest of 200 hidden units" in html
    shown = [int(number) - 1 for number in re.findall(r"<title>Unit (\d+):", html)]
    assert set(strong) <= set(shown)
    # ReLU lets a positive factor move from one layer to the other.
    for name in ("fc1.weight", "fc1.bias"):
        checkpoint.state[name][shown[0]] *= 1e3
    checkpoint.state["fc2.weight"][:, shown[0]] /= 1e3
    again = re.findall(r"<title>Unit (\d+):", draw_network(modules, checkpoint))
    assert [int(number) - 1 for number in again] == shown


def test_units_that_relu_cuts_off_are_drawn_silent(modules, chance):
    checkpoint = draw_checkpoint(16, chance.randrange(10**6))
    html = draw_network(modules, checkpoint)
    hidden = Classifier(checkpoint).predict(np.array([FLOWER_CM])).hidden[0]
    units = re.findall(r'<circle class="(unit[a-z ]*)"[^>]*--fill: ([\d.]+);"><title>', html)
    assert ["silent" in kind for kind, _ in units] == (hidden == 0).tolist()
    fills = np.array([float(fill) for _, fill in units])
    assert np.abs(fills - hidden / hidden.max()).max() < 0.006


def test_outputs_are_said_in_words_for_those_who_cannot_see(modules):
    html = draw_network(modules, shipped_classifier().checkpoint)
    share = shipped_classifier().predict(np.array([FLOWER_CM])).probabilities[0, 1]
    assert f"versicolor {share:.1%}" in re.search(r'aria-label="([^"]+)"', html).group(1)


# Flower

PX_PER_CM = 30.0


def read_curves(html, organ):
    """Points along the cubic curves of an organ, by de Casteljau's definition."""
    group = html[html.index(f'id="iris-{organ}"') :]
    path = re.search(r'class="iris-blade"[^>]* d="([^"]+)"', group).group(1)
    numbers = np.array(re.findall(r"-?\d+\.?\d*", path), dtype=float).reshape(-1, 2)
    points, start = [], numbers[0]
    for curve in numbers[1:].reshape(-1, 3, 2):
        controls = [start, *curve]
        for share in np.linspace(0, 1, 201):
            level = controls
            while len(level) > 1:
                level = [a + (b - a) * share for a, b in pairwise(level)]
            points.append(level[0])
        start = curve[-1]
    return np.array(points)


def test_sepals_and_petals_measure_what_the_sliders_say(modules, chance: random.Random):
    for _ in range(10):
        lengths_cm = [round(chance.uniform(*span), 1) for span in SLIDER_RANGES_CM]
        html = draw_flower(modules, lengths_cm, 0)
        for organ, length, width in (("sepal", *lengths_cm[:2]), ("petal", *lengths_cm[2:])):
            box = np.ptp(read_curves(html, organ), axis=0) / PX_PER_CM
            assert box == pytest.approx([width, length], abs=0.11 / PX_PER_CM)
        assert re.findall(r"<text[^>]*>(\S+) cm<", html)[:4] == [f"{cm:.1f}" for cm in lengths_cm]
        lines = re.findall(r'<path d="M\S+ (\S+)V([-\d.]+)M[^"]*h8"', html)
        for (top, bottom), length in zip(lines, (lengths_cm[0], lengths_cm[2])):
            assert float(bottom) - float(top) == pytest.approx(length * PX_PER_CM, abs=0.11)
    assert re.search(r'class="scale-bar"><path d="M16 \d+v8M16 \d+h30M', html)


def test_the_largest_and_smallest_flowers_fit_the_plate(modules):
    for lengths_cm in product(*SLIDER_RANGES_CM):
        draw_flower(modules, lengths_cm, 1)
        outside = modules.evaluate("""() => {
          const plate = document.querySelector("svg").getBoundingClientRect();
          return [...document.querySelectorAll(".whorl use")].filter((node) => {
            const box = node.getBoundingClientRect();
            return box.left < plate.left || box.right > plate.right
              || box.top < plate.top || box.bottom > plate.bottom;
          }).length;
        }""")
        assert outside == 0, lengths_cm


def test_the_flower_takes_the_colour_of_its_predicted_species_and_says_so(modules):
    for species, name in enumerate(CLASS_NAMES):
        html = draw_flower(modules, (5, 3, 4, 1), species)
        assert f"--flower: var(--iris-{name})" in html
        assert name in re.search(r'aria-label="([^"]+)"', html).group(1)
        caption = re.search(r"<figcaption>(.*?)</figcaption>", html).group(1)
        assert f"predicted species, <b>Iris {name}</b>" in caption
    assert "山鸢尾" in draw_flower(modules, (5, 3, 4, 1), 0, translator("zh-CN"))


# Specimens


def test_the_hardest_flowers_are_those_of_the_smallest_margins(modules, chance):
    classifier = make_classifier(chance.choice([None, 10]), chance.randrange(10**6))
    ranked = modules.evaluate(
        "async ([address, model]) => (await import(address)).rankHardest(model)",
        [modules.address("specimens"), describe_model(classifier.checkpoint)],
    )
    flowers, species = load_flowers()
    shares = classifier.predict(flowers).probabilities.astype(float)
    margins = [row[k] - max(np.delete(row, k)) for row, k in zip(shares, species)]
    assert [f["margin"] for f in ranked] == pytest.approx(sorted(margins)[:10], abs=1e-5)
    for flower in ranked:
        assert margins[flower["row"]] == pytest.approx(flower["margin"], abs=1e-5)
        assert flower["confidence"] == pytest.approx(shares[flower["row"]].max(), abs=1e-5)


def test_a_typical_flower_is_one_of_its_species_near_the_middle(modules):
    flowers, species = load_flowers()
    rows = modules.evaluate(
        "async (address) => [0, 1, 2].map((await import(address)).findTypical)",
        modules.address("specimens"),
    )
    for k, row in enumerate(rows):
        assert species[row] == k
        own = flowers[species == k]
        assert np.linalg.norm(flowers[row] - own.mean(axis=0)) < own.std(axis=0).max()
