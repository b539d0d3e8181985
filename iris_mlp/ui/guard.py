"""What stands before Gradio and holds where it does not: hosts, origins, bodies, time.

Each place of Gradio's that this mends is in CONTRIBUTING, with Gradio's version.
"""

import asyncio
import json
import re
import tempfile
from collections import Counter, deque
from contextlib import ExitStack
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iris_mlp.ui.callers import (
    ADDRESS,
    Presence,
    counted,
    find_address,
    find_path,
    find_translator,
)
from iris_mlp.ui.downloads import KEPT_S
from iris_mlp.ui.errors import translate_error
from iris_mlp.ui.origins import API, RefusalError, check_caller
from iris_mlp.ui.sessions import Sessions
from iris_mlp.ui.sign_in import Vault

MOST_JSON_BYTES = 2 * 2**20
"""The largest that a page sends is a stored run, 256 KiB as base64."""
MOST_UPLOAD_BYTES = 5 * 2**20
MOST_FILES = 8
MOST_KEPT_BYTES = 256 * 2**20
"""What one address may upload within the time that files are kept; a class of thirty is one."""
SMALLEST_FILE_BYTES = 4096
HEADER_S = 10.0
BODY_S = 60.0
MOST_STREAMS = 400
"""Of one address; each page holds one or two."""

_STREAMS = re.compile(rf"{API}/(heartbeat|call(?:/v2)?/[^/]+)/([^/]+)$|{API}/queue/(data)$")
_CALLS = re.compile(rf"{API}/(queue/join|run/.+|api/.+)$")


