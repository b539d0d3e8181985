"""The gateway for questions to the operating system and to PyTorch that may have no answer here."""

from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def ask_system(probe: Callable[[], Answer]) -> Answer | None:
    """Ask one question that may fail on this machine; None where there is no answer."""
    try:
        return probe()
    except Exception:  # noqa: BLE001  # the one gateway: drivers and bindings raise anything
        return None
