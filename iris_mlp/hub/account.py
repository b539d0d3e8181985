"""Who is signed in to the Hub, and where that account may write."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from huggingface_hub import HfApi
from huggingface_hub.utils import validate_repo_id

from iris_mlp.errors import HubError
from iris_mlp.hub.client import connect, find_token
from iris_mlp.hub.failures import NOT_SIGNED_IN, explain_failures

Step = Literal["sign_in", "create", "upload", "done"]
Report = Callable[[Step], object]


@dataclass(frozen=True)
class Account:
    """Who is signed in to the Hub.

    Attributes:
        name: The user's name.
        namespaces: Where the user may have repositories: the name, then the organizations.
        is_read_only: True for a token that is known to allow reading alone.
    """

    name: str
    namespaces: tuple[str, ...]
    is_read_only: bool


def read_account(token: str | None = None) -> Account:
    """Ask the Hub whose token this is.

    Args:
        token: A visitor's token; left out, the stored login of this machine's user.

    Raises:
        HubError: Nobody is signed in, or the Hub cannot be asked.
    """
    token = find_token(token)
    if token is None:
        raise HubError(NOT_SIGNED_IN)
    with explain_failures():
        answer = connect(token).whoami()
        names = [answer["name"], *(org["name"] for org in answer.get("orgs") or ())]
        access: dict[str, Any] = (answer.get("auth") or {}).get("accessToken") or {}
    return Account(names[0], tuple(names), is_read_only=access.get("role") == "read")


def sign_in(repo_id: str, token: str | None, report: Report) -> tuple[HfApi, str]:
    """Return a client that may write to a repository, and the repository's full name.

    The Hub is asked who this is before anything else: a wrong token shows in one answer here.
    """
    with explain_failures(repo_id):
        validate_repo_id(repo_id)
    report("sign_in")
    token = find_token(token)
    account = read_account(token)
    if "/" not in repo_id:
        repo_id = f"{account.name}/{repo_id}"
    namespace = repo_id.partition("/")[0]
    if namespace.lower() not in (name.lower() for name in account.namespaces):
        raise HubError(
            "{account} may not write to {namespace} on the Hub; choose a name under {namespaces}.",
            account=account.name,
            namespace=namespace,
            namespaces=" or ".join(account.namespaces),
        )
    if account.is_read_only:
        raise HubError(
            "The token of {account} may only read; make one with the right to write at "
            "https://huggingface.co/settings/tokens.",
            account=account.name,
        )
    return connect(token), repo_id
