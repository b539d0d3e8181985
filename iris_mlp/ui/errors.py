"""The one place where the domain's errors become messages on the page."""

import functools
import html
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import gradio as gr

from iris_mlp.errors import IrisMlpError

P = ParamSpec("P")
R = TypeVar("R")


def user_errors(handler: Callable[P, R]) -> Callable[P, R]:
    """Show an `IrisMlpError` raised by a handler as its sentence; other errors go to the log."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: P.args, **kwargs: P.kwargs):
            try:
                yield from handler(*args, **kwargs)
            except IrisMlpError as error:
                raise _as_message(error) from error

        return cast(Callable[P, R], stream)

    @functools.wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except IrisMlpError as error:
            raise _as_message(error) from error

    return call


def _as_message(error: IrisMlpError) -> gr.Error:
    # Gradio renders messages as HTML, and ours quote what the visitor gave.
    return gr.Error(html.escape(str(error), quote=False), print_exception=False)
