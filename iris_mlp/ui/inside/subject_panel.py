"""Which flower and which network the tab looks into, and the links to its panels."""

from html import escape

import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.inside.walkthrough import Walkthrough
from iris_mlp.strings import Translate

PANELS = ("calling", "path", "walk", "placement", "relu", "step")

# Gradio's page has a base address, so that a bare "#panel" would load the page anew.
GO_TO_PANEL = """
element.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  const panel = link && document.getElementById(link.hash.slice(1));
  if (!panel) return;
  event.preventDefault();
  panel.scrollIntoView();
  panel.tabIndex = -1;
  panel.focus({ preventScroll: true });
});
"""


def render_subject(walk: Walkthrough, checkpoint: Checkpoint, t: Translate) -> str:
    """Return which flower and network the tab looks into, and links to its panels."""
    lengths = "".join(
        f"<div><dt>{escape(t(f'common.{name}'))}</dt><dd>{length:.1f} cm</dd></div>"
        for name, length in zip(FEATURE_NAMES, walk.lengths_cm)
    )
    network = f"4 → {checkpoint.hidden:,} → {len(CLASS_NAMES)}"
    links = "".join(
        f'<a href="#inside-{name}">{escape(t(f"inside.link_{name}"))}</a>' for name in PANELS
    )
    return (
        f'<nav class="inside-links" aria-label="{escape(t("inside.panels"))}">{links}</nav>'
        f'<div class="inside-subject"><p>{escape(t("inside.subject"))}</p><dl>{lengths}'
        f"<div><dt>{escape(t('inside.network'))}</dt><dd>{network}</dd></div>"
        f"<div><dt>PyTorch</dt><dd>{escape(torch.__version__)}</dd></div></dl></div>"
    )
