import pickle
import re
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES, FEATURE_RANGES_CM
from iris_mlp.inference import shipped_classifier
from iris_mlp.strings import translator
from tests.app import App, find_free_port

# What each path is painted with, to the pixel's eight bits.
COLORS_OF = """(paths) => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const paint = (value) => {
    if (/^(none|url)/.test(value)) return value;
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = value;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].join();
  };
  return paths.map((path) => {
    const style = getComputedStyle(path);
    return [paint(style.fill), paint(style.stroke), style.strokeWidth];
  });
}"""


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


def open_classify(page) -> None:
    open_tab(page, "Classify")
    page.locator("#verdict .bars").wait_for()


def slow_down(page, latency_ms: int) -> None:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    conditions = {"latency": latency_ms, "downloadThroughput": -1, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", {"offline": False, **conditions})


@pytest.mark.parametrize("place", ["#petal-length", "#sepal-plane svg"])
def test_a_drag_asks_the_server_nothing_and_is_seen_at_once(visit, place: str):
    with visit() as page:
        open_classify(page)
        slow_down(page, 200)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        box = page.locator(place).bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.3, y)
        page.mouse.down()
        seen = set()
        for share in range(30, 90, 3):
            page.mouse.move(box["x"] + box["width"] * share / 100, y)
            page.evaluate("new Promise(requestAnimationFrame)")
            seen.add(page.locator("#flower svg").get_attribute("aria-label"))
        page.mouse.up()
        page.locator(".specimen.wrong").first.click()
        expect(page.locator("#verdict .truth")).to_contain_text("Wrong")
        assert len(seen) > 15
        assert asked == []


def test_the_browser_says_what_pytorch_says(visit, chance):
    with visit() as page:
        open_classify(page)
        for _ in range(5):
            lengths_cm = [round(chance.uniform(*span), 1) for span in FEATURE_RANGES_CM]
            for name, length in zip(FEATURE_NAMES, lengths_cm):
                page.locator(f"#{name.replace('_', '-')}").fill(f"{length:.1f}")
            shares = shipped_classifier().predict(np.array([lengths_cm])).probabilities[0]
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
            verdict = page.locator("#verdict .verdict-species")
            expect(verdict).to_have_text(f"Iris {CLASS_NAMES[shares.argmax()]}")
            texts = page.locator("#verdict .bar-percent").all_inner_texts()
            for text, share in zip(texts, shares):
                if text[0] not in "<>":
                    assert float(text.rstrip("%")) == pytest.approx(100 * share, abs=0.051)


def test_lengths_outside_the_data_are_answered_and_marked(visit):
    with visit() as page:
        open_classify(page)
        note = page.locator(".classify-controls .range")
        expect(note).to_have_text("All four lengths are within the range of the 150 flowers.")
        page.locator("#sepal-length").fill("8.0")
        field = page.get_by_label("Petal width (cm), as a number")
        field.fill("2.6")
        expect(note).to_contain_text("Sepal length 8.0 cm (data: 4.3–7.9), Petal width 2.6 cm")
        expect(page.locator(".length.outside")).to_have_count(2)
        expect(page.locator("#petal-width")).to_have_value("2.6")
        field.fill("")  # half typed
        expect(note).to_contain_text("Petal width 2.6 cm")
        field.fill("99")
        field.press("Tab")
        expect(field).to_have_value("2.9")
        expect(note).to_contain_text("Petal width 2.9 cm")


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("zh-CN", "zh-CN")])
def test_a_hard_flower_says_its_true_species_and_inside_takes_it(visit, locale, language):
    t = translator(language)
    with visit(locale=locale) as page:
        open_tab(page, t("classify.tab"))
        page.locator(".specimen.wrong[data-row='133']").click()
        virginica = t("common.virginica").split()[0]
        truth = t("classify.true_wrong", number=134, species=virginica)
        expect(page.locator("#verdict .truth")).to_have_text(truth)
        page.locator("#petal-length").press("ArrowRight")
        expect(page.locator("#verdict .truth")).to_have_text(t("classify.true_unknown"))
        page.locator("#petal-length").press("ArrowLeft")
        expect(page.locator("#verdict .truth")).to_have_text(truth)
        open_tab(page, t("inside.tab"))
        subject = page.locator("#inside-subject-view")
        for length in ("6.3 cm", "2.8 cm", "5.1 cm", "1.5 cm"):
            expect(subject).to_contain_text(length)
        expect(page.locator("#inside-strips-view")).to_contain_text(f"L = −ln p({virginica})")


def test_a_figure_is_saved_as_a_drawing_that_needs_no_page(visit, browser):
    with visit() as page:
        open_classify(page)
        for figure in ("#flower", "#petal-plane", "#network .network"):
            page.locator(figure).hover()
            with page.expect_download() as download:
                page.locator(figure).get_by_role("button", name="Save this figure").click()
            text = Path(download.value.path()).read_text("utf-8")
            assert download.value.suggested_filename.endswith(".svg")
            assert "var(" not in text
            assert "color-mix" not in text
            assert "oklab" not in text
            expected = page.locator(f"{figure} svg").first
            with browser.new_context() as context:
                alone = context.new_page()
                alone.set_content(f"<body style='margin:0'>{text}</body>")
                ours = alone.locator("svg path").evaluate_all(COLORS_OF)
            assert ours == expected.locator("path").evaluate_all(COLORS_OF)


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
