"""Files: written whole or not at all, and named where they are not what was asked for."""

import os
import re
import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path

from iris_mlp.errors import IrisMlpError, OutputError

_BEGINNINGS = {
    b"version https://git-lfs": IrisMlpError(
        "a Git LFS pointer (git lfs pull fetches what it stands for)"
    ),
    b"# xet version": IrisMlpError("a Xet pointer (git xet fetches what it stands for)"),
    b"\xd0\xcf\x11\xe0": IrisMlpError("an Excel workbook (.xls)"),
    b"GGUF": IrisMlpError("a GGUF file"),
    b"\x93NUMPY": IrisMlpError("a NumPy array (.npy)"),
    b"\x89HDF": IrisMlpError("an HDF5 file (.h5)"),
    b"\x1f\x8b": IrisMlpError("a gzip archive"),
    b"%PDF": IrisMlpError("a PDF"),
    b"\x89PNG": IrisMlpError("a picture"),
    b"\xff\xd8\xff": IrisMlpError("a picture"),
    b"PAR1": IrisMlpError("a Parquet file"),
}
_PAGE_BEGINNINGS = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<table")
_ZIP_MEMBERS = {
    b"/data.pkl": IrisMlpError("a PyTorch file (.pt, .bin)"),
    b".npy": IrisMlpError("a NumPy archive (.npz)"),
    b"[Content_Types].xml": IrisMlpError("an Excel workbook (.xlsx)"),
    b"opendocument": IrisMlpError("an OpenDocument spreadsheet (.ods)"),
    b"model.weights.h5": IrisMlpError("a Keras model (.keras)"),
}
_JSON_KEYS = {
    b'"weight_map"': IrisMlpError(
        "the index of weights in several files (model.safetensors.index.json)"
    ),
    b'"model_type"': IrisMlpError("a config.json"),
    b'"architectures"': IrisMlpError("a config.json"),
}


def name_kind(data: bytes) -> IrisMlpError | None:
    """Return what a file is by its first bytes, as a part of a sentence; None if unknown.

    Source of the signatures: https://www.garykessler.net/library/file_sigs.html, and the formats'
    own specifications (git-lfs, GGUF, safetensors, ONNX).
    """
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((kind for begin, kind in _BEGINNINGS.items() if data.startswith(begin)), None)
    if data.startswith(b"PK\x03\x04"):
        names = (kind for member, kind in _ZIP_MEMBERS.items() if member in data)
        kind = next(names, IrisMlpError("a zip archive"))
    elif re.match(rb"\x80[\x02-\x05]", data):
        kind = IrisMlpError("a Python pickle (as .pt, .bin and .pkl files are)")
    elif data[4:10] == b'\0\0\0\0{"':
        kind = IrisMlpError("a weights file (safetensors)")
    elif data[:1] == b"\x08" and data[2:3] == b"\x12":
        kind = IrisMlpError("an ONNX model")
    elif start[:1] in (b"{", b"["):
        kind = next((kind for key, kind in _JSON_KEYS.items() if key in data), IrisMlpError("JSON"))
    elif (
        start[:14].lower().startswith((b"<!doctype html", b"<html", b"<?xml", b"<head", b"<table"))
    ):
        kind = IrisMlpError("a web page")
    return kind


def print_anything() -> None:
    """Print characters that the terminal's encoding lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
