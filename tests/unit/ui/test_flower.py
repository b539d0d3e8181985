import re
import xml.etree.ElementTree as ET
from itertools import pairwise, product

import numpy as np
import pytest

from iris_mlp.strings import translator
from iris_mlp.ui.components.flower import (
    CENTRE,
    HEIGHT_PX,
    PETAL_ANGLES,
    PX_PER_CM,
    SEPAL_ANGLES,
    WIDTH_PX,
    draw_flower,
)
from iris_mlp.ui.components.plane import SLIDER_RANGES_CM

SVG = "{http://www.w3.org/2000/svg}"


def parse_svg(html):
    svg = re.search(r"<svg.*</svg>", html, re.DOTALL).group()
    return ET.fromstring(svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


def sample_outline(svg, organ):
    """Points along the cubic curves of an organ, by de Casteljau's definition."""
    path = svg.find(f".//{SVG}g[@id='iris-{organ}']/{SVG}path[@class='iris-blade']").get("d")
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


def rotate(points, degrees):
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return points @ matrix.T


def test_sepals_and_petals_measure_what_the_sliders_say(chance):
    for _ in range(20):
        lengths_cm = [round(chance.uniform(*span), 1) for span in SLIDER_RANGES_CM]
        svg = parse_svg(draw_flower(lengths_cm, 0, translator("en")))
        for organ, length, width in (("sepal", *lengths_cm[:2]), ("petal", *lengths_cm[2:])):
            box = np.ptp(sample_outline(svg, organ), axis=0) / PX_PER_CM
            assert box == pytest.approx([width, length], abs=0.11 / PX_PER_CM)


def test_scale_bar_is_one_centimetre_long():
    svg = parse_svg(draw_flower((5, 3, 4, 1), 0, translator("en")))
    bar = svg.find(f".//{SVG}g[@class='scale-bar']")
    length_px = float(re.search(r"h([\d.]+)", bar.find(f"{SVG}path").get("d")).group(1))
    assert length_px == PX_PER_CM
    assert bar.find(f"{SVG}text").text == "1 cm"


def test_largest_and_smallest_flowers_fit_the_plate():
    for lengths_cm in product(*SLIDER_RANGES_CM):
        svg = parse_svg(draw_flower(lengths_cm, 1, translator("en")))
        for organ, angles in (("sepal", SEPAL_ANGLES), ("petal", PETAL_ANGLES)):
            outline = sample_outline(svg, organ)
            for angle in angles:
                points = rotate(outline, angle) + CENTRE
                assert (points > 0).all()
                assert (points < (WIDTH_PX, HEIGHT_PX)).all()


def test_dimensions_are_as_long_as_what_they_measure():
    lengths_cm = (6.1, 2.9, 4.7, 1.4)
    svg = parse_svg(draw_flower(lengths_cm, 1, translator("en")))
    group = svg.find(f".//{SVG}g[@class='dimensions']")
    assert [text.text for text in group.findall(f"{SVG}text")] == [f"{x} cm" for x in lengths_cm]
    paths = [p.get("d") for p in group.findall(f"{SVG}path") if p.get("class") is None]
    for path, length_cm in zip((paths[0], paths[2]), (lengths_cm[0], lengths_cm[2])):
        top, bottom = map(float, re.match(r"M\S+ (\S+)V([-\d.]+)", path).groups())
        assert bottom - top == pytest.approx(length_cm * PX_PER_CM, abs=0.11)


def test_flower_takes_the_colour_of_its_species_and_says_so():
    for species, name in enumerate(("setosa", "versicolor", "virginica")):
        html = draw_flower((5, 3, 4, 1), species, translator("en"))
        assert f"--flower:var(--iris-{name})" in html
        assert name in parse_svg(html).get("aria-label")
    html = draw_flower((5, 3, 4, 1), 0, translator("zh-CN"))
    assert "山鸢尾" in parse_svg(html).get("aria-label")
