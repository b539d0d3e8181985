"""The page's own scripts and style sheets: files of `static/`, which a browser loads once."""

import hashlib
import json
from functools import cache
from pathlib import Path

from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).with_name("static")
STYLE_SHEETS = sorted(FOLDER.glob("*.css"), key=lambda path: path.stem != "style")


@cache
def static_path() -> str:
    """Return where the files are served, relative to the page: a new place for new contents."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        digest.update(path.read_bytes())
    return f"static/{digest.hexdigest()[:12]}"


def route_static() -> Mount:
    """Return the route that serves the files."""
    return Mount(f"/{static_path()}", StaticFiles(directory=FOLDER))


def mount(module: str, *events: str) -> str:
    """Return the script with which a component of Gradio hands itself to a module.

    Args:
        module: Name of a file in `static/` that exports `mount`; it is given what `component.js`
            describes.
        events: Names of the events that it triggers: Gradio finds them by their quotes.
    """
    address = f"new URL(`{static_path()}/{module}.js`, document.baseURI)"
    give = ".then((module) => module.mount({ element, props, trigger, watch }));"
    return f"import({address}){give} // {json.dumps(events)}"


def preload_scripts() -> str:
    """Return what begins to fetch the modules while Gradio still builds the page, as HTML."""
    names = sorted(path.name for path in FOLDER.glob("*.js"))
    return "".join(f'<link rel="modulepreload" href="{static_path()}/{name}">' for name in names)
