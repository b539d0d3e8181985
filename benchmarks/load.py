"""A crowd on the app: visitors who classify while others train, over HTTP on 127.0.0.1.

    python -m benchmarks.load [--visitors 200] [--trainers 50] [--sweeps 3] [--think-s 4]

The server runs in a process of its own, as on a public Space. A visitor speaks what the page
speaks: a call to the queue and one stream of its events. Each trainer has its own seed, and the
weights that come back must be, byte for byte, those of the same training done here afterwards. The
app's log must hold no traceback. Exit status 1 where anything of this fails.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import sys
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx

from iris_mlp.config import TrainConfig
from iris_mlp.training import prepare_run
from tests.app import App

API = "gradio_api"
MOST_WAIT_S = 600.0
TRAININGS: dict[str, dict[str, Any]] = {
    "eager": {"engine": "eager", "epochs": 2_000},
    "fused": {"engine": "fused", "epochs": 20_000},
}
FLOWERS_CM = {
    "setosa": (5.1, 3.5, 1.4, 0.2),
    "versicolor": (5.7, 2.9, 4.2, 1.3),
    "virginica": (6.5, 3.0, 5.5, 2.0),
}


class CallError(Exception):
    """A call that the server refused or that broke; the text is what the visitor was told."""


@dataclass
class Answer:
    """What a call came to.

    Attributes:
        data: The outputs.
        elapsed_s: From the request to the last event.
        places: The places in the queue that the visitor was told.
        updates: Partial outputs that came before the end.
    """

    data: list[Any]
    elapsed_s: float
    places: list[int] = field(default_factory=list)
    updates: int = 0


@dataclass(frozen=True)
class Endpoint:
    """A named endpoint as the page's configuration describes it."""

    fn_index: int
    name: str
    queued: bool


class Visitor:
    """One visitor: a session of its own, calls one after the other.

    Args:
        client: The HTTP client that all visitors share.
        endpoints: What can be called, by name; see `read_endpoints`.
    """

    def __init__(self, client: httpx.AsyncClient, endpoints: dict[str, Endpoint]) -> None:
        self._client = client
        self._endpoints = endpoints
        self._session = uuid.uuid4().hex

    async def call(self, name: str, data: list[Any]) -> Answer:
        """Call an endpoint and wait for its end.

        Raises:
            CallError: It was refused, or ended with an error.
        """
        endpoint = self._endpoints[name]
        body = {"data": data, "fn_index": endpoint.fn_index, "session_hash": self._session}
        started = perf_counter()
        path = "queue/join" if endpoint.queued else f"run/{name}"
        reply = await self._client.post(f"{API}/{path}", json=body)
        if reply.status_code != 200:
            raise CallError(f"{reply.status_code}: {reply.text[:300]}")
        if not endpoint.queued:
            return Answer(reply.json()["data"], perf_counter() - started)
        answer = Answer([], 0.0)
        async with self._client.stream(
            "GET", f"{API}/queue/data", params={"session_hash": self._session}
        ) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:") and self._take(json.loads(line[5:]), answer):
                    answer.elapsed_s = perf_counter() - started
        if not answer.elapsed_s:
            raise CallError("the stream ended without an answer")
        return answer

    async def fetch(self, file: dict[str, Any]) -> bytes:
        """Download a file that an answer names."""
        reply = await self._client.get(file["url"])
        if reply.status_code != 200:
            raise CallError(f"download: {reply.status_code}")
        return reply.content

    @staticmethod
    def _take(message: dict[str, Any], answer: Answer) -> bool:
        kind = message["msg"]
        if kind == "estimation":
            answer.places.append(message["rank"])
        elif kind == "process_generating":
            answer.updates += 1
        elif kind == "unexpected_error":
            raise CallError(message["message"])
        elif kind == "process_completed":
            if not message["success"]:
                raise CallError(str(message["output"]))
            answer.data = message["output"].get("data", [])
            return True
        return False


async def read_endpoints(client: httpx.AsyncClient) -> dict[str, Endpoint]:
    """Return the page's endpoints by name."""
    config = (await client.get("config")).raise_for_status().json()
    return {
        entry["api_name"]: Endpoint(entry["id"], entry["api_name"], entry["queue"])
        for entry in config["dependencies"]
        if isinstance(entry["api_name"], str)
    }


@dataclass
class Tally:
    """What a crowd met.

    Attributes:
        elapsed_s: Seconds of each call, by kind.
        errors: How often each error was met, by its text.
        weights: Weights that came back, by engine and seed.
        places: First place in the queue of each trainer.
        unplaced: Trainers who were not told their place.
    """

    elapsed_s: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    weights: dict[tuple[str, int], bytes] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    unplaced: int = 0

    def add(self, kind: str, elapsed_s: float) -> None:
        """Count one call."""
        self.elapsed_s.setdefault(kind, []).append(elapsed_s)


async def classify_often(visitor: Visitor, options: argparse.Namespace, tally: Tally) -> None:
    """Classify, with pauses to think."""
    chance = random.Random(uuid.uuid4().hex)  # pauses, not secrets
    for _ in range(options.classify):
        await asyncio.sleep(chance.uniform(0, 2 * options.think_s))
        label, lengths_cm = chance.choice(list(FLOWERS_CM.items()))
        try:
            answer = await visitor.call("classify", [*lengths_cm])
            if answer.data[0]["label"] != label:
                tally.errors["classify: a wrong label"] += 1
            tally.add("classify", answer.elapsed_s)
        except (CallError, httpx.HTTPError) as error:
            tally.errors[f"classify: {type(error).__name__} {error}"[:200]] += 1


