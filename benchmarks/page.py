"""The page against an empty one: first answer, first paint, weight, and a classification.

`python -m benchmarks.page` starts the app and small scripts of Gradio's, in turn, on 127.0.0.1,
opens them in a browser with an empty cache, and prints medians. The peer is an empty Blocks; for a
classification, one with four sliders and a function that returns a constant.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gradio_client import Client
from playwright.sync_api import Browser, sync_playwright

from tests.app import find_browser

ROOT = Path(__file__).resolve().parents[1]
EMPTY = """
import gradio as gr
import torch
with gr.Blocks(analytics_enabled=False) as demo:
    pass
demo.launch(ssr_mode=False, quiet=True)
"""
CONSTANT = """
import gradio as gr
import torch
def constant(a: float, b: float, c: float, d: float) -> dict:
    return {"label": "setosa"}
with gr.Blocks(analytics_enabled=False) as demo:
    gr.api(constant, api_name="classify")
    sliders = [gr.Slider(0, 8, 4, step=0.1, label=name) for name in "abcd"]
    verdict = gr.HTML("versicolor", elem_id="verdict")
    gr.on([slider.input for slider in sliders], lambda *_: "setosa", sliders, verdict)
demo.launch(ssr_mode=False, quiet=True)
"""
FLOWER_CM = (5.1, 3.5, 1.4, 0.2)
REST_MS = 1_500
"""A page is at rest when it has asked for nothing so long."""


@contextmanager
def serve(command: list[str]) -> Iterator[tuple[str, float]]:
    """Start a server; give its address and the seconds from process start to the first answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.02)
        yield url, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()


def time_starts(command: list[str], other: list[str], repeats: int) -> tuple[float, float]:
    """Return the median seconds to the first answer of two servers, started in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for kept, argv in zip(times, (command, other)):
            with serve(argv) as (_, elapsed_s):
                kept.append(elapsed_s)
    return statistics.median(times[0]), statistics.median(times[1])


def time_round_trips(url: str, other: str, repeats: int) -> tuple[float, float]:
    """Return the median seconds of a call to two servers, called in turn."""
    clients = [Client(address, verbose=False) for address in (url, other)]
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 5):
        for kept, client in zip(times, clients):
            started = time.perf_counter()
            client.predict(*FLOWER_CM, api_name="/classify")
            if turn >= 5:  # the first calls warm both up
                kept.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


@dataclass(frozen=True)
class Opening:
    """One opening of a page with an empty cache.

    Attributes:
        paint_ms: From the navigation to the first contentful paint.
        verdict_ms: To the answer for a moved slider; None for a page without one.
        requests: Requests until the page is at rest.
        kib: What they brought, as sent.
        hosts: Other hosts that were asked.
    """

    paint_ms: float
    verdict_ms: float | None
    requests: int
    kib: float
    hosts: frozenset[str]


def open_page(browser: Browser, url: str, tab: str | None, *, classify: bool) -> Opening:
    """Open a page as a new visitor and, where it can classify, move a slider at once."""
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    started = time.perf_counter()
    page.goto(url, wait_until="commit")
    verdict_ms = None
    if classify:
        if tab:
            page.get_by_role("tab", name=tab).click()
        slider = page.get_by_role("slider").nth(2)
        slider.fill("1.4")
        page.locator("#verdict", has_text="setosa").wait_for()
        verdict_ms = (time.perf_counter() - started) * 1e3
    page.wait_for_load_state("load")
    seen = -1
    while len(asked) > seen:  # Gradio keeps one stream open, so that the network is never idle
        seen = len(asked)
        page.wait_for_timeout(REST_MS)
    paint_ms, total = page.evaluate(WEIGH)
    context.close()
    web = [urlsplit(address) for address in asked if address.startswith(("http:", "https:"))]
    others = frozenset(part.hostname or "" for part in web) - {"127.0.0.1"}
    return Opening(paint_ms, verdict_ms, len(web), total / 1024, others)


WEIGH = """async () => {
  const paint = await new Promise((done) => new PerformanceObserver((list) => {
    const entry = list.getEntriesByName("first-contentful-paint")[0];
    if (entry) done(entry.startTime);
  }).observe({ type: "paint", buffered: true }));
  const entries = ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind));
  return [paint, entries.reduce((sum, entry) => sum + entry.transferSize, 0)];
}"""


def compare_openings(url: str, empty: str, constant: str, repeats: int) -> None:
    """Open the three pages in turn and print the medians."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        ours, theirs, ours_moved, theirs_moved = [], [], [], []
        for turn in range(repeats + 1):
            kept = (
                open_page(browser, url, None, classify=False),
                open_page(browser, empty, None, classify=False),
                open_page(browser, url, "Classify", classify=True),
                open_page(browser, constant, None, classify=True),
            )
            if turn:  # the first ones warm the servers up
                for row, opening in zip((ours, theirs, ours_moved, theirs_moved), kept):
                    row.append(opening)
        browser.close()
    for name, mine, other, form in (
        ("first paint", [o.paint_ms for o in ours], [o.paint_ms for o in theirs], "{:.0f} ms"),
        ("requests", [o.requests for o in ours], [o.requests for o in theirs], "{:.0f}"),
        ("weight", [o.kib for o in ours], [o.kib for o in theirs], "{:.0f} KiB"),
        (
            "classified",
            [o.verdict_ms or 0.0 for o in ours_moved],
            [o.verdict_ms or 0.0 for o in theirs_moved],
            "{:.0f} ms",
        ),
    ):
        a, b = statistics.median(mine), statistics.median(other)
        print(f"{name + ':':14} app {form.format(a)}, peer {form.format(b)}, {a / b:.2f} x")
    hosts = frozenset().union(*(o.hosts for o in (*ours, *ours_moved)))
    print(f"other hosts:   {', '.join(sorted(hosts)) or 'none'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The page against an empty one.")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--openings", type=int, default=5)
    parser.add_argument("--calls", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty, constant = Path(folder) / "empty.py", Path(folder) / "constant.py"
        empty.write_text(EMPTY)
        constant.write_text(CONSTANT)
        app = [sys.executable, "app.py"]
        ours, theirs = time_starts(app, [sys.executable, str(empty)], options.starts)
        print(
            f"first answer:  app {ours:.2f} s, empty Blocks {theirs:.2f} s, {ours / theirs:.2f} x"
        )
        with (
            serve(app) as (url, _),
            serve([sys.executable, str(constant)]) as (other, _),
            serve([sys.executable, str(empty)]) as (nothing, _),
        ):
            Client(url, verbose=False).predict(engine="fused", epochs=10, api_name="/train")
            compare_openings(url, nothing, other, options.openings)
            ours, theirs = time_round_trips(url, other, options.calls)
        print(
            f"/classify:     app {ours * 1e3:.1f} ms, constant {theirs * 1e3:.1f} ms, "
            f"{ours / theirs:.2f} x"
        )


if __name__ == "__main__":
    main()
