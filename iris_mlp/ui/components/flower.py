"""The flower, drawn to scale: three sepals and three petals of the lengths in hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import color_of, full_name, short_name

PX_PER_CM = 30.0
WIDTH_PX, HEIGHT_PX = 540, 572
CENTRE = (270.0, 278.0)
SEPAL_ANGLES = (180, 60, -60)
PETAL_ANGLES = (0, 120, -120)
"""Where tips point, in degrees clockwise from the top: seen from above, as an iris opens."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """The form of a sepal or petal, whatever its size.

    Attributes:
        widest: Where each side (right, left) is widest, as a share of the length from the base.
        claw: Width at the base as a share of the greatest width.
        tip: How blunt the tip is, from 0 (pointed) to 1 (broad).
        veins: Veins on each side of the midrib.
    """

    widest: tuple[float, float]
    claw: float
    tip: float
    veins: int


SEPAL = Shape(widest=(0.64, 0.67), claw=0.34, tip=0.56, veins=5)
PETAL = Shape(widest=(0.57, 0.54), claw=0.30, tip=0.36, veins=3)


def trace_outline(shape: Shape, length_px: float, width_px: float) -> list[tuple[Point, ...]]:
    """Return the outline as cubic Bezier curves, from the base at (0, 0) to the tip at -length.

    Tangents are level at the tip and upright where a side is widest, so that the bounding box
    is exactly `width_px` by `length_px`.

    Returns:
        Four curves of four points each: up the right side, then down the left one.
    """
    half, tip = width_px / 2, (0.0, -length_px)
    sides = []
    for sign, widest in zip((1, -1), shape.widest):
        base = (sign * half * shape.claw, 0.0)
        side = (sign * half, -widest * length_px)
        rise = (sign * half * shape.claw * 1.05, -0.30 * length_px)
        below = (sign * half, -(widest - 0.25) * length_px)
        above = (sign * half, -(widest + 0.62 * (1 - widest)) * length_px)
        sides.append(
            (
                (base, rise, below, side),
                (side, above, (sign * half * shape.tip, -length_px), tip),
            )
        )
    (right_base, right_tip), (left_base, left_tip) = sides
    return [right_base, right_tip, left_tip[::-1], left_base[::-1]]


def draw_flower(lengths_cm: Sequence[float], species: int, t: Translate) -> str:
    """Return the flower as an SVG, at the same scale whatever its size.

    Args:
        lengths_cm: Sepal length and width, petal length and width, in cm.
        species: The predicted class, which gives the colour.
        t: Translator of the visitor's language.
    """
    sepal_length, sepal_width, petal_length, petal_width = lengths_cm
    label = t(
        "classify.flower_alt",
        sepal_length=f"{sepal_length:.1f}",
        sepal_width=f"{sepal_width:.1f}",
        petal_length=f"{petal_length:.1f}",
        petal_width=f"{petal_width:.1f}",
        species=short_name(species, t),
    )
    sepals = "".join(f'<use href="#iris-sepal" transform="rotate({a})"/>' for a in SEPAL_ANGLES)
    petals = "".join(f'<use href="#iris-petal" transform="rotate({a})"/>' for a in PETAL_ANGLES)
    arms = "".join(f'<use href="#iris-style-arm" transform="rotate({a})"/>' for a in SEPAL_ANGLES)
    return (
        f'<figure class="flower" style="--flower:{color_of(species)}">'
        f'<svg role="img" width="{WIDTH_PX}" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" '
        f'aria-label="{escape(label)}"><defs>{_GRADIENTS}'
        f'<g id="iris-sepal">{_draw_organ(SEPAL, sepal_length, sepal_width, "sepal")}</g>'
        f'<g id="iris-petal">{_draw_organ(PETAL, petal_length, petal_width, "petal")}</g>'
        f'<g id="iris-style-arm">{_draw_style_arm(sepal_length)}</g></defs>'
        f'<g transform="translate({CENTRE[0]:g} {CENTRE[1]:g})">'
        f'<g class="whorl">{sepals}</g><g class="whorl">{petals}</g>{arms}'
        f"{_draw_dimensions(lengths_cm)}</g>{_draw_scale_bar()}</svg>"
        f"<figcaption>{_caption(species, t)}</figcaption></figure>"
    )


def _draw_organ(shape: Shape, length_cm: float, width_cm: float, kind: str) -> str:
    length, width = length_cm * PX_PER_CM, width_cm * PX_PER_CM
    curves = trace_outline(shape, length, width)
    outline = _path(curves) + "Z"
    return (
        f'<path class="iris-blade" d="{outline}" fill="url(#iris-{kind}-fill)"/>'
        f"{_draw_signal(length, width) if kind == 'sepal' else ''}"
        f'<path class="iris-veins" d="{_trace_veins(shape, length, width)}"/>'
        f'<path class="iris-edge" d="{outline}"/>'
    )


def _trace_veins(shape: Shape, length: float, width: float) -> str:
    """Return the midrib and veins that fan out from the claw, narrower copies of the sides."""
    half = width / 2
    path = f"M0 0V{-0.95 * length:.1f}"
    for i in range(1, shape.veins + 1):
        share = i / (shape.veins + 0.8)
        for sign, widest in zip((1, -1), shape.widest):
            x = sign * half * share
            # The outer a vein runs, the sooner it meets the margin.
            end = widest + (0.93 - widest) * math.sqrt(1 - share**2)
            path += (
                f"M{x * shape.claw:.1f} 0C{x * shape.claw * 1.05:.1f} {-0.3 * length:.1f} "
                f"{x:.1f} {-(widest - 0.25) * length:.1f} {x:.1f} {-widest * length:.1f}"
                f"Q{x:.1f} {-(widest + end) / 2 * length:.1f} {x * 0.9:.1f} {-end * length:.1f}"
            )
    return path


def _draw_signal(length: float, width: float) -> str:
    """Return the yellow patch that leads bees along a sepal to the nectar."""
    x, near, mid, far = width * 0.19, -0.06 * length, -0.2 * length, -0.62 * length
    return (
        f'<path class="iris-signal" fill="url(#iris-signal-fill)" d="M0 {near:.1f}'
        f"C{x * 0.4:.1f} {mid:.1f} {x * 1.5:.1f} {far:.1f} 0 {far:.1f}"
        f'C{-x * 1.5:.1f} {far:.1f} {-x * 0.4:.1f} {mid:.1f} 0 {near:.1f}Z"/>'
    )


def _draw_style_arm(sepal_length_cm: float) -> str:
    """Return one of the three style arms, which lie over the sepals and end in two crests."""
    length = 0.2 * sepal_length_cm * PX_PER_CM
    x = length * 0.22
    return (
        f'<path class="iris-style-arm" d="M0 {length * 0.1:.1f}C{-x * 1.2:.1f} 0 {-x * 1.3:.1f} '
        f"{-length * 0.6:.1f} {-x * 1.1:.1f} {-length:.1f}Q{-x * 0.3:.1f} {-length * 0.95:.1f} 0 "
        f"{-length * 0.78:.1f}Q{x * 0.3:.1f} {-length * 0.95:.1f} {x * 1.1:.1f} {-length:.1f}"
        f'C{x * 1.3:.1f} {-length * 0.6:.1f} {x * 1.2:.1f} 0 0 {length * 0.1:.1f}Z"/>'
    )


def _draw_dimensions(lengths_cm: Sequence[float]) -> str:
    """Return the four lengths as a draughtsman notes them, clear of the flower."""
    sepal_length, sepal_width, petal_length, petal_width = (
        length * PX_PER_CM for length in lengths_cm
    )
    reach = math.cos(math.radians(30))
    right = max(reach * petal_length, sepal_width / 2) + 24
    left = -max(reach * sepal_length, petal_width / 2) - 24
    return (
        '<g class="dimensions">'
        + _draw_upright(right, 0, sepal_length, f"{lengths_cm[0]:.1f} cm")
        + _draw_level(sepal_length + 18, sepal_width, f"{lengths_cm[1]:.1f} cm", below=True)
        + _draw_upright(left, -petal_length, 0, f"{lengths_cm[2]:.1f} cm")
        + _draw_level(-petal_length - 14, petal_width, f"{lengths_cm[3]:.1f} cm", below=False)
        + "</g>"
    )


def _draw_upright(x: float, top: float, bottom: float, text: str) -> str:
    side = math.copysign(1, x)
    return (
        f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}M{x - 4:.1f} {top:.1f}h8'
        f'M{x - 4:.1f} {bottom:.1f}h8"/>'
        f'<path class="guide" d="M{side * 8:g} {top:.1f}H{x - side * 6:.1f}'
        f'M{side * 8:g} {bottom:.1f}H{x - side * 6:.1f}"/>'
        f'<text transform="translate({x + side * 8:.1f} {(top + bottom) / 2:.1f}) '
        f'rotate({side * 90:g})">{text}</text>'
    )


def _draw_level(y: float, width: float, text: str, below: bool) -> str:
    half = width / 2
    return (
        f'<path d="M{-half:.1f} {y:.1f}h{width:.1f}M{-half:.1f} {y - 4:.1f}v8'
        f'M{half:.1f} {y - 4:.1f}v8"/>'
        f'<text y="{y + (17 if below else -9):.1f}">{text}</text>'
    )


def _draw_scale_bar() -> str:
    x, y = 16, HEIGHT_PX - 16
    return (
        f'<g class="scale-bar"><path d="M{x} {y - 4}v8M{x} {y}h{PX_PER_CM:g}'
        f'M{x + PX_PER_CM:g} {y - 4}v8"/>'
        f'<text x="{x + PX_PER_CM + 8:g}" y="{y + 4}">1 cm</text></g>'
    )


def _caption(species: int, t: Translate) -> str:
    name = f"<b>{escape(full_name(species, t))}</b>"
    return escape(t("classify.flower_caption", species="{}")).replace("{}", name)


def _path(curves: Sequence[tuple[Point, ...]]) -> str:
    (x, y) = curves[0][0]
    path = f"M{x:.1f} {y:.1f}"
    for _, *points in curves:
        path += "C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return path


# The stops' colours stand in the style sheet, where they follow the light or dark page.
_GRADIENTS = (
    '<linearGradient id="iris-sepal-fill" x1="0" y1="1" x2="0" y2="0">'
    '<stop offset=".05" class="pale"/><stop offset=".5" class="full"/>'
    '<stop offset="1" class="deep"/></linearGradient>'
    '<linearGradient id="iris-petal-fill" x1="0" y1="1" x2="0" y2="0">'
    '<stop offset="0" class="deep"/><stop offset=".55" class="full"/>'
    '<stop offset="1" class="light"/></linearGradient>'
    '<radialGradient id="iris-signal-fill" cx=".5" cy=".5" r=".55">'
    '<stop offset=".1" class="signal-core"/><stop offset="1" class="signal-end"/></radialGradient>'
)
