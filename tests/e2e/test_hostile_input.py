"""What a visitor types or uploads is shown as text, whatever it holds; a full disk is said."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.fuzz import draw_csvs, draw_weights, join_file, split_file
from iris_mlp.checkpoint import SHIPPED_WEIGHTS
from tests.app import App
from tests.e2e.test_bad_requests import (
    TRACES,
    call,
    check_answer,
    count_tracebacks,
    list_good_values,
)

HOSTILE = "<img src=x onerror=document.title='hit'><script>document.title='hit'</script>"
FILES = 40


def make_hostile_weights() -> bytes:
    """Return a valid file whose own words are HTML."""
    header, body = split_file(SHIPPED_WEIGHTS.read_bytes())
    metadata = json.loads(header["__metadata__"]["iris_mlp"])
    for part in ("settings", "metrics"):
        metadata[part] = dict.fromkeys([*metadata[part], HOSTILE], HOSTILE)
    header["__metadata__"]["iris_mlp"] = json.dumps(metadata)
    return join_file(header, body)


def send(page: Page, accept: str, name: str, data: bytes) -> None:
    page.locator(f"input[type=file][accept*={accept}]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def expect_text(place: Locator) -> None:
    expect(place).to_contain_text("<img")
    assert place.locator("img[src=x], script").count() == 0


def dismiss(page: Page) -> None:
    page.locator(".toast-close").first.click()
    expect(page.locator(".toast-body")).to_have_count(0)


def test_html_in_every_text_field_and_file_is_shown_as_text(visit):
    with visit() as page:
        toast = page.locator(".toast-body")
        page.get_by_role("button", name="Push to the Hub").click()
        page.get_by_label("Repository").fill(HOSTILE)
        page.get_by_label("Epochs", exact=True).fill("1")
        page.get_by_label("Epochs", exact=True).press("Tab")
        page.click("#start")
        page.locator(".run-summary").wait_for()

        page.get_by_role("tab", name="Classify").click()
        page.get_by_label("Weights from the Hub").fill(f"ada {HOSTILE}")
        page.get_by_role("button", name="Load", exact=True).click()
        expect_text(toast)
        dismiss(page)
        page.get_by_role("button", name="Many flowers at once").click()
        send(page, "csv", "flowers.csv", f"{HOSTILE},a,b,c\n1,1,1,1\n".encode())
        expect(toast).to_be_visible()
        assert toast.locator("img[src=x], script").count() == 0
        dismiss(page)
        # A row that cannot be read stands among the answers with what stood there.
        send(page, "csv", "flowers.csv", f"1,1,1,1\n1,1,1,{HOSTILE}\n".encode())
        expect(page.get_by_role("tabpanel").filter(visible=True)).to_contain_text("<img src=x")
        assert page.locator("img[src=x]").count() == 0
        send(page, "safetensors", f"{HOSTILE[:20]}.safetensors", make_hostile_weights())
        expect_text(page.locator("#weights-card"))
        assert page.locator("#weights-card dd", has_text="<img src=x").count() >= 4

        page.get_by_role("tab", name="Hardware").click()
        page.get_by_label("Name of a GPU or CPU").fill(HOSTILE)
        page.get_by_label("Name of a GPU or CPU").press("Enter")
        expect_text(page.get_by_role("tabpanel").filter(visible=True).locator(".hw-name").first)
        assert "hit" not in page.title()


def test_html_in_a_shared_link_and_in_the_browsers_memory_is_not_run(visit):
    stored = base64.b64encode(make_hostile_weights()).decode()
    for shared in (HOSTILE, stored):
        with visit(path="?" + str(httpx.QueryParams({"share": shared, "lang": HOSTILE}))) as page:
            expect(page.locator(".toast-body")).to_contain_text("This shared address")
            assert page.locator("img[src=x]").count() == 0
            assert "hit" not in page.title()


class Visitor:
    """Calls a private event as the page does, with what the page would send along."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.config = client.get("config").json()

    def upload(self, element: str, name: str, data: bytes) -> tuple[str, str]:
        """Send a file to an upload button; return how that ended, as `check_answer` wants it."""
        reply = self.client.post("gradio_api/upload", files={"files": (name, data)})
        if reply.status_code != 200:
            return str(reply.status_code), reply.text
        file = {"path": reply.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        components = {each["id"]: each for each in self.config["components"]}
        button = next(
            key for key, each in components.items() if each["props"].get("elem_id") == element
        )
        event = next(
            each for each in self.config["dependencies"] if [button, "upload"] in each["targets"]
        )
        values: list[Any] = [
            file if key == button else components[key]["props"].get("value")
            for key in event["inputs"]
        ]
        body = {"data": values, "fn_index": event["id"], "session_hash": f"{element}-{name}"}
        query = {"session_hash": body["session_hash"]}
        # What has no state was heard of before, or counts as lost.
        flower = {"data": [5.1, 3.5, 1.4, 0.2]} | query
        self.client.post("gradio_api/run/classify", json=flower).raise_for_status()
        self.client.post("gradio_api/queue/join", json=body).raise_for_status()
        with self.client.stream("GET", "gradio_api/queue/data", params=query) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "process_completed":
                    end = "complete" if message["success"] else "error"
                    return end, json.dumps(message["output"])
        raise AssertionError("the stream ended without an answer")


@pytest.fixture
def visitor(url: str) -> Iterator[Visitor]:
    with httpx.Client(base_url=url, timeout=60.0, headers={"connection": "close"}) as client:
        yield Visitor(client)


@pytest.mark.parametrize(
    ("element", "name", "draw"),
    [("weights-upload", "w.safetensors", draw_weights), ("csv-upload", "f.csv", draw_csvs)],
)
def test_mutated_files_are_accepted_or_refused_with_a_sentence(
    app: App, visitor: Visitor, chance, element: str, name: str, draw
):
    before, ends = count_tracebacks(app), []
    for number, data in enumerate(draw(chance.randrange(2**32), FILES)):
        end, text = visitor.upload(element, f"{number}{name}", data)
        if end in ("413", "400"):  # over the cap, or nothing in it
            assert not [trace for trace in TRACES if trace in text]
        elif end == "error":
            check_answer(end, text)
        ends.append(end)
    print({end: ends.count(end) for end in sorted(set(ends))})
    assert "error" in ends
    assert count_tracebacks(app) == before


def test_where_no_file_can_be_written_a_run_ends_with_its_figures_and_a_sentence(
    visit, tmp_path: Path
):
    app = App(tmp_path, {})
    with app.serve() as address, visit(address=address, locale="zh-CN") as page:
        cache = app.folder / "cache"
        page.get_by_label("训练轮数").fill("100")
        page.get_by_label("训练轮数").press("Tab")
        # Nobody can make a folder below a file; that holds for root, too, as on a full disk.
        shutil.rmtree(cache, ignore_errors=True)
        cache.write_bytes(b"")
        page.click("#start")
        expect(page.locator(".toast-body").first).to_contain_text("服务器无法写入")
        expect(page.locator(".loss-chart-note")).to_contain_text("完成：100 轮")
        expect(page.locator(".run-summary")).to_be_visible()
        expect(page.locator("#download")).to_be_disabled()
        expect(page.locator("#start")).to_be_enabled()
        with httpx.Client(base_url=address, timeout=60.0) as client:
            info = client.get("gradio_api/info").json()["named_endpoints"]
            for name in ("train", "sweep"):
                good = list_good_values(info[f"/{name}"]["parameters"])
                end, text = call(client, name, good, name)
                check_answer(end, text)
                assert "The server could not write" in text
    assert count_tracebacks(app) == 0
