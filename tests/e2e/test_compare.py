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
        page.wait_for_selector("#race-view .race-axis")
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
            laps.nth(1).check()  # of 20,000 epochs, long enough to be stopped
        page.click(f"#{name}-start")
        page.wait_for_selector(f"#{PICTURES[name]}-view .exp-card.running")
        page.click(f"#{name}-stop")
        stopped = wait_for_end(page, name)
        if name == "race":
            laps.nth(0).check()
        page.click(f"#{name}-start")
        page.wait_for_selector(f"#{name}-stop:enabled")
        expect(page.locator(f"#{name}-start")).to_be_disabled()
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
        page.locator("#exp-memory input[type=number]").nth(0).fill("65536")
        page.locator("#exp-memory input[type=number]").nth(1).fill("1000000")
        expect(page.locator("#memory-view .exp-conclusion")).to_contain_text(
            "only about 10,900 rows"
        )
        page.click("#memory-start")
        expect(page.locator("#memory-view .exp-refused")).to_contain_text("choose fewer rows")


def test_refused_number_is_answered_in_chinese(visit):
    with compare(visit, "CPU 与 GPU", locale="zh-CN") as page:
        page.locator("#exp-memory input[type=number]").nth(0).fill("0")
        sentence = "隐藏单元数必须是 1 到 65,536 之间的整数，而不是 0。"
        expect(page.locator("#memory-view .exp-refused")).to_have_text(sentence)
