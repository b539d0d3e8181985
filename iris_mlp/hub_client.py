"""The Hub's own client, asked once instead of patiently, and its failures as sentences.

The client repeats a failed request up to five times, up to 23 s in all or as long as the server
asks for, and most of its requests wait for an answer for ever (huggingface_hub 2.4,
`utils/_http.py`). A visitor who waits for a button is better served by an answer.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, constants, set_client_factory
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    OIDCError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import get_token, hf_raise_for_status, parse_ratelimit_headers
from huggingface_hub.utils._http import default_client_factory

from iris_mlp import __version__
from iris_mlp.config import is_public_space
from iris_mlp.errors import HubError

_logger = logging.getLogger(__name__)

RepoType = Literal["model", "space", "dataset"]

CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 8.0
WRITE_TIMEOUT_S = 60.0
"""A commit may keep the Hub busy; reading never does."""

_installing = threading.Lock()
_REPEATED = (408, 429, 500, 502, 503, 504)
_NAMES: dict[RepoType, HubError] = {
    "model": HubError("model repository"),
    "space": HubError("Space"),
    "dataset": HubError("dataset"),
}
"""Never raised: parts of sentences, which are translated as sentences are."""

REFUSED_LOGIN = (
    "The Hub does not accept the token: it is wrong, revoked or expired; "
    "log in again with hf auth login, or set HF_TOKEN, with a token from the Hub."
)
NOT_SIGNED_IN = (
    "Nobody is signed in to the Hub; on your own machine, run hf auth login or set HF_TOKEN."
)
_FAILURES = (
    HfHubHTTPError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    OIDCError,
    EntryNotFoundError,
    OSError,
    RuntimeError,  # what the library makes of a failure while it uploads a large file
    ValueError,  # an answer that is not JSON, or not what the library expects
    KeyError,
)


class UnreachableError(OfflineModeIsEnabled):
    """No answer came; a subclass, so that the client falls back to its cache and does not retry."""


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
            raise UnreachableError(_explain_transport(error)) from None
        if response.status_code in _REPEATED:
            if kwargs.get("stream"):
                response.close()
            hf_raise_for_status(response)
        return response


def _make_client() -> httpx2.Client:
    hooks = default_client_factory().event_hooks
    return _AskOnceClient(event_hooks=hooks, follow_redirects=True)


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


@contextmanager
def explain_failures(
    repo_id: str = "", repo_type: RepoType = "model", api: HfApi | None = None
) -> Iterator[None]:
    """Turn whatever the Hub's client raises into one sentence.

    Args:
        repo_id: The repository in question.
        repo_type: What it should be.
        api: Where to look whether a missing repository exists as another type.

    Raises:
        HubError: The Hub failed or refused.
    """
    try:
        yield
    except _FAILURES as error:
        cause = _find_cause(error)
        refusal = _explain(cause, repo_id, repo_type)
        if api and _is_missing(cause) and (found := _find_other_type(api, repo_id, repo_type)):
            refusal = HubError(
                "{repo_id} is a {found}, not a {wanted}; choose another name.",
                repo_id=repo_id,
                found=_NAMES[found],
                wanted=_NAMES[repo_type],
            )
        # Without its cause: requests hang on it, and with them the token.
        raise refusal from None


def _find_cause(error: BaseException) -> BaseException:
    """Return what the library wrapped: the first HTTP answer or lost connection of the chain."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HfHubHTTPError | OfflineModeIsEnabled | httpx2.HTTPError):
            return cause
        cause = cause.__cause__
    return error


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, RepositoryNotFoundError) and not isinstance(error, GatedRepoError)


def _find_other_type(api: HfApi, repo_id: str, repo_type: RepoType) -> RepoType | None:
    for other in _NAMES:
        try:
            if other != repo_type and api.repo_exists(repo_id, repo_type=other):
                return other
        except _FAILURES:
            return None  # the first failure is the one to tell
    return None


