"""Many mixed requests on one server, and what is left of them.

    python -m benchmarks.soak [--requests 5000] [--sessions 540] [--at-once 8]

Visitors come, make five calls each and go: they classify, train and download, upload
weights, ask for the hardware, give bad values, and close the tab in the midst of a training. The
table compares the server after the warm-up with the server after all. The warm-up brings as many
sessions as the server remembers, since it keeps something of each. Exit status 1 where memory grew
by 5 %, or where threads, open files, figures or runs are left over.
"""

import argparse
import asyncio
import json
import random
import re
import signal
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from time import perf_counter, sleep

import httpx
import psutil

from benchmarks.load import API, CallError, Endpoint, Visitor, read_endpoints
from iris_mlp.checkpoint import SHIPPED_WEIGHTS
from iris_mlp.config import TrainConfig
from tests.app import App

CALLS_OF_A_VISITOR = 5
FLOWER_CM = (5.1, 3.5, 1.4, 0.2)
MOST_GROWTH = 0.05
SHARES = {
    "classify": 65,
    "hardware": 5,
    "decode_gpu": 6,
    "bad value": 10,
    "train eager": 3,
    "train fused": 4,
    "upload": 4,
    "closed tab": 3,
}
WATCHED = ("Figure", "TrainingRun", "SessionState")
"""Classes whose objects are counted in the server."""
# Python imports this at its start, from the server's own folder; it answers a signal.
REPORTER = f"""
import gc, json, signal
from collections import Counter
from pathlib import Path

def report(*_):
    gc.collect()
    counts = Counter(type(thing).__name__ for thing in gc.get_objects())
    target = Path(__file__).with_name("objects.json")
    target.with_suffix(".new").write_text(json.dumps([counts[name] for name in {WATCHED}]))
    target.with_suffix(".new").replace(target)

signal.signal(signal.SIGUSR1, report)
"""


class Soak:
    """The visitors of one server.

    Args:
        client: What all use.
        endpoints: What they call.
        chance: What draws who does what.
    """

    def __init__(
        self, client: httpx.AsyncClient, endpoints: dict[str, Endpoint], chance: random.Random
    ) -> None:
        self._client, self._endpoints, self._chance = client, endpoints, chance
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    async def visit(self, calls: int) -> None:
        """Be one visitor."""
        visitor = Visitor(self._client, self._endpoints)
        for _ in range(calls):
            kind = self._chance.choices(list(SHARES), list(SHARES.values()))[0]
            self.calls[kind] += 1
            try:
                await self._call(visitor, kind)
            except (CallError, httpx.HTTPError) as error:
                self.errors[f"{kind}: {type(error).__name__} {error}"[:160]] += 1

    async def _call(self, visitor: Visitor, kind: str) -> None:
        if kind == "classify":
            await visitor.call("classify", [*FLOWER_CM])
        elif kind == "hardware":
            await visitor.call("hardware", [])
        elif kind == "decode_gpu":
            await visitor.call("decode_gpu", ["RTX 4090"])
        elif kind == "bad value":
            with suppress(CallError):
                await visitor.call("classify", ["long", 1, 1, 1])
                self.errors["a bad value was accepted"] += 1
        elif kind == "upload":
            await self._upload(visitor)
        elif kind == "closed tab":
            await self._close_tab()
        else:
            engine = kind.split()[1]
            epochs = {"eager": 100, "fused": 5_000}[engine]
            config = TrainConfig(engine=engine, epochs=epochs, seed=self._chance.randrange(1_000))
            answer = await visitor.call("train", list(config.to_dict().values()))
            await visitor.fetch(answer.data[2])

    async def _upload(self, visitor: Visitor) -> None:
        files = {"files": ("w.safetensors", SHIPPED_WEIGHTS.read_bytes())}
        reply = await self._client.post(f"{API}/upload", files=files)
        file = {"path": reply.json()[0], "meta": {"_type": "gradio.FileData"}}
        await visitor.call("upload_weights", [file, None, None])

    async def _close_tab(self) -> None:
        """Begin a long training, read its first event, and go."""
        config = TrainConfig(epochs=10_000_000)
        body = {
            "data": list(config.to_dict().values()),
            "fn_index": self._endpoints["train"].fn_index,
            "session_hash": f"closed-{self._chance.random()}",
        }
        (await self._client.post(f"{API}/queue/join", json=body)).raise_for_status()
        params = {"session_hash": body["session_hash"]}
        async with self._client.stream("GET", f"{API}/queue/data", params=params) as stream:
            async for line in stream.aiter_lines():
                if "process_generating" in line:
                    return

    async def run(self, requests: int, at_once: int, calls: int = CALLS_OF_A_VISITOR) -> None:
        """Let visitors come, some at once, until so many requests are made."""
        coming = iter(range(0, requests, calls))

        async def come() -> None:
            for _ in coming:
                await self.visit(calls)

        await asyncio.gather(*(come() for _ in range(at_once)))


