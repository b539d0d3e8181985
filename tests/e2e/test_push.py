"""The page against a real Hub server (the stand-in), in a process and a browser of their own."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import App
from tests.hub_standin import READ_TOKEN, WRITE_TOKEN, HubStandin, run_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[HubStandin]:
    with run_hub() as standin:
        yield standin


def serve_with(token: str, hub: HubStandin, folder) -> App:
    environment = {
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": token,
        "HF_HOME": str(folder / "home"),
        "NO_PROXY": "127.0.0.1",
    }
    return App(folder, environment)


def train_and_push(page, name: str) -> None:
    page.get_by_label("Epochs", exact=True).fill("123")
    page.get_by_label("Epochs", exact=True).press("Tab")
    page.click("#start")
    expect(page.locator(".loss-chart-note")).to_contain_text("Done: 123")
    page.get_by_role("button", name="Push to the Hub").click()
    page.get_by_label("Repository").fill(name)
    page.click("#push")


def test_a_run_goes_to_the_hub_and_comes_back_by_name(visit, hub: HubStandin, tmp_path):
    app = serve_with(WRITE_TOKEN, hub, tmp_path)
    with app.serve() as address, visit(address=address) as page:
        train_and_push(page, "iris-from-the-page")
        answer = page.locator("#hub-answer a")
        expect(answer).to_have_attribute("href", re.compile("iris-from-the-page$"), timeout=30_000)
        expect(page.locator("#hub-account")).to_contain_text("Signed in to the Hub as")
        repository = "/".join((answer.get_attribute("href") or "").split("/")[-2:])

        page.get_by_role("tab", name="Classify").click()
        page.locator("#weights-hub textarea, #weights-hub input").fill(repository)
        page.locator("#weights-hub textarea, #weights-hub input").press("Enter")
        expect(page.get_by_role("radio", name="From the Hub")).to_be_checked()
        expect(page.locator("#weights-card")).to_contain_text("123")
        stored = page.evaluate("JSON.stringify(localStorage) + document.cookie")
        seen = page.content()
    for text in (stored, seen, app.log.read_text()):
        assert WRITE_TOKEN not in text


def test_a_token_that_may_not_write_is_answered_with_a_sentence(visit, hub, tmp_path):
    app = serve_with(READ_TOKEN, hub, tmp_path)
    with app.serve() as address, visit(address=address) as page:
        train_and_push(page, "iris-from-the-page")
        toast = page.locator(".toast-body")
        expect(toast).to_contain_text("write", timeout=30_000)
        seen = page.content()
    assert READ_TOKEN not in seen
    assert READ_TOKEN not in app.log.read_text()
