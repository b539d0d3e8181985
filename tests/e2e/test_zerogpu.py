"""The app as a ZeroGPU Space serves it: what asks for a GPU says so, borrows one, and shows it."""

from collections.abc import Iterator

import pytest
from gradio_client import Client
from playwright.sync_api import expect

from tests.app import ROOT, App

# The stand-in has to be there before anything imports `spaces`.
START = """
import runpy, sys
sys.path.insert(0, {root!r})
from tests import zerogpu_standin
zerogpu_standin.start()
runpy.run_path("iris_app.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = App(
        tmp_path_factory.mktemp("zerogpu"), {"CUDA_VISIBLE_DEVICES": "", "SPACE_ID": "a/iris"}
    )
    (app.folder / "app.py").rename(app.folder / "iris_app.py")
    (app.folder / "app.py").write_text(START.format(root=str(ROOT)))
    with app.serve() as url:
        yield url


def test_a_visitor_borrows_a_gpu_for_each_act_and_is_told_the_seconds(visit, address: str):
    with visit(address=address) as page:
        asks = page.locator(".gpu-seconds")
        page.get_by_label("Epochs", exact=True).fill("200")
        page.locator("#device").get_by_label("cuda", exact=True).check()
        expect(asks.first).to_contain_text("asks for 11 s")
        page.click("#start")
        expect(page.locator(".loss-chart-note")).to_contain_text("Done: 200")

        page.get_by_role("tab", name="CPU vs GPU").click()
        expect(page.locator("#exp-race .gpu-seconds").first).to_contain_text("asks for")
        for name, text in (("race", "GPU"), ("crossover", "Measured here")):
            page.click(f"#{name}-start")
            page.wait_for_selector(f"#{name}-stop:enabled")
            page.wait_for_selector(f"#{name}-start:enabled", timeout=180_000)
            card = page.locator(f"#{name}-view .exp-card.idle")
            expect(card.locator(".exp-conclusion")).to_contain_text(text)
        laps = page.locator("#race-view .race-row.gpu .race-time")
        assert "≈" in laps.first.inner_text()

        page.get_by_role("tab", name="Explore").click()
        page.locator("#explore-device").get_by_label("cuda", exact=True).check()
        expect(page.locator(".explore .gpu-seconds").first).to_contain_text("asks for")
        page.click("#luck-start")
        page.wait_for_selector("#luck-stop:enabled")
        page.wait_for_selector("#luck-start:enabled", timeout=180_000)
        expect(page.locator("#luck .luck-conclusion")).to_contain_text("1,000")

        # What is refused or fails is a sentence with what to do; here no CUDA stands behind it.
        page.get_by_role("tab", name="Inside PyTorch").click()
        page.click("#inside-lend")
        expect(page.locator(".toast-body")).to_contain_text("choose the device cpu")

        page.get_by_role("tab", name="Hardware").click()
        page.click("#hardware-refresh")
        expect(page.locator("#hardware-report")).to_contain_text("Lent for each call")

    with visit(address=address, locale="zh-CN") as page:  # a later visitor, who has no GPU time
        page.get_by_role("tab", name="CPU 与 GPU").click()
        expect(page.locator("#race-view")).to_contain_text("之前的访客")


def test_a_sweep_of_a_program_borrows_a_gpu(address: str):
    client = Client(address, verbose=False)
    summary, _ = client.predict(epochs="20", seeds="0:3", device="cuda", api_name="/sweep")
    assert summary["outcome"] == "completed"
