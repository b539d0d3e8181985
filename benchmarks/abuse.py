"""What someone with bad intent tries on a public host, on 127.0.0.1 alone, and what it does.

    python -m benchmarks.abuse [--code FOLDER] [--json FILE] [--before FILE]

Each row is one kind of attack on an app in a process of its own. `--code` takes the app from
another folder, such as an older checkout; `--json` keeps the answers; `--before` prints those of an
earlier run beside these, as a Markdown table. Every part is bounded in count and in time.
"""

import argparse
import asyncio
import base64
import json
import os
import shutil
import signal
import socket
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.app import App
from tests.sign_in_standin import CLIENT_ID, CLIENT_SECRET, SCOPES, run_provider

API = "gradio_api"
SETOSA = [5.1, 3.5, 1.4, 0.2]
LESSON_PART = ["cpu", "eager", "sgd", None, 2_000, 10, 120, 0, 1]
LONGEST = ["cpu", "eager", "sgd", None, 100_000, 10, 120, 0, 1]
MOST_S = 150.0
"""A part that takes longer is broken off, and the table says so."""
SPACE = {"SPACE_ID": "benchmark/iris-mlp"}


class Client:
    """A client at an address, as the proxy of a Space names it."""

    def __init__(self, http: httpx.AsyncClient, address: str, session: str | None = None) -> None:
        self.http, self.session = http, session or uuid.uuid4().hex
        self.headers = {"x-forwarded-for": address}

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Send JSON."""
        return await self.http.post(f"{API}/{path}", json=body, headers=self.headers)

    async def call(self, name: str, data: list[Any]) -> float:
        """Call a named endpoint, wait for its end, and return the seconds; NaN where refused."""
        started = time.perf_counter()
        reply = await self.post(f"call/{name}", {"data": data, "session_hash": self.session})
        if reply.status_code != 200:
            return float("nan")
        path = f"{API}/call/{name}/{reply.json()['event_id']}"
        async with self.http.stream("GET", path, headers=self.headers) as stream:
            async for line in stream.aiter_lines():
                if line.startswith(("event: complete", "event: error")):
                    break
        return time.perf_counter() - started

    async def act(self, event: dict[str, Any], data: list[Any]) -> list[Any]:
        """Do what the page does: a private event, in the queue or past it."""
        body = {"data": data, "fn_index": event["id"], "session_hash": self.session}
        if not event["queue"]:
            reply = await self.post("run/predict", body)
            return reply.json().get("data", []) if reply.status_code == 200 else []
        if (await self.post("queue/join", body)).status_code != 200:
            return []
        path, asked = f"{API}/queue/data", {"session_hash": self.session}
        data = []
        async with self.http.stream("GET", path, params=asked, headers=self.headers) as stream:
            async for line in stream.aiter_lines():
                if '"process_completed"' in line:
                    data = json.loads(line[5:])["output"].get("data", [])
        return data


@asynccontextmanager
async def classifying(http: httpx.AsyncClient) -> AsyncIterator[list[float]]:
    """Let an honest visitor classify five times a second, and give the list of seconds."""
    times_s: list[float] = []

    async def classify() -> None:
        while True:
            started = time.perf_counter()
            await Client(http, "6.6.6.6").post("run/classify", {"data": SETOSA})
            times_s.append(time.perf_counter() - started)
            await asyncio.sleep(0.2)

    going = asyncio.create_task(classify())
    yield times_s
    going.cancel()


def p95_ms(times_s: list[float]) -> str:
    """Return the 95th percentile."""
    return f"{statistics.quantiles(times_s, n=20)[-1] * 1e3:,.0f} ms" if len(times_s) > 2 else "–"


async def within(work: Any) -> float:
    """Return what a call gives, or infinity where it takes longer than a part may."""
    try:
        return await asyncio.wait_for(work, MOST_S)
    except TimeoutError:
        return float("inf")


def seconds(value: float) -> str:
    """Return a wait in words."""
    if value != value:
        return "refused"
    return f"more than {MOST_S:.0f} s" if value == float("inf") else f"{value:.1f} s"


async def flood_calls(http: httpx.AsyncClient, rows: dict[str, str]) -> None:
    """Send 130 long runs from one client, with nobody listening."""
    flood = Client(http, "5.5.5.5")
    replies = await asyncio.gather(
        *(flood.post("call/train", {"data": LONGEST}) for _ in range(130))
    )
    accepted = sum(reply.status_code == 200 for reply in replies)
    rows["4 places that 130 calls of one client get"] = str(accepted)
    honest = Client(http, "6.6.6.6")
    async with classifying(http) as times_s:
        rows["4 `/decode_gpu` meanwhile"] = seconds(
            await within(honest.call("decode_gpu", ["RTX"]))
        )
        rows["4 a visitor's run meanwhile"] = seconds(
            await within(honest.call("train", LESSON_PART))
        )
    rows["4 classify p95 meanwhile"] = p95_ms(times_s)


async def press_train(http: httpx.AsyncClient, rows: dict[str, str]) -> None:
    """Let 60 tabs of one address train, and one visitor of another."""
    alone = await within(Client(http, "6.6.6.6").call("train", LESSON_PART))
    rows["4 a run alone (2,000 epochs)"] = seconds(alone)
    tabs = [Client(http, "5.5.5.5") for _ in range(60)]
    runs = [asyncio.create_task(within(tab.call("train", LESSON_PART))) for tab in tabs]
    await asyncio.sleep(3)
    async with classifying(http) as times_s:
        honest = await within(Client(http, "6.6.6.6").call("train", LESSON_PART))
    rows["4 a visitor's run while 60 tabs train"] = seconds(honest)
    rows["4 classify p95 while 60 tabs train"] = p95_ms(times_s)
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)


async def teach_class(http: httpx.AsyncClient, rows: dict[str, str]) -> None:
    """Let thirty browsers behind one address train once."""
    pupils = [Client(http, "3.3.3.3") for _ in range(30)]
    times = await asyncio.gather(*(within(each.call("train", LESSON_PART)) for each in pupils))
    served = [value for value in times if value == value and value < MOST_S]
    rows["4 a class of thirty: served, the last after"] = f"{len(served)}, {seconds(max(times))}"


async def retrain_often(http: httpx.AsyncClient, rows: dict[str, str]) -> None:
    """Let 80 loops move the live controls to the longest training."""
    event = await find_event(http, "retrain")
    # What the endpoint accepts at most: more than the controls offer, before caps were theirs.
    asked = {"optimizer": "adam", "lr": 0.01, "epochs": 100_000, "hidden": 1_024, "seed": 0}

    async def loop(n: int) -> None:
        client = Client(http, "5.5.5.5", f"loop{n}")
        await client.post("run/classify", {"data": SETOSA, "session_hash": client.session})
        while True:
            await client.act(event, [asked])

    loops = [asyncio.create_task(loop(n)) for n in range(80)]
    await asyncio.sleep(2)
    async with classifying(http) as times_s:
        await asyncio.sleep(20)
    rows["5 classify p95 under 80 loops of retrain"] = p95_ms(times_s)
    for each in loops:
        each.cancel()
    await asyncio.gather(*loops, return_exceptions=True)


async def evict(http: httpx.AsyncClient, rows: dict[str, str]) -> None:
    """Ask as 520 strangers, then look whether an open page still has its run."""
    page = Client(http, "6.6.6.6")
    await page.post("run/classify", {"data": SETOSA, "session_hash": page.session})
    beat = asyncio.create_task(attend(page))
    await asyncio.sleep(1)
    await page.act(await find_event(http, "begin"), [None])
    run = await find_event(http, "run_training")
    await within(page.act(run, [None, "linear", "cpu", "fused", "sgd", 0.01, 100, 10, 120, 0, 1]))
    for n in range(520):
        stranger = Client(http, "5.5.5.5", f"stranger{n}")
        await stranger.post("run/classify", {"data": SETOSA, "session_hash": stranger.session})
    kept = await page.act(await find_event(http, "store_run"), [None, None])
    rows["6 an open page's run after 520 strangers"] = "kept" if "weights" in str(kept) else "gone"
    beat.cancel()


async def attend(page: Client) -> None:
    """Keep a page open."""
    path = f"{API}/heartbeat/{page.session}"
    async with page.http.stream("GET", path, headers=page.headers) as stream:
        async for _ in stream.aiter_bytes():
            pass


async def find_event(http: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """Return a private event of the page by its function's name."""
    events = (await http.get("config")).json()["dependencies"]
    return next(event for event in events if str(event["api_name"]).split("_1")[0] == name)


