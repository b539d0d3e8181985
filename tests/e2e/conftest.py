"""A real server in a process of its own, and a real browser that looks at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_S = 120

# What is awaited comes in a moment, or on a busy machine later; no test is about speed.
expect.set_options(timeout=60_000)


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


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    return App(tmp_path_factory.mktemp("app"), {})


@pytest.fixture(scope="session")
def url(app: App) -> Iterator[str]:
    with app.serve() as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def visit(browser: Browser, url: str) -> Visit:
    """Open the app as a new visitor: `with visit(locale="zh-CN") as page`."""

    @contextmanager
    def open_page(path: str = "", address: str = url, **options) -> Iterator[Page]:
        options = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}} | options
        context: BrowserContext = browser.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(60_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address + path)
        page.wait_for_selector("#loss-chart .loss-chart-stats > div")
        yield page
        context.close()
        assert not problems, problems

    return open_page
