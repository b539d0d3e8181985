"""Publish a model, fetch one, and put the app on a Space: `push`, `pull`, `deploy`."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_session,
    hf_hub_url,
    metadata_load,
)
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, validate_repo_id

from iris_mlp.checkpoint import MAX_FILE_BYTES, Checkpoint
from iris_mlp.errors import HubError
from iris_mlp.hub_client import connect, find_token
from iris_mlp.hub_failures import NOT_SIGNED_IN, RepoType, explain_failures
from iris_mlp.model_card import PLOT_FILE, WEIGHTS_FILE, render_files
from iris_mlp.training import History

Step = Literal["sign_in", "create", "upload", "done"]
Report = Callable[[Step], object]

DOWNLOAD_TIMEOUT_S = 60.0
PROJECT = Path(__file__).parent.parent

SPACE_FILES = ("app.py", "requirements.txt", "README.md", "LICENSE", "weights/iris_mlp.safetensors")
SPACE_PACKAGE = "iris_mlp"
_DATA_SUFFIXES = (".py", ".json", ".css", ".js", ".html", ".svg", ".md", ".txt", ".csv")
_SPACE_MARK = f"{SPACE_PACKAGE}/__init__.py"


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


def push(
    repo_id: str,
    checkpoint: Checkpoint,
    history: History | None = None,
    *,
    private: bool = False,
    token: str | None = None,
    report: Report = lambda step: None,
) -> str:
    """Publish a model in a repository, which is created where there is none.

    Args:
        repo_id: `USER/NAME`, or `NAME` under one's own name.
        checkpoint: The model.
        history: The losses of its run, for the plot on the card.
        private: Let nobody else see it.
        token: A visitor's token; left out, the stored login of this machine's user.
        report: Is told each step as it begins.

    Returns:
        The address of the repository.

    Raises:
        HubError: The Hub cannot be asked, or refuses; the sentence says why.
    """
    api, repo_id = _sign_in(repo_id, token, report)
    files = render_files(checkpoint, history, repo_id)
    report("create")
    address = _create(api, repo_id, "model", private)
    report("upload")
    with explain_failures(repo_id, "model", api):
        # The picture of an earlier run does not show this one.
        outdated = {PLOT_FILE} & set(api.list_repo_files(repo_id)) - set(files)
        _commit(api, repo_id, "model", files, outdated, "Publish the model")
    report("done")
    return address


def pull(repo_id: str, *, revision: str = "main", token: str | None = None) -> Checkpoint:
    """Fetch a model's weights into memory and check them like an upload.

    Args:
        repo_id: `USER/NAME`.
        revision: Branch, tag or commit.
        token: A visitor's token; left out, the stored login of this machine's user if there is
            one, and on a public Space nobody's.

    Raises:
        HubError: The repository cannot be read; the sentence says why.
        WeightsError: The file is refused; the sentence says why.
    """
    token = find_token(token)
    api = connect(token)
    with explain_failures(repo_id, "model", api):
        url = hf_hub_url(repo_id, WEIGHTS_FILE, revision=revision, endpoint=api.endpoint)
        # Uncompressed: a small body that unpacks to a huge one would pass under the cap.
        headers = {**build_hf_headers(token=token or False), "Accept-Encoding": "identity"}
        with get_session().stream("GET", url, headers=headers) as response:
            if response.is_error:
                response.close()  # the answer's headers say it all, and its body has no cap
            hf_raise_for_status(response)
            data = _read_body(response, repo_id)
    return Checkpoint.from_bytes(data)


def deploy(
    space_id: str,
    root: Path = PROJECT,
    *,
    private: bool = False,
    token: str | None = None,
    report: Report = lambda step: None,
) -> str:
    """Put the app on a Space: exactly the files that it needs, and nothing that lay there before.

    The settings of the Space are the README's front matter, which the Hub reads itself (sign-in
    with `hf_oauth`, SDK, colours); its `suggested_hardware` is asked for when the Space is
    created, and later left as its owner has set it. Documentation:
    https://huggingface.co/docs/hub/spaces-config-reference

    Args:
        space_id: `USER/NAME`, or `NAME` under one's own name.
        root: The project's folder.
        private: Let nobody else see it.
        token: A visitor's token; left out, the stored login of this machine's user.
        report: Is told each step as it begins.

    Returns:
        The address of the Space.

    Raises:
        HubError: A file is missing, or the Hub cannot be asked, or refuses; the sentence says why.
    """
    files = _read_files(root)
    hardware = _read_front_matter(root / "README.md").get("suggested_hardware")
    api, space_id = _sign_in(space_id, token, report)
    report("create")
    address = _create(api, space_id, "space", private, space_sdk="gradio", space_hardware=hardware)
    with explain_failures(space_id, "space", api):
        present = set(api.list_repo_files(space_id, repo_type="space")) - {".gitattributes"}
    if present - {"README.md"} and _SPACE_MARK not in present:
        raise HubError(
            "The Space {space_id} holds another app; choose another name.", space_id=space_id
        )
    report("upload")
    with explain_failures(space_id, "space", api):
        _commit(api, space_id, "space", files, present - set(files), "Deploy Iris MLP")
    report("done")
    return address


def list_space_files(root: Path = PROJECT) -> list[str]:
    """Return the paths of what a Space needs, relative to the project's folder, sorted.

    Raises:
        HubError: A file that a Space needs is missing.
    """
    for name in SPACE_FILES:
        if not (root / name).is_file():
            raise HubError("{path} is missing, and a Space needs it.", path=root / name)
    return sorted([*SPACE_FILES, *list_package_files(root)])


def list_package_files(root: Path = PROJECT) -> list[str]:
    """Return the paths of the package's modules and data files, relative to the project."""
    package = (
        path.relative_to(root)
        for path in (root / SPACE_PACKAGE).rglob("*")
        if path.suffix in _DATA_SUFFIXES and path.is_file()
    )
    visible = (path for path in package if not any(part.startswith(".") for part in path.parts))
    return sorted(path.as_posix() for path in visible)


