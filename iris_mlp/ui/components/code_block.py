"""Code on the page: highlighted, with what it printed and what it raised below it."""

import textwrap

from markupsafe import Markup
from pygments import highlight as write_html
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from iris_mlp.inside.snippet import Snippet
from iris_mlp.strings import Translate
from iris_mlp.ui.templates import render

# Lines at both ends count: an error names one.
_LEXER, _FORMATTER = PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)


def render_code(code: str, caption: str) -> Markup:
    """Return Python code as HTML, escaped; a long line scrolls within its block.

    Args:
        code: Complete statements; an indentation that all lines share is dropped.
        caption: What it is, as plain text.
    """
    lines = highlight(textwrap.dedent(code))
    return render("code.html", caption=caption, lines=lines, output=(), error=None)


def render_run(snippet: Snippet, caption: str, t: Translate) -> Markup:
    """Return code that ran, with its output and its error, as HTML."""
    return render(
        "code.html",
        t=t,
        caption=caption,
        lines=highlight(snippet.code),
        output=snippet.output,
        error=snippet.error,
    )


def highlight(code: str) -> list[Markup]:
    """Return each line of Python code as HTML, its tokens marked by Pygments' short classes."""
    return [Markup(line) for line in write_html(code, _LEXER, _FORMATTER).rstrip("\n").split("\n")]


def shorten_numbers(values: list[float]) -> list[float]:
    """Shorten numbers that become part of the code that is shown and run."""
    return [round(value, 4) for value in values]
