"""A thousand flowers: the same settings from many seeds, and how much of a result is luck."""

import math
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import numpy as np

from iris_mlp.config import OPTIMIZER_NAMES, TEST_ROWS, TrainConfig
from iris_mlp.strings import Translate
from iris_mlp.sweep.run import LaneResult
from iris_mlp.sweep.settings import SweepConfig
from iris_mlp.ui.assets import mount
from iris_mlp.ui.explore.live_panel import settings_of

SEEDS = 1_000

_TEMPLATE = """
<div class="luck">
  <div class="luck-plots">
    <figure><figcaption></figcaption>
      <svg class="luck-losses" width="100%" height="250" role="img"></svg>
      <p class="luck-readout"></p></figure>
    <figure><figcaption></figcaption>
      <svg class="luck-rights" width="100%" height="250" role="img"></svg></figure>
  </div>
  <div class="landscape-progress"><i></i></div>
  <p class="luck-conclusion" role="status" aria-live="polite"></p>
  <div class="luck-picks"></div>
</div>
"""


@dataclass
class Sample:
    """The trainings of many seeds so far.

    Attributes:
        base: The settings, with the visitor's own seed.
        results: What each seed came to; a run that diverged counts, without a loss.
    """

    base: TrainConfig
    results: dict[int, LaneResult] = field(default_factory=dict)

    def make_sweep(self) -> SweepConfig:
        """Return the sweep: the seeds from 0 on, and the visitor's own where it is beyond them."""
        base, seeds = self.base, range(SEEDS)
        return SweepConfig(
            optimizer=(base.optimizer,),
            lr=(base.lr,),
            hidden=(base.hidden,),
            epochs=(base.epochs,),
            seeds=seeds if base.seed in seeds else (base.seed, *range(SEEDS - 1)),
        )

    def add(self, result: LaneResult) -> None:
        """Keep what one seed came to."""
        self.results[result.config.seed] = result

    @property
    def done(self) -> int:
        """Trainings done."""
        return len(self.results)

    def list_losses(self) -> dict[int, float]:
        """Return the final losses by seed, without those of runs that diverged."""
        return {
            seed: result.final_loss
            for seed, result in self.results.items()
            if result.outcome == "completed" and result.final_loss is not None
        }


def build_luck(**kwargs: Any) -> gr.HTML:
    """Build the two distributions; the value is what `describe_sample` returns.

    A seed that is chosen sends the event `choose` with `settings`, the five of the controls.
    """
    # A function, since Gradio writes a stub file beside every class that derives from its own.
    return gr.HTML(
        html_template=_TEMPLATE,
        js_on_load=mount("luck", "choose"),
        apply_default_css=False,
        **kwargs,
    )


def describe_sample(sample: Sample, note: str, running: bool, t: Translate) -> dict[str, Any]:
    """Return the value of the two distributions.

    Returns:
        `runs`, a list of `[seed, final loss, test flowers that are right]`, the last two None
        where a run diverged; `picks`,
        `[words, seed]` of the seeds worth a look; `base`, `note`, `progress` and `words`.
    """
    losses = sample.list_losses()
    ranked = sorted(losses, key=lambda seed: losses[seed])
    named = [("lucky", 0), ("middle", len(ranked) // 2), ("unlucky", -1)] if ranked else []
    return {
        "runs": [
            [seed, _round(losses.get(seed)), _count_right(result)]
            for seed, result in sample.results.items()
        ],
        "picks": [
            [t(f"explore.{name}", seed=ranked[i], loss=f"{losses[ranked[i]]:.4f}"), ranked[i]]
            for name, i in (named if not running else [])
        ],
        "base": settings_of(sample.base),
        "running": running,
        "progress": sample.done / SEEDS,
        "note": note,
        "words": {
            "losses": t("explore.losses"),
            "rights": t("explore.rights"),
            "yours": t("explore.yours"),
            "empty": t("explore.luck_empty"),
            "run": t("explore.luck_run"),
            "losses_alt": _describe_losses(sample, t),
            "rights_alt": _describe_rights(sample, t),
            "hint": t("explore.luck_hint") if losses else "",
            "settings": t(
                "explore.luck_settings",
                optimizer=OPTIMIZER_NAMES[sample.base.optimizer],
                lr=f"{sample.base.lr:g}",
                epochs=f"{sample.base.epochs:,}",
                hidden=sample.base.hidden,
            ),
        },
    }


def conclude_sample(sample: Sample, t: Translate) -> str:
    """Return, from the numbers, how much the seed decides."""
    losses = sample.list_losses()
    if len(losses) < 2:
        return t("explore.luck_none")
    low, high = np.percentile(list(losses.values()), (5, 95))
    right_low, right_high = np.percentile(_list_rights(sample), (5, 95), method="nearest")
    # A loss that is a factor e apart counts as far as three flowers of the thirty.
    spread = max(math.log(high / low) if low > 0 else 0.0, (right_high - right_low) / 3)
    share = "little" if spread < 0.25 else "some" if spread < 0.8 else "much"
    sentence = t(
        "explore.luck_done",
        runs=f"{sample.done:,}",
        low=f"{low:.4f}",
        high=f"{high:.4f}",
        flowers=_show_range(int(right_low), int(right_high)),
    )
    if (own := losses.get(sample.base.seed)) is not None:
        worse = sum(loss > own for loss in losses.values()) / (len(losses) - 1)
        sentence += t("explore.luck_own", seed=sample.base.seed, share=f"{worse:.0%}")
    return sentence + t(f"explore.luck_{share}")


def _describe_losses(sample: Sample, t: Translate) -> str:
    losses = list(sample.list_losses().values())
    if not losses:
        return t("explore.luck_empty")
    low, middle, high = np.percentile(losses, (0, 50, 100))
    return t(
        "explore.losses_alt",
        runs=f"{len(losses):,}",
        low=f"{low:.4f}",
        middle=f"{middle:.4f}",
        high=f"{high:.4f}",
    )


def _describe_rights(sample: Sample, t: Translate) -> str:
    rights = _list_rights(sample)
    if not rights:
        return t("explore.luck_empty")
    counts = "; ".join(f"{right}/30: {rights.count(right):,}" for right in sorted(set(rights)))
    return t("explore.rights_alt", counts=counts)


def _show_range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}–{high}"


def _list_rights(sample: Sample) -> list[int]:
    counts = map(_count_right, sample.results.values())
    return [count for count in counts if count is not None]


def _count_right(result: LaneResult) -> int | None:
    return None if result.test_accuracy is None else round(result.test_accuracy * TEST_ROWS)


def _round(loss: float | None) -> float | None:
    return None if loss is None else float(f"{loss:.5g}")
