"""The app, and a real browser that looks at it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.app import App, find_browser

# What is awaited comes in a moment, or on a busy machine later; no test is about speed.
expect.set_options(timeout=60_000)

SOFTWARE_WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")


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
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu", *SOFTWARE_WEBGPU]
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
