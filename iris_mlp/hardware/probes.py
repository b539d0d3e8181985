"""The gateway for questions to the operating system and to PyTorch that may have no answer here."""

import subprocess
from collections.abc import Callable
from typing import TypeVar

import psutil

Answer = TypeVar("Answer")

# What a missing file, an odd value, a foreign platform or an absent device raises when asked.
_NO_ANSWER = (
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    AssertionError,
    psutil.Error,
    subprocess.SubprocessError,
)


def ask_system(probe: Callable[[], Answer]) -> Answer | None:
    """Ask one question that may fail on this machine; None where there is no answer."""
    try:
        return probe()
    except _NO_ANSWER:
        return None
