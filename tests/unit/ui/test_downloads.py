import os
import time

from iris_mlp.ui.downloads import ABANDONED_S, claim_folder, sweep


def make_file(path, size: int, age_s: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age_s,) * 2)


def test_old_files_go_then_the_oldest_until_the_rest_fits(tmp_path):
    for name, size, age_s in (("a/x", 10, 100), ("b/x", 10, 50), ("c/x", 10, 20), ("tmp", 10, 30)):
        make_file(tmp_path / name, size, age_s)
    sweep(tmp_path, kept_s=80, most_bytes=20)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {"c", "c/x", "tmp"}
    sweep(tmp_path, kept_s=1)
    assert list(tmp_path.iterdir()) == []


def test_each_process_has_a_folder_and_those_of_killed_ones_go(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    first = claim_folder()
    make_file(first / "x" / "y", 1, 0)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    second = claim_folder()
    assert first != second
    assert os.environ["GRADIO_TEMP_DIR"] == str(second)
    assert (first / "x" / "y").exists()
    os.utime(first, (time.time() - ABANDONED_S - 60,) * 2)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    claim_folder()
    assert not first.exists()
