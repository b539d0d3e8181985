"""What stands around the app in the served page: its language, its title, its headers."""

import json
from html import escape
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iris_mlp.config import is_public_space
from iris_mlp.strings import choose_language, translator
from iris_mlp.ui.assets import preload_scripts, static_path
from iris_mlp.ui.callers import find_path

_MESSAGE_KINDS = ("Error", "Warning", "Info")
PAGE_TITLE = translator("en")("common.page_title")
_FIRST_PAINT = Path(__file__).with_name("first_paint.html").read_text("utf-8")
_HEAD = f'<script type="module" src="{static_path()}/accessibility.js"></script>{preload_scripts()}'

# Gradio asks the browser for its language; this answers with the one that the server chose.
_LANGUAGE_SCRIPT = (
    "<script>for (const [name, value] of Object.entries({{language: {0}, languages: [{0}]}}))"
    " Object.defineProperty(navigator, name, {{get: () => value}});</script>"
)

# Where the browser refuses storage, to ask for it raises an error that leaves Gradio's page empty.
_STORAGE_SCRIPT = """<script>
for (const name of ["localStorage", "sessionStorage"]) {
  try { window[name].length; } catch {
    const kept = new Map();
    Object.defineProperty(window, name, { value: {
      getItem: (key) => kept.get(String(key)) ?? null,
      setItem: (key, value) => void kept.set(String(key), String(value)),
      removeItem: (key) => void kept.delete(String(key)),
      clear: () => kept.clear(),
      key: (at) => [...kept.keys()][at] ?? null,
      get length() { return kept.size; },
    } });
  }
}
</script>"""

# Gradio's page runs inline scripts and compiles its templates; all else comes from this host.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class PageMiddleware:
    """Serve the page in one language, the same for labels, live text, title and `lang`.

    Every answer of the app, of whatever path, carries the strict headers. Any page may show a
    Space in a frame, as the Hub's documentation teaches, and to that frame its visitor is nobody
    (see `sign_in.py`); a local app acts with its user's login, and no other page may show it.

    Args:
        app: The application that Gradio makes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        policy = _POLICY if is_public_space() else f"{_POLICY}; frame-ancestors 'self'"
        self._headers = _HEADERS | {"content-security-policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and rewrite the page itself on its way out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"]).update(self._headers)
            await send(message)

        if find_path(scope) != "/":
            await self._app(scope, receive, send_guarded)
            return
        query = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [None])[0]
        language = choose_language(query, Headers(scope=scope).get("accept-language"))
        head: Message | None = None

        async def send_page(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = message
                return
            if head is not None:
                body = _translate_page(message.get("body", b""), language)
                message = {**message, "body": body}
                headers = MutableHeaders(raw=head["headers"])
                if "content-length" in headers:
                    headers["content-length"] = str(len(body))
                headers["content-language"] = language
                headers["vary"] = "Accept-Language"
                await send_guarded(head)
                head = None
            await send_guarded(message)

        await self._app(scope, receive, send_page)


def _translate_page(page: bytes, language: str) -> bytes:
    t = translator(language)
    title = t("common.page_title")
    # Gradio says these in English; `accessibility.js` puts ours in their place.
    heads = json.dumps({kind: t(f"common.{kind.lower()}_title") for kind in _MESSAGE_KINDS})
    script = _LANGUAGE_SCRIPT.format(json.dumps(language))
    first_paint = _FIRST_PAINT
    for name in ("title", "tagline"):
        first_paint = first_paint.replace(f"{{{name}}}", escape(t(f"common.{name}")))
    page = page.replace(b"<gradio-app", first_paint.encode() + b"<gradio-app", 1)
    # The English title stands in the page as HTML and as JSON; it is plain text in both.
    page = page.replace(PAGE_TITLE.encode(), title.encode())
    said = f'data-message-heads="{escape(heads)}"'
    said += f' data-queue-place="{escape(t("common.queue_place"))}"'
    page = page.replace(b'lang="en"', f'lang="{language}" {said}'.encode(), 1)
    return page.replace(
        b"<head>", f"<head><title>{title}</title>{script}{_STORAGE_SCRIPT}{_HEAD}".encode(), 1
    )