def _sign_in(repo_id: str, token: str | None, report: Report) -> tuple[HfApi, str]:
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


def _create(api: HfApi, repo_id: str, repo_type: RepoType, private: bool, **settings: Any) -> str:
    """Make sure that a repository exists, and return its address."""
    with explain_failures(repo_id, repo_type, api):
        address = api.create_repo(
            repo_id, repo_type=repo_type, private=private or None, exist_ok=True, **settings
        )
        # An existing repository stays as public as it is, whatever was asked for.
        is_public = private and not api.repo_info(repo_id, repo_type=repo_type).private
    if is_public:
        raise HubError(
            "{repo_id} exists and is public, so nothing private was put there; choose another "
            "name, or make it private on the Hub.",
            repo_id=repo_id,
        )
    return str(address)


def _commit(
    api: HfApi,
    repo_id: str,
    repo_type: RepoType,
    files: dict[str, bytes],
    outdated: set[str],
    message: str,
) -> None:
    """Write and delete files in one commit; there is none where nothing has changed."""
    # As open files, since the library sends those by plain HTTP, which `hub_client` watches over.
    added = [CommitOperationAdd(name, io.BytesIO(data)) for name, data in sorted(files.items())]
    deleted = [CommitOperationDelete(name, is_folder=False) for name in sorted(outdated)]
    api.create_commit(repo_id, [*added, *deleted], commit_message=message, repo_type=repo_type)


def _read_body(response: httpx2.Response, repo_id: str) -> bytes:
    too_large = HubError(
        "The weights of {repo_id} are larger than {most_mib} MiB, which no "
        "weights file of this model needs; nothing was loaded.",
        repo_id=repo_id,
        most_mib=MAX_FILE_BYTES // 1024**2,
    )
    length = response.headers.get("Content-Length", "0")
    if not length.isdecimal() or int(length) > MAX_FILE_BYTES:
        raise too_large
    data, deadline = bytearray(), monotonic() + DOWNLOAD_TIMEOUT_S
    for part in response.iter_raw():
        data += part
        if len(data) > MAX_FILE_BYTES:
            raise too_large
        if monotonic() > deadline:
            raise HubError(
                "The weights of {repo_id} arrive too slowly; try again later.", repo_id=repo_id
            )
    return bytes(data)


def _read_files(root: Path) -> dict[str, bytes]:
    try:
        return {name: (root / name).read_bytes() for name in list_space_files(root)}
    except OSError as error:
        raise HubError(
            "Cannot read {path}: {reason}.", path=error.filename, reason=error.strerror
        ) from error


def _read_front_matter(path: Path) -> dict[str, Any]:
    import yaml

    try:
        return metadata_load(path) or {}
    except (yaml.YAMLError, ValueError) as error:
        raise HubError(
            "The front matter of {path} is not a YAML mapping; mend it.", path=path
        ) from error
