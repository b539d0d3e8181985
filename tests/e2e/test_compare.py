from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

PICTURES = {"race": "race", "ledger": "ledger", "crossover": "crossover", "batch": "curves"}
EACH = pytest.mark.parametrize("name", PICTURES)

# Heights of a card from its first drawing of a run to its last one.
WATCH_HEIGHT = """
(selector) => {
  const view = document.querySelector(selector);
  window.heights = [];
  new MutationObserver(() => {
    const card = view.querySelector(".exp-card.running");
    if (card) window.heights.push(Math.round(card.getBoundingClientRect().height));
  }).observe(view, { childList: true, subtree: true, attributes: true, characterData: true });
}
"""


@contextmanager
def compare(visit, tab="CPU vs GPU", **options):
    with visit(**options) as page:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector("#race-view .race-row")
        yield page


def wait_for_end(page: Page, name: str) -> str:
    page.wait_for_selector(f"#{name}-start:enabled", timeout=120_000)
    card = page.locator(f"#{PICTURES[name]}-view .exp-card.idle")
    return card.locator(".exp-conclusion").inner_text()


@EACH
def test_stop_keeps_what_there_is_and_a_second_press_runs_to_the_end(visit, name):
    with compare(visit, "CPU 与 GPU", locale="zh-CN") as page:
        laps = page.locator("#exp-race").get_by_role("radio")
        if name == "race":
            laps.nth(2).check()  # of 20,000 epochs, long enough to be stopped
        page.click(f"#{name}-start")
        page.wait_for_selector(f"#{PICTURES[name]}-view .exp-card.running")
        page.click(f"#{name}-stop")
        stopped = wait_for_end(page, name)
        if name == "race":
            laps.nth(0).check()
        page.click(f"#{name}-start")
        page.wait_for_selector(f"#{name}-stop:enabled")
        for start in ("race", "ledger", "crossover", "batch"):  # two would slow each other down
            expect(page.locator(f"#{start}-start")).to_be_disabled()
        ended = wait_for_end(page, name)
        for sentence in (stopped, ended):
            assert sentence.endswith("。")
            assert "测量中" not in sentence
            assert "{" not in sentence


@EACH
@pytest.mark.parametrize("width", [1280, 360])
def test_card_keeps_its_height_while_it_streams(visit, name, width):
    with compare(visit) as page:
        page.set_viewport_size({"width": width, "height": 900})
        if width == 360 and name != "race":  # on a phone all but the first are folded
            page.locator(f"#exp-{name} h2 > button").click()
        page.evaluate(WATCH_HEIGHT, f"#{PICTURES[name]}-view")
        page.click(f"#{name}-start")
        page.wait_for_selector(f"#{name}-stop:enabled")
        wait_for_end(page, name)
        heights = page.evaluate("window.heights")
        assert len(heights) > 2
        assert max(heights) - min(heights) <= 1, heights


def test_noise_follows_the_slider_and_memory_the_numbers(visit):
    with compare(visit) as page:
        page.locator("#noise-epoch input[type=number]").fill("20000")
        conclusion = page.locator("#noise-view .exp-conclusion")
        expect(conclusion).to_contain_text("At epoch 20,000")
        page.locator("#vram-model label").nth(2).click()
        expect(page.locator("#vram-view .full")).to_have_count(5)
        page.locator("#vram-mode label").nth(1).click()
        expect(page.locator("#vram-view .fits")).not_to_have_count(0)
        page.locator("#memory-own > button").click()
        page.locator("#memory-own input[type=number]").nth(0).fill("65536")
        page.locator("#memory-own input[type=number]").nth(1).fill("1000000")
        expect(page.locator("#memory-view .exp-conclusion")).to_contain_text("1,000,000 rows")
        page.click("#memory-start")
        expect(page.locator("#memory-view .exp-refused")).to_contain_text("choose fewer rows")


def test_refused_number_is_answered_in_chinese(visit):
    with compare(visit, "CPU 与 GPU", locale="zh-CN") as page:
        page.locator("#memory-own > button").click()
        page.locator("#memory-own input[type=number]").nth(0).fill("0")
        sentence = "隐藏单元数必须是 1 到 65,536 之间的整数，而不是 0。"
        expect(page.locator("#memory-view .exp-refused")).to_have_text(sentence)


def test_published_gpu_moves_at_its_own_pace_from_the_first_moment(visit):
    with compare(visit, reduced_motion="no-preference") as page:
        page.locator("#exp-race").get_by_role("radio").nth(2).check()
        page.click("#race-start")
        bar = page.locator("#race-view .replay .race-bar")
        # 20,000 epochs took the published GPU 16.85 s.
        page.wait_for_selector("#race-view .replay")
        assert bar.evaluate("bar => getComputedStyle(bar).animationDuration") == "16.85s"
        assert bar.evaluate("bar => getComputedStyle(bar).animationTimingFunction") == "linear"
        page.wait_for_selector("#race-view .live")
        page.click("#race-stop")
        wait_for_end(page, "race")


def test_plot_places_numbers_where_the_formula_does_and_writes_its_ticks(visit):
    plot = {
        "width": 300, "height": 260, "right": 8,
        "x": {"low": 10, "high": 1_000, "log": True, "title": "x", "unit": "count"},
        "y": {"low": 100, "high": 1e6, "log": True, "title": "y", "unit": "us"},
        "series": [{"draw": "line dots", "points": [[100, 1_000], [1_000, 1e9]], "label": "end"}],
        "crossings": [{"at": 100, "label": "here"}],
    }  # fmt: skip
    with compare(visit) as page:
        drawn = page.evaluate(
            """async (plot) => {
              const source = document.querySelector("link[href*='/plot.js']").href;
              const figure = document.createElement("div");
              (await import(source)).draw(figure, plot);
              const read = (selector, give) => [...figure.querySelectorAll(selector)].map(give);
              return {
                dots: read("circle", (c) => [+c.getAttribute("cx"), +c.getAttribute("cy")]),
                texts: read("text", (text) => text.textContent),
              };
            }""",
            plot,
        )
    # 54 px at the left, 30 above, 42 below; a decade is half of the width, a quarter of the height.
    assert drawn["dots"][0] == pytest.approx([54 + (300 - 8 - 54) / 2, 260 - 42 - 188 / 4])
    assert drawn["dots"][1] == pytest.approx([300 - 8, 30])  # what lies beyond stands at the end
    for text in ("10", "100", "1k", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "here", "end"):
        assert text in drawn["texts"]


def test_panels_fold_on_a_phone_alone(visit):
    with compare(visit) as page:
        words = page.locator("#exp-ledger .words p")
        expect(words).to_be_visible()
        page.set_viewport_size({"width": 360, "height": 780})
        expect(words).to_be_hidden()
        heading = page.locator("#exp-ledger h2 > button")
        expect(heading).to_have_attribute("aria-expanded", "false")
        heading.press("Enter")
        expect(words).to_be_visible()
        page.set_viewport_size({"width": 1280, "height": 900})
        expect(page.locator("#exp-ledger h2 > button")).to_have_count(0)
        expect(page.locator("#exp-crossover .words p")).to_be_visible()
