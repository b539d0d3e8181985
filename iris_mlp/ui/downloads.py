"""Files that visitors take away: they lie in Gradio's cache, which it empties by itself."""

import hashlib
from pathlib import Path

from gradio.utils import get_upload_folder

from iris_mlp.errors import OutputError
from iris_mlp.files import write_atomically
from iris_mlp.strings import Translate
from iris_mlp.ui.errors import warn


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
