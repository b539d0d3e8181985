"""What stays when a visitor reloads, goes back, switches the language, or opens a link."""

import re

from playwright.sync_api import Page, expect

from iris_mlp.strings import translator

EN, ZH = translator("en"), translator("zh-CN")
NOTE = ".loss-chart-note"
PIN = "#loss-chart .loss-chart-pin"
COMPARED = "#loss-chart .loss-chart-compared"


def train(page: Page, epochs: int, device: str | None = None) -> None:
    page.get_by_label(EN("train.epochs"), exact=True).fill(str(epochs))
    page.get_by_label(EN("train.epochs"), exact=True).press("Tab")
    if device:
        page.get_by_label(device).check()
    page.locator("#start").click()
    expect(page.locator(f"#loss-chart {NOTE}")).to_contain_text(f"Done: {epochs} epochs")
    page.wait_for_function("localStorage.getItem('iris_mlp_last_run') !== null")


def test_another_language_keeps_tab_settings_curve_and_run(visit):
    with visit() as page:
        train(page, 317)
        page.get_by_role("tab", name=EN("compare.tab")).click()
        page.locator("a.language").click()
        chosen = page.locator("[role=tab][aria-selected=true]")
        expect(chosen).to_have_text(ZH("compare.tab"))
        page.get_by_role("tab", name=ZH("train.tab")).click()
        expect(page.locator(f"#loss-chart {NOTE}")).to_contain_text("完成：317 轮")
        expect(page.get_by_label(ZH("train.epochs"), exact=True)).to_have_value("317")
        expect(page.locator("#run-summary .figures")).to_be_visible()
        page.go_back()
        expect(chosen).to_have_text(ZH("compare.tab"))


def test_a_tab_that_is_reloaded_is_filled_again(visit):
    filled = {"inside": ".firings", "hardware": ".hw-name", "classify": "#verdict"}
    with visit() as page:
        for name, what in filled.items():
            page.get_by_role("tab", name=EN(f"{name}.tab")).click()
            expect(page.locator(what).first).to_be_visible()
            page.reload()
            expect(page.locator("[role=tab][aria-selected=true]")).to_have_text(EN(f"{name}.tab"))
            expect(page.locator(what).first).to_be_visible()


def test_a_link_opens_on_its_result_until_the_visitor_trains(visit):
    with visit() as page:
        train(page, 271)
        page.get_by_role("button", name=EN("train.share")).click()
        link = page.locator("#share textarea, #share input")
        expect(link).to_have_value(re.compile("share="))
        path = link.input_value().partition("?")[2]
    with visit(path=f"?{path}") as page:
        expect(page.locator(f"#loss-chart {NOTE}")).to_contain_text(
            "The run of this link: 271 epochs, 10 hidden units, so 83 numbers learned."
        )
        train(page, 120)
        expect(page).not_to_have_url(re.compile("share="))
        page.reload()
        expect(page.locator(f"#loss-chart {NOTE}")).to_contain_text("Done: 120 epochs")


def test_a_pinned_run_stands_behind_the_next_one_on_the_visitors_own_computer(visit):
    with visit() as page:
        train(page, 200)
        page.locator(PIN).click()
        train(page, 300, EN("train.browser_cpu"))
        expect(page.locator("#loss-chart path.pinned")).to_have_count(2)
        epochs = page.locator(f"{COMPARED} tr").filter(has_text=re.compile("^Epochs\\s*2"))
        expect(epochs).to_have_text(re.compile(r"Epochs\s*200\s*300"))
        expect(page.locator(COMPARED)).not_to_contain_text(EN("train.lr"))
        page.reload()
        expect(page.locator("#loss-chart path.pinned")).to_have_count(2)
        page.locator(PIN).click()
        expect(page.locator("#loss-chart path.pinned")).to_have_count(0)


def test_a_phone_names_every_tab(visit):
    with visit(viewport={"width": 360, "height": 740}) as page:
        for name in ("train", "classify", "explore", "compare", "inside", "hardware"):
            expect(page.get_by_role("tab", name=EN(f"{name}.tab"))).to_be_in_viewport()
