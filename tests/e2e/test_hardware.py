"""The Hardware tab in a real browser: what it reads of a computer, and what it sends."""

from playwright.sync_api import Page, expect

from iris_mlp.strings import translator

T = translator("en")


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name=T("hardware.tab")).click()
    page.wait_for_selector(".hw-yours")


def test_browser_shows_what_it_reads_and_says_that_server_and_visitor_are_one(visit):
    with visit() as page:
        open_tab(page)
        card = page.locator(".hw-yours")
        threads = page.evaluate("navigator.hardwareConcurrency")
        expect(card.locator('[data-fact="threads"]')).to_contain_text(str(threads))
        expect(card.locator('[data-fact="browser"]')).to_contain_text("Chrome")
        expect(card.locator('[data-fact="system"]')).to_contain_text("Linux")
        expect(card).to_contain_text(T("hardware.yours_own"))
        expect(card.locator('details[data-system="Linux"]')).to_have_attribute("open", "")


def test_name_of_the_gpu_is_sent_only_when_it_is_asked_for(visit):
    # Another renderer than this browser's own, as a visitor with a card has it.
    name = "ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 Laptop GPU Direct3D11 vs_5_0 ps_5_0, D3D11)"
    with visit(path="") as page:
        page.add_init_script(
            "WebGLRenderingContext.prototype.getParameter = () => "
            f"{name!r}; HTMLCanvasElement.prototype.getContext = () => "
            "Object.assign(Object.create(WebGLRenderingContext.prototype), "
            "{ getExtension: () => null });"
        )
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.post_data or ""))
        page.reload()
        page.wait_for_selector("#loss-chart .loss-chart-stats > div")
        open_tab(page)
        expect(page.locator('.hw-yours [data-fact="gpu"]')).to_have_text(name)
        assert not any("RTX 3060" in body for body in sent)
        page.get_by_role("button", name=T("hardware.yours_read")).click()
        expect(page.locator("#hardware-yours-name")).to_contain_text("Ampere")
        assert any("RTX 3060" in body for body in sent)


def test_answer_of_a_command_is_decoded_when_it_is_pasted(visit):
    with visit() as page:
        open_tab(page)
        page.locator("#hardware-paste textarea").fill("Tesla T4, 15360 MiB, 531 MiB")
        expect(page.locator("#hardware-pasted")).to_contain_text("Turing")
        expect(page.locator("#hardware-pasted")).to_contain_text("0.5 GiB")
