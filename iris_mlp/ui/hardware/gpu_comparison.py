"""GPUs side by side: the lesson's five cards as a table and a plot, and names that mislead."""

import math
from dataclasses import dataclass
from html import escape

from iris_mlp.hardware import GpuName, compare_lesson_cards, decode_gpu, list_gpus
from iris_mlp.strings import Translate
from iris_mlp.ui.hardware.name_anatomy import join_sizes

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


def render_comparison(t: Translate) -> str:
    """Return the table and the plot of the lesson's cards as HTML."""
    cards = compare_lesson_cards()
    return f'<div class="hw-compare">{_render_table(cards, t)}{draw_plot(cards, t)}</div>'


def _render_table(cards: tuple[GpuName, ...], t: Translate) -> str:
    """Return the table; its headings are buttons to sort by."""
    heads = "".join(
        f'<th scope="col" aria-sort="none"><button type="button" data-column="{number}">'
        f"{escape(t(f'hardware.column_{column}'))}</button></th>"
        for number, column in enumerate(COLUMNS)
    )
    rows = "".join(_render_row(card, cards, t) for card in cards)
    return (
        f'<table class="hw-table"><caption>{escape(t("hardware.compare_lead"))}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _render_row(card: GpuName, cards: tuple[GpuName, ...], t: Translate) -> str:
    most_gb = max(max(other.vram_gib) for other in cards)
    most_tflops = max(other.fp32_tflops or 0 for other in cards)
    vram = join_sizes(card.vram_gib, t)
    cells = (
        (card.name, short_name(card), None),
        (card.architecture, card.architecture, None),
        (card.year, card.year, None),
        (max(card.vram_gib, default=None), vram, max(card.vram_gib, default=0) / most_gb),
        (card.fp32_tflops, card.fp32_tflops, (card.fp32_tflops or 0) / most_tflops),
        (card.compute_capability, card.compute_capability, None),
    )
    columns = ""
    for number, (column, (order, text, share)) in enumerate(zip(COLUMNS, cells)):
        shown = t("hardware.unknown") if text in (None, "") else str(text)
        label = escape(t(f"hardware.column_{column}"))
        bar = f' class="share" style="--share:{share:.3f}"' if share is not None else ""
        tag = 'th scope="row"' if number == 0 else "td"
        columns += (
            f'<{tag} data-order="{escape(str(order))}" data-label="{label}"{bar}>'
            f"<span>{escape(shown)}</span></{tag.split()[0]}>"
        )
    return f"<tr>{columns}</tr>"


def draw_plot(cards: tuple[GpuName, ...], t: Translate) -> str:
    """Draw VRAM against compute on logarithmic axes, with the other desktop cards behind."""
    names = {card.name for card in cards}
    others = [
        card
        for card in list_gpus()
        if card.line == "geforce" and card.laptop is not True and card.name not in names
    ]
    pale = "".join(
        f'<circle class="other" cx="{x:.1f}" cy="{y:.1f}" r="3.2"><title>{escape(name)}</title>'
        "</circle>"
        for name, x, y in _list_dots(others)
        if LEFT <= x <= RIGHT and TOP <= y <= BOTTOM
    )
    dots = ""
    for label in place_labels(_list_dots(list(cards))):
        dots += (
            f'<circle class="dot" cx="{label.x:.1f}" cy="{label.y:.1f}" r="{_DOT_PX}"/>'
            f'<text class="card middle" x="{(label.left + label.right) / 2:.1f}" '
            f'y="{label.bottom - 4:.1f}">'
            f"{escape(label.text)}</text>"
        )
    said = t("hardware.list_separator").join(
        t(
            "hardware.plot_card",
            name=short_name(card),
            vram=card.vram_gib[0] if card.vram_gib else t("hardware.unknown"),
            fp32=card.fp32_tflops or t("hardware.unknown"),
        )
        for card in cards
    )
    return (
        f'<figure class="hw-plot"><svg role="img" viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" '
        f'aria-label="{escape(t("hardware.plot_alt", cards=said))}">{_draw_axes(t)}{pale}{dots}'
        f"</svg><figcaption>{escape(t('hardware.plot_caption'))}</figcaption></figure>"
    )


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
    choices, panels = "", ""
    for number, (case, names) in enumerate(CASES.items()):
        checked = " checked" if number == 0 else ""
        choices += (
            f'<label><input type="radio" name="hw-case" value="{case}"{checked}>'
            f"<span>{escape(t(f'hardware.case_{case}'))}</span></label>"
        )
        cards = [decode_gpu(name) for name in names]
        panels += (
            f'<div class="panel" data-case="{case}"><p>{escape(t(f"hardware.case_{case}_text"))}'
            f"</p>{_render_case_cards(cards, t)}</div>"
        )
    return (
        f'<div class="hw-cases"><div class="choices" role="radiogroup" '
        f'aria-label="{escape(t("hardware.cases"))}">{choices}</div>'
        f'<div class="panels" aria-live="polite">{panels}</div></div>'
    )


def _render_case_cards(cards: list[GpuName], t: Translate) -> str:
    most_gb = max(max(card.vram_gib, default=1) for card in cards)
    most_tflops = max(max(card.fp32_tflops or 0 for card in cards), 1)
    html = ""
    for card in cards:
        vram = max(card.vram_gib, default=None)
        bars = _render_bar(t("hardware.vram"), vram, most_gb, "GB", t)
        bars += _render_bar(t("hardware.fp32"), card.fp32_tflops, most_tflops, "TFLOPS", t)
        facts = [card.architecture or t("hardware.unknown"), str(card.year or "")]
        if card.compute_capability:
            facts.append(f"{t('hardware.compute_capability')} {card.compute_capability}")
        html += (
            f'<div class="case-card"><button type="button" data-name="{escape(card.query)}">'
            f"{escape(short_name(card))}</button>"
            f"<p>{escape(' · '.join(fact for fact in facts if fact))}</p>{bars}</div>"
        )
    return f'<div class="case-cards">{html}</div>'


def _render_bar(label: str, value: float | None, most: float, unit: str, t: Translate) -> str:
    text = t("hardware.unknown") if value is None else f"{value:g} {unit}"
    return (
        f'<div class="case-bar"><span>{escape(label)}</span><i style="--share:'
        f'{(value or 0) / most:.3f}"></i><b>{escape(text)}</b></div>'
    )


def short_name(card: GpuName) -> str:
    """Return a card's name without the brand that all of them share."""
    return (card.name or card.query).removeprefix("GeForce ")


def _list_dots(cards: list[GpuName]) -> list[tuple[str, float, float]]:
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
    return x, BOTTOM - share(fp32_tflops, *FP32_RANGE_TFLOPS) * (BOTTOM - TOP)


def _draw_axes(t: Translate) -> str:
    lines, texts = "", ""
    for gb in VRAM_TICKS_GB:
        x, _ = _to_px(gb, FP32_RANGE_TFLOPS[0])
        lines += f"M{x:.1f} {TOP}V{BOTTOM}"
        texts += f'<text class="middle" x="{x:.1f}" y="{BOTTOM + 17}">{gb}</text>'
    for tflops in FP32_TICKS_TFLOPS:
        _, y = _to_px(VRAM_RANGE_GB[0], tflops)
        lines += f"M{LEFT} {y:.1f}H{RIGHT}"
        texts += f'<text class="end" x="{LEFT - 6}" y="{y + 4:.1f}">{tflops}</text>'
    middle_x, middle_y = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2
    return (
        f'<path class="grid" d="{lines}"/>'
        f'<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>{texts}'
        f'<text class="middle" x="{middle_x}" y="{HEIGHT_PX - 8}">'
        f"{escape(t('hardware.plot_x'))}</text>"
        f'<text class="middle" transform="translate(13 {middle_y}) rotate(-90)">'
        f"{escape(t('hardware.plot_y'))}</text>"
    )
