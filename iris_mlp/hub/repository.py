"""A repository of the Hub: made where there is none, and written in one commit."""

import io

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

from iris_mlp.errors import HubError
from iris_mlp.hub.failures import RepoType, explain_failures


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
