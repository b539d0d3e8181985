"""The page against an empty one: time to the first answer, and a round trip of /classify.

`python -m benchmarks.page` starts the app and a script that launches one empty Blocks, in turn,
on 127.0.0.1, and prints medians.
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
from pathlib import Path

from gradio_client import Client

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
demo.launch(ssr_mode=False, quiet=True)
"""
FLOWER_CM = (5.1, 3.5, 1.4, 0.2)


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The page against an empty one.")
    parser.add_argument("--starts", type=int, default=5)
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
        with serve(app) as (url, _), serve([sys.executable, str(constant)]) as (other, _):
            ours, theirs = time_round_trips(url, other, options.calls)
        print(
            f"/classify:     app {ours * 1e3:.1f} ms, constant {theirs * 1e3:.1f} ms, "
            f"{ours / theirs:.2f} x"
        )


if __name__ == "__main__":
    main()
