"""A repository of the Hub: made where there is none, and written in one commit."""

import io
from typing import Any

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from iris_mlp.errors import HubError
from iris_mlp.hub.failures import RepoType, explain_failures


def create_repository(
    api: HfApi, repo_id: str, repo_type: RepoType, private: bool, **settings: Any
) -> str:
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


def commit_files(
    api: HfApi,
    repo_id: str,
    repo_type: RepoType,
    files: dict[str, bytes],
    outdated: set[str],
    message: str,
) -> None:
    """Write and delete files in one commit; there is none where nothing has changed."""
    # As open files, since the library sends those by plain HTTP, which `client` watches over.
    added = [CommitOperationAdd(name, io.BytesIO(data)) for name, data in sorted(files.items())]
    deleted = [CommitOperationDelete(name, is_folder=False) for name in sorted(outdated)]
    api.create_commit(repo_id, [*added, *deleted], commit_message=message, repo_type=repo_type)
