"""Turns between visitors, and the state of pages: what a crowd or a greedy client cannot take."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from playwright.sync_api import expect

from iris_mlp.ui.sessions import MOST_SESSIONS
from iris_mlp.ui.turns import MOST_OWN
from tests.app import App, find_free_port

SETOSA = [5.1, 3.5, 1.4, 0.2]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with App(tmp_path_factory.mktemp("space"), {"SPACE_ID": "ada/iris"}).serve() as url:
        yield url


def from_address(address: str, **headers: str) -> dict[str, str]:
    """Return the headers that the proxy of a Space sends; what stands left may be forged."""
    return {"x-forwarded-for": f"9.9.9.9, {address}, 10.0.0.7"} | headers


class Client:
    """A client of one session at one address, or of none."""

    def __init__(self, http: httpx.AsyncClient, address: str, session: str | None = None) -> None:
        self._http, self._headers, self.session = http, from_address(address), session

    async def join(self, name: str, data: list) -> httpx.Response:
        body = {"data": data} | ({"session_hash": self.session} if self.session else {})
        return await self._http.post(f"gradio_api/call/{name}", json=body, headers=self._headers)

    async def listen(self, name: str, event: str) -> list:
        path = f"gradio_api/call/{name}/{event}"
        async with self._http.stream("GET", path, headers=self._headers) as stream:
            lines = [line async for line in stream.aiter_lines()]
        return json.loads(lines[-2].removeprefix("data: ")) if len(lines) > 1 else lines

    async def run(self, name: str, data: list) -> list:
        reply = await self.join(name, data)
        assert reply.status_code == 200, reply.text
        return await self.listen(name, reply.json()["event_id"])


def training(epochs: int, engine: str = "eager") -> list:
    return ["cpu", engine, "sgd", None, epochs, 10, 120, 0, 1]


def run_with(url: str, scene) -> None:
    async def play() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=300) as http:
            await scene(http)

    # In a thread of its own: where a browser is open, this one has a loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, play()).result()


def test_a_flood_of_calls_takes_no_place_from_anyone_else(space: str):
    async def scene(http: httpx.AsyncClient) -> None:
        flood = Client(http, "5.5.5.5")
        replies = await asyncio.gather(*(flood.join("train", training(10**5)) for _ in range(130)))
        refused = [reply for reply in replies if reply.status_code == 429]
        assert len(refused) == 130 - MOST_OWN
        assert "wait for one to end (about" in refused[0].json()["detail"]
        honest = Client(http, "6.6.6.6", uuid.uuid4().hex)
        assert (await honest.run("decode_gpu", ["RTX 4090"]))[0]["known"]
        assert "cpu" in (await honest.run("hardware", []))[0]
        assert (await honest.run("train", training(50)))[0]["outcome"] == "completed"

    run_with(space, scene)


def test_addresses_take_turns_and_so_do_the_visitors_of_one(space: str):
    async def scene(http: httpx.AsyncClient) -> None:
        ended: list[str] = []

        async def run(name: str, client: Client) -> None:
            await client.run("train", training(3_000))
            ended.append(name)

        crowd = [Client(http, "7.7.7.7", uuid.uuid4().hex) for _ in range(12)]
        runs = [asyncio.create_task(run("crowd", client)) for client in crowd]
        while len(ended) < 1:  # so that all of them are in line
            await asyncio.sleep(0.01)
        honest = Client(http, "8.8.8.8", uuid.uuid4().hex)
        runs.append(asyncio.create_task(run("honest", honest)))
        await asyncio.gather(*runs)
        assert ended.index("honest") < 7, ended  # first come, first served puts it last
        assert len(ended) == 13

    run_with(space, scene)


def test_a_visitor_has_one_run_at_a_time(space: str):
    async def scene(http: httpx.AsyncClient) -> None:
        greedy = Client(http, "5.6.7.8", uuid.uuid4().hex)
        events = [(await greedy.join("train", training(4_000))).json()["event_id"] for _ in "12"]
        listening = [asyncio.create_task(greedy.listen("train", event)) for event in events[:1]]
        other = Client(http, "5.6.7.8", uuid.uuid4().hex)  # of the same address, and later
        await other.run("train", training(50))
        assert not listening[0].done()
        await listening[0]

    run_with(space, scene)


def test_a_call_that_nobody_listens_to_does_not_start(space: str):
    async def scene(http: httpx.AsyncClient) -> None:
        gone = [Client(http, "4.4.4.4", uuid.uuid4().hex) for _ in range(4)]
        for client in gone:
            await client.join("train", training(10**5))
        here = Client(http, "4.4.4.4", uuid.uuid4().hex)
        assert (await here.run("train", training(50)))[0]["outcome"] == "completed"

    run_with(space, scene)


def test_a_class_behind_one_address_is_served(space: str):
    async def scene(http: httpx.AsyncClient) -> None:
        pupils = [Client(http, "3.3.3.3", uuid.uuid4().hex) for _ in range(30)]
        answers = await asyncio.gather(*(each.run("train", training(500)) for each in pupils))
        assert [answer[0]["outcome"] for answer in answers] == ["completed"] * 30

    run_with(space, scene)


def test_a_refusal_is_in_the_language_of_who_asks(space: str):
    headers = from_address("2.2.2.2", **{"accept-language": "zh-CN"})
    call = {"data": training(10**5)}
    replies = [
        httpx.post(space + "gradio_api/call/train", json=call, headers=headers)
        for _ in range(MOST_OWN + 1)
    ]
    assert "个任务在排队" in replies[-1].json()["detail"]


def train(page) -> None:
    page.get_by_label("Epochs", exact=True).fill("123")
    page.get_by_label("Epochs", exact=True).press("Tab")
    page.click("#start")
    expect(page.locator(".loss-chart-note")).to_contain_text("Done: 123")
    expect(page.locator("#start")).to_be_enabled()
    page.get_by_role("tab", name="Classify").click()
    expect(page.get_by_role("radio", name="My last run")).to_be_checked()


def test_strangers_do_not_drive_out_the_state_of_an_open_page(visit, space: str):
    with visit(address=space) as page:
        train(page)
        expect(page.locator("#weights-card")).to_contain_text("123")
        with httpx.Client(base_url=space, timeout=60) as http:
            for n in range(MOST_SESSIONS + 40):
                body = {"data": SETOSA, "session_hash": f"stranger{n}"}
                headers = from_address(f"1.2.{n % 9}.4")
                http.post("gradio_api/run/classify", json=body, headers=headers)
        page.get_by_role("radio", name="Built-in").check()
        page.get_by_role("radio", name="My last run").check()
        expect(page.locator("#weights-card")).to_contain_text("Your last training run")
        expect(page.locator("#weights-card")).to_contain_text("123")


def test_a_run_comes_back_from_the_browser_where_the_server_was_started_again(visit, tmp_path):
    app, port = App(tmp_path, {"SPACE_ID": "ada/iris"}), find_free_port()
    with ExitStack() as first:
        address = first.enter_context(app.serve(port))
        with visit(address=address) as page:
            train(page)
            verdict = page.locator("#verdict").inner_text()
            page.wait_for_function("localStorage.getItem('iris_mlp_last_run')")
            first.close()
            with app.serve(port):  # it knows nothing of this browser
                again = page.context.new_page()
                again.goto(address)
                again.wait_for_selector("#loss-chart .loss-chart-stats > div")
                again.get_by_role("tab", name="Classify").click()
                expect(again.get_by_role("radio", name="My last run")).to_be_checked(timeout=60_000)
                expect(again.locator("#verdict")).to_have_text(verdict, use_inner_text=True)


def test_a_page_whose_state_is_gone_is_told_so(space: str):
    config = httpx.get(space + "config").json()
    source = next(
        each["id"]
        for each in config["components"]
        if each["props"].get("elem_id") == "weights-source"
    )
    event = next(each for each in config["dependencies"] if [source, "input"] in each["targets"])
    call = {"data": ["shipped"], "fn_index": event["id"], "session_hash": uuid.uuid4().hex}
    reply = httpx.post(space + "gradio_api/queue/join", json=call)
    assert reply.status_code == 410
    assert "your last run comes back" in reply.json()["detail"]
