from contextlib import contextmanager

from playwright.sync_api import expect


@contextmanager
def inside(visit, tab="Inside PyTorch", **options):
    with visit(**options) as page:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector("#inside-step-view .step-tensor")
        yield page


def test_hooks_units_and_devices_answer_at_a_touch(visit):
    with inside(visit) as page:
        verdict = page.locator("#inside-comparison-view .inside-verdict")
        expect(verdict).to_contain_text("model(x) fired 4 hooks, model.forward(x) only 2")
        page.locator("#inside-hooked label", has_text="fc1").click()
        expect(verdict).to_contain_text("model(x) fired 2 hooks, model.forward(x) none")
        page.locator("#inside-strips-view button[data-unit='3']").first.click()
        expect(page.locator("#inside-unit-view")).to_contain_text("Hidden unit 3")
        refused = page.locator("#inside-placement-view .raised")
        expect(refused).to_contain_text("RuntimeError")
        page.locator("#inside-input-device label", has_text="cpu").click()
        expect(refused).to_have_count(0)
        page.click("#inside-call")
        expect(page.locator("#inside-counter-view samp")).to_have_text("1\n2\n3\n3 0")


def test_refusal_is_chinese_from_its_head_to_its_values(visit):
    with inside(visit, "PyTorch 内部", locale="zh-CN") as page:
        page.locator("#inside-lr input").fill("-1")
        refused = page.locator(".inside-refused")
        expect(refused).to_contain_text("学习率必须大于 0 且不超过")
        expect(refused).not_to_contain_text("Error")
