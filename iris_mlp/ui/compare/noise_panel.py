"""The noise of the gradient at each batch size: the law as a line, samples as points on it."""

import math
from functools import lru_cache
from html import escape

import gradio as gr

from iris_mlp.compare.noise import GradientNoise, compute_noise, measure_noise, train_to
from iris_mlp.config import TRAIN_ROWS, TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.ui.compare.experiment import Plot, Scale, format_digits, render_card
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator

SAMPLES = 2_000

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# The law falls to zero at the full batch, which a logarithmic axis cannot show: this is its floor.
_NOISE_FLOOR, _NOISE_TOP = 1e-6, 100.0


@user_errors
def show_noise(epoch: int, request: gr.Request) -> str:
    """Return the card of the noise at an epoch of the lesson run."""
    return render_noise(sample_noise(epoch), epoch, request_translator(request))


@lru_cache(maxsize=256)
def sample_noise(epoch: int) -> GradientNoise:
    """Measure the noise at an epoch of the lesson run, whose weights are the same each time."""
    fused = TrainConfig(device="cpu", engine="fused")
    return measure_noise(train_to(fused, epoch), samples=SAMPLES)


def render_noise(noise: GradientNoise | None, epoch: int, t: Translate) -> str:
    """Return the card of the noise as HTML; None before the first time."""
    # The axes are the same at every epoch, so that the line is seen to move.
    plot = Plot(Scale(0.85, 150, is_log=True), Scale(_NOISE_FLOOR, _NOISE_TOP, is_log=True))
    drawn = ""
    conclusion = t("compare.noise_nothing") if noise is None else write_noise(noise, epoch, t)
    if noise is not None:
        sizes = range(1, TRAIN_ROWS + 1)
        law = [(size, compute_noise(noise.trace, TRAIN_ROWS, size)) for size in sizes]
        drawn += f'<path class="law" d="{plot.trace(law)}"/>'
        _, signal = plot.place(1, noise.squared_norm)
        drawn += (
            f'<path class="floor" d="M{plot.left} {signal}H{plot.width - plot.right}"/>'
            f'<text class="halo" x="{plot.left + 6}" y="{signal - 5}">'
            f"{escape(t('compare.signal'))}</text>"
        )
        for point in noise.points:
            x, y = plot.place(point.batch_size, point.sampled)
            reach = 3 * point.standard_error
            _, low = plot.place(point.batch_size, point.sampled - reach)
            _, high = plot.place(point.batch_size, point.sampled + reach)
            drawn += (
                f'<path class="error" d="M{x} {low}V{high}M{x - 3} {low}h6M{x - 3} {high}h6"/>'
                f'<circle class="dot{"" if point.agrees else " off"}" cx="{x}" cy="{y}" r="3.5"/>'
            )
        x, y = plot.place(TRAIN_ROWS, 0)
        drawn += f'<text class="end strong halo" x="{x - 8}" y="{y - 6}">0</text>'
    said = t("compare.list_separator").join(
        t(
            "compare.noise_point_alt",
            size=p.batch_size,
            sampled=f"{p.sampled:.2g}",
            exact=f"{p.exact:.2g}",
        )
        for p in (noise.points if noise else ())
    )
    svg = plot.draw(
        drawn,
        t("compare.noise_alt", epoch=f"{epoch:,}", points=said or t("compare.no_points")),
        (t("compare.batch_axis"), t("compare.noise_axis")),
        (lambda size: f"{size:g}", _show_power),
        (1, 2, 4, 8, 16, 32, 64, 120),
    )
    return render_card(
        f'<figure class="exp-plot noise">{svg}</figure>', conclusion, t("compare.noise_note")
    )


def write_noise(noise: GradientNoise, epoch: int, t: Translate) -> str:
    """Return the sentence of the noise as plain text, from its numbers alone."""
    if not (noise.trace or noise.squared_norm):
        return t("compare.noise_zero", epoch=f"{epoch:,}")
    agreeing = sum(point.agrees for point in noise.points)
    values = {
        "epoch": f"{epoch:,}",
        "agreeing": agreeing,
        "sizes": len(noise.points),
        "ratio": format_digits(noise.trace / noise.squared_norm) if noise.squared_norm else "∞",
        # Where the law equals the squared gradient: tr S / B (N - B) / (N - 1) = |g|^2.
        "even": round(
            noise.trace * TRAIN_ROWS / (noise.squared_norm * (TRAIN_ROWS - 1) + noise.trace)
        ),
    }
    size = "noisy" if noise.trace > noise.squared_norm else "calm"
    law = "holds" if agreeing == len(noise.points) else "differs"
    return t(f"compare.noise_{size}", **values, law=t(f"compare.law_{law}", **values))


def _show_power(value: float) -> str:
    digits = str(round(math.log10(value))).translate(_SUPERSCRIPTS)
    return f"{value:g}" if value >= 0.01 else f"10{digits}"
