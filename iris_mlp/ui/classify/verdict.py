"""The answer in words and bars: the species, the three confidences, and how far to trust them."""

from collections.abc import Sequence
from html import escape

from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES, FEATURE_RANGES_CM
from iris_mlp.inference import Prediction, list_extrapolated
from iris_mlp.strings import Translate
from iris_mlp.ui.components.species import color_of, format_percent, full_name, render_name


def render_verdict(lengths_cm: Sequence[float], prediction: Prediction, t: Translate) -> str:
    """Return the predicted species, a bar for each confidence, and a note on extrapolation.

    Args:
        lengths_cm: The four lengths of the visitor's flower.
        prediction: What the network makes of it, one row.
        t: Translator of the visitor's language.
    """
    species = int(prediction.classes[0])
    name, latin = full_name(species, t), f"Iris {CLASS_NAMES[species]}"
    # Where the language has a name of its own, Latin stands beside it.
    names = f"<b>{escape(name)}</b>" + (f" <i>{latin}</i>" if name != latin else "")
    bars = "".join(
        f'<li><span class="bar-name">{render_name(k, t)}</span>'
        f'<span class="bar" style="--share:{p:.4f};--bar:{color_of(k)}"></span>'
        f'<span class="bar-percent">{escape(format_percent(p))}</span></li>'
        for k, p in enumerate(prediction.probabilities[0].tolist())
    )
    return (
        f'<div class="verdict" style="--flower:{color_of(species)}">'
        f'<p class="verdict-lead">{escape(t("classify.verdict_lead"))}</p>'
        f'<p class="verdict-species">{names}</p>'
        f'<ul class="bars" aria-live="off" aria-label="{escape(t("classify.confidences"))}">'
        f"{bars}</ul>"
        f"{_render_range(lengths_cm, t)}</div>"
    )


def _render_range(lengths_cm: Sequence[float], t: Translate) -> str:
    outside = set(list_extrapolated(lengths_cm))
    if not outside:
        return f'<p class="range">{escape(t("classify.inside"))}</p>'
    lengths = t("classify.separator").join(
        t(
            "classify.extrapolated_length",
            name=t(f"common.{name}"),
            length=f"{length:.1f}",
            low=low,
            high=high,
        )
        for name, length, (low, high) in zip(FEATURE_NAMES, lengths_cm, FEATURE_RANGES_CM)
        if name in outside
    )
    text = t("classify.extrapolated", lengths=lengths)
    return f'<p class="range extrapolated">{escape(text)}</p>'
