"""Put the app on a Space."""

from pathlib import Path
from typing import Any

from huggingface_hub import metadata_load

from iris_mlp.errors import HubError
from iris_mlp.hub.account import Report, sign_in
from iris_mlp.hub.failures import explain_failures
from iris_mlp.hub.repository import commit_files, create_repository

PROJECT = Path(__file__).parents[2]

SPACE_FILES = ("app.py", "requirements.txt", "README.md", "LICENSE", "weights/iris_mlp.safetensors")
SPACE_PACKAGE = "iris_mlp"
_DATA_SUFFIXES = (".py", ".json", ".css", ".js", ".wgsl", ".html", ".svg", ".md", ".txt", ".csv")
_SPACE_MARK = f"{SPACE_PACKAGE}/__init__.py"


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
    api, space_id = sign_in(space_id, token, report)
    report("create")
    address = create_repository(
        api, space_id, "space", private, space_sdk="gradio", space_hardware=hardware
    )
    with explain_failures(space_id, "space", api):
        present = set(api.list_repo_files(space_id, repo_type="space")) - {".gitattributes"}
    if present - {"README.md"} and _SPACE_MARK not in present:
        raise HubError(
            "The Space {space_id} holds another app; choose another name.", space_id=space_id
        )
    report("upload")
    with explain_failures(space_id, "space", api):
        commit_files(api, space_id, "space", files, present - set(files), "Deploy Iris MLP")
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
