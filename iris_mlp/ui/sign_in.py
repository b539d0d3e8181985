"""What a browser holds of a sign-in: a random key; the token stays on the server.

Gradio signs its cookie and does not encrypt it: whoever reads it has the token for 14 days, and
signing out does not end it.
"""

import base64
import binascii
import json
import re
import secrets
import time

from starlette.datastructures import Headers
from starlette.types import Message, Scope, Send

COOKIE = b"session="
LONGEST_S = 8 * 3600
"""As long as the Hub's token for a visitor lives."""
_COOKIE = re.compile(rb"((?:^|;)\s*)session=([^;]*)")


class Vault:
    """Keep Gradio's cookie of who has signed in, and give the browser a key in its place."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes]] = {}

    def open(self, scope: Scope) -> Scope:
        """Put what is kept in the place of the key; a cookie that holds a token itself is none."""
        headers = [
            (name, _COOKIE.sub(self._find, value) if name == b"cookie" else value)
            for name, value in scope["headers"]
        ]
        return {**scope, "headers": headers}

    def seal(self, scope: Scope, send: Send) -> Send:
        """Return what sends an answer with a new key where Gradio sets its cookie anew."""

        async def forward(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, self._keep(scope, value) if _is_cookie(name, value) else value)
                    for name, value in message["headers"]
                ]
            await send(message)

        return forward

    def _find(self, found: re.Match[bytes]) -> bytes:
        start, given = found.groups()
        ends, value = self._kept.get(given.decode("latin-1"), (0.0, b""))
        if ends > time.time():
            return start + COOKIE + value
        return start + COOKIE + (b"" if _holds_token(given) else given)

    def _keep(self, scope: Scope, cookie: bytes) -> bytes:
        for _, old_key in _COOKIE.findall(Headers(scope=scope).get("cookie", "").encode("latin-1")):
            self._kept.pop(old_key.decode("latin-1"), None)
        value, _, attributes = cookie.removeprefix(COOKIE).partition(b";")
        if _holds_token(value):
            now, key = time.time(), secrets.token_urlsafe(32)
            self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
            self._kept[key] = (now + LONGEST_S, value)
            value = key.encode()
        # To a page of another site that shows this one in a frame the visitor is nobody.
        return COOKIE + value + b";" + attributes + b"; Partitioned"


def _is_cookie(name: bytes, value: bytes) -> bool:
    return name.lower() == b"set-cookie" and value.startswith(COOKIE)


def _holds_token(value: bytes) -> bool:
    """Tell whether a cookie of Gradio's, base64 before its signature, is that of a sign-in."""
    try:
        return "oauth_info" in json.loads(base64.b64decode(value.partition(b".")[0]))
    except (binascii.Error, ValueError, TypeError):
        return False
