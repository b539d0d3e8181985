"""A repository of the Hub: made where there is none, and written in one commit."""

import io
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants

from iris_mlp.errors import HubError
from iris_mlp.hub.card import WEIGHTS_FILE
from iris_mlp.hub.failures import RepoType, explain_failures, name_other_type

_HOSTS = r"(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)"
_FOLDERS: dict[str, RepoType] = {"models": "model", "datasets": "dataset", "spaces": "space"}
_FILE_PAGES = ("tree", "blob", "resolve", "raw")
_PAGES = (*_FILE_PAGES, "commit", "commits", "discussions", "settings", "edit")


class RepoName(NamedTuple):
    """A repository as a person names it.

    Attributes:
        repo_id: `USER/NAME`.
        revision: The branch, tag or commit that the address names, if it names one.
    """

    repo_id: str
    revision: str | None


def read_repo_name(text: str, repo_type: RepoType = "model") -> RepoName:
    """Read `ada/iris`, or the address of a page or file of it, as a browser shows it.

    What is no such address comes back without its password, for the Hub's client to judge.

    Raises:
        HubError: The address is one of a dataset or Space where a model is wanted, or of a file
            that is not the model's weights.
    """
    name = re.sub(r"(?<=://)[^/@]*@", "", text.strip().strip("<>\"'").strip())
    ours = re.escape(urlsplit(constants.ENDPOINT).netloc)
    address = rf"^(?:https?://)?(?:{_HOSTS}|{ours})/|^hf://|^git@hf\.co:"
    name, is_address = re.subn(address, "", name, flags=re.IGNORECASE)
    if "://" in name:
        return RepoName(name, None)
    name = re.split(r"[?#]", name)[0].rstrip("/")
    parts = (name.removesuffix(".git") if is_address else name).split("/")
    if parts[:1] == ["api"]:
        parts = parts[1:]
    if len(parts) > 1 and parts[0] in _FOLDERS:
        found, parts = _FOLDERS[parts[0]], parts[1:]
        if found != repo_type:
            raise name_other_type("/".join(parts[:2]), found, repo_type)
    revision = None
    if len(parts) > 2 and parts[2] in _PAGES:
        parts, page, rest = parts[:2], parts[2], parts[3:]
        if rest and page in _FILE_PAGES:
            depth = 3 if rest[:2] == ["refs", "pr"] else 1
            revision, file = unquote("/".join(rest[:depth])), "/".join(rest[depth:])
            if page != "tree" and repo_type == "model" and file not in ("", WEIGHTS_FILE):
                raise HubError(
                    "Of {repo_id} only {wanted} is read, not {file}; leave the file's name out.",
                    repo_id="/".join(parts),
                    wanted=WEIGHTS_FILE,
                    file=file,
                )
    repo_id, _, tag = "/".join(parts).partition("@")
    return RepoName(repo_id, revision or tag or None)


def create_repository(api: HfApi, repo_id: str, private: bool) -> str:
    """Make sure that a model repository exists, and return its address."""
    with explain_failures(repo_id, "model", api):
        address = api.create_repo(repo_id, private=private or None, exist_ok=True)
    if private:
        check_private(api, repo_id, "model")
    return str(address)


def check_private(api: HfApi, repo_id: str, repo_type: RepoType) -> None:
    """Refuse a public repository: one that exists stays as public as it is."""
    with explain_failures(repo_id, repo_type, api):
        is_public = not api.repo_info(repo_id, repo_type=repo_type).private
    if is_public:
        raise HubError(
            "{repo_id} exists and is public, so nothing private was put there; choose another "
            "name, or make it private on the Hub.",
            repo_id=repo_id,
        )


def commit_files(
    api: HfApi,
    repo_id: str,
    repo_type: RepoType,
    files: dict[str, bytes],
    outdated: set[str],
    message: str,
) -> str:
    """Write and delete files in one commit, which there is not where nothing has changed.

    Returns:
        The repository's newest commit.
    """
    # As open files, since the library sends those by plain HTTP, which `client` watches over.
    added = [CommitOperationAdd(name, io.BytesIO(data)) for name, data in sorted(files.items())]
    deleted = [CommitOperationDelete(name, is_folder=False) for name in sorted(outdated)]
    operations = [*added, *deleted]
    return api.create_commit(repo_id, operations, commit_message=message, repo_type=repo_type).oid
