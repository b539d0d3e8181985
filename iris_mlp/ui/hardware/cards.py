"""GPUs side by side: the lesson's five cards as a table and a plot, and names that mislead."""

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import gradio as gr

from iris_mlp.hardware import GpuName, compare_lesson_cards, decode_gpu, list_gpus
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.hardware.names import build_clickable, join_sizes
from iris_mlp.ui.language import request_translator
from iris_mlp.ui.templates import render

CASES = {
    "memory": ("RTX 3060 12GB", "RTX 3070 Ti"),
    "suffix": ("RTX 3090 Ti", "RTX 4070 Ti"),
    "laptop": ("RTX 4090 Laptop", "RTX 4090"),
    "series": ("RTX 2050", "RTX 2060 SUPER"),
    "sixteen": ("GTX 1660 Ti", "RTX 2060 SUPER"),
    "workstation": ("RTX 2000 Ada", "RTX 2060 SUPER"),
    "six_thousand": (
        "Quadro RTX 6000",
        "RTX A6000",
        "RTX 6000 Ada",
        "RTX PRO 6000 Blackwell Workstation Edition",
    ),
}
"""Names that mislead, by the key of the lesson that they teach."""

COLUMNS = ("name", "architecture", "year", "vram", "fp32", "compute_capability")

WIDTH_PX, HEIGHT_PX = 420, 330
LEFT, TOP, RIGHT, BOTTOM = 46, 14, 410, 284
VRAM_RANGE_GB, VRAM_TICKS_GB = (5, 40), (6, 8, 12, 16, 24, 32)
FP32_RANGE_TFLOPS, FP32_TICKS_TFLOPS = (8, 130), (10, 20, 40, 80)
FONT_PX = 13
_DOT_PX = 6


@dataclass(frozen=True)
class Label:
    """A dot of the plot with its text's box, in px of the drawing."""

    text: str
    x: float
    y: float
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Return whether a box and this text's box share any area."""
        return self.left < right and left < self.right and self.top < bottom and top < self.bottom


def build(name: Any, wiring: dict[str, Any]) -> list[Any]:
    """Lay out and wire the two panels; return what `show_cards` fills.

    Args:
        name: The text box that takes a clicked name.
        wiring: What every event of the tab has.
    """
    build_prose("hardware.heading_cases")
    cases = build_clickable("cases", name, wiring)
    build_prose("hardware.heading_compare")
    comparison = gr.HTML(
        elem_id="hardware-comparison",
        js_on_load=mount("sort_table"),
        apply_default_css=False,
    )
    return [cases, comparison]


def show_cards(request: gr.Request) -> tuple[str, str]:
    """Return the names that mislead and the lesson's cards, as HTML."""
    t = request_translator(request)
    return render_cases(t), render_comparison(t)


def render_comparison(t: Translate) -> str:
    """Return the table and the plot of the lesson's cards as HTML; other cards stand behind."""
    cards = compare_lesson_cards()
    names = {card.name for card in cards}
    others = [
        card
        for card in list_gpus()
        if card.line == "geforce" and card.laptop is not True and card.name not in names
    ]
    said = t("hardware.list_separator").join(
        t(
            "hardware.plot_card",
            name=short_name(card),
            vram=card.vram_gib[0] if card.vram_gib else t("hardware.unknown"),
            fp32=card.fp32_tflops or t("hardware.unknown"),
        )
        for card in cards
    )
    return render(
        "hardware/comparison.html",
        t=t,
        columns=COLUMNS,
        rows=[_list_cells(card, cards, t) for card in cards],
        plot=SimpleNamespace(
            width=WIDTH_PX,
            height=HEIGHT_PX,
            left=LEFT,
            top=TOP,
            right=RIGHT,
            bottom=BOTTOM,
            x_ticks=[(_to_px(gb, FP32_RANGE_TFLOPS[0])[0], gb) for gb in VRAM_TICKS_GB],
            y_ticks=[(_to_px(VRAM_RANGE_GB[0], flops)[1], flops) for flops in FP32_TICKS_TFLOPS],
        ),
        alternative=t("hardware.plot_alt", cards=said),
        others=[
            (name, x, y)
            for name, x, y in _list_dots(others)
            if LEFT <= x <= RIGHT and TOP <= y <= BOTTOM
        ],
        labels=place_labels(_list_dots(cards)),
    )


