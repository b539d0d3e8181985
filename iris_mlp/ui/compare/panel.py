"""What every experiment of the tab has: words on the left, pictures on the right."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import gradio as gr
from gradio.events import Dependency

from iris_mlp.lent_gpu import is_lent
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.run_button import RunButtons


@dataclass(frozen=True)
class Panel:
    """An experiment of the tab.

    Attributes:
        show_first: Returns what each picture shows before anything is measured.
        pictures: Its pictures.
        buttons: Start and Stop; None where it is computed at every touch.
        ended: The end of a run.
    """

    show_first: Callable[[Translate], dict[gr.HTML, str]]
    pictures: Sequence[gr.HTML]
    buttons: RunButtons | None = None
    ended: Dependency | None = None


@contextmanager
def experiment(name: str, views: Sequence[str]) -> Generator[tuple[gr.Column, list[gr.HTML]]]:
    """Lay out a panel and yield the column of its words, to be filled, and its pictures.

    Args:
        name: Of the panel, in the catalogue and in the page.
        views: Names of the pictures.
    """
    with gr.Row(elem_classes="exp-panel foldable", elem_id=f"exp-{name}"):
        with gr.Column(scale=2, min_width=260, elem_classes="exp-words") as words:
            build_prose(f"compare.{name}_text", script=mount("panels"))
        with gr.Column(scale=5, min_width=280, elem_classes="exp-views"):
            pictures = [
                gr.HTML(elem_id=f"{view}-view", js_on_load=mount("plot"), apply_default_css=False)
                for view in views
            ]
        yield words, pictures


_kept: dict[str, tuple[Any, date]] = {}


def keep(name: str, measured: Any, devices: Sequence[str]) -> None:
    """Keep what came out with a lent GPU, so that later visitors see it without lending one.

    Args:
        name: Of the panel, which keeps its last.
        measured: What was measured; nothing of the visitor who did.
        devices: Where.
    """
    if is_lent(devices):
        _kept[name] = measured, datetime.now(UTC).date()


def recall(name: str, nothing: Any) -> tuple[Any, date | None]:
    """Return what was kept and its day, or `nothing` and None."""
    return _kept.get(name, (nothing, None))


def date_note(note: str, measured_on: date | None, t: Translate) -> str:
    """Return a card's note after the day of what was kept."""
    kept = measured_on and t("compare.kept", date=measured_on.isoformat())
    return t("compare.sentence_gap").join(filter(None, [kept, note]))
