"""The race on the visitor's own computer, whose GPU is here software on the CPU."""

from playwright.sync_api import expect

RACE = "#exp-visitor-race"


def test_a_software_gpu_is_raced_and_called_one_and_concludes_nothing(visit):
    with visit() as page:
        page.get_by_role("tab", name="CPU vs GPU").click()
        page.locator(f"{RACE} button").click()
        conclusion = page.locator(f"{RACE} .visitor-conclusion")
        expect(conclusion).to_contain_text("no conclusion about a GPU", timeout=240_000)
        expect(page.locator(f"{RACE} .visitor-status")).to_contain_text("software on the CPU")
        for row in page.locator(f"{RACE} output").all():
            assert row.inner_text().startswith("≈ ")


def test_without_webgpu_the_cpu_races_alone_and_can_be_stopped(visit):
    with visit() as page:
        page.evaluate("Object.defineProperty(navigator, 'gpu', { value: undefined })")
        page.get_by_role("tab", name="CPU vs GPU").click()
        button = page.locator(f"{RACE} button")
        button.click()
        expect(button).to_have_text("Stop")
        button.click()
        expect(button).to_have_text("Race on my computer")
        expect(page.locator(f"{RACE} .visitor-status")).to_contain_text("no WebGPU")
        button.click()
        expect(page.locator(f"{RACE} .visitor-conclusion")).to_contain_text(
            "Only JavaScript on your CPU"
        )
        expect(page.locator(f"{RACE} output").nth(1)).to_have_text("")
