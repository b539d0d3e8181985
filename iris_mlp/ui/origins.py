"""Who may ask: the names that the server answers, and the pages that it takes calls from."""

import os
import re
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from iris_mlp.config import is_public_space
from iris_mlp.errors import IrisMlpError

API = "/gradio_api"
HOSTS_VARIABLE = "IRIS_MLP_HOSTS"

# The page needs none of these: a relay for anyone, files without an end, doors to the inside.
_CLOSED = re.compile(
    rf"{API}/(deep_link|proxy=|file=\w+:/|file/\w+:/|component_server|process_recording|stream/|vibe-)"
)


class RefusedError(IrisMlpError):
    """A request is refused; the text says why, and what to do."""


class RefusalError(Exception):
    """What ends a request with a status and a sentence in the language of who asks."""

    def __init__(self, status: int, template: str, **values: object) -> None:
        self.status, self.error = status, RefusedError(template, **values)


def check_caller(method: str, path: str, headers: Headers) -> None:
    """Refuse a name that is not the server's, another site's page, and what nobody needs."""
    host = headers.get("host", "")
    if not is_public_space() and not is_own_host(host):
        raise RefusalError(
            403,
            "This server does not answer to the name {host}; open it at the address that it "
            "printed, or start it with {variable}={host}.",
            host=_host_name(host)[:100],
            variable=HOSTS_VARIABLE,
        )
    changes = method not in ("GET", "HEAD", "OPTIONS") or path.startswith("/logout")
    if changes and not comes_from_here(headers):
        raise RefusalError(
            403,
            "Another site's page asked for this, so it was refused; open the app itself. "
            "Behind a proxy, let it pass on the Host header, or set {variable} to the name.",
            variable=HOSTS_VARIABLE,
        )
    if _CLOSED.match(path):
        raise RefusalError(404, "There is nothing at this address.")


def is_own_host(host: str) -> bool:
    """Tell whether a Host header names this server.

    An address is no name that another site could point here (DNS rebinding).
    """
    name = _host_name(host)
    try:
        ip_address(name)
    except ValueError:
        return name in (names := _own_names()) or "*" in names
    return True


def is_for_one_person() -> bool:
    """Tell whether the server answers this machine alone, so that its visitor is its user.

    Gradio binds to loopback where `GRADIO_SERVER_NAME` says nothing else; who sets a further name
    or a path has put a proxy before it.
    """
    served = os.environ.get("GRADIO_SERVER_NAME") or "localhost"
    names = (HOSTS_VARIABLE, "GRADIO_ROOT_PATH", "GRADIO_SHARE")
    if is_public_space() or any(os.environ.get(name) for name in names):
        return False
    try:
        return ip_address(served).is_loopback
    except ValueError:
        return served == "localhost"


def _own_names() -> set[str]:
    machine = socket.gethostname().lower()
    given = os.environ.get(HOSTS_VARIABLE, "").lower().split(",")
    served = (os.environ.get(f"GRADIO_{name}", "") for name in ("SERVER_NAME", "ROOT_PATH"))
    space = os.environ.get("SPACE_HOST", "").lower().split(",")
    names = ["localhost", machine, f"{machine}.local", *given, *space]
    return {name.strip() for name in names} | {_host_name(name) for name in served} - {""}


def _host_name(host: str) -> str:
    """Return the name alone, of `name:port`, `[::1]:port` or a whole address."""
    try:
        return urlsplit(host if "//" in host else f"//{host}").hostname or ""
    except ValueError:
        return ""


def comes_from_here(headers: Headers) -> bool:
    """Tell whether the app's own page, or no page at all, sends a request.

    Browsers say it in Sec-Fetch-Site where the connection is secure or local; in Origin always.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    if origin is None:
        return True
    address = urlsplit(origin) if origin != "null" else None
    hosts = (headers.get("host"), headers.get("x-forwarded-host"))
    return address is not None and (
        address.netloc in hosts or (address.hostname or "") in _own_names() - {"localhost"}
    )
