"""How the three species look in every picture: a colour and, for eyes that need it, a shape."""

from html import escape

from iris_mlp.data import CLASS_NAMES
from iris_mlp.strings import Translate

SHAPES = (
    "M0-4.6A4.6 4.6 0 1 1 0 4.6A4.6 4.6 0 1 1 0-4.6Z",
    "M0-5.4L5 3.9H-5Z",
    "M-4.1-4.1H4.1V4.1H-4.1Z",
)
"""Circle, triangle and square as SVG path data around the origin, about 10 px across."""


def color_of(species: int) -> str:
    """Return the CSS colour of a species, which follows the light or dark page."""
    return f"var(--iris-{CLASS_NAMES[species]})"


def short_name(species: int, t: Translate) -> str:
    """Return what the visitor's language calls a species, without the Latin beside it."""
    return t(f"common.{CLASS_NAMES[species]}").split()[0]


def short_names(t: Translate) -> list[str]:
    """Return what the visitor's language calls the three species, without the Latin beside it."""
    return [short_name(k, t) for k in range(len(CLASS_NAMES))]


def full_names(t: Translate) -> list[str]:
    """Return names that stand alone: with their genus where the name is the Latin one."""
    names = zip(short_names(t), CLASS_NAMES)
    return [f"Iris {name}" if name == latin else name for name, latin in names]


def render_name(species: int, t: Translate) -> str:
    """Return a species' name with its mark in front, as HTML."""
    return f'<span class="species">{render_mark(species)}{escape(short_name(species, t))}</span>'


def render_mark(species: int) -> str:
    """Return the mark of a species as an SVG of 12 x 12 px, which is decoration to a reader."""
    return (
        f'<svg class="species-mark" width="12" height="12" viewBox="-6 -6 12 12" '
        f'aria-hidden="true"><path d="{SHAPES[species]}" fill="{color_of(species)}"/></svg>'
    )


def format_percent(share: float) -> str:
    """Return a share as a percentage that never claims certainty."""
    if share > 0.9995:
        return ">99.9%"
    return "<0.1%" if share < 0.0005 else f"{share:.1%}"
