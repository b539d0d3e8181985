"""The sepal plane and the petal plane: the 150 flowers, and how a model divides the plane."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np

from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES, FEATURE_RANGES_CM, load_flowers
from iris_mlp.inference import Classifier
from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import SHAPES, color_of

WIDTH_PX, HEIGHT_PX = 400, 292
LEFT, RIGHT, TOP, BOTTOM = 50, 392, 8, 250
GRID = (59, 41)
"""Points of the slice across and up; fewer for a model of many hidden units."""

SURE_LOGITS = float(np.log(9.0))
"""Lead over the runner-up from which a region is drawn in a deeper tint: odds of 9 to 1."""

_MAX_ACTIVATIONS = 600_000


def _widen(low: float, high: float) -> tuple[float, float]:
    margin = 0.15 * (high - low)
    return max(0.1, round(low - margin, 1)), round(high + margin, 1)


SLIDER_RANGES_CM = tuple(_widen(low, high) for low, high in FEATURE_RANGES_CM)
"""What sliders and planes span: the data, and some way beyond it to try extrapolation."""


def plane_texts(name: str, t: Translate) -> dict[str, str]:
    """Return the words of `static/plane.js` for the plane `sepal` or `petal`."""
    title, x, y = (
        t(f"classify.{key}") for key in (f"{name}_plane", f"{name}_length_cm", f"{name}_width_cm")
    )
    return {
        "title": title,
        "x": x,
        "y": y,
        "note": t(f"classify.{name}_slice"),
        "alt": t("classify.plane_alt", plane=title, x=x, y=y),
    }


@dataclass(frozen=True)
class Plane:
    """A plane through the space of the four lengths.

    Attributes:
        name: `sepal` or `petal`.
        x: Feature along the horizontal axis, a length.
        y: Feature along the vertical axis, a width.
    """

    name: str
    x: int
    y: int

    def to_px(self, x_cm: Any, y_cm: Any) -> tuple[Any, Any]:
        """Return where lengths in cm lie in the drawing; numbers or arrays."""
        (x_low, x_high), (y_low, y_high) = SLIDER_RANGES_CM[self.x], SLIDER_RANGES_CM[self.y]
        return (
            LEFT + (x_cm - x_low) / (x_high - x_low) * (RIGHT - LEFT),
            BOTTOM - (y_cm - y_low) / (y_high - y_low) * (BOTTOM - TOP),
        )


SEPAL_PLANE = Plane("sepal", 0, 1)
PETAL_PLANE = Plane("petal", 2, 3)


def trace_regions(
    plane: Plane, classifier: Classifier, lengths_cm: Sequence[float]
) -> tuple[list[str], list[str]]:
    """Return the regions of the three classes in a slice through a flower, as path data.

    Logits are linear between the kinks of the hidden units, so that straight lines between
    grid points follow the border of a region exactly, but for the cells where it bends.

    Returns:
        Where each class has the largest logit; where its lead is at least `SURE_LOGITS`.
    """
    from contourpy import FillType, contour_generator

    x_px, y_px, grid = _make_grid(plane, _fit_grid(classifier.checkpoint.hidden))
    flowers = np.tile(np.asarray(lengths_cm, dtype=np.float64), (len(grid), 1))
    flowers[:, [plane.x, plane.y]] = grid
    logits = _predict_logits(classifier, flowers)
    shape = (len(y_px), len(x_px))
    regions, sure = [], []
    for k in range(len(CLASS_NAMES)):
        lead = logits[:, k] - np.maximum(logits[:, k - 1], logits[:, k - 2])
        contours = contour_generator(
            x_px, y_px, lead.reshape(shape), fill_type=FillType.OuterOffset
        )
        regions.append(_to_path(contours.filled(0.0, np.inf)))
        sure.append(_to_path(contours.filled(SURE_LOGITS, np.inf)))
    return regions, sure


def draw_frame(plane: Plane, classifier: Classifier, t: Translate) -> str:
    """Return the SVG of a plane without what moves in it: axes and the 150 flowers.

    Args:
        plane: Which plane.
        classifier: The model in use; flowers that it gets wrong are ringed.
        t: Translator of the visitor's language.
    """
    flowers, species = load_flowers()
    xs, ys = plane.to_px(flowers[:, plane.x], flowers[:, plane.y])
    wrong = classifier.predict(flowers).classes != species
    x_name, y_name = (t(f"classify.{FEATURE_NAMES[i]}_cm") for i in (plane.x, plane.y))
    title = t(f"classify.{plane.name}_plane")
    label = t("classify.plane_alt", plane=title, x=x_name, y=y_name)
    tints = "".join(
        f'<g class="{name}">'
        + "".join(f'<path fill="{color_of(k)}"/>' for k in range(len(CLASS_NAMES)))
        + "</g>"
        for name in ("regions", "sure")
    )
    marks = "".join(
        f'<g fill="{color_of(k)}">'
        + "".join(
            f'<use href="#iris-{plane.name}-{k}" x="{x:.1f}" y="{y:.1f}"/>'
            for x, y in zip(xs[species == k], ys[species == k])
        )
        + "</g>"
        for k in range(len(CLASS_NAMES))
    )
    rings = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7"/>' for x, y in zip(xs[wrong], ys[wrong])
    )
    shapes = "".join(
        f'<path id="iris-{plane.name}-{k}" d="{shape}" transform="scale(.7)"/>'
        for k, shape in enumerate(SHAPES)
    )
    return (
        f'<figure class="plane"><figcaption><b>{escape(title)}</b> <span class="note"></span>'
        f'</figcaption><svg role="img" data-plane="{plane.name}" aria-label="{escape(label)}" '
        f'width="{WIDTH_PX}" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}">'
        f"<defs>{shapes}</defs>{tints}{_draw_axes(plane, x_name, y_name)}"
        f'<g class="marks">{marks}</g><g class="rings">{rings}</g><path class="hairs"/>'
        '<g class="you"><circle r="10"/><circle r="6.5"/></g></svg></figure>'
    )


def _draw_axes(plane: Plane, x_name: str, y_name: str) -> str:
    (left, right), (low, high) = FEATURE_RANGES_CM[plane.x], FEATURE_RANGES_CM[plane.y]
    x0, y0 = plane.to_px(left, high)
    x1, y1 = plane.to_px(right, low)
    parts = [
        f'<rect class="data-range" x="{x0:.1f}" y="{y0:.1f}" '
        f'width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"/>'
        f'<path class="axes" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>'
    ]
    x_range, y_range = SLIDER_RANGES_CM[plane.x], SLIDER_RANGES_CM[plane.y]
    for value in _list_ticks(*x_range, step=1.0):
        x, _ = plane.to_px(value, 0.0)
        parts.append(f'<text class="tick middle" x="{x:.1f}" y="{BOTTOM + 15}">{value:g}</text>')
    for value in _list_ticks(*y_range, step=0.5):
        _, y = plane.to_px(0.0, value)
        parts.append(f'<text class="tick end" x="{LEFT - 6}" y="{y + 4:.1f}">{value:g}</text>')
    return "".join(parts) + (
        f'<text class="middle" x="{(LEFT + RIGHT) / 2:g}" y="{HEIGHT_PX - 6}">'
        f"{escape(x_name)}</text>"
        f'<text class="middle" transform="translate(13 {(TOP + BOTTOM) / 2:g}) rotate(-90)">'
        f"{escape(y_name)}</text>"
    )


def _list_ticks(low: float, high: float, step: float) -> list[float]:
    first, last = int(np.ceil(low / step)), int(np.floor(high / step))
    return [i * step for i in range(first, last + 1)]


def _fit_grid(hidden: int) -> tuple[int, int]:
    """Return a grid that keeps the work of a slice bounded for any number of hidden units."""
    share = min(1.0, (_MAX_ACTIVATIONS / (hidden * GRID[0] * GRID[1])) ** 0.5)
    return max(17, int(GRID[0] * share)), max(13, int(GRID[1] * share))


@cache
def _make_grid(plane: Plane, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the grid's columns and rows in px, and its points in cm, shape (n, 2)."""
    x_cm = np.linspace(*SLIDER_RANGES_CM[plane.x], size[0])
    y_cm = np.linspace(*SLIDER_RANGES_CM[plane.y], size[1])
    x_px, y_px = plane.to_px(x_cm, y_cm)
    grid = np.stack(np.meshgrid(x_cm, y_cm), axis=-1).reshape(-1, 2)
    return x_px, y_px, grid


def _predict_logits(classifier: Classifier, flowers: np.ndarray) -> np.ndarray:
    rows = max(1, _MAX_ACTIVATIONS // classifier.checkpoint.hidden)
    parts = [classifier.predict(flowers[i : i + rows]).logits for i in range(0, len(flowers), rows)]
    return np.nan_to_num(np.concatenate(parts).astype(np.float64))


def _to_path(filled: Any) -> str:
    """Return contourpy's polygons with their holes as path data, without needless points."""
    path = ""
    for points, offsets in zip(*filled):
        for start, end in pairwise(offsets):
            ring = _drop_straight(points[start : end - 1])
            path += "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring.tolist()) + "Z"
    return path


def _drop_straight(ring: np.ndarray) -> np.ndarray:
    """Return a closed ring, shape (n, 2), without the points on a line between neighbours."""
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turn = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
    bent = turn > 1e-3 * (np.abs(before).sum(axis=1) + np.abs(after).sum(axis=1))
    return ring[bent] if bent.sum() > 2 else ring
