"""Push and pull: the real client of the Hub against a real server."""

import errno
import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from huggingface_hub import HfApi, ModelCard, PyTorchModelHubMixin, constants

from iris_mlp.checkpoint import MAX_FILE_BYTES, SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.cli.pull import pull as pull_command
from iris_mlp.cli.push import push as push_command
from iris_mlp.data import FEATURE_NAMES
from iris_mlp.errors import HubError, WeightsError
from iris_mlp.hub import client as hub_client
from iris_mlp.hub import failures as hub_failures
from iris_mlp.hub.account import read_account
from iris_mlp.hub.from_pretrained import HubIrisMLP
from iris_mlp.hub.pull import pull
from iris_mlp.hub.push import push
from iris_mlp.inference import Classifier
from iris_mlp.training import History
from tests.hub_standin import (
    OAUTH_TOKEN,
    READ_TOKEN,
    STRANGER_TOKEN,
    TOKENS,
    WRITE_TOKEN,
    HubStandin,
    Repo,
    point_client_at,
)

REPO = "ada/iris"
SETOSA = [5.1, 3.5, 1.4, 0.2]
CARD = "README.md"
PROJECT = Path(__file__).parents[3]
HISTORY = History(epochs=[1, 2], losses=[1.1, 0.9], test_epochs=[2], test_losses=[1.0])


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return Checkpoint.load(SHIPPED_WEIGHTS)


def list_paths(server: HubStandin) -> list[str]:
    return [f"{request.method} {request.path}" for request in server.requests]


# --- round trips ---------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", [r"\.(safetensors|png)$", "^$"], ids=["lfs", "regular"])
def test_pushed_weights_come_back_byte_for_byte(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint, pattern: str
) -> None:
    server.lfs_pattern = pattern
    steps: list[str] = []
    address = push(REPO, checkpoint, HISTORY, report=steps.append)
    repo = server.repos["model", REPO]
    assert address == f"{server.endpoint}/{REPO}"
    assert steps == ["sign_in", "create", "upload", "done"]
    assert set(repo.files) == {
        ".gitattributes",
        "model.safetensors",
        "config.json",
        "README.md",
        "loss.png",
    }
    assert repo.lfs == ({"model.safetensors", "loss.png"} if pattern != "^$" else set())
    assert repo.files["model.safetensors"] == SHIPPED_WEIGHTS.read_bytes()
    assert repo.files["loss.png"].startswith(b"\x89PNG")
    assert not repo.private
    assert pull(REPO).to_bytes() == SHIPPED_WEIGHTS.read_bytes()