def measure(server: psutil.Process, folder: Path) -> dict[str, float]:
    """Return what the server holds."""
    objects = folder / "objects.json"
    objects.unlink(missing_ok=True)
    server.send_signal(signal.SIGUSR1)
    deadline = perf_counter() + 60
    while not objects.exists() and perf_counter() < deadline:
        sleep(0.1)
    counts = dict(zip(WATCHED, json.loads(objects.read_text())))
    files = [path for path in (folder / "cache").rglob("*") if path.is_file()]
    return {
        "memory MiB": server.memory_info().rss / 2**20,
        "threads": server.num_threads(),
        "open files": server.num_fds(),
        **counts,
        "cached files": len(files),
        "cached MiB": sum(path.stat().st_size for path in files) / 2**20,
    }


async def wait_until_idle(server: psutil.Process) -> None:
    """Wait until the server does nothing: the runs that visitors left have ended."""
    for _ in range(60):
        await asyncio.sleep(0.5)
        if server.cpu_percent() < 30:
            return


async def soak(
    url: str, folder: Path, options: argparse.Namespace
) -> tuple[list[dict[str, float]], Soak]:
    """Return the server's holdings after the warm-up and at the end, and what was done."""
    server = next(
        child for child in psutil.Process().children() if "app.py" in " ".join(child.cmdline())
    )
    async with httpx.AsyncClient(base_url=url, timeout=300) as client:
        crowd = Soak(client, await read_endpoints(client), random.Random(options.seed))
        await crowd.run(options.sessions * CALLS_OF_A_VISITOR, options.at_once)
        table = []
        for requests in (0, options.requests):
            await crowd.run(requests, options.at_once)
            await wait_until_idle(server)
            table.append(measure(server, folder))
    return table, crowd


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Many mixed requests on one server.")
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--sessions", type=int, default=540)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        app = App(folder, {"SPACE_ID": "benchmark/iris-mlp"})
        (folder / "sitecustomize.py").write_text(REPORTER)
        started = perf_counter()
        with app.serve() as url:
            (before, after), crowd = asyncio.run(soak(url, folder, options))
        tracebacks = len(re.findall("^Traceback", app.log.read_text(), re.MULTILINE))
    print(f"{crowd.calls.total():,} calls in {perf_counter() - started:.0f} s: {dict(crowd.calls)}")
    print(f"{'':14}{'warm':>10}{'end':>10}{'growth':>10}")
    for name in before:
        growth = after[name] - before[name]
        print(f"{name:14}{before[name]:10.1f}{after[name]:10.1f}{growth:+10.1f}")
    print(f"errors {crowd.errors.total()}, tracebacks in the log {tracebacks}")
    for text, count in crowd.errors.most_common(10):
        print(f"  {count} x {text}")
    left = [name for name in ("threads", "open files") if after[name] > before[name] + 3]
    left += [name for name in WATCHED if after[name] > before[name] + 3]
    grown = after["memory MiB"] / before["memory MiB"] - 1
    print(f"memory grew by {grown:.1%}; left over: {', '.join(left) or 'nothing'}")
    sys.exit(bool(crowd.errors or tracebacks or left or grown >= MOST_GROWTH))


if __name__ == "__main__":
    main()
