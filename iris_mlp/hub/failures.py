"""What can go wrong with the Hub, as sentences."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, constants
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
from huggingface_hub.utils import parse_ratelimit_headers

from iris_mlp.errors import HubError

_logger = logging.getLogger(__name__)

RepoType = Literal["model", "space", "dataset"]

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
PROXY_UNUSABLE = (
    "The proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used; write it as "
    "http://HOST:PORT, or for a SOCKS proxy install the package socksio."
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
            refusal = name_other_type(repo_id, found, repo_type)
        # Without its cause: requests hang on it, and with them the token.
        raise refusal from None


def name_other_type(repo_id: str, found: RepoType, wanted: RepoType) -> HubError:
    """Return the sentence of a repository that is of another type than is wanted."""
    return HubError(
        "{repo_id} is a {found}, not a {wanted}; choose another name.",
        repo_id=repo_id,
        found=_NAMES[found],
        wanted=_NAMES[wanted],
    )


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
            return explain_transport(error)
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


def explain_transport(error: httpx2.TransportError) -> HubError:
    """Return the sentence of a connection that was not made, or broke off."""
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
