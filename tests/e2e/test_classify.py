import pickle
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from iris_mlp.strings import translator
from tests.app import App, find_free_port


def open_tab(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh-CN")])
def test_the_answer_follows_a_slider_without_a_button(visit, app, locale: str, language: str):
    t = translator(language)
    (app.folder / "weights" / "last_run.safetensors").unlink(missing_ok=True)
    with visit(locale=locale) as page:
        open_tab(page, t("classify.tab"))
        verdict = page.locator("#verdict")
        expect(verdict).to_contain_text("versicolor")
        slider = page.get_by_role("slider").nth(2)  # petal length
        slider.fill("1.4")
        slider = page.get_by_role("slider").nth(3)  # petal width
        slider.fill("0.2")
        expect(verdict).to_contain_text("setosa")
        expect(verdict).to_contain_text(re.compile(r"9\d\.\d%"))


def test_a_freshly_trained_model_goes_straight_to_classify(visit):
    with visit() as page:
        page.get_by_label("Hidden units", exact=True).fill("3")
        page.get_by_label("Epochs", exact=True).fill("300")
        page.get_by_label("Epochs", exact=True).press("Tab")
        page.click("#start")
        expect(page.locator(".loss-chart-note")).to_contain_text("Done")
        open_tab(page, "Classify")
        expect(page.get_by_label("My last run")).to_be_checked()
        expect(page.locator("#weights-card")).to_contain_text("300")


def test_a_bad_upload_is_refused_and_the_weights_stay(visit, tmp_path: Path):
    bad = tmp_path / "model.safetensors"
    bad.write_bytes(pickle.dumps({"fc1.weight": [1, 2, 3]}))
    with visit() as page:
        open_tab(page, "Classify")
        confidences = page.get_by_role("list", name="Confidence for each species")
        before = confidences.inner_text()
        page.locator("input[type=file][accept*=safetensors]").set_input_files(bad)
        expect(page.locator(".toast-body")).to_contain_text("not a safetensors file")
        assert confidences.inner_text() == before


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh-CN")])
def test_the_hardware_tab_tells_what_machine_this_is(visit, locale: str, language: str):
    t = translator(language)
    with visit(locale=locale) as page:
        open_tab(page, t("hardware.tab"))
        panel = page.get_by_role("tabpanel").filter(visible=True)
        expect(panel).to_contain_text("PyTorch")
        expect(panel).to_contain_text("2.13.0")
        expect(panel).to_contain_text(t("hardware.auto"))


def test_a_reload_loses_nothing(visit, app):
    last_run = app.folder / "weights" / "last_run.safetensors"
    with visit() as page:
        page.get_by_label("Epochs", exact=True).fill("313")
        page.get_by_label("Epochs", exact=True).press("Tab")
        page.click("#start")
        expect(page.locator(".loss-chart-note")).to_contain_text("Done: 313")
        page.wait_for_function("localStorage.getItem('iris_mlp_last_run') !== null")
        last_run.unlink()  # what comes back is this browser's, not the machine's
        page.reload()
        open_tab(page, "Classify")
        expect(page.get_by_label("My last run")).to_be_checked()
        expect(page.locator("#weights-card")).to_contain_text("313")


def test_a_restart_of_the_server_loses_nothing(visit, tmp_path: Path):
    app, port = App(tmp_path, {"SPACE_ID": "someone/iris"}), find_free_port()
    with ExitStack() as browser:
        with app.serve(port) as address:
            page = browser.enter_context(visit(address=address))
            page.get_by_label("Epochs", exact=True).fill("317")
            page.get_by_label("Epochs", exact=True).press("Tab")
            page.click("#start")
            expect(page.locator(".loss-chart-note")).to_contain_text("Done: 317")
            page.wait_for_function("localStorage.getItem('iris_mlp_last_run') !== null")
        with app.serve(port):
            page.reload()
            open_tab(page, "Classify")
            expect(page.get_by_label("My last run")).to_be_checked()
            expect(page.locator("#weights-card")).to_contain_text("317")


def test_a_link_shows_another_visitor_the_same_model(visit):
    with visit() as page:
        page.get_by_label("Epochs", exact=True).fill("271")
        page.get_by_label("Epochs", exact=True).press("Tab")
        page.click("#start")
        expect(page.locator(".loss-chart-note")).to_contain_text("Done: 271")
        page.get_by_role("button", name="Share as a link").click()
        link = page.locator("#share textarea, #share input")
        expect(link).to_have_value(re.compile(r"^http://127\.0\.0\.1:\d+/\?share=.{400,700}$"))
        path = link.input_value().partition("?")[2]
        open_tab(page, "Classify")
        expect(page.locator("#weights-card")).to_contain_text("271")
        figures = page.locator("#verdict").inner_text()
    with visit(path=f"?{path}") as page:
        expect(page.get_by_label("Epochs", exact=True)).to_have_value("271")
        open_tab(page, "Classify")
        expect(page.get_by_label("From the link")).to_be_checked()
        expect(page.locator("#weights-card")).to_contain_text("271")
        assert page.locator("#verdict").inner_text() == figures
