"""Files are written whole or not at all.

The failures are such as root meets too: permissions alone stop nobody in a container.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iris_mlp.errors import OutputError
from iris_mlp.files import check_writable, write_atomically

PROJECT = Path(__file__).parents[2]


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make_unwritable(tmp_path: Path, kind: str) -> Path:
    """Return a path that nobody can write a file to."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    return {
        "a folder": tmp_path / "folder",
        "under a file": tmp_path / "file" / "x",
        "in no folder": tmp_path / "missing" / "x",
        "name too long": tmp_path / ("x" * 300),
        "a device": Path(os.devnull),
        "a link to nowhere": make_link(tmp_path),
    }[kind]


def make_link(tmp_path: Path) -> Path:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "missing" / "x")
    return link


UNWRITABLE = [
    "a folder",
    "under a file",
    "in no folder",
    "name too long",
    "a device",
    "a link to nowhere",
]


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "w"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list_names(tmp_path) == ["w"]


def test_a_reader_of_the_old_file_keeps_the_old_bytes(tmp_path):
    path = tmp_path / "w"
    path.write_bytes(b"old")
    with path.open("rb") as file:
        write_atomically(path, b"new")
        assert file.read() == b"old"


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk" / "w")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "disk" / "w").read_bytes() == b"new"
    assert list_names(tmp_path / "disk") == ["w"]


@pytest.mark.parametrize("kind", UNWRITABLE)
def test_an_unwritable_path_is_found_before_the_work(kind, tmp_path):
    path = make_unwritable(tmp_path, kind)
    before = list_names(tmp_path)
    with pytest.raises(OutputError, match=r"^Cannot write .*[a-z]\.$"):
        check_writable(path)
    assert list_names(tmp_path) == before


def test_a_writable_path_is_accepted_and_left_as_it_is(tmp_path):
    path = tmp_path / "w"
    check_writable(path)
    assert list_names(tmp_path) == []
    path.write_bytes(b"old")
    check_writable(path)
    assert path.read_bytes() == b"old"


def test_a_path_without_a_folder_is_in_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable(Path("w"))
    write_atomically(Path("w"), b"new")
    assert list_names(tmp_path) == ["w"]


@pytest.mark.parametrize("kind", [kind for kind in UNWRITABLE if kind != "a device"])
def test_a_failed_write_leaves_no_temporary_file(kind, tmp_path):
    path = make_unwritable(tmp_path, kind)
    before = list_names(tmp_path)
    with pytest.raises(OutputError, match=r"^Cannot write .*; choose a path"):
        write_atomically(path, b"new")
    assert list_names(tmp_path) == before
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE of Unix")
def test_a_full_disk_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / "w"
    path.write_bytes(b"old")
    # The limit on a file's size stands in for a disk that is full half-way through the write.
    program = """
import resource, signal, sys
from pathlib import Path
from iris_mlp.errors import OutputError
from iris_mlp.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_atomically(Path(sys.argv[1]), bytes(1_000_000))
except OutputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Cannot write {path}: File too large")
    assert path.read_bytes() == b"old"
    assert list_names(tmp_path) == ["w"]
