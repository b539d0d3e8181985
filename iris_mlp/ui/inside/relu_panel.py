"""ReLU in three spellings over the same numbers."""

from html import escape

from iris_mlp.inside.relu import ReluComparison
from iris_mlp.strings import Translate
from iris_mlp.ui.components.code_block import render_code, render_folded, render_run
from iris_mlp.ui.inside.walkthrough_panel import format_number


def render_relu(comparison: ReluComparison, t: Translate) -> str:
    """Return the three forms as rows over the same numbers, and when each is used."""
    cells = "".join(f"<td>{escape(format_number(value))}</td>" for value in comparison.before)
    rows = [f'<tr class="before"><th scope="row"><code>z</code></th>{cells}</tr>']
    uses, sources = [], []
    for form in comparison.forms:
        name = escape(form.form).replace(".", ".<wbr>")
        cells = "".join(
            f'<td class="{"on" if value else "off"}">{escape(format_number(value))}</td>'
            for value in form.values
        )
        rows.append(f'<tr><th scope="row"><code>{name}</code></th>{cells}</tr>')
        use = escape(t(f"inside.use_{form.form}"))
        uses.append(f"<dt><code>{escape(form.form)}</code></dt><dd>{use}</dd>")
        if form.source:
            sources.append(render_code(form.source, form.form))
    verdict = t("inside.relu_equal" if comparison.are_equal else "inside.relu_differ")
    label = escape(t("inside.relu_table"))
    return (
        f'<p class="inside-verdict">{escape(verdict)}</p>'
        f'<div class="inside-table" tabindex="0" role="group" aria-label="{label}">'
        f'<table class="relu">{"".join(rows)}</table></div>'
        f'<dl class="inside-uses">{"".join(uses)}</dl>'
        f"{render_run(comparison.snippet, t('inside.code_that_ran'), t)}"
        f"{render_folded(t('inside.source_relu'), ''.join(sources))}"
    )
