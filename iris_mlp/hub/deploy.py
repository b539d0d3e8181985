"""Put the app on a Space."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, SpaceHardware, metadata_load
from huggingface_hub.errors import HfHubHTTPError

from iris_mlp.errors import HubError
from iris_mlp.hub.account import Report, sign_in
from iris_mlp.hub.failures import explain_failures
from iris_mlp.hub.repository import check_private, commit_files

PROJECT = Path(__file__).parents[2]

THUMBNAIL = "docs/train.png"
SPACE_FILES = (
    "app.py",
    "requirements.txt",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "weights/iris_mlp.safetensors",
    THUMBNAIL,
)
SPACE_PACKAGE = "iris_mlp"
_DATA_SUFFIXES = (
    *(".py", ".json", ".css", ".js", ".wgsl", ".html", ".svg", ".md", ".txt", ".csv", ".toml"),
)
_SPACE_MARK = f"{SPACE_PACKAGE}/__init__.py"
_README, _PLACEHOLDER = "README.md", b"USER/SPACE"
"""Where the README names a Space, the one that it lies on names itself."""


@dataclass(frozen=True)
class Deployment:
    """What was put on a Space.

    Attributes:
        space_id: The Space's full name.
        address: Where people find it.
        commit: Its newest commit.
    """

    space_id: str
    address: str
    commit: str


def deploy(
    space_id: str,
    root: Path = PROJECT,
    *,
    private: bool = False,
    hardware: str | None = None,
    token: str | None = None,
    report: Report = lambda step: None,
) -> Deployment:
    """Put the app on a Space: exactly the files that it needs, and nothing that lay there before.

    The settings of the Space are the README's front matter, which the Hub reads itself (sign-in
    with `hf_oauth`, SDK, colours). Documentation:
    https://huggingface.co/docs/hub/spaces-config-reference

    Args:
        space_id: `USER/NAME`, or `NAME` under one's own name.
        root: The project's folder.
        private: Let nobody else see it.
        hardware: What a new Space asks for; left out, the front matter's `suggested_hardware`.
            A Space that exists keeps the hardware that its owner has set.
        token: A visitor's token; left out, the stored login of this machine's user.
        report: Is told each step as it begins.

    Raises:
        HubError: A file is missing, or the Hub cannot be asked, or refuses; the sentence says why.
    """
    files = _read_files(root)
    hardware = hardware or _read_front_matter(root / _README).get("suggested_hardware")
    api, space_id = sign_in(space_id, token, report)
    files[_README] = files[_README].replace(_PLACEHOLDER, space_id.encode())
    report("create")
    address = _create_space(api, space_id, private, hardware)
    with explain_failures(space_id, "space", api):
        present = set(api.list_repo_files(space_id, repo_type="space")) - {".gitattributes"}
    if present - {_README} and _SPACE_MARK not in present:
        raise HubError(
            "The Space {space_id} holds another app; choose another name.", space_id=space_id
        )
    report("upload")
    with explain_failures(space_id, "space", api):
        commit = commit_files(
            api, space_id, "space", files, present - set(files), "Deploy Iris MLP"
        )
    report("done")
    return Deployment(space_id, address, commit)


def _create_space(api: HfApi, space_id: str, private: bool, hardware: str | None) -> str:
    with explain_failures(space_id, "space", api):
        try:
            address = api.create_repo(
                space_id,
                repo_type="space",
                private=private or None,
                exist_ok=True,
                space_sdk="gradio",
                space_hardware=hardware,  # type: ignore[arg-type]  # the Hub may know more names
            )
        except HfHubHTTPError as error:
            refusal = _explain_refusal(error, space_id, hardware)
            if refusal is None:
                raise
            raise refusal from None
    if private:
        check_private(api, space_id, "space")
    return str(address)


def _explain_refusal(error: HfHubHTTPError, space_id: str, hardware: str | None) -> HubError | None:
    """Return the sentence of a Space that may not be created.

    Who may host what: https://huggingface.co/docs/hub/spaces-overview and …/spaces-zerogpu.
    """
    words = " ".join((error.server_message or "").split())[:300] or "no reason given"
    match error.response.status_code:
        case 400:
            return HubError(
                "The Hub refuses to create {space_id} on the hardware {hardware} ({words}); "
                "known hardware: {known}.",
                space_id=space_id,
                hardware=hardware,
                words=words,
                known=", ".join(flavor.value for flavor in SpaceHardware),
            )
        case 402:
            return HubError(
                "The hardware {hardware} needs a paid plan; zero-a10g (ZeroGPU) is free for two "
                "Spaces of an account: add --hardware zero-a10g, or see "
                "https://huggingface.co/pricing.",
                hardware=hardware,
            )
        case 403 if hardware == SpaceHardware.ZERO_A10G:
            return HubError(
                "The Hub refuses to create {space_id} on ZeroGPU ({words}); a free account needs a "
                "confirmed e-mail address, an age of 30 days, and fewer than two other Spaces on "
                "ZeroGPU: delete one, or choose other --hardware.",
                space_id=space_id,
                words=words,
            )
    return None


def list_space_files(root: Path = PROJECT) -> list[str]:
    """Return the paths of what a Space needs, relative to the project's folder, sorted.

    Raises:
        HubError: A file that a Space needs is missing.
    """
    for name in SPACE_FILES:
        if not (root / name).is_file():
            raise HubError(
                "{path} is missing, and a Space needs it; deploy from a clone of the project.",
                path=root / name,
            )
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
