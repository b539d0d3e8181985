"""Files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

from iris_mlp.errors import OutputError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file through a temporary neighbour, synced and renamed.

    Raises:
        OutputError: The path cannot be written; the old file, if any, is as it was.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError(
            f"Cannot write {path}: {error.strerror}; choose a path in a folder that exists "
            "and that you may write to."
        ) from error


def check_writable(path: Path) -> None:
    """Make sure, before long work, that a file can be written at its end.

    Raises:
        OutputError: The path is a folder, or its folder is missing or cannot be written to.
    """
    if path.is_dir():
        raise OutputError(f"Cannot write {path}: it is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise OutputError(f"Cannot write {path}: the folder {path.parent} does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"Cannot write {path}: you may not write to the folder {path.parent}.")
