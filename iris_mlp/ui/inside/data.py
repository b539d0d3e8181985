"""The data's way into the network: what each step does, and what goes wrong without it."""

from iris_mlp.inside.data_path import run_data_path
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import render_run
from iris_mlp.ui.inside.flower import Panel, Values, add_html, panel
from iris_mlp.ui.templates import render


def build() -> Panel:
    """Lay out the panel, which is the same for every flower."""
    with panel("data"):
        view = add_html("data")

    def show(_: Values, t: Translate) -> Values:
        parts = [
            (t(f"inside.data_{key}"), render_run(snippet, t(f"inside.title_{key}"), t))
            for key, snippet in run_data_path().items()
        ]
        return {view: render("data.html", parts=parts)}

    return Panel(show, set(), {view})
