"""Requests that no page sends: each ends with a sentence or an HTTP status, none with a traceback.

They are raw HTTP, since a client would refuse some and mend others.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from iris_mlp.checkpoint import MAX_FILE_BYTES
from tests.app import App

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
WRONG: list[Any] = [
    *(None, True, "", "x", "NaN", "Infinity", "-1", [], [1], {}, {"path": "/etc/passwd"}),
    *(-1, 0.5, 2**63, 10**400, 1e308, float("nan"), "9" * 5_000, "花\u202e\x00🌸", "\ud800"),
    *(SCRIPT, "../" * 50, "x" * 100_000),
]
SHORT = {"epochs": 1, "name": "RTX 4090", "lr": None, "random": None}
"""Good values that keep a call short; the others are the defaults, or 1."""
TRACES = ("Traceback", 'File "', "site-packages")
"""What stands in a traceback and in no sentence."""
LONGEST_SENTENCE = 500
ANSWER_S = 60.0

Parameters = list[dict[str, Any]]


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    # After an internal error the server closes the connection, so that none is kept.
    with httpx.Client(base_url=url, timeout=ANSWER_S, headers={"connection": "close"}) as client:
        yield client


@pytest.fixture(scope="module")
def endpoints(client: httpx.Client) -> dict[str, Parameters]:
    """Return the parameters of every public endpoint, as the server describes them."""
    info = client.get("gradio_api/info").json()["named_endpoints"]
    return {name.strip("/"): entry["parameters"] for name, entry in info.items()}


def call(client: httpx.Client, name: str, data: Any, session: str) -> tuple[str, str]:
    """Call an endpoint; return its last event, or the HTTP status, and the text of it."""
    body = json.dumps({"data": data, "session_hash": session})  # says NaN, which httpx does not
    headers = {"content-type": "application/json"}
    reply = client.post(f"gradio_api/call/{name}", content=body, headers=headers)
    if reply.status_code != 200:
        return str(reply.status_code), reply.text
    event = text = ""
    with client.stream("GET", f"gradio_api/call/{name}/{reply.json()['event_id']}") as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                text = line.removeprefix("data: ")
    return event, text


def list_good_values(parameters: Parameters) -> list[Any]:
    return [
        SHORT[entry["parameter_name"]]
        if entry["parameter_name"] in SHORT
        else entry["parameter_default"]
        if entry.get("parameter_has_default")
        else 1
        for entry in parameters
    ]


def check_answer(event: str, text: str) -> None:
    """Make sure that an answer is one that a caller can use: a result, or a sentence."""
    assert not [trace for trace in TRACES if trace in text], text[:LONGEST_SENTENCE]
    if event != "complete":
        sentence = json.loads(text)["error"]
        assert sentence.endswith("."), text
        assert len(sentence) < LONGEST_SENTENCE
        assert "<" not in sentence, "Gradio's page shows a message as HTML"


def count_tracebacks(app: App) -> int:
    return len(re.findall("^Traceback", app.log.read_text(), re.MULTILINE))


def test_every_parameter_of_every_endpoint_refuses_what_it_cannot_use_with_a_sentence(
    app: App, client: httpx.Client, endpoints: dict[str, Parameters]
):
    session, before = uuid.uuid4().hex, count_tracebacks(app)
    assert {"train", "classify", "hardware", "decode_gpu"} <= endpoints.keys()
    for name, parameters in endpoints.items():
        good = list_good_values(parameters)
        assert call(client, name, good, session)[0] == "complete"
        for place, parameter in enumerate(parameters):
            for value in WRONG:
                event, text = call(
                    client, name, [*good[:place], value, *good[place + 1 :]], session
                )
                print(name, parameter["parameter_name"], repr(value)[:50], event, text[:200])
                check_answer(event, text)
    assert count_tracebacks(app) == before


def test_missing_and_further_parameters_end_with_an_answer(
    app: App, client: httpx.Client, endpoints: dict[str, Parameters]
):
    session = uuid.uuid4().hex
    for name, parameters in endpoints.items():
        good = list_good_values(parameters)
        for data in ([], good[:-1], [*good, SCRIPT], [None] * len(good), "text", None, {}):
            before = count_tracebacks(app)
            event, text = call(client, name, data, session)
            print(name, repr(data)[:50], event, text[:200])
            assert not [trace for trace in TRACES if trace in text]
            assert event in ("complete", "error", "422")
            assert count_tracebacks(app) - before <= 1  # Gradio counts the values before we do


MALFORMED = [
    ("call/classify", b"{"),
    ("call/classify", b"\xff\xfe"),
    ("call/classify", b"[]"),
    ("call/classify", b'{"data":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    ("call/v2/classify", b'{"sepal_length": 1}'),
    ("call/v2/classify", b'{"nothing": 1}'),
    ("call/nothing", b'{"data": []}'),
    ("queue/join", b'{"data": [], "fn_index": 1}'),
    ("queue/join", b'{"data": [], "fn_index": 9999, "session_hash": "x"}'),
    ("queue/join", b'{"data": [], "fn_index": "x", "session_hash": "x"}'),
    ("run/classify", b'{"data": []}'),
    ("run/classify", b'{"data": [1, 1, 1, "x"]}'),
    ("upload", b"x"),
]


def test_a_malformed_request_is_refused_and_tells_nothing_of_the_inside(
    app: App, client: httpx.Client
):
    before, internal = count_tracebacks(app), 0
    for path, body in MALFORMED:
        reply = client.post(
            f"gradio_api/{path}", content=body, headers={"content-type": "application/json"}
        )
        print(path, body[:40], reply.status_code, reply.text[:200])
        assert 400 <= reply.status_code <= 500
        assert not [trace for trace in TRACES if trace in reply.text]
        internal += reply.status_code == 500
    assert count_tracebacks(app) - before <= internal


def test_an_upload_over_the_cap_is_refused(client: httpx.Client):
    files = {"files": ("w.safetensors", bytes(MAX_FILE_BYTES + 1))}
    reply = client.post("gradio_api/upload", files=files)
    assert reply.status_code == 413
    assert "exceeded" in reply.text


@pytest.mark.parametrize("name", ["x-anything", "cookie", "accept-language", "referer"])
def test_an_oversized_header_is_refused_or_ignored(name: str, app: App, client: httpx.Client):
    before = count_tracebacks(app)
    for value in ("x" * 60_000, "x," * 500_000):
        try:
            reply = client.get("", headers={name: value})
        except httpx.TransportError:  # the server hangs up on what it does not even read
            continue
        assert reply.status_code in (200, 400, 431)
    assert client.get("").status_code == 200
    assert count_tracebacks(app) == before
