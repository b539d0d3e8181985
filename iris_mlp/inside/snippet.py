"""Code that is shown is code that ran: execute a text and keep what it printed and raised."""

from dataclasses import dataclass
from typing import Any

FILE_NAME = "<shown code>"
"""File name of such code in a traceback or a trace."""


@dataclass(frozen=True)
class RaisedError:
    """An error as Python raised it.

    Attributes:
        type_name: Its class.
        message: Its text, unchanged.
        line: Line of the shown code that raised it, counted from 1.
    """

    type_name: str
    message: str
    line: int


@dataclass(frozen=True)
class Snippet:
    """A text that was executed.

    Attributes:
        code: The text.
        output: What it printed, a line each.
        error: What it raised; None when it ran to its end.
        names: The names that it assigned.
    """

    code: str
    output: tuple[str, ...]
    error: RaisedError | None
    names: dict[str, Any]


def run_snippet(code: str, expected: tuple[type[Exception], ...] = (), **given: Any) -> Snippet:
    """Execute a text that this package wrote; never pass on what a visitor typed.

    Args:
        code: The text.
        expected: Errors that are part of the lesson; any other one goes on to the caller.
        **given: Names that the text may use without importing them.
    """
    printed: list[str] = []

    def keep(*values: object) -> None:
        printed.append(" ".join(map(str, values)))

    names: dict[str, Any] = {"__name__": FILE_NAME, "print": keep, **given}
    error = None
    try:
        exec(compile(code, FILE_NAME, "exec"), names)  # noqa: S102 - the text is our own
    except expected as raised:
        error = RaisedError(type(raised).__name__, str(raised), _find_line(raised))
    assigned = {
        name: value
        for name, value in names.items()
        if name not in given and name not in ("__name__", "__builtins__", "print")
    }
    return Snippet(code, tuple(printed), error, assigned)


def _find_line(error: Exception) -> int:
    step = error.__traceback__
    while step is not None and step.tb_frame.f_code.co_filename != FILE_NAME:
        step = step.tb_next
    return 0 if step is None else step.tb_lineno
