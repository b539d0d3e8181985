"""Who may ask: names that are not the server's, other sites' pages, bodies without an end."""

import functools
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from iris_mlp.ui.guard import MOST_FILES, MOST_JSON_BYTES
from tests.app import App, find_browser

MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with App(tmp_path_factory.mktemp("space"), {"SPACE_ID": "ada/iris"}).serve() as url:
        yield url


@pytest.fixture(scope="module")
def resolver(browser: Browser) -> Iterator[Browser]:
    """A browser for which every name under `.test` is this machine."""
    browser = browser.browser_type.launch(
        executable_path=find_browser(),
        args=["--no-sandbox", "--host-resolver-rules=MAP *.test 127.0.0.1"],
    )
    yield browser
    browser.close()


@contextmanager
def another_site(folder: Path) -> Iterator[int]:
    """Serve an empty page of somebody else's; yield its port."""
    (folder / "index.html").write_text("<title>elsewhere</title>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def list_files(app: App) -> list[Path]:
    return [path for path in (app.folder / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "config"),
        ("POST", "gradio_api/call/classify"),
        ("POST", "gradio_api/upload"),
        ("POST", "gradio_api/mcp/"),
        ("GET", "nowhere"),
    ],
)
def test_a_name_that_is_not_the_servers_is_answered_with_a_sentence(url: str, method, path):
    reply = httpx.request(method, url + path, headers={"host": "evil.test:7944"})
    assert reply.status_code == 403
    assert "does not answer to the name evil.test" in reply.json()["detail"]


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:7860", "192.168.1.7:7860"])
def test_the_servers_own_names_and_addresses_are_answered(url: str, host: str):
    assert httpx.get(url + "gradio_api/app_id", headers={"host": host}).status_code == 200


def test_further_names_are_answered_where_the_server_was_started_for_them(tmp_path):
    app = App(tmp_path, {"IRIS_MLP_HOSTS": "iris.example, lab.example"})
    with app.serve() as url:
        assert httpx.get(url, headers={"host": "iris.example"}).status_code == 200
        assert httpx.get(url, headers={"host": "evil.test"}).status_code == 403
        own = {"host": "127.0.0.1", "origin": "https://lab.example"}  # a proxy's name for it
        reply = httpx.post(url + "gradio_api/call/classify", json={"data": [1] * 4}, headers=own)
        assert reply.status_code == 200


def test_a_rebound_name_shows_nothing_of_a_local_app(resolver: Browser, url: str):
    page = resolver.new_page()
    answer = page.goto(url.replace("127.0.0.1", "evil.test"))
    assert answer is not None
    assert answer.status == 403
    assert "gradio" not in page.content()
    page.close()


ATTACK = """async (app) => {
  const form = new FormData();
  form.append("files", new File(["theirs"], "theirs.csv"));
  const call = JSON.stringify({data: [5.1, 3.5, 1.4, 0.2]});
  const told = [];
  for (const [path, options] of [
    ["upload", {method: "POST", body: form, mode: "no-cors"}],
    ["run/classify", {method: "POST", body: call, mode: "no-cors"}],
    ["run/classify", {method: "POST", body: call}],
    ["run/classify", {method: "POST", body: call, headers: {"content-type": "application/json"}}],
    ["info", {}],
  ]) {
    try {
      const answer = await fetch(`${app}gradio_api/${path}`, {credentials: "include", ...options});
      told.push(await answer.text());
    } catch { /* the browser hides what it may not see */ }
  }
  return told.join("");
}"""


@pytest.mark.parametrize("where", ["localhost", "neighbour.test", "127.0.0.1"])
def test_another_page_on_this_machine_changes_and_learns_nothing(
    resolver: Browser, app: App, url: str, tmp_path, where: str
):
    page = resolver.new_page()
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status))
    before = list_files(app)
    with another_site(tmp_path) as port:
        page.goto(f"http://{where}:{port}/")
        statuses.clear()
        assert page.evaluate(ATTACK, url) == ""
    assert list_files(app) == before
    assert 403 in statuses
    page.close()


def test_another_sites_page_changes_and_learns_nothing_of_a_space(
    resolver: Browser, space: str, tmp_path
):
    page = resolver.new_page()
    with another_site(tmp_path) as port:
        page.goto(f"http://evil.test:{port}/")
        assert page.evaluate(ATTACK, space.replace("127.0.0.1", "space.test")) == ""
    page.goto(space.replace("127.0.0.1", "space.test"))  # while its own page may do all of it
    assert '"label":"setosa"' in page.evaluate(ATTACK, space.replace("127.0.0.1", "space.test"))
    page.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "https://ada-iris.hf.space", "host": "ada-iris.hf.space"}, 200),
        ({"origin": "https://evil.test", "host": "ada-iris.hf.space"}, 403),
        ({"origin": "null", "host": "ada-iris.hf.space"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_who_sends_a_call_is_read_from_what_browsers_say(space: str, headers, status: int):
    body = {"data": [5.1, 3.5, 1.4, 0.2]}
    reply = httpx.post(space + "gradio_api/run/classify", json=body, headers=headers)
    assert reply.status_code == status
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "deep_link?session_hash=x",
        "file=http://example.org/",
        "file=https:/example.org/",
        "file/http://example.org/",
        "proxy=https://ada-iris.hf.space/",
    ],
)
def test_doors_that_the_page_does_not_need_are_closed(url: str, path: str):
    assert httpx.get(f"{url}gradio_api/{path}").status_code == 404


def test_a_call_past_the_queue_is_refused(url: str):
    reply = httpx.post(url + "gradio_api/run/train", json={"data": []})
    assert reply.status_code == 404


def test_a_body_over_the_cap_is_refused_before_it_is_read(url: str):
    body = b'{"data": ["' + b"x" * MOST_JSON_BYTES + b'"]}'
    for content in (body, iter([body])):  # with its length, and in chunks without one
        reply = httpx.post(url + "gradio_api/run/classify", content=content)
        assert reply.status_code == 413
        assert "larger than 2 MiB" in reply.json()["detail"]


def test_many_files_at_once_are_refused(app: App, url: str):
    before = list_files(app)
    files = [("files", (f"{n}.csv", b"1")) for n in range(MOST_FILES + 1)]
    reply = httpx.post(url + "gradio_api/upload", files=files)
    assert reply.status_code == 413
    assert "at most 8 files" in reply.json()["error"]
    assert list_files(app) == before


def test_an_upload_that_breaks_off_leaves_no_half(app: App, url: str):
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    before = list_files(app)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3000000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
            'Content-Disposition: form-data; name="files"; filename="w"\r\n\r\n'.encode()
            + bytes(1_000_000)
        )
    httpx.get(url)  # answered after the half has come
    assert list_files(app) == before


def test_a_connection_that_never_ends_its_headers_is_closed(url: str):
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
