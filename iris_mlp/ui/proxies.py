"""A proxy of the environment is for other hosts, and not for the app's own page."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@contextmanager
def without_proxies() -> Iterator[None]:
    """Let nothing in the block use the proxies that the environment names, nor later for loopback.

    Gradio makes a client as it is imported, which fails on a proxy that it cannot use, and asks its
    own page through the proxy as it is launched.
    """
    before = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    os.environ["no_proxy"] = "*"
    try:
        yield
    finally:
        named = [name for name in before.split(",") if name not in LOOPBACK]
        os.environ["no_proxy"] = ",".join((*named, *LOOPBACK)).lstrip(",")
