import time
from pathlib import Path

import pytest
from gradio_client import Client
from playwright.sync_api import Page, expect

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.hardware import usable_cores
from iris_mlp.strings import translator
from iris_mlp.take_home.script import render_script

CURVE = "#loss-chart path.curve.train"
LONG_RUN = "9000000"


def curve_length(page: Page) -> int:
    return page.evaluate(f"(document.querySelector({CURVE!r})?.getAttribute('d') || '').length")


def wait_until_longer(page: Page, length: int) -> None:
    page.wait_for_function(
        "([curve, length]) => document.querySelector('#loss-chart .head.running') && "
        "(document.querySelector(curve)?.getAttribute('d') || '').length > length",
        arg=[CURVE, length],
    )


def fill_number(page: Page, label: str, value: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Tab")


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh-CN")])
def test_a_visitor_trains_and_sees_the_curve_grow(visit, locale: str, language: str):
    t = translator(language)
    with visit(locale=locale) as page:
        chart = page.query_selector("#loss-chart svg")
        page.get_by_role("button", name=t("train.start"), exact=True).click()
        wait_until_longer(page, 0)
        wait_until_longer(page, curve_length(page))
        wait_until_longer(page, curve_length(page))
        summary = page.locator(".run-summary")
        expect(summary).to_contain_text("0.0619", timeout=120_000)
        expect(summary).to_contain_text("96.7%")
        expect(summary).to_contain_text(t("train.final_loss"))
        assert chart is not None
        assert chart.evaluate("node => node.isConnected"), "the chart was rebuilt while it grew"
        page.get_by_role("button", name=t("train.log_lines")).click()
        lines = page.locator("#log textarea").input_value().splitlines()
        assert len(lines) == 200
        assert lines[-1] == "Epoch [20000/20000], Loss: 0.0619"


def test_stop_keeps_what_was_reached_and_gives_its_weights(visit, tmp_path: Path):
    with visit() as page:
        fill_number(page, "Epochs", LONG_RUN)
        page.click("#start")
        wait_until_longer(page, 0)
        page.click("#stop")
        expect(page.locator(".loss-chart-note")).to_contain_text("Stopped at epoch")
        expect(page.locator("#start")).to_be_enabled()
        with page.expect_download() as download:
            page.click("#download")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        metrics = Checkpoint.load(path).metrics
        page.get_by_role(
            "button", name="Take it as Python"
        ).click()  # all steps after a run are done
        expect(page.locator("#script")).to_contain_text("import torch")
        expect(page.locator(".run-summary .figures")).to_be_visible()
        assert path.suffix == ".safetensors"
        assert metrics["outcome"] == "stopped"
        assert 0 < metrics["epochs_done"] < int(LONG_RUN)


def test_a_rate_that_diverges_is_told_with_the_curve_kept(visit):
    with visit() as page:
        fill_number(page, "Learning rate", "1e12")
        page.click("#start")
        note = page.locator("#loss-chart .loss-chart-note")
        expect(note).to_contain_text("Training diverged at epoch", timeout=60_000)
        advice = "The learning rate 1e+12 is too high for these settings: try 0.01."
        expect(page.locator(".run-message")).to_have_text(advice)
        expect(page.locator("#download")).to_be_disabled()


def test_bad_settings_are_answered_with_a_sentence(visit):
    with visit() as page:
        fill_number(page, "Hidden units", "0")
        page.click("#start")
        toast = page.locator(".toast-body")
        expect(toast).to_contain_text("hidden must be a whole number from 1")
        expect(page.locator("#start")).to_be_enabled()
        page.get_by_role("button", name="Lesson defaults").click()
        expect(page.get_by_label("Hidden units", exact=True)).to_have_value("10")


def test_a_refused_run_leaves_the_curve_of_the_run_before(visit):
    with visit(locale="zh-CN") as page:
        fill_number(page, "训练轮数", "500")
        page.click("#start")
        note = page.locator("#loss-chart .loss-chart-note")
        expect(note).to_contain_text("完成：500 轮")
        fill_number(page, "训练轮数", "2.5")
        page.click("#start")
        toast = page.locator(".toast-body")
        expect(toast).to_contain_text("训练轮数必须是 1 到 10,000,000 之间的整数，而不是 2.5")
        expect(toast.locator(".toast-title")).to_contain_text("出错了")
        expect(page.locator("#start")).to_be_enabled()
        expect(note).to_contain_text("完成：500 轮")
        assert page.locator(CURVE).get_attribute("d")


@pytest.mark.parametrize(("locale", "said"), [("en-US", "number 2 in"), ("zh-CN", "排在第 2 位")])
def test_a_waiting_visitor_is_told_the_place_in_the_queue(visit, url, locale: str, said: str):
    jobs = []

    def train() -> None:  # each a visitor of its own, who has one run at a time
        jobs.append(Client(url, verbose=False).submit(epochs=9_000_000, api_name="/train"))

    with visit(locale=locale) as page:
        try:
            # As many as train at once, and one who waits before us.
            for _ in range(usable_cores()):
                train()
                next(iter(jobs[-1]))
            train()
            deadline = time.monotonic() + 60
            while jobs[-1].status().rank is None:
                assert time.monotonic() < deadline, jobs[-1].status()
                page.wait_for_timeout(50)
            page.click("#start")
            expect(page.locator(".settings .run-place")).to_contain_text(said)
            page.get_by_role("tab").nth(2).click()  # Explore, whose sweeps wait for these places
            page.click("#explore-start")
            expect(page.locator("#explore-start")).to_be_disabled()
            line = page.locator(".landscape-side .run-place")
            expect(line).to_contain_text(said.replace("2", "3"))
            page.click("#explore-stop")
            page.get_by_role("tab").first.click()
        finally:
            for job in jobs:
                job.cancel()
        expect(page.locator(".run-summary")).to_be_visible()
        expect(page.locator(".settings .run-place")).to_have_text("")


def test_closed_tab_frees_the_slot(visit):
    for _ in range(usable_cores() + 1):  # more visitors than train at once
        with visit() as page:
            fill_number(page, "Epochs", LONG_RUN)
            page.click("#start")
            wait_until_longer(page, 0)
    with visit() as page:
        fill_number(page, "Epochs", "200")
        page.click("#start")
        expect(page.locator(".loss-chart-note")).to_contain_text("Done: 200", timeout=60_000)


def test_the_script_of_the_settings_is_copied_and_downloaded(visit, tmp_path: Path):
    script = render_script(TrainConfig(epochs=1234))
    with visit(permissions=["clipboard-read", "clipboard-write"]) as page:
        fill_number(page, "Epochs", "1234")
        page.get_by_role("button", name="Take it as Python").click()
        panel = page.locator("#script")
        panel.get_by_role("button", name="Copy", exact=True).click()
        expect(panel.get_by_role("status")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()").strip() == script.strip()
        with page.expect_download() as download:
            panel.get_by_role("link", name="iris_mlp.py").click()
        download.value.save_as(tmp_path / "script.py")
    assert (tmp_path / "script.py").read_text("utf-8") == script


def test_the_curve_is_drawn_on_a_logarithmic_axis_on_request(visit):
    with visit() as page:
        fill_number(page, "Epochs", "300")
        page.click("#start")
        expect(page.locator(".loss-chart-note")).to_contain_text("Done")
        linear = page.locator(CURVE).get_attribute("d")
        page.get_by_label("Log scale").check()
        expect(page.locator(CURVE)).not_to_have_attribute("d", linear or "")


def test_the_address_switches_the_language_of_all_that_is_seen(visit):
    with visit(locale="en-US") as page:
        page.click("a.language")
        page.wait_for_function("document.documentElement.lang === 'zh-CN'")
        expect(page.locator("#start")).to_have_text("开始训练")
        expect(page.locator("#loss-chart")).to_contain_text("训练损失")
        assert "神经网络" in page.title()


def test_the_page_asks_nothing_of_other_hosts(browser, url):
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    for tab in page.get_by_role("tab").all():
        tab.click()
    page.wait_for_selector("#loss-chart .loss-chart-stats > div", state="attached")
    context.close()
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_no_width_scrolls_sideways(visit, width: int):
    with visit(viewport={"width": width, "height": 900}) as page:
        for tab in page.get_by_role("tab").all():
            tab.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_folds_the_settings_between_the_button_and_the_curve(visit):
    with visit(viewport={"width": 360, "height": 780}) as page:
        epochs, curve = page.get_by_label("Epochs", exact=True), page.locator("#loss-chart")
        page.wait_for_selector("#unfold-settings")
        assert not epochs.is_visible()
        page.get_by_label("Settings").check()
        epochs.wait_for()
        assert epochs.bounding_box()["y"] < curve.bounding_box()["y"]
        page.get_by_label("Settings").uncheck()
        assert not epochs.is_visible()
        page.set_viewport_size({"width": 1280, "height": 900})
        epochs.wait_for()
