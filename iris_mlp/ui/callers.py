"""Who asks: the address behind the proxy, the signed-in name; and who is still here."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from iris_mlp.config import is_public_space
from iris_mlp.strings import Translate, choose_language, translator

ADDRESS: ContextVar[str] = ContextVar("address", default="")
"""The address whose request is being answered."""


@dataclass
class Presence:
    """Who is connected now, by the streams that are open.

    Attributes:
        listening: Streams of answers that are open, by session or by event.
        attending: Pages that are open, by session.
    """

    listening: Counter[str] = field(default_factory=Counter)
    attending: Counter[str] = field(default_factory=Counter)


@contextmanager
def counted(counter: Counter[str], name: str) -> Iterator[None]:
    """Count a name as long as the block runs."""
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if not counter[name]:
            del counter[name]


def find_address(scope: Scope) -> str:
    """Return the network address of who asks; of IPv6 the /64 that a provider gives one customer.

    On a Space the proxy appends the address that it sees to X-Forwarded-For, and a visitor may have
    written anything before it: the last public address counts. Elsewhere the header proves nothing.
    """
    address = (scope.get("client") or ("",))[0]
    if is_public_space():
        named = Headers(scope=scope).get("x-forwarded-for", "").split(",")
        hops = [hop for hop in map(_read_address, reversed(named)) if hop]
        address = next((hop for hop in hops if not ip_address(hop).is_private), address)
    parsed = ip_address(address) if _read_address(address) else None
    if isinstance(parsed, IPv6Address) and not parsed.is_loopback:
        return str(ip_network((parsed, 64), strict=False))
    return address


def find_name(scope: Scope) -> str:
    """Return the name of who has signed in with Hugging Face, or nothing."""
    info = (scope.get("session") or {}).get("oauth_info") or {}
    return (info.get("userinfo") or {}).get("preferred_username") or ""


def find_translator(scope: Scope) -> Translate:
    """Return the translator for the language that a request asks for."""
    asked = HTTPConnection(scope).query_params.get("lang")
    return translator(choose_language(asked, Headers(scope=scope).get("accept-language")))


def find_path(scope: Scope) -> str:
    """Return the path of a request without what `GRADIO_ROOT_PATH` puts before it.

    A proxy may keep that prefix or take it off.
    """
    prefix = urlsplit(scope.get("root_path", "")).path.rstrip("/")
    path = scope["path"]
    return path[len(prefix) :] or "/" if path == prefix or path.startswith(f"{prefix}/") else path


def _read_address(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None
