"""Sign-in with Hugging Face, small enough for a test: an OpenID provider that always consents.

It speaks what Gradio's sign-in asks (authlib 1.9): configuration, authorize, token and keys.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "iris-client", "iris-secret"
SCOPES = "openid profile manage-repos"


@contextmanager
def run_provider(token: str, user: str) -> Iterator[str]:
    """Serve a provider at which everyone is `user` and is given `token`; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    _Handler.address = f"http://127.0.0.1:{server.server_address[1]}"
    _Handler.token, _Handler.user = token, user
    _Handler.key = RSAKey.generate_key(2048, parameters={"kid": "test"}, private=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield _Handler.address
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    address: str
    token: str
    user: str
    key: Any
    nonce: str

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/oauth/authorize":
            return self._consent({name: values[0] for name, values in parse_qs(query).items()})
        self._send(
            {
                "/.well-known/openid-configuration": {
                    "issuer": self.address,
                    "authorization_endpoint": f"{self.address}/oauth/authorize",
                    "token_endpoint": f"{self.address}/oauth/token",
                    "jwks_uri": f"{self.address}/jwks",
                    "id_token_signing_alg_values_supported": ["RS256"],
                },
                "/jwks": {"keys": [self.key.as_dict(private=False)]},
            }[path]
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        now = int(time.time())
        claims = {
            "iss": self.address,
            "sub": self.user,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 3600,
            "nonce": self.nonce,
            "name": self.user,
            "preferred_username": self.user,
            "profile": f"{self.address}/{self.user}",
            "picture": f"{self.address}/{self.user}.png",
        }
        self._send(
            {
                "access_token": self.token,
                "token_type": "bearer",
                "expires_in": 3600,
                "scope": SCOPES,
                "id_token": jwt.encode({"alg": "RS256", "kid": "test"}, claims, self.key),
            }
        )

    def _consent(self, query: dict[str, str]) -> None:
        assert query["client_id"] == CLIENT_ID
        type(self).nonce = query["nonce"]
        back = query["redirect_uri"]
        answer = urlencode({"code": "yes", "state": query["state"]})
        self.send_response(302)
        self.send_header("Location", f"{back}{'&' if urlsplit(back).query else '?'}{answer}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
