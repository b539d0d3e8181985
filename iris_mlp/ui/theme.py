"""The look of the page: colours, type and Gradio's theme variables."""

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

_VIOLET = colors.Color(
    c50="#f5f2fb",
    c100="#e9e3f6",
    c200="#d4c8ec",
    c300="#b7a3de",
    c400="#9478cb",
    c500="#7653b6",
    c600="#5f3f9e",
    c700="#4d3382",
    c800="#3b2864",
    c900="#2a1d47",
    c950="#1a122e",
)
_STONE = colors.Color(
    c50="#faf8f4",
    c100="#f2eee7",
    c200="#e4ded3",
    c300="#cbc3b6",
    c400="#a39b90",
    c500="#7a736b",
    c600="#5b554f",
    c700="#413c3a",
    c800="#262229",
    c900="#1b181f",
    c950="#131117",
)


def build_theme() -> Base:
    """Return the theme; it names no font that a browser would have to fetch."""
    return Base(
        primary_hue=_VIOLET,
        secondary_hue=_VIOLET,
        neutral_hue=_STONE,
        radius_size=sizes.radius_md,
        font=(
            "system-ui",
            "-apple-system",
            "Segoe UI",
            "PingFang SC",
            "Noto Sans SC",
            "sans-serif",
        ),
        font_mono=("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"),
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_border_width="1px",
        block_radius="10px",
        container_radius="10px",
        block_shadow="none",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_400",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_950",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_100",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
