"""Publish a model."""

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.hub.account import Report, sign_in
from iris_mlp.hub.card import PLOT_FILE, render_files
from iris_mlp.hub.failures import explain_failures
from iris_mlp.hub.repository import commit_files, create_repository, read_repo_name
from iris_mlp.training import History


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
        repo_id: `USER/NAME`, its address, or `NAME` under one's own name.
        checkpoint: The model.
        history: The losses of its run, for the plot on the card.
        private: Let nobody else see it.
        token: A visitor's token; left out, the stored login of this machine's user.
        report: Is told each step as it begins.

    Returns:
        The address of the repository.

    Raises:
        HubError: The Hub cannot be asked, or refuses; the sentence says why.
        WeightsError: `pull` would refuse the model.
    """
    api, repo_id = sign_in(read_repo_name(repo_id).repo_id, token, report)
    files = render_files(checkpoint, history, repo_id)
    report("create")
    address = create_repository(api, repo_id, private)
    report("upload")
    with explain_failures(repo_id, "model", api):
        # The picture of an earlier run does not show this one.
        outdated = {PLOT_FILE} & set(api.list_repo_files(repo_id)) - set(files)
        commit_files(api, repo_id, "model", files, outdated, "Publish the model")
    report("done")
    return address