def test_name_without_namespace_goes_under_ones_own(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    assert push("iris", checkpoint) == f"{server.endpoint}/ada/iris"


def test_organization_takes_a_model(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    assert push("botanists/iris", checkpoint) == f"{server.endpoint}/botanists/iris"


ADDRESSES = (
    " ada/iris ",
    "ada/iris/",
    "ada/iris/tree/main",
    "ada/iris/resolve/main/model.safetensors",
    "ada/iris/blob/main/model.safetensors?download=true",
    "https://huggingface.co/ada/iris",
    "HTTP://www.HuggingFace.co/ada/iris/",
    "https://huggingface.co/ada/iris/tree/main",
    "https://huggingface.co/ada/iris/resolve/main/model.safetensors?download=true",
    "https://huggingface.co/ada/iris/discussions/1#top",
    "https://huggingface.co/api/models/ada/iris",
    "https://huggingface.co/ada/iris.git",
    "https://ada:hf_Secret@huggingface.co/ada/iris",
    "huggingface.co/ada/iris",
    "hf.co/ada/iris",
    "https://hf.co/ada/iris",
    "https://hf-mirror.com/ada/iris",
    "hf://ada/iris",
    "hf://models/ada/iris@main",
    "git@hf.co:ada/iris.git",
    "<https://huggingface.co/ada/iris>",
    "'ada/iris'\n",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_address_of_a_page_is_a_name(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint, address: str
) -> None:
    assert push(address, checkpoint) == f"{server.endpoint}/ada/iris"
    assert pull(address).to_bytes() == checkpoint.to_bytes()
    assert HubIrisMLP.from_pretrained(address).to_checkpoint().to_bytes() == checkpoint.to_bytes()


def test_the_address_of_this_very_hub_is_a_name(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    assert pull(push(REPO, checkpoint)).to_bytes() == checkpoint.to_bytes()


@pytest.mark.parametrize(
    ("address", "revision"),
    [
        ("ada/iris/tree/v1", "v1"),
        ("https://huggingface.co/ada/iris/blob/refs%2Fpr%2F1/model.safetensors", "refs/pr/1"),
        ("https://huggingface.co/ada/iris/tree/refs/pr/1", "refs/pr/1"),
        ("hf://ada/iris@v2", "v2"),
    ],
)
def test_the_revision_of_an_address_is_asked_for(
    server: HubStandin, home: Path, checkpoint: Checkpoint, address: str, revision: str
) -> None:
    server.repos["model", REPO] = Repo(files={"model.safetensors": checkpoint.to_bytes()})
    with suppress(HubError):  # whether the server has it is not the question
        pull(address)
    assert f"GET /ada/iris/resolve/{revision}/model.safetensors" in list_paths(server)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("https://huggingface.co/datasets/ada/iris", "ada/iris is a dataset, not a model"),
        ("hf://spaces/ada/iris", "ada/iris is a Space, not a model"),
        ("ada/iris/resolve/main/other.safetensors", "only model.safetensors is read, not other"),
        ("https://example.org/ada/iris", "not a name that a repository can have"),
        ("https://ada:hf_Secret@example.org/ada/iris", "not a name that a repository can have"),
    ],
)
def test_an_address_of_something_else_is_refused_before_anything_is_asked(
    server: HubStandin, home: Path, address: str, sentence: str
) -> None:
    for act in (lambda: pull(address), lambda: HubIrisMLP.from_pretrained(address)):
        with pytest.raises(HubError) as refused:
            act()
        assert sentence in str(refused.value)
        assert "hf_Secret" not in str(refused.value)
    assert server.requests == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n",
            "a Git LFS pointer",
        ),
        (b"<!doctype html><title>Sign in</title>", "a web page"),
        (b"", "an empty file"),
        (b"neither", "truncated"),
    ],
)
def test_pulled_file_that_is_something_else_is_named_and_no_upload_is_spoken_of(
    server: HubStandin, home: Path, data: bytes, kind: str
) -> None:
    server.repos["model", REPO] = Repo(files={"model.safetensors": data})
    for act in (lambda: pull(REPO), lambda: HubIrisMLP.from_pretrained(REPO)):
        with pytest.raises(WeightsError) as refused:
            act()
        assert kind in str(refused.value)
        assert "upload" not in str(refused.value)


