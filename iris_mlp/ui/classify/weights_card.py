"""Which weights are in use: their metrics and settings, as a card."""

import math

from jinja2 import Environment

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import OPTIMIZER_NAMES
from iris_mlp.strings import Translate

_CARD = Environment(autoescape=True).from_string(
    """\
<section class="weights-card" aria-label="{{ label }}"><p>{{ title }}</p><dl>
{%- for name, text in figures %}<div><dt>{{ name }}</dt><dd>{{ text }}</dd></div>{% endfor -%}
</dl></section>"""
)


def render_weights_card(source: str, checkpoint: Checkpoint, t: Translate) -> str:
    """Return the card; what a file says of itself is shown as text, whatever it holds.

    Args:
        source: `shipped`, `last_run`, `shared`, `uploaded` or `pulled`.
        checkpoint: The weights in use.
        t: Translator of the visitor's language.
    """
    settings, metrics = checkpoint.settings, checkpoint.metrics
    unknown = t("common.unknown")
    figures = (
        (t("train.final_loss"), _show(metrics.get("final_loss"), ".4f", unknown)),
        (t("train.test_accuracy"), _show(metrics.get("test_accuracy"), ".1%", unknown)),
        (t("train.hidden"), f"{checkpoint.hidden:,}"),
        (t("train.epochs"), _show_epochs(checkpoint, t)),
        (t("train.engine"), _show(settings.get("engine"), "", unknown)),
        (t("train.optimizer"), _show_optimizer(settings.get("optimizer"), unknown)),
        (t("train.lr"), _show(settings.get("lr"), "g", unknown)),
        (t("train.seed"), _show(settings.get("seed"), "d", unknown)),
    )
    return _CARD.render(
        label=t("classify.card_alt"), title=t(f"classify.card_{source}"), figures=figures
    )


def _show_optimizer(name: object, unknown: str) -> str:
    return OPTIMIZER_NAMES.get(str(name)) or _show(name, "", unknown)


def _show_epochs(checkpoint: Checkpoint, t: Translate) -> str:
    unknown = t("common.unknown")
    epochs = _show(checkpoint.settings.get("epochs"), ",d", unknown)
    done = _show(checkpoint.metrics.get("epochs_done"), ",d", unknown)
    if done in (epochs, unknown):
        return epochs
    return t("classify.epochs_of", done=done, epochs=epochs)


def _show(value: object, spec: str, unknown: str) -> str:
    """Return a JSON value as short text: numbers by their format, the rest as it stands."""
    if value is None:
        return unknown
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)[:24]
    # A float cannot hold every integer that JSON can.
    if abs(value) > 1e15 or not math.isfinite(value):
        return unknown
    return f"{int(value) if spec.endswith('d') else value:{spec}}"