class Guard:
    """Answer who may ask, and take no more than the page needs.

    Args:
        app: The whole application, Gradio's own middleware included.
        presence: Filled with who is connected.
        sessions: Where Gradio keeps the state of pages.
    """

    def __init__(self, app: ASGIApp, presence: Presence, sessions: Sessions) -> None:
        self._app = app
        self._presence = presence
        self._sessions = sessions
        self._vault = Vault()
        self._streams: Counter[str] = Counter()
        self._uploads = Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, headers = find_path(scope), Headers(scope=scope)
        ADDRESS.set(find_address(scope))
        try:
            check_caller(scope["method"], path, headers)
            await self._pass(path, scope, receive, send)
        except RefusalError as refusal:
            sentence = translate_error(refusal.error, find_translator(scope))
            # Gradio's page shows `error` or `detail`, by how it asked.
            answer = JSONResponse({"error": sentence, "detail": sentence}, refusal.status)
            answer.headers["x-content-type-options"] = "nosniff"
            answer.headers["connection"] = "close"  # what is left of the body is not read
            await answer(scope, receive, send)

    async def _pass(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        # Without an Origin Gradio adds no header that lets another site read the answer.
        headers = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        sealed = self._vault.seal(scope, send)
        scope = self._vault.open({**scope, "headers": headers})
        if scope["method"] in ("POST", "PUT", "PATCH"):
            await self._take(path, scope, receive, sealed)
            return
        with ExitStack() as here:
            if stream := _STREAMS.match(path):
                self._count_stream(stream, scope, here)
            await self._app(scope, receive, sealed)

    def _count_stream(self, stream: re.Match[str], scope: Scope, here: ExitStack) -> None:
        address, presence = ADDRESS.get(), self._presence
        if self._streams[address] >= MOST_STREAMS:
            raise RefusalError(
                429, "Too many pages are open from your network; close some, then reload."
            )
        here.enter_context(counted(self._streams, address))
        kind, name, _ = stream.groups()
        if kind is None:
            name = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
        is_page = kind == "heartbeat"
        here.enter_context(counted(presence.attending if is_page else presence.listening, name))

    async def _take(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body within its caps, then pass it on: Gradio never sees half of one."""
        is_upload = path.rstrip("/") == f"{API}/upload"
        most_bytes = MOST_UPLOAD_BYTES if is_upload else MOST_JSON_BYTES
        try:
            with tempfile.SpooledTemporaryFile(2**18) as body:
                files = await _read_body(receive, body, most_bytes, Headers(scope=scope))
                if is_upload:
                    self._uploads.admit(ADDRESS.get(), body.tell(), files)
                body.seek(0)
                if _CALLS.match(path):
                    self._check_session(body.read())
                    body.seek(0)
                await self._app(scope, _replay(body, receive), _hold_failures(send))
        except OSError as error:
            raise RefusalError(
                507,
                "The server has no room for this file ({reason}); try again later.",
                reason=error.strerror or "unknown",
            ) from error

    def _check_session(self, body: bytes) -> None:
        try:
            call = json.loads(body)
        except (ValueError, RecursionError):  # Gradio says so
            return
        if isinstance(call, dict) and self._sessions.has_lost(call):
            raise RefusalError(
                410,
                "The server no longer keeps this page's work; reload the page, "
                "and your last run comes back from this browser.",
            )


async def _read_body(receive: Receive, body: Any, most_bytes: int, headers: Headers) -> int:
    """Write a body into a file; return how many files it seems to hold."""
    files, tail = 0, b""
    too_large = RefusalError(
        413,
        "This is larger than {most_mib:g} MiB, which this page never needs.",
        most_mib=most_bytes / 2**20,
    )
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise too_large
    try:
        async with asyncio.timeout(BODY_S):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RefusalError(400, "The request broke off.")
                part, more = message.get("body", b""), message.get("more_body", False)
                body.write(part)
                if body.tell() > most_bytes:
                    raise too_large
                files += (tail + part).count(b"filename=")
                tail = part[-8:]
    except TimeoutError:
        raise RefusalError(408, "The request took too long to arrive; try again.") from None
    return files


def _replay(body: Any, receive: Receive) -> Receive:
    is_read = False

    async def give() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        part = body.read(2**18)
        is_read = len(part) < 2**18
        return {"type": "http.request", "body": part, "more_body": not is_read}

    return give


def _hold_failures(send: Send) -> Send:
    """Hold back the answer 500 of an exception that goes on to whoever called: it tells nothing."""
    held = False

    async def forward(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start":
            held = message["status"] == 500 and not is_json(message)
        if not held:
            await send(message)

    return forward


def is_json(message: Message) -> bool:
    """Tell whether an answer is Gradio's own, and not that of an exception nobody caught."""
    return "json" in Headers(raw=message["headers"]).get("content-type", "")


class Uploads:
    """What each address has uploaded within the time that files are kept."""

    def __init__(self) -> None:
        self._sizes: dict[str, deque[tuple[float, int]]] = {}

    def admit(self, address: str, size: int, files: int) -> None:
        """Count an upload, or refuse it."""
        if files > MOST_FILES:
            raise RefusalError(
                413, "An upload may hold at most {most} files; send fewer.", most=MOST_FILES
            )
        now = monotonic()
        for name in list(self._sizes):
            kept = self._sizes[name]
            while kept and kept[0][0] < now - KEPT_S:
                kept.popleft()
            if not kept:
                del self._sizes[name]
        kept = self._sizes.setdefault(address, deque())
        size = max(size, files * SMALLEST_FILE_BYTES)
        if sum(bytes_ for _, bytes_ in kept) + size > MOST_KEPT_BYTES:
            raise RefusalError(
                429,
                "Your network has uploaded {most_mib:g} MiB, which is all that is kept for it; "
                "try again in an hour.",
                most_mib=MOST_KEPT_BYTES / 2**20,
            )
        kept.append((now, size))


def make_patient(protocol: Any) -> type:
    """Return one of uvicorn's protocols that waits for a request's headers, but not for ever."""

    class Patient(protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._await_headers()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._await_headers()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._cancel()

        def _await_headers(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._cancel()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(HEADER_S, self.transport.abort)

        def _cancel(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Patient
