"""Code on the page: highlighted, with what it printed and what it raised below it."""

import io
import keyword
import textwrap
import tokenize
from html import escape

from iris_mlp.inside.snippet import Snippet
from iris_mlp.strings import Translate


def render_code(code: str, caption: str, marked_line: int | None = None) -> str:
    """Return Python code as HTML, escaped; a long line scrolls within its block.

    Args:
        code: Complete statements; an indentation that all lines share is dropped.
        caption: What it is, as plain text.
        marked_line: The line that raised an error, counted from 1.
    """
    return f'<figure class="code-block">{_render_listing(code, caption, marked_line)}</figure>'


def render_run(snippet: Snippet, caption: str, t: Translate) -> str:
    """Return code that ran, with its output and its error, as HTML."""
    error = snippet.error
    parts = [_render_listing(snippet.code, caption, error.line if error else None)]
    if snippet.output:
        printed = escape("\n".join(snippet.output))
        label = escape(t("inside.prints"))
        parts.append(f'<div class="printed"><span>{label}</span><samp>{printed}</samp></div>')
    if error:
        label = escape(t("inside.raises", line=error.line))
        parts.append(
            f'<div class="printed raised"><span>{label}</span>'
            f"<samp>{escape(error.type_name)}: {escape(error.message)}</samp></div>"
        )
    return f'<figure class="code-block">{"".join(parts)}</figure>'


def render_folded(title: str, body: str, opened: bool = False) -> str:
    """Return HTML that the visitor unfolds; `body` is HTML already."""
    return (
        f'<details class="inside-fold"{" open" if opened else ""}>'
        f"<summary>{escape(title)}</summary>{body}</details>"
    )


def render_pair(left: str, right: str) -> str:
    """Return two pieces of HTML beside each other, or below where the page is narrow."""
    return f'<div class="inside-pair">{left}{right}</div>'


def shorten_numbers(values: list[float]) -> list[float]:
    """Shorten numbers that become part of the code that is shown and run."""
    return [round(value, 4) for value in values]


def highlight(code: str) -> list[str]:
    """Return each line of Python code as HTML, its tokens marked by class."""
    starts = [0]
    for line in code.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    parts, at, before = [], 0, ""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = _classify(token, before)
        before = token.string
        if kind is None:
            continue
        start, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        parts.append(escape(code[at:start]))
        # A string over several lines is marked line by line, so that lines can be told apart.
        parts.append(
            "\n".join(
                f'<span class="{kind}">{escape(line)}</span>'
                for line in code[max(at, start) : end].split("\n")
            )
        )
        at = end
    return ("".join(parts) + escape(code[at:])).rstrip("\n").split("\n")


def _classify(token: tokenize.TokenInfo, before: str) -> str | None:
    if token.type == tokenize.NAME:
        if keyword.iskeyword(token.string):
            return "keyword"
        return "defined" if before in ("def", "class") else None
    if token.type == tokenize.COMMENT:
        return "comment"
    if token.type == tokenize.NUMBER:
        return "number"
    # From Python 3.12 on an f-string comes in parts.
    name = tokenize.tok_name[token.type]
    return "string" if name == "STRING" or name.startswith("FSTRING") else None


def _render_listing(code: str, caption: str, marked_line: int | None) -> str:
    lines = "\n".join(
        f"<mark>{line}</mark>" if number == marked_line else line
        for number, line in enumerate(highlight(textwrap.dedent(code)), start=1)
    )
    # What scrolls must be within reach of the keyboard.
    return (
        f"<figcaption>{escape(caption)}</figcaption>"
        f'<pre tabindex="0" role="group" aria-label="{escape(caption)}"><code>{lines}</code></pre>'
    )
