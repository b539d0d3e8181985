"""The app, and a real browser that looks at it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from iris_mlp.ui.assets import FOLDER
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
        # What the page opens on stands still, so that its drawing slows no other test.
        options = {
            "locale": "en-US",
            "viewport": {"width": 1280, "height": 900},
            "reduced_motion": "reduce",
            **options,
        }
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


class Modules:
    """A blank page that can import the modules of `static/`, without the app.

    Attributes:
        page: The page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        page.route("**/*", self._serve)
        page.goto("http://modules.test/")

    def address(self, name: str) -> str:
        """Return where a module is imported from."""
        return f"http://modules.test/{name}.js"

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Run a function of the page with one argument and return its answer."""
        return self.page.evaluate(script, argument)

    @staticmethod
    def _serve(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[-1]
        if name:
            route.fulfill(path=FOLDER / name)
        else:
            route.fulfill(body="<!doctype html><body></body>", content_type="text/html")


@pytest.fixture
def modules(browser: Browser) -> Iterator[Modules]:
    with browser.new_context(viewport={"width": 800, "height": 900}) as context:
        yield Modules(context.new_page())