async def arrive(visitor: Visitor, options: argparse.Namespace, tally: Tally) -> None:
    """Make the first call, for which the server makes a session, as opening the page does."""
    pause_s = random.uniform(0, options.think_s * options.classify)  # no secret
    await asyncio.sleep(pause_s)
    try:
        tally.add("arrive", (await visitor.call("classify", [*FLOWERS_CM["setosa"]])).elapsed_s)
    except (CallError, httpx.HTTPError) as error:
        tally.errors[f"arrive: {type(error).__name__} {error}"[:200]] += 1


async def train_once(visitor: Visitor, engine: str, seed: int, tally: Tally) -> None:
    """Train with one's own seed and download the weights."""
    config = make_config(engine, seed)
    try:
        answer = await visitor.call("train", list(config.to_dict().values()))
        tally.weights[engine, seed] = await visitor.fetch(answer.data[2])
        tally.add(f"train {engine}", answer.elapsed_s)
        if answer.places:
            tally.places.append(answer.places[0])
        else:
            tally.unplaced += 1
    except (CallError, httpx.HTTPError) as error:
        tally.errors[f"train {engine}: {type(error).__name__} {error}"[:200]] += 1


async def sweep_once(visitor: Visitor, tally: Tally) -> None:
    """Train a hundred seeds at once; all of them must be done."""
    data = ["sgd", None, "10", "20000", "0:100", 120, None, 0]
    try:
        answer = await visitor.call("sweep", data)
        if answer.data[0]["done"] != 100:
            tally.errors["sweep: not all is done"] += 1
        tally.add("sweep", answer.elapsed_s)
    except (CallError, httpx.HTTPError) as error:
        tally.errors[f"sweep: {type(error).__name__} {error}"[:200]] += 1


def make_config(engine: str, seed: int) -> TrainConfig:
    """Return the settings of one trainer."""
    return TrainConfig(device="cpu", seed=seed, **TRAININGS[engine])


async def send_crowd(url: str, options: argparse.Namespace) -> tuple[Tally, Tally]:
    """Let visitors classify alone, then while others train; return both tallies."""
    # The server closes a connection that is idle for 5 s; a request that crosses this would fail.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=MOST_WAIT_S) as client:
        endpoints = await read_endpoints(client)
        alone, crowded = Tally(), Tally()
        warm = Visitor(client, endpoints)
        for engine in TRAININGS:
            await warm.call("train", list(make_config(engine, 0).to_dict().values()))
        visitors = [Visitor(client, endpoints) for _ in range(options.visitors)]
        trainers = [Visitor(client, endpoints) for _ in range(options.trainers)]
        await asyncio.gather(*(arrive(v, options, alone) for v in (*visitors, *trainers)))
        await asyncio.gather(*(classify_often(v, options, alone) for v in visitors))
        engines = list(TRAININGS)
        training = asyncio.gather(
            *(
                train_once(visitor, engines[seed % len(engines)], seed, crowded)
                for seed, visitor in enumerate(trainers, start=1)
            ),
            *(sweep_once(visitor, crowded) for visitor in visitors[: options.sweeps]),
        )
        started = perf_counter()
        while not training.done():  # they classify as long as anyone trains
            await asyncio.gather(*(classify_often(v, options, crowded) for v in visitors))
            if perf_counter() - started > MOST_WAIT_S:
                break
        await training
        crowded.add("all trainings", perf_counter() - started)
    return alone, crowded


def count_foreign_weights(tally: Tally) -> int:
    """Train each seed again here and count the weights that are not those of their own seed."""
    foreign = 0
    for (engine, seed), data in tally.weights.items():
        run = prepare_run(make_config(engine, seed))
        for _ in run:
            pass
        checkpoint = run.result().checkpoint
        foreign += checkpoint is None or data != checkpoint.to_bytes()
    return foreign


def describe_times(times_s: list[float]) -> str:
    """Return count, median, 95th percentile and maximum in ms."""
    p95_s = statistics.quantiles(times_s, n=20)[-1] if len(times_s) > 1 else times_s[0]
    return (
        f"{len(times_s):6}  p50 {statistics.median(times_s) * 1e3:8.0f}  "
        f"p95 {p95_s * 1e3:8.0f}  max {max(times_s) * 1e3:8.0f} ms"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A crowd on the app.")
    parser.add_argument("--visitors", type=int, default=200)
    parser.add_argument("--trainers", type=int, default=50)
    parser.add_argument("--sweeps", type=int, default=3)
    parser.add_argument("--classify", type=int, default=5, help="calls of a visitor")
    parser.add_argument("--think-s", type=float, default=4.0, help="mean pause between two calls")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder), {"SPACE_ID": "benchmark/iris-mlp"})
        with app.serve() as url:
            alone, crowded = asyncio.run(send_crowd(url, options))
        tracebacks = len(re.findall(r"^Traceback", app.log.read_text(), re.MULTILINE))
    foreign = count_foreign_weights(crowded)
    for title, tally in (("no training", alone), ("slots full", crowded)):
        for kind, times_s in sorted(tally.elapsed_s.items()):
            print(f"{title:12} {kind:14} {describe_times(times_s)}")
    print(f"weights checked {len(crowded.weights)}, of another seed {foreign}")
    print(
        f"trainers told their place {len(crowded.places)}, not told {crowded.unplaced}, "
        f"furthest place {max(crowded.places, default=0)}"
    )
    errors = alone.errors + crowded.errors
    print(f"errors {errors.total()}, tracebacks in the log {tracebacks}")
    for text, count in errors.most_common(10):
        print(f"  {count} x {text}")
    missing = options.trainers - len(crowded.weights)
    sys.exit(bool(errors or tracebacks or foreign or missing))


if __name__ == "__main__":
    main()