def _explain(error: BaseException, repo_id: str, repo_type: RepoType) -> HubError:
    name = HubError("What was asked for")
    if repo_id:
        name = HubError("The {kind} {repo_id}", kind=_NAMES[repo_type], repo_id=repo_id)
    match error:
        case UnreachableError():
            return error.args[0]
        case OfflineModeIsEnabled() | LocalEntryNotFoundError():
            return HubError(
                "The Hub is not asked because huggingface_hub is in offline mode, and what is "
                "wanted is not in its cache; unset HF_HUB_OFFLINE and try again."
            )
        case httpx2.TransportError():
            return _explain_transport(error)
        case HFValidationError():
            return HubError(
                "{repo_id!r} is not a name that a repository can have; write USER/NAME with "
                "letters, digits, '-', '_' and '.', at most 96 characters.",
                repo_id=repo_id[:100],
            )
        case GatedRepoError():
            return HubError(
                "{name} is gated; accept its conditions at {address} "
                "while signed in, then try again with that login.",
                name=name,
                address=f"{constants.ENDPOINT}/{repo_id}",
            )
        case RepositoryNotFoundError():
            return HubError(
                "{name} does not exist, or it is private and this login may not read it.", name=name
            )
        case RevisionNotFoundError():
            return HubError("{name} has no such revision.", name=name)
        case EntryNotFoundError():
            return HubError(
                "{name} holds no model.safetensors, so there are no weights to load.", name=name
            )
        case HfHubHTTPError():
            return _explain_status(error, name)
        case PermissionError():
            return HubError(
                "The stored login of the Hub cannot be read; check the file's permissions."
            )
        case OSError(strerror=str(reason)):
            return HubError(
                "huggingface_hub cannot use its files on this machine: {reason}; make room, or "
                "check the permissions of the folder HF_HOME.",
                reason=reason,
            )
        case OIDCError():
            return HubError(
                "The trusted-publisher login of the Hub failed; "
                "log in again with hf auth login, or set HF_TOKEN, with a token from the Hub."
            )
        case _:
            # Its class alone: the text may hold the token. It tells an answer from our own mistake.
            _logger.warning("The Hub's client raised %s", type(error).__name__)
            return HubError(
                "The Hub ({host}) gave an answer that huggingface_hub does not understand.",
                host=_name_host(),
            )


def _explain_status(error: HfHubHTTPError, name: HubError) -> HubError:
    status = error.response.status_code
    match status:
        case 401:
            return HubError(REFUSED_LOGIN)
        case 402:
            return HubError(
                "{name} needs a paid plan for this hardware; choose cpu-basic in the README.",
                name=name,
            )
        case 403:
            return HubError(
                "{name} may not be written with this login; use a token with the right to write "
                "there, or a repository of your own.",
                name=name,
            )
        case 409:
            return HubError(
                "{name} was changed by somebody else at the same moment; try again.", name=name
            )
        case 429:
            return HubError(
                "The Hub asks for a pause because of too many requests; {pause}.",
                pause=_name_pause(error),
            )
        case _ if status >= 500 or status == 408:
            return HubError(
                "The Hub ({host}) has a problem of its own (status {status}); try again "
                "later, and see https://status.huggingface.co.",
                host=_name_host(),
                status=status,
            )
        case _:
            return HubError(
                "{name} was refused by the Hub ({host}, status {status}).",
                name=name,
                host=_name_host(),
                status=status,
            )


def _explain_transport(error: httpx2.TransportError) -> HubError:
    host = _name_host()
    match error:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError():
            return HubError(
                "The Hub ({host}) cannot be reached; check the network, and HF_ENDPOINT "
                "or the proxy settings where they are set.",
                host=host,
            )
        case httpx2.TimeoutException():
            return HubError("The Hub ({host}) does not answer; try again later.", host=host)
        case httpx2.LocalProtocolError() | httpx2.UnsupportedProtocol():
            return HubError(
                "The Hub ({host}) cannot be asked like this; check HF_ENDPOINT.", host=host
            )
        case _:
            return HubError(
                "The connection to the Hub ({host}) broke off; nothing on this machine "
                "has changed, so try again.",
                host=host,
            )


def _name_host() -> str:
    """Return the Hub's host without the user name and password that an address can carry."""
    parts = urlsplit(constants.ENDPOINT)
    return parts.netloc.rpartition("@")[2] or "no host in HF_ENDPOINT"


def _name_pause(error: HfHubHTTPError) -> HubError:
    limit = parse_ratelimit_headers(error.response.headers)
    retry_after = error.response.headers.get("Retry-After", "")
    if limit is not None:
        return HubError("try again in {seconds} s", seconds=limit.reset_in_seconds)
    if retry_after.isdecimal():
        return HubError("try again in {seconds} s", seconds=retry_after)
    return HubError("try again in a minute")