def _list_cells(
    card: GpuName, cards: tuple[GpuName, ...], t: Translate
) -> list[dict[str, object | None]]:
    """List a row's cells: what it is sorted by, its text, and its share of the largest."""
    most_gb = max(max(other.vram_gib) for other in cards)
    most_tflops = max(other.fp32_tflops or 0 for other in cards)
    cells = (
        (card.name, short_name(card), None),
        (card.architecture, card.architecture, None),
        (card.year, card.year, None),
        (
            max(card.vram_gib, default=None),
            join_sizes(card.vram_gib, t),
            max(card.vram_gib, default=0) / most_gb,
        ),
        (card.fp32_tflops, card.fp32_tflops, (card.fp32_tflops or 0) / most_tflops),
        (card.compute_capability, card.compute_capability, None),
    )
    return [
        {"order": order, "text": text or t("hardware.unknown"), "share": share}
        for order, text, share in cells
    ]


def place_labels(dots: list[tuple[str, float, float]]) -> list[Label]:
    """Place a text at each dot so that it covers no other text and no dot, where there is room.

    Args:
        dots: Name, x and y in px of the drawing.
    """
    placed: list[Label] = []
    obstacles = [(x - _DOT_PX, y - _DOT_PX, x + _DOT_PX, y + _DOT_PX) for _, x, y in dots]
    for text, x, y in sorted(dots, key=lambda dot: dot[2]):
        width = 0.68 * FONT_PX * len(text)
        gap, half = _DOT_PX + 3, FONT_PX / 2 + 2
        corners = (
            (x + gap, y - half),
            (x - gap - width, y - half),
            (x - width / 2, y - gap - 2 * half),
            (x - width / 2, y + gap),
            (x + gap, y - 2 * half - 1),
            (x + gap, y + 1),
            (x - gap - width, y - 2 * half - 1),
            (x - gap - width, y + 1),
        )
        places = [Label(text, x, y, a, b, a + width, b + 2 * half) for a, b in corners]
        inside = [p for p in places if p.left >= LEFT + 2 and p.right <= RIGHT]
        free = [
            place
            for place in inside
            if not any(place.overlaps(*box) for box in obstacles)
            and not any(place.overlaps(o.left, o.top, o.right, o.bottom) for o in placed)
        ]
        placed.append((free or inside or places)[0])
    return placed


def render_cases(t: Translate) -> str:
    """Return the cases as a row of choices, each with a sentence and its cards, as HTML."""
    return render(
        "hardware/cases.html",
        t=t,
        cases=[_describe_case(key, names, t) for key, names in CASES.items()],
    )


def _describe_case(key: str, names: tuple[str, ...], t: Translate) -> dict[str, object]:
    cards = [decode_gpu(name) for name in names]
    return {
        "key": key,
        "cards": [_describe_card(card, t) for card in cards],
        "most_gb": max(max(card.vram_gib, default=1) for card in cards),
        "most_tflops": max(*(card.fp32_tflops or 0 for card in cards), 1),
    }


def _describe_card(card: GpuName, t: Translate) -> dict[str, object]:
    facts = [card.architecture or t("hardware.unknown"), str(card.year or "")]
    if card.compute_capability:
        facts.append(f"{t('hardware.compute_capability')} {card.compute_capability}")
    return {
        "query": card.query,
        "short": short_name(card),
        "facts": " · ".join(fact for fact in facts if fact),
        "vram_gb": max(card.vram_gib, default=None),
        "fp32_tflops": card.fp32_tflops,
    }


def short_name(card: GpuName) -> str:
    """Return a card's name without the brand that all of them share."""
    return (card.name or card.query).removeprefix("GeForce ")


def _list_dots(cards: list[GpuName] | tuple[GpuName, ...]) -> list[tuple[str, float, float]]:
    """List the name and the place in px of every card with known memory and compute."""
    return [
        (short_name(card), *_to_px(card.vram_gib[0], card.fp32_tflops))
        for card in cards
        if card.vram_gib and card.fp32_tflops
    ]


def _to_px(vram_gb: float, fp32_tflops: float) -> tuple[float, float]:
    def share(value: float, low: float, high: float) -> float:
        return math.log(value / low) / math.log(high / low)

    x = LEFT + share(vram_gb, *VRAM_RANGE_GB) * (RIGHT - LEFT)
    y = BOTTOM - share(fp32_tflops, *FP32_RANGE_TFLOPS) * (BOTTOM - TOP)
    return round(x, 1), round(y, 1)
