"""Files that visitors take away or bring: in a folder of this process, which a sweeper empties."""

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from gradio.utils import get_upload_folder

from iris_mlp.errors import OutputError
from iris_mlp.files import write_atomically
from iris_mlp.strings import Translate
from iris_mlp.ui.errors import warn

KEPT_S = 2 * 3600.0
"""How long a file can be fetched."""
MOST_BYTES = 2**30
"""What all files may take; the oldest go first."""
ABANDONED_S = 3600.0
"""A folder that no sweeper has been in for so long is of a process that was killed."""
_PREFIX = "iris-mlp-"


def claim_folder() -> Path:
    """Make a folder for this process where Gradio keeps files, and let it use that one.

    Two servers in one folder would sweep away each other's files. It must be there before the page
    is built: every component remembers it.
    """
    parent = Path(get_upload_folder())
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    return folder


def sweep(folder: Path, kept_s: float = KEPT_S, most_bytes: int = MOST_BYTES) -> None:
    """Remove what is older than `kept_s`, then the oldest until the rest is within `most_bytes`."""
    folder.touch()
    files = []
    for path in folder.rglob("*"):
        with suppress(OSError):  # another thread has just removed it
            if path.is_file():
                files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for changed_at, size, path in sorted(files):
        if time.time() - changed_at < kept_s and total <= most_bytes:
            break
        total -= size
        with suppress(OSError):
            path.unlink()
            if path.parent != folder:
                path.parent.rmdir()  # fails as long as there is another file in it


def keep_file(data: bytes, name: str) -> str:
    """Write a file for a visitor and return its path.

    Raises:
        OutputError: The disk is full, or the cache cannot be written.
    """
    path = Path(get_upload_folder()) / hashlib.sha256(data).hexdigest() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)  # another visitor may be reading the same bytes
    except (OSError, OutputError) as error:
        reason = error.values["reason"] if isinstance(error, OutputError) else error.strerror
        raise OutputError(
            "The server could not write {name} ({reason}); try again later, "
            "or run the app on your own machine.",
            name=name,
            reason=reason,
        ) from error
    return str(path)


def offer_file(data: bytes, name: str, t: Translate) -> str | None:
    """Write a file for a visitor and return its path; where that fails, warn and go on without."""
    try:
        return keep_file(data, name)
    except OutputError as error:
        warn(error, t)
        return None
