"""Fetch a model's weights."""

from time import monotonic

import httpx2
from huggingface_hub import get_session, hf_hub_url
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

from iris_mlp.checkpoint import MAX_FILE_BYTES, Checkpoint
from iris_mlp.errors import HubError
from iris_mlp.hub.card import WEIGHTS_FILE
from iris_mlp.hub.client import connect, find_token
from iris_mlp.hub.failures import explain_failures
from iris_mlp.hub.repository import read_repo_name

DOWNLOAD_TIMEOUT_S = 60.0


def pull(repo_id: str, *, revision: str | None = None, token: str | None = None) -> Checkpoint:
    """Fetch a model's weights into memory and check them like an upload.

    Args:
        repo_id: `USER/NAME`, or the address of its page.
        revision: Branch, tag or commit; left out, the one that the address names, else main.
        token: A visitor's token; left out, the stored login of this machine's user if there is
            one, and on a public Space nobody's.

    Raises:
        HubError: The repository cannot be read; the sentence says why.
        WeightsError: The file is refused; the sentence says why.
    """
    repo_id, named = read_repo_name(repo_id)
    token = find_token(token)
    api = connect(token)
    with explain_failures(repo_id, "model", api):
        url = hf_hub_url(repo_id, WEIGHTS_FILE, revision=revision or named, endpoint=api.endpoint)
        # Uncompressed: a small body that unpacks to a huge one would pass under the cap.
        headers = {**build_hf_headers(token=token or False), "Accept-Encoding": "identity"}
        with get_session().stream("GET", url, headers=headers) as response:
            if response.is_error:
                response.close()  # the answer's headers say it all, and its body has no cap
            hf_raise_for_status(response)
            data = _read_body(response, repo_id)
    return Checkpoint.from_bytes(data)


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
