"""The one place where the domain's errors become messages on the page."""

import functools
import html
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar, cast

import gradio as gr

from iris_mlp.errors import DeviceError, IrisMlpError
from iris_mlp.strings import Translate
from iris_mlp.ui.language import request_translator

P = ParamSpec("P")
R = TypeVar("R")

_WORDS = ("name", "reason")
"""Fields that hold a setting's name or an operating system's reason, which have translations."""


def user_errors(handler: Callable[P, R]) -> Callable[P, R]:
    """Show an `IrisMlpError` raised by a handler as its sentence; other errors go to the log.

    The sentence is in the language of the visitor whose `gr.Request` the handler is given.
    """
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: P.args, **kwargs: P.kwargs):
            try:
                yield from handler(*args, **kwargs)
            except IrisMlpError as error:
                raise _as_message(error, _find_translator(*args, **kwargs)) from error

        return cast(Callable[P, R], stream)

    @functools.wraps(handler)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except IrisMlpError as error:
            raise _as_message(error, _find_translator(*args, **kwargs)) from error

    return call


def translate_error(error: IrisMlpError, t: Translate) -> str:
    """Return an error's sentence in the language of `t`; in English where it has no translation."""
    values = {name: _translate_value(name, value, t) for name, value in error.values.items()}
    try:
        return t(f"errors.{error.template}", **values)
    except KeyError:  # raised in the visitor's language, or where only programs call
        return str(error)


def warn(error: IrisMlpError, t: Translate) -> None:
    """Show an error's sentence without ending what the visitor asked for."""
    gr.Warning(_show_as_text(error, t), title=t("common.warning_title"))


@contextmanager
def keep_measured(t: Translate) -> Iterator[None]:
    """Show that a device fails or is not lent, and go on with what was measured before."""
    try:
        yield
    except DeviceError as error:
        warn(error, t)


def _translate_value(name: str, value: object, t: Translate) -> object:
    if isinstance(value, IrisMlpError):
        return translate_error(value, t)
    if name not in _WORDS:
        return value
    try:
        return t(f"errors.{value}")
    except KeyError:  # a name of ours that both languages write the same, or another's words
        return value


def _find_translator(*args: object, **kwargs: object) -> Translate:
    """Return the translator for the request among a handler's arguments; English without one."""
    requests = (value for value in (*args, *kwargs.values()) if isinstance(value, gr.Request))
    return request_translator(next(requests, None))


def _as_message(error: IrisMlpError, t: Translate) -> gr.Error:
    text = _show_as_text(error, t)
    return gr.Error(text, title=t("common.error_title"), print_exception=False)


def _show_as_text(error: IrisMlpError, t: Translate) -> str:
    # Gradio renders messages as HTML, and ours quote what the visitor gave.
    return html.escape(translate_error(error, t), quote=False)
