"""The app as a real server in a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_S = 120


def copy_project(folder: Path) -> None:
    """Copy what the app needs into a folder."""
    for name in ("app.py", "iris_mlp", "weights"):
        source, target = ROOT / name, folder / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "last_run*")
            shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class App:
    """An app in a folder of its own, by default a copy of this one; and its log."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        if not (folder / "app.py").exists():
            copy_project(folder)
        self.folder = folder
        self.environment = environment
        self.log = folder / "log.txt"

    @contextmanager
    def serve(self, port: int | None = None) -> Iterator[str]:
        port = port or find_free_port()
        environment = {
            **os.environ,
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": str(self.folder / "cache"),
            "PYTHONPATH": str(self.folder),
            **self.environment,
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        url = f"http://127.0.0.1:{port}/"
        try:
            wait_for_answer(url, process, self.log)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for_answer(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the app ended:\n{log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not answer:\n{log.read_text()}")


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)