def test_second_push_of_the_same_model_makes_no_commit(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    for _ in range(2):
        push(REPO, checkpoint, HISTORY)
    assert server.repos["model", REPO].commits == 1


def test_push_of_other_weights_changes_only_what_differs(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    push(REPO, checkpoint, HISTORY)
    state = {name: tensor * 2 for name, tensor in checkpoint.state.items()}
    push(REPO, replace(checkpoint, state=state), HISTORY)
    commit = next(r for r in reversed(server.requests) if "/commit/" in r.path)
    changed = [json.loads(line)["value"].get("path") for line in commit.body.splitlines()[1:]]
    assert changed == ["model.safetensors"]


def test_run_that_recorded_nothing_has_no_plot(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    push(REPO, checkpoint, History())
    files = server.repos["model", REPO].files
    assert "loss.png" not in files
    assert b"loss.png" not in files["README.md"]


def test_plot_of_an_earlier_run_is_taken_away(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    push(REPO, checkpoint, HISTORY)
    push(REPO, checkpoint)
    files = server.repos["model", REPO].files
    assert "loss.png" not in files
    assert b"loss.png" not in files["README.md"]


def test_private_model_is_for_its_owner_alone(
    server: HubStandin, login: Callable[[str], None], checkpoint: Checkpoint
) -> None:
    login(WRITE_TOKEN)
    push(REPO, checkpoint, private=True)
    assert server.repos["model", REPO].private
    assert pull(REPO).to_bytes() == checkpoint.to_bytes()
    login(STRANGER_TOKEN)
    with pytest.raises(HubError, match="does not exist, or it is private"):
        pull(REPO)


def test_private_push_never_lands_in_a_public_repository(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    server.repos["model", REPO] = Repo()
    with pytest.raises(HubError, match="exists and is public"):
        push(REPO, checkpoint, private=True)
    assert server.repos["model", REPO].files == {}


def test_visitors_own_token_is_used_and_the_owners_is_not(
    server: HubStandin,
    signed_in: None,
    checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPACE_ID", "ada/space")
    server.repos["model", "ada/secret"] = Repo(
        private=True, files={"model.safetensors": checkpoint.to_bytes()}
    )
    with pytest.raises(HubError, match="does not exist"):
        pull("ada/secret")
    with pytest.raises(HubError, match="Nobody is signed in"):
        push("iris", checkpoint)
    assert read_account(OAUTH_TOKEN).name == "visitor"
    assert push("iris", checkpoint, token=OAUTH_TOKEN).endswith("/visitor/iris")
    assert not any(r.authorization == f"Bearer {WRITE_TOKEN}" for r in server.requests)


def test_token_stays_with_the_hub_when_large_files_lie_elsewhere(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    push(REPO, checkpoint)
    pull(REPO)
    stored = [request for request in server.requests if request.origin == "storage"]
    assert [request.method for request in stored] == ["PUT", "GET"]
    assert [request.authorization for request in stored] == [None, None]


# --- the model's own methods ---------------------------------------------------------------------


def test_model_is_a_hub_model_with_four_tensors() -> None:
    model = HubIrisMLP(hidden=10)
    assert isinstance(model, PyTorchModelHubMixin)
    assert list(model.state_dict()) == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


def test_saved_folder_gives_the_model_back_with_its_scaler(
    tmp_path: Path, checkpoint: Checkpoint
) -> None:
    HubIrisMLP.from_checkpoint(checkpoint).save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.safetensors",
        "config.json",
        "README.md",
    }
    assert (tmp_path / "model.safetensors").read_bytes() == SHIPPED_WEIGHTS.read_bytes()
    model = HubIrisMLP.from_pretrained(tmp_path)
    assert not model.training
    expected = Classifier(checkpoint).predict(np.array([SETOSA]))
    assert model.classify([SETOSA]).logits.tolist() == expected.logits.tolist()
    assert model.to_checkpoint().to_bytes() == SHIPPED_WEIGHTS.read_bytes()


def test_readme_of_the_user_is_not_overwritten(tmp_path: Path, checkpoint: Checkpoint) -> None:
    (tmp_path / "README.md").write_text("mine")
    HubIrisMLP.from_checkpoint(checkpoint).save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_model_goes_to_the_hub_and_back(
    server: HubStandin, home: Path, signed_in: None, checkpoint: Checkpoint
) -> None:
    HubIrisMLP.from_checkpoint(checkpoint).push_to_hub(REPO)
    model = HubIrisMLP.from_pretrained(REPO)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, checkpoint.state[name])
    assert model.classify([SETOSA]).describe()["label"] == "setosa"
    # What was downloaded once is there when the Hub is not.
    server.fail(".*", status=503)
    assert HubIrisMLP.from_pretrained(REPO).to_checkpoint().to_bytes() == checkpoint.to_bytes()


def test_model_trained_further_loses_the_old_metrics(checkpoint: Checkpoint) -> None:
    model = HubIrisMLP.from_checkpoint(checkpoint)
    with torch.no_grad():
        model.fc1.weight += 1
    after = model.to_checkpoint()
    assert (after.metrics, after.settings, after.scaler) == ({}, {}, checkpoint.scaler)


@pytest.mark.parametrize("spoil", [torch.nan, torch.inf, 1e38])
def test_save_pretrained_refuses_what_from_pretrained_would(
    tmp_path: Path, checkpoint: Checkpoint, spoil: float
) -> None:
    model = HubIrisMLP.from_checkpoint(checkpoint)
    with torch.no_grad():
        model.fc1.weight.fill_(spoil)
    with pytest.raises(WeightsError):
        model.save_pretrained(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_model_is_saved_in_float32_and_comes_back_the_same(
    tmp_path: Path, checkpoint: Checkpoint, dtype: torch.dtype
) -> None:
    model = HubIrisMLP.from_checkpoint(checkpoint).to(dtype)
    model.save_pretrained(tmp_path)
    again = HubIrisMLP.from_pretrained(tmp_path)
    for name, tensor in again.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, model.state_dict()[name].float())


def test_new_model_is_saved_with_the_scaler_of_the_lesson(checkpoint: Checkpoint) -> None:
    assert HubIrisMLP(hidden=3).to_checkpoint().scaler == checkpoint.scaler


def test_from_pretrained_refuses_a_file_that_is_not_exactly_the_model(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"fc1.weight": torch.zeros(10, 4)}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match="exactly the tensors"):
        HubIrisMLP.from_pretrained(tmp_path)


# --- the model card ------------------------------------------------------------------------------


def test_card_states_what_the_hub_shows(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    push(REPO, checkpoint, HISTORY)
    card = ModelCard(server.repos["model", REPO].files["README.md"].decode())
    assert (card.data.license, card.data.model_name) == ("mit", "iris")
    results = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    assert results == {
        "accuracy": checkpoint.metrics["test_accuracy"],
        "loss": checkpoint.metrics["test_loss"],
    }
    assert "![Training loss over the epochs](loss.png)" in card.text
    for word in (*FEATURE_NAMES, "setosa", "versicolor", "virginica", "cm", "MIT"):
        assert word in card.text


def test_code_on_the_card_runs_and_names_the_flower(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    push(REPO, checkpoint)
    text = server.repos["model", REPO].files["README.md"].decode()
    with_pytorch, with_package = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "iris_mlp" not in with_pytorch.replace(REPO, "")
    imported = re.findall(
        r"^(?:import|from) ([\w, ]+?)(?:\.| import|$)", with_pytorch, re.MULTILINE
    )
    names = {name for line in imported for name in line.split(", ")}
    installed = re.findall(r"PyTorch \(`pip install (.*)`\)", text)[0].split()
    assert names - set(sys.stdlib_module_names) == set(installed)
    assert len([line for line in with_pytorch.splitlines() if line]) == 10
    for code in (with_package, with_pytorch):
        out = StringIO()
        with redirect_stdout(out):
            exec(code, {})
        assert "setosa" in out.getvalue()


def test_card_says_where_the_package_is_installed_from(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iris_mlp.hub.card import render_files

    assert b"(`pip install .`, in a clone of its repository)" in render_files(checkpoint)[CARD]
    monkeypatch.setenv("SPACE_ID", "ada/iris-app")
    address = b"`pip install git+https://huggingface.co/spaces/ada/iris-app`"
    assert address in render_files(checkpoint)[CARD]


def test_card_prints_nothing_of_a_foreign_files_metadata(checkpoint: Checkpoint) -> None:
    from iris_mlp.hub.card import render_files

    foreign = replace(
        checkpoint,
        settings={"device": "x", "note": "<script>"},
        metrics={"test_accuracy": "<script>", "final_loss": "nan", "extra": "<script>"},
    )
    files = render_files(foreign)
    assert b"<script>" not in files["README.md"] + files["config.json"]
    assert json.loads(files["config.json"])["metrics"] == {}


# --- failures, each with its own sentence --------------------------------------------------------


def push_model(checkpoint: Checkpoint) -> object:
    return push(REPO, checkpoint)


def pull_model(checkpoint: Checkpoint) -> object:
    return pull(REPO)


def load_model(checkpoint: Checkpoint) -> object:
    return HubIrisMLP.from_pretrained(REPO)


def no_change(server: HubStandin) -> None:
    pass


def take_name_by_space(server: HubStandin) -> None:
    server.repos["space", REPO] = Repo()


def gate(server: HubStandin) -> None:
    server.repos["model", REPO] = Repo(gated=True)


def leave_empty(server: HubStandin) -> None:
    server.repos["model", REPO] = Repo()


def refuse_writing(server: HubStandin) -> None:
    server.fail("POST .*(create|preupload)", status=403)


def fail_with(pattern: str, **answer: object) -> Callable[[HubStandin], None]:
    return lambda server: server.fail(pattern, **answer)


OVERSIZED = {"Content-Length": str(MAX_FILE_BYTES + 1)}
FAILURES: dict[str, tuple[str | None, Callable, Callable, str]] = {
    "no token": (None, no_change, push_model, "Nobody is signed in"),
    "wrong token": ("hf_Wrong", no_change, push_model, "does not accept the token"),
    "wrong token reads": ("hf_Wrong", leave_empty, pull_model, "does not accept the token"),
    "token that is none": ("hf_Wro\nng ünsinn", no_change, push_model, "does not accept the token"),
    "read-only token": (READ_TOKEN, no_change, push_model, "may only read"),
    "foreign namespace": (STRANGER_TOKEN, no_change, push_model, "may not write to ada"),
    "no right in the namespace": (WRITE_TOKEN, refuse_writing, push_model, "may not be written"),
    "taken by a Space": (WRITE_TOKEN, take_name_by_space, push_model, "is a Space, not a model"),
    "pull of a Space": (None, take_name_by_space, pull_model, "is a Space, not a model"),
    "missing": (None, no_change, pull_model, "does not exist, or it is private"),
    "missing, loaded": (None, no_change, load_model, "does not exist, or it is private"),
    "empty": (None, leave_empty, pull_model, "holds no model.safetensors"),
    "gated": (None, gate, pull_model, "is gated; accept its conditions"),
    "gated, loaded": (STRANGER_TOKEN, gate, load_model, "is gated; accept its conditions"),
    "too many requests": (
        WRITE_TOKEN,
        fail_with("preupload", status=429, headers={"Retry-After": "55"}),
        push_model,
        "try again in 55 s",
    ),
    "rate limit": (
        None,
        fail_with("resolve", status=429, headers={"RateLimit": '"resolvers";r=0;t=77'}),
        pull_model,
        "try again in 77 s",
    ),
    "broken at sign-in": (WRITE_TOKEN, fail_with("whoami", status=500), push_model, "status 500"),
    "broken at create": (WRITE_TOKEN, fail_with("create", status=502), push_model, "status 502"),
    "broken at check": (WRITE_TOKEN, fail_with("yaml", status=503), push_model, "status 503"),
    "broken at preupload": (WRITE_TOKEN, fail_with("preup", status=504), push_model, "status 504"),
    "broken at batch": (WRITE_TOKEN, fail_with("batch", status=503), push_model, "status 503"),
    "broken storage": (WRITE_TOKEN, fail_with("PUT", status=500), push_model, "status 500"),
    "broken at commit": (WRITE_TOKEN, fail_with("commit", status=503), push_model, "status 503"),
    "conflict": (WRITE_TOKEN, fail_with("commit", status=409), push_model, "somebody else"),
    "broken while reading": (None, fail_with("resolve", status=503), pull_model, "status 503"),
    "broken while loading": (None, fail_with("resolve", status=503), load_model, "status 503"),
    "drop at upload": (WRITE_TOKEN, fail_with("PUT", drop=True), push_model, "broke off"),
    "drop at commit": (WRITE_TOKEN, fail_with("commit", drop=True), push_model, "broke off"),
    "drop while reading": (None, fail_with("resolve", drop=True), pull_model, "broke off"),
    "cut short": (
        None,
        fail_with("resolve", status=200, headers={"Content-Length": "9"}, body=b"1", drop=False),
        pull_model,
        "does not answer|broke off",
    ),
    "silent": (WRITE_TOKEN, fail_with("whoami", hang=True), push_model, "does not answer"),
    "silent while reading": (None, fail_with("resolve", hang=True), pull_model, "does not answer"),
    "silent while loading": (None, fail_with("resolve", hang=True), load_model, "does not answer"),
    "wrong token loads": ("hf_Wrong", leave_empty, load_model, "does not accept the token"),
    "nonsense": (
        WRITE_TOKEN,
        fail_with("whoami", status=200, body=b"<html>"),
        push_model,
        "an answer that huggingface_hub does not understand",
    ),
    "other nonsense": (
        WRITE_TOKEN,
        fail_with("preupload", status=200, body=b'{"files": 3}'),
        push_model,
        "an answer that huggingface_hub does not understand",
    ),
    "too large, and says so": (
        None,
        fail_with("resolve", status=200, headers=OVERSIZED),
        pull_model,
        "larger than 4 MiB",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failure_has_its_sentence_and_keeps_the_token_to_itself(
    name: str,
    server: HubStandin,
    home: Path,
    login: Callable[[str], None],
    checkpoint: Checkpoint,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token, prepare, act, sentence = FAILURES[name]
    monkeypatch.setattr(hub_client, "READ_TIMEOUT_S", 0.3)
    shipped = SHIPPED_WEIGHTS.read_bytes()
    caplog.set_level(logging.DEBUG)
    prepare(server)
    if token:
        login(token)
    with pytest.raises(HubError, match=sentence) as caught:
        act(checkpoint)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert SHIPPED_WEIGHTS.read_bytes() == shipped
    assert not list(home.rglob("*.safetensors"))
    # Nobody waits for repetitions; the cache of huggingface_hub asks for a file's size twice.
    assert max(Counter(list_paths(server)).values(), default=0) <= (2 if act is load_model else 1)
    written = [text, repr(caught.value), caplog.text, *capfd.readouterr()]
    written += [path.read_text("utf-8", "replace") for path in home.rglob("*") if path.is_file()]
    for secret in filter(None, (token, *TOKENS)):
        assert not any(secret in where for where in written)


def test_a_full_disk_is_named_with_its_reason():
    sentence = "on this machine: No space left on device"
    with pytest.raises(HubError, match=sentence), hub_failures.explain_failures(REPO):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/home/ada/.cache")


def test_what_nobody_foresaw_leaves_its_class_in_the_log_and_no_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(HubError, match="does not understand"), hub_failures.explain_failures(REPO):
        raise KeyError(WRITE_TOKEN)
    assert "KeyError" in caplog.text
    assert WRITE_TOKEN not in caplog.text


def test_wrong_token_is_known_after_one_question(
    server: HubStandin, login: Callable[[str], None], checkpoint: Checkpoint
) -> None:
    login("hf_Wrong")
    with pytest.raises(HubError):
        push(REPO, checkpoint)
    assert list_paths(server) == ["GET /api/whoami-v2"]


@pytest.mark.parametrize(
    "name", ["", "a/b/c", "a//b", "../x", "ada/-iris", "ada/ir is", "ada/" + "x" * 97, "ada/x.git"]
)
def test_bad_name_is_refused_before_anything_is_asked(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint, name: str
) -> None:
    for act in (lambda: push(name, checkpoint), lambda: pull(name)):
        with pytest.raises(HubError, match="not a name that a repository can have"):
            act()
    assert server.requests == []


@pytest.mark.parametrize("act", [push_model, pull_model, load_model])
def test_network_that_is_down_is_named(
    home: Path,
    signed_in: None,
    checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        port = taken.getsockname()[1]
        point_client_at(f"http://user:password@127.0.0.1:{port}", monkeypatch)
        with pytest.raises(HubError, match=f"127.0.0.1:{port}. cannot be reached") as caught:
            act(checkpoint)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("act", [push_model, pull_model, load_model])
def test_offline_mode_is_named_and_asks_nothing(
    server: HubStandin,
    signed_in: None,
    checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable,
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="offline mode"):
        act(checkpoint)
    assert server.requests == []


def test_missing_revision_is_named(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    push(REPO, checkpoint)
    with pytest.raises(HubError, match="no such revision"):
        pull(REPO, revision="v9")


def test_body_that_goes_on_past_the_cap_is_left_unread(
    server: HubStandin, home: Path, checkpoint: Checkpoint
) -> None:
    server.repos["model", REPO] = Repo(files={"model.safetensors": bytes(MAX_FILE_BYTES + 1)})
    with pytest.raises(HubError, match="larger than 4 MiB"):
        pull(REPO)
    # Without a length in front, the cap is met while reading.
    chunk = b"%x\r\n" % 2**20 + bytes(2**20) + b"\r\n"
    headers = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    server.fail("resolve", status=200, headers=headers, body=chunk * 5 + b"0\r\n\r\n")
    with pytest.raises(HubError, match="larger than 4 MiB"):
        pull(REPO)


def test_pulled_weights_pass_the_checks_of_an_upload(server: HubStandin, home: Path) -> None:
    server.repos["model", REPO] = Repo(files={"model.safetensors": b"\x80\x04pickle"})
    with pytest.raises(WeightsError, match="not a safetensors file"):
        pull(REPO)


def test_push_after_a_failure_completes(
    server: HubStandin, signed_in: None, checkpoint: Checkpoint
) -> None:
    server.fail("commit", drop=True)
    with pytest.raises(HubError):
        push(REPO, checkpoint)
    server.mend()
    push(REPO, checkpoint)
    assert pull(REPO).to_bytes() == checkpoint.to_bytes()


def test_two_tokens_at_once_stay_apart(server: HubStandin, checkpoint: Checkpoint) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        names = list(pool.map(lambda t: read_account(t).name, [WRITE_TOKEN, OAUTH_TOKEN] * 8))
    assert names == ["ada", "visitor"] * 8


# --- another process, as a user runs it ----------------------------------------------------------

SCRIPT = """
import sys
from pathlib import Path
from iris_mlp.checkpoint import Checkpoint, SHIPPED_WEIGHTS
from iris_mlp.errors import HubError
from iris_mlp.hub.pull import pull
from iris_mlp.hub.push import push
shipped = Checkpoint.load(SHIPPED_WEIGHTS)
print(push("ada/iris", shipped))
pull("ada/iris").save(Path("pulled.safetensors"))
try:
    push("mallory/iris", shipped)
except HubError as error:
    sys.exit(str(error))
"""


def test_endpoint_and_token_come_from_the_environment(server: HubStandin, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HF_ENDPOINT": server.endpoint,
        "HF_TOKEN": WRITE_TOKEN,
        "HF_HOME": str(tmp_path / "home"),
        "HF_DEBUG": "1",
        "PYTHONPATH": str(PROJECT),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"{server.endpoint}/ada/iris\n", done.stderr
    assert (tmp_path / "pulled.safetensors").read_bytes() == SHIPPED_WEIGHTS.read_bytes()
    assert "ada may not write to mallory" in done.stderr
    stored = [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(WRITE_TOKEN in where for where in (done.stdout, done.stderr, *stored))


def test_commands_push_with_a_plot_and_pull(
    server: HubStandin, signed_in: None, tmp_path: Path
) -> None:
    history, output = tmp_path / "history.csv", tmp_path / "w.safetensors"
    history.write_text("epoch,loss\n1,1.1\n2,0.9\n")
    done = CliRunner().invoke(push_command, [REPO, "--history", str(history), "--private"])
    assert done.stdout == f"{server.endpoint}/{REPO}\n", done.exception
    assert server.repos["model", REPO].private
    assert "loss.png" in server.repos["model", REPO].files
    CliRunner().invoke(pull_command, [REPO, "--output", str(output)], catch_exceptions=False)
    assert output.read_bytes() == SHIPPED_WEIGHTS.read_bytes()
    server.fail("resolve", status=503)
    assert isinstance(
        CliRunner().invoke(pull_command, [REPO, "--output", str(output)]).exception, HubError
    )
    assert output.read_bytes() == SHIPPED_WEIGHTS.read_bytes()


@pytest.mark.parametrize("text", ["", "epoch\n1\n", "epoch,loss\n1,x\n", "epoch,loss\n1\n"])
def test_history_that_is_none_is_named(server: HubStandin, tmp_path: Path, text: str) -> None:
    history = tmp_path / "history.csv"
    history.write_text(text)
    done = CliRunner().invoke(push_command, [REPO, "--history", str(history)])
    assert "is not the CSV that train --history writes" in str(done.exception)
    assert server.requests == []


def test_standin_serves_the_plain_client_too(server: HubStandin, signed_in: None) -> None:
    api = HfApi(endpoint=server.endpoint)
    api.create_repo(REPO)
    api.upload_file(path_or_fileobj=b"hello", path_in_repo="a.txt", repo_id=REPO)
    assert api.list_repo_files(REPO) == [".gitattributes", "a.txt"]
