"""The page against a real Hub server (the stand-in), in a process and a browser of their own."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.app import App
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


def train(page) -> None:
    page.get_by_label("Epochs", exact=True).fill("123")
    page.get_by_label("Epochs", exact=True).press("Tab")
    page.click("#start")
    expect(page.locator(".loss-chart-note")).to_contain_text("Done: 123")
    expect(page.locator("#start")).to_be_enabled()


def confirm(page, app: App) -> None:
    """Type the code that the terminal shows, and push again."""
    field = page.get_by_label("Code from the terminal")
    expect(field).to_be_visible()
    field.fill(re.findall(r"^Code to publish .*: (\d{6})$", app.log.read_text(), re.M)[-1])
    page.click("#push")


def train_and_push(page, app: App, name: str) -> None:
    train(page)
    page.get_by_role("button", name="Push to the Hub").click()
    expect(page.locator("#hub-account p")).to_be_visible()
    page.get_by_label("Repository").fill(name)
    page.click("#push")
    confirm(page, app)


def test_a_run_goes_to_the_hub_and_comes_back_by_name(visit, hub: HubStandin, tmp_path):
    app = serve_with(WRITE_TOKEN, hub, tmp_path)
    with app.serve() as address, visit(address=address) as page:
        train_and_push(page, app, "iris-from-the-page")
        answer = page.locator("#hub-answer a")
        expect(answer).to_have_attribute("href", re.compile("iris-from-the-page$"), timeout=30_000)
        expect(page.locator("#hub-account")).to_contain_text("Signed in to the Hub as")
        repository = "/".join((answer.get_attribute("href") or "").split("/")[-2:])

        page.get_by_role("tab", name="Classify").click()
        page.locator("#weights-hub textarea, #weights-hub input").fill(repository)
        page.locator("#weights-hub textarea, #weights-hub input").press("Enter")
        expect(page.get_by_role("radio", name="From the Hub")).to_be_checked()
        expect(page.locator("#weights-card")).to_contain_text("123")
        assert list_secrets_seen(page, app, WRITE_TOKEN) == []


FAULTS = {
    "whoami": ({"status": 500}, "has a problem of its own"),
    "create": ({"status": 403}, "may not be written with this login"),
    "yaml": ({"status": 429, "headers": {"Retry-After": "55"}}, "try again in 55 s"),
    "preupload": ({"drop": True}, "broke off"),
    "batch": ({"status": 503}, "has a problem of its own"),
    "PUT": ({"drop": True}, "broke off"),
    "commit": ({"status": 409}, "somebody else"),
    "resolve": ({"status": 403, "headers": {"X-Error-Code": "GatedRepo"}}, "is gated"),
}


def list_secrets_seen(page, app: App, token: str) -> list[str]:
    """Return where a token is found, of all that the app shows, keeps and logs."""
    state = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    texts = {"page": page.content(), "state": state, "log": app.log.read_text()}
    texts |= {
        str(path): path.read_text("utf-8", "replace")
        for path in app.folder.rglob("*")
        if path.is_file()
    }
    return [name for name, text in texts.items() if token in text]


def expect_refusal(page, sentence: str) -> None:
    toast = page.locator(".toast-body")
    expect(toast).to_contain_text(sentence)
    toast.locator(".toast-close").click()
    expect(toast).to_have_count(0)


def test_each_failure_is_answered_on_the_page_and_shows_no_token(visit, tmp_path):
    with run_hub() as hub:
        app = serve_with(WRITE_TOKEN, hub, tmp_path)
        with app.serve() as address, visit(address=address) as page:
            train(page)
            last_run = (app.folder / "weights" / "last_run.safetensors").read_bytes()
            page.get_by_role("button", name="Push to the Hub").click()
            hub.fail("whoami", status=500)
            page.click("#push")
            confirm(page, app)
            expect_refusal(page, "has a problem of its own")
            hub.mend()
            for step, (answer, sentence) in FAULTS.items():
                hub.fail(step, **answer)
                if step == "resolve":
                    page.get_by_role("tab", name="Classify").click()
                    page.locator("#weights-hub textarea, #weights-hub input").fill("ada/iris")
                    page.locator("#weights-hub button").click()
                else:
                    page.click("#push")
                expect_refusal(page, sentence)
                assert list_secrets_seen(page, app, WRITE_TOKEN) == []
                hub.mend()
            assert (app.folder / "weights" / "last_run.safetensors").read_bytes() == last_run
            page.get_by_role("tab", name="Train", exact=True).click()
            page.click("#push")  # and once all is well again, it goes through
            expect(page.locator("#hub-answer a")).to_be_visible()


@pytest.mark.parametrize(
    ("token", "sentence"),
    [(READ_TOKEN, "may only read"), ("hf_Wrong", "does not accept the token")],
)
def test_a_token_that_does_not_serve_is_answered_with_a_sentence(
    visit, hub, tmp_path, token: str, sentence: str
):
    app = serve_with(token, hub, tmp_path)
    with app.serve() as address, visit(address=address) as page:
        train_and_push(page, app, "iris-from-the-page")
        expect_refusal(page, sentence)
        assert list_secrets_seen(page, app, token) == []
