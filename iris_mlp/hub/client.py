"""The Hub's own client, asked once instead of patiently.

The client repeats a failed request up to five times, up to 23 s in all or as long as the server
asks for, and most of its requests wait for an answer for ever (huggingface_hub 2.4,
`utils/_http.py`). A visitor who waits for a button is better served by an answer.
"""

import logging
import threading
from functools import cache
from typing import Any

import httpx2
from huggingface_hub import HfApi, set_client_factory
from huggingface_hub.utils import get_token, hf_raise_for_status
from huggingface_hub.utils._http import default_client_factory

from iris_mlp import __version__
from iris_mlp.config import is_public_space
from iris_mlp.errors import HubError
from iris_mlp.hub.failures import (
    PROXY_UNUSABLE,
    REFUSED_LOGIN,
    UnreachableError,
    explain_failures,
    explain_transport,
)

CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 8.0
WRITE_TIMEOUT_S = 60.0
"""A commit may keep the Hub busy; reading never does."""

_installing = threading.Lock()
_REPEATED = (408, 429, 500, 502, 503, 504)


class _AskOnceClient(httpx2.Client):
    """An HTTP client that never waits for ever and whose failures the library does not retry."""

    def send(self, request: httpx2.Request, **kwargs: Any) -> httpx2.Response:
        read_s = READ_TIMEOUT_S if request.method in ("GET", "HEAD") else WRITE_TIMEOUT_S
        caps = httpx2.Timeout(read_s, connect=CONNECT_TIMEOUT_S).as_dict()
        asked = request.extensions["timeout"]
        request.extensions["timeout"] = {
            phase: cap if asked.get(phase) is None else min(asked[phase], cap)
            for phase, cap in caps.items()
        }
        try:
            response = super().send(request, **kwargs)
        except httpx2.TransportError as error:
            # Without its cause: a header that cannot be sent is quoted there, token and all.
            raise UnreachableError(explain_transport(error)) from None
        if response.status_code in _REPEATED:
            if kwargs.get("stream"):
                response.close()
            hf_raise_for_status(response)
        return response


def _make_client() -> httpx2.Client:
    try:
        hooks = default_client_factory().event_hooks
        return _AskOnceClient(event_hooks=hooks, follow_redirects=True)
    except (ImportError, ValueError):  # whose text may hold the proxy's password
        raise UnreachableError(HubError(PROXY_UNUSABLE)) from None


def ask_once() -> None:
    """Make huggingface_hub use this module's client from now on, in the whole process."""
    with _installing:  # a second installation would close the client under the first's request
        _install_client()


@cache
def _install_client() -> None:
    set_client_factory(_make_client)
    # Our small files go by plain HTTP on purpose (see `hub._commit`), which is no news to a user.
    logger = logging.getLogger("huggingface_hub._commit_api")
    logger.addFilter(lambda record: "not supported by Xet" not in record.getMessage())


def find_token(token: str | None = None) -> str | None:
    """Return the token to use: the one given, else this user's stored login, if there is one.

    On a public Space the stored login is the owner's, so a visitor never acts with it.

    Raises:
        HubError: The token cannot be one.
    """
    if token is None and not is_public_space():
        with explain_failures():
            token = get_token()
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise HubError(REFUSED_LOGIN)
    return token or None


def connect(token: str | None) -> HfApi:
    """Return the Hub's client for a token, or for nobody; `HF_ENDPOINT` is honoured."""
    ask_once()
    # False, not None: the library would look for a stored login of its own.
    return HfApi(token=token or False, library_name="iris-mlp", library_version=__version__)