async def send_bodies(http: httpx.AsyncClient, rows: dict[str, str], app: App, pid: int) -> None:
    """Send what is too large, too many, or half."""
    before = psutil.Process(pid).memory_info().rss
    client = Client(http, "5.5.5.5")
    event = await find_event(http, "retrain")
    statuses = set()
    for n in range(10):
        body = {"data": ["x" * 38_000_000], "fn_index": event["id"], "session_hash": f"big{n}"}
        try:
            statuses.add(str((await client.post("run/predict", body)).status_code))
        except httpx.TransportError:  # it was answered before all of it was sent
            statuses.add("closed")
    grown = (psutil.Process(pid).memory_info().rss - before) / 2**20
    rows["7 ten bodies of 38 MB: status, memory grown"] = f"{sorted(statuses)}, {grown:,.0f} MiB"
    many = [("files", (f"{n}.csv", b"1")) for n in range(1000)]
    reply = await http.post(f"{API}/upload", files=many, headers=client.headers)
    rows["7 a thousand files in one upload"] = str(reply.status_code)
    for n in range(100):
        files = {"files": (f"{n}.csv", n.to_bytes(2) + bytes(4_000_000 - 2))}
        await http.post(f"{API}/upload", files=files, headers=client.headers)
    rows["7 100 uploads of 4 MB by one address: on disk"] = f"{measure_disk(app):,.0f} MiB"
    host, port = str(http.base_url.host), http.base_url.port or 80
    slow = [socket.create_connection((host, port)) for _ in range(100)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        connection.setblocking(False)
    await asyncio.sleep(20)
    rows["7 of 100 slow connections open after 20 s"] = str(sum(map(is_open, slow)))
    files_before = count_files(app)
    with socket.create_connection((host, port)) as connection:
        head = "POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3000000\r\n"
        head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        head += 'Content-Disposition: form-data; name="files"; filename="w"\r\n\r\n'
        connection.sendall(head.encode() + bytes(1_000_000))
    await asyncio.sleep(2)
    rows["8 files left by an upload that broke off"] = str(count_files(app) - files_before)
    for path in ("deep_link?session_hash=big1", "file=http://127.0.0.1:9/"):
        status = (await http.get(f"{API}/{path}", headers=client.headers)).status_code
        rows[f"8 `{path.partition('=h')[0].partition('?')[0]}`"] = str(status)


def is_open(connection: socket.socket) -> bool:
    """Tell whether the other side has not closed a connection."""
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def measure_disk(app: App) -> float:
    """Return what the app keeps for visitors, in MiB."""
    files = (path for path in (app.folder / "cache").rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) / 2**20


def count_files(app: App) -> int:
    """Return how many files the app keeps for visitors."""
    return sum(path.is_file() for path in (app.folder / "cache").rglob("*"))


def find_server(url: str) -> int:
    """Return the process that serves an address."""
    port = int(url.rstrip("/").rpartition(":")[2])
    connections = psutil.Process().children(recursive=True)
    return next(
        child.pid
        for child in connections
        if any(c.laddr.port == port for c in child.net_connections() if c.status == "LISTEN")
    )


def forge(rows: dict[str, str], folder: Path) -> None:
    """Act in a visitor's name: another site's page, a rebound name, a stolen cookie."""
    call = {"data": SETOSA}
    with run_provider("hf_oauth_token_of_the_visitor", "visitor") as provider:
        secrets = {"SYSTEM": "spaces", "OAUTH_CLIENT_ID": CLIENT_ID, "OAUTH_SCOPES": SCOPES}
        secrets |= {"OAUTH_CLIENT_SECRET": CLIENT_SECRET, "OPENID_PROVIDER_URL": provider}
        with App(folder, SPACE | secrets).serve() as url:
            evil = {"host": "ada-iris.hf.space", "origin": "https://evil.test"}
            evil["sec-fetch-site"] = "cross-site"
            reply = httpx.post(f"{url}{API}/run/classify", json=call, headers=evil, timeout=60)
            allowed = "access-control-allow-credentials" in reply.headers
            rows["1 another site's page on a Space"] = (
                f"{reply.status_code}, credentials {'allowed' if allowed else 'not allowed'}"
            )
            rows["3 the token in the cookie"] = "yes" if b"hf_oauth" in read_cookie(url) else "no"
    with App(folder, {}).serve() as url:
        rebound = {"host": "evil.test:7944"}
        reply = httpx.post(f"{url}{API}/run/classify", json=call, headers=rebound, timeout=60)
        rows["2 a rebound name on a local app"] = str(reply.status_code)
        neighbour = {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"}
        reply = httpx.post(f"{url}{API}/run/classify", json=call, headers=neighbour, timeout=60)
        rows["2 a neighbour's page on a local app"] = str(reply.status_code)


def read_cookie(url: str) -> bytes:
    """Sign in and return what the cookie says to who holds it."""
    reply = httpx.get(f"{url}login/huggingface", timeout=60)
    cookie = reply.headers["set-cookie"].partition(";")[0]
    back = httpx.get(reply.headers["location"], timeout=60).headers["location"]
    reply = httpx.get(back, headers={"cookie": cookie}, timeout=60)
    value = reply.headers["set-cookie"].partition(";")[0].partition("=")[2].partition(".")[0]
    try:
        return base64.b64decode(value)
    except ValueError:
        return value.encode()


def share_folder(rows: dict[str, str], code: Path, folder: Path) -> None:
    """Start two servers in one folder and end one."""
    copy_code(code, folder / "a")
    copy_code(code, folder / "b")
    shared = {"GRADIO_TEMP_DIR": str(folder / "shared")}
    with App(folder / "a", shared).serve() as url:
        call = {"data": ["cpu", "fused", "sgd", None, 50, 10, 120, 0, 1]}
        event = httpx.post(f"{url}{API}/call/train", json=call, timeout=60).json()["event_id"]
        answer = httpx.get(f"{url}{API}/call/train/{event}", timeout=MOST_S).text
        file = json.loads(answer.strip().rpartition("data: ")[2])[2]["url"]
        with App(folder / "b", shared).serve():
            pass
        status = httpx.get(file, timeout=60).status_code
        rows["9 a download after another server's end"] = str(status)


def interrupt(rows: dict[str, str], folder: Path) -> None:
    """Send Ctrl-C, and what `kill` sends, in a run."""
    for number in (signal.SIGINT, signal.SIGTERM):
        app = App(folder, {})
        with app.serve() as url:
            process = psutil.Process(find_server(url))
            httpx.post(f"{url}{API}/call/train", json={"data": LONGEST}, timeout=60)
            session = {"data": LONGEST, "session_hash": "s"}
            httpx.post(f"{url}{API}/call/train", json=session, timeout=60)
            with httpx.stream("GET", f"{url}{API}/queue/data?session_hash=s", timeout=60) as stream:
                next(stream.iter_lines())
                time.sleep(3)  # long enough to be in the middle
                started = time.perf_counter()
                process.send_signal(number)
                status = process.wait(60)
            rows[f"10 {number.name} in a run"] = (
                f"status {status}, {time.perf_counter() - started:.1f} s"
            )


def copy_code(code: Path, folder: Path) -> None:
    """Copy the app of another checkout, or of this one."""
    ignored = shutil.ignore_patterns("__pycache__", "last_run*")
    for name in ("iris_mlp", "weights"):
        shutil.copytree(code / name, folder / name, ignore=ignored, dirs_exist_ok=True)
    shutil.copy(code / "app.py", folder / "app.py")


def attack(code: Path, kept: Path | None, parts: list[str]) -> dict[str, str]:
    """Return what each attack did to the app of a folder; keep it in a file after each part."""
    rows: dict[str, str] = {}

    def part(name: str, work: Callable[[Path], None]) -> None:
        if parts and name not in parts:
            return
        print(name, "…", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            copy_code(code, Path(folder) / "app")
            try:
                work(Path(folder) / "app")
            except (httpx.HTTPError, OSError, RuntimeError, StopIteration, psutil.Error) as error:
                rows[f"{name} broke off"] = f"{type(error).__name__}"
        if kept:  # at once: what follows may take the machine down
            kept.write_text(json.dumps(rows, indent=1))

    def crowd(scene: Callable[..., Any], with_process: bool = False) -> Callable[[Path], None]:
        def work(folder: Path) -> None:
            app = App(folder, SPACE)
            with app.serve() as url:
                asyncio.run(play(scene, url, rows, (app, find_server(url)) if with_process else ()))
                if with_process:
                    memory = psutil.Process(find_server(url)).memory_info().rss / 2**20
                    rows["memory after the bodies"] = f"{memory:,.0f} MiB"

        return work

    part("1 to 3", lambda folder: forge(rows, folder))
    for scene in (flood_calls, press_train, teach_class, retrain_often, evict):
        part(scene.__name__, crowd(scene))
    part("7, 8", crowd(send_bodies, with_process=True))
    part("9", lambda folder: share_folder(rows, code, folder.parent))
    part("10", lambda folder: interrupt(rows, folder))
    return rows


async def play(scene: Callable[..., Any], url: str, rows: dict[str, str], more: tuple) -> None:
    """Run a scene with a client that keeps many connections."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=MOST_S) as http:
        await scene(http, rows, *more)


def main() -> None:
    """Attack and print."""
    parser = argparse.ArgumentParser(description="Attacks on the app, on loopback alone.")
    parser.add_argument("--code", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--parts", nargs="*", default=[], help="names as they are printed")
    parser.add_argument("--before", type=Path)
    options = parser.parse_args()
    rows = attack(options.code, options.json, options.parts)
    before = json.loads(options.before.read_text()) if options.before else {}
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"\n{os.cpu_count()} cores; load averages at the end {load}\n")
    print("| attack | before | now |\n|---|---|---|")
    for name in {**before, **rows}:
        print(f"| {name} | {before.get(name, '–')} | {rows.get(name, '–')} |")


if __name__ == "__main__":
    main()
