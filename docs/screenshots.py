"""Make the pictures of the README: start the app, train, and photograph each tab.

Run it with the tests' environment: `.venv/bin/python docs/screenshots.py`.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.app import App, find_browser  # noqa: E402  # the tests' own server

TABS = ("train", "classify", "explore", "compare", "inside", "hardware")


def photograph(page: Page, name: str, width: int) -> None:
    """Write one picture of what is seen."""
    page.set_viewport_size({"width": width, "height": 900 if width > 400 else 780})
    page.wait_for_timeout(600)
    page.screenshot(path=ROOT / "docs" / f"{name}.png")


def main() -> None:
    """Photograph every tab wide, light and in English; and one on a phone, dark and in Chinese."""
    with (
        TemporaryDirectory() as folder,
        App(Path(folder), {}).serve() as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(locale="en-US").new_page()
        page.goto(url)
        page.click("#start")
        page.wait_for_selector(".run-summary .comparison", timeout=300_000)
        for index, tab in enumerate(page.get_by_role("tab").all()):
            tab.click()
            if TABS[index] == "compare":
                page.click("#race-start")
                page.wait_for_selector("#race-stop:not([disabled])")
                page.wait_for_selector("#race-stop[disabled]", timeout=120_000)
            photograph(page, TABS[index], 1280)
        phone = browser.new_context(locale="zh-CN", color_scheme="dark").new_page()
        phone.goto(url)
        phone.get_by_role("tab").nth(1).click()
        phone.wait_for_timeout(2500)
        photograph(phone, "phone", 360)
        browser.close()


if __name__ == "__main__":
    main()
