"""The app as a Space serves it: made of the files that `deploy` uploads, and signed in to."""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect

from tests.app import ROOT, App
from tests.hub_standin import OAUTH_TOKEN, WRITE_TOKEN, HubStandin, run_hub
from tests.sign_in_standin import CLIENT_ID, CLIENT_SECRET, SCOPES, run_provider

SPACE = "ada/iris-app"


@pytest.fixture(scope="module")
def hub() -> Iterator[HubStandin]:
    with run_hub() as standin:
        yield standin


@pytest.fixture(scope="module")
def space(hub: HubStandin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("space")
    owner = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": WRITE_TOKEN, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-m", "iris_mlp", "deploy", SPACE, "--no-wait"],
        cwd=ROOT,
        env={**os.environ, **owner, "HF_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.strip() == f"{hub.endpoint}/spaces/{SPACE}", done.stderr
    for name, data in hub.repos["space", SPACE].files.items():
        path = folder / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    hub.requests.clear()
    with run_provider(OAUTH_TOKEN, "visitor") as provider:
        yield App(
            folder / "app",
            # The owner's token is a secret of the Space, and no visitor's.
            {
                **owner,
                "HF_HOME": str(folder / "home"),
                "SYSTEM": "spaces",
                "SPACE_ID": SPACE,
                "OAUTH_CLIENT_ID": CLIENT_ID,
                "OAUTH_CLIENT_SECRET": CLIENT_SECRET,
                "OAUTH_SCOPES": SCOPES,
                "OPENID_PROVIDER_URL": provider,
            },
        )


@pytest.fixture(scope="module")
def address(space: App) -> Iterator[str]:
    with space.serve() as url:
        yield url


def test_the_files_of_deploy_are_all_that_a_space_needs(address: str):
    client = Client(address, verbose=False)
    assert client.predict(5.1, 3.5, 1.4, 0.2, api_name="/classify")["label"] == "setosa"
    summary, _, weights = client.predict(epochs=50, engine="fused", api_name="/train")
    assert summary["outcome"] == "completed"
    assert Path(weights).stat().st_size > 1000


def test_signing_in_adds_no_endpoint(address: str):
    endpoints = Client(address, verbose=False).view_api(return_format="dict")["named_endpoints"]  # type: ignore[index]
    assert set(endpoints) == {"/train", "/sweep", "/race", "/classify", "/hardware", "/decode_gpu"}


def open_panel(page: Page) -> None:
    page.get_by_role("button", name="Push to the Hub").click()


def follow(page: Page, link: str) -> None:
    """Follow a link that leads away and, at last, back to the page."""
    with page.expect_navigation():
        page.get_by_role("link", name=link).click()
    page.wait_for_selector("#loss-chart .loss-chart-stats > div")


def test_a_cookie_holds_no_token_and_ends_with_the_sign_out(visit, address: str):
    with visit(address=address) as page:
        open_panel(page)
        follow(page, "Sign in with Hugging Face")
        cookies = [each for each in page.context.cookies() if each.get("name") == "session"]
        values = [each.get("value", "") for each in cookies]
        assert len(values) == 1
        assert OAUTH_TOKEN not in values[0]
        assert OAUTH_TOKEN.encode() not in base64.b64decode(values[0] + "===", altchars=b"-_")
        open_panel(page)
        expect(page.locator("#hub-account")).to_contain_text("Signed in to the Hub as visitor")
        follow(page, "Sign out")
        page.context.add_cookies(cookies)  # as one who had copied it would
        page.reload()
        open_panel(page)
        expect(page.locator("#hub-account")).to_contain_text("Sign in, and your run")


def test_a_visitor_signs_in_and_pushes_under_their_own_name(
    visit, space: App, address: str, hub: HubStandin
):
    with visit(address=address) as page:
        page.get_by_label("Epochs", exact=True).fill("123")
        page.get_by_label("Epochs", exact=True).press("Tab")
        page.click("#start")
        expect(page.locator(".loss-chart-note")).to_contain_text("Done: 123")
        page.wait_for_function("localStorage.getItem('iris_mlp_last_run') !== null")
        open_panel(page)
        expect(page.locator("#hub-account")).to_contain_text("Sign in, and your run")
        page.click("#push")
        expect(page.locator(".toast-body")).to_contain_text("Sign in, and your run")

        follow(page, "Sign in with Hugging Face")
        open_panel(page)
        expect(page.locator("#hub-account")).to_contain_text("Signed in to the Hub as visitor")
        page.get_by_label("Repository").fill("mine")
        page.click("#push")
        link = page.locator("#hub-answer a")
        expect(link).to_have_attribute("href", re.compile("/visitor/mine$"))
        # The run was made before the page was left, and still has its weights and its plot.
        files = hub.repos["model", "visitor/mine"].files
        assert {"model.safetensors", "config.json", "README.md", "loss.png"} <= set(files)
        assert b"| `epochs` | 123 |" in files["README.md"]

        stored = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
        seen = page.content()
        follow(page, "Sign out")
        open_panel(page)
        expect(page.locator("#hub-account")).to_contain_text("Sign in, and your run")
    asked = {request.authorization for request in hub.requests if request.origin == "hub"}
    assert asked <= {None, f"Bearer {OAUTH_TOKEN}"}
    kept = [path.read_bytes() for path in space.folder.parent.rglob("*") if path.is_file()]
    for token in (OAUTH_TOKEN, WRITE_TOKEN):
        assert token not in stored + seen + space.log.read_text()
        assert not any(token.encode() in data for data in kept)
