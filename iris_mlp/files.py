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
    target = Path(os.path.realpath(path))  # a link stays, and the file that it names is replaced
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError as error:
        raise _refusal(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Make sure, before long work, that a file can be written at its end.

    Raises:
        OutputError: The path is a folder or a device, or its folder is missing or cannot be
            written to.
    """
    try:
        if path.is_dir():
            raise OutputError("Cannot write {path}: it is a folder; name a file in it.", path=path)
        if path.exists() and not path.is_file():
            raise OutputError("Cannot write {path}: it is not a regular file.", path=path)
        # Tried, not asked for: permissions alone say little to root or on a read-only disk.
        with tempfile.NamedTemporaryFile(dir=Path(os.path.realpath(path)).parent, prefix="."):
            pass
    except OSError as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: OSError) -> OutputError:
    return OutputError(
        "Cannot write {path}: {reason}; choose a path in a folder that exists "
        "and that you may write to.",
        path=path,
        reason=error.strerror,
    )
