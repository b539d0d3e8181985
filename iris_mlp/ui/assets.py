"""The page's own scripts and style sheets: files of `static/`, which a browser loads once."""

import hashlib
import json
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from iris_mlp.data import load_split, split_rows

FOLDER = Path(__file__).with_name("static")
SPLIT_MODULE = "split.js"
STYLE_SHEETS = sorted(FOLDER.glob("*.css"), key=lambda path: path.stem != "style")


@cache
def static_path() -> str:
    """Return where the files are served, relative to the page: a new place for new contents."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.iterdir()):
        digest.update(path.read_bytes())
    return f"static/{digest.hexdigest()[:12]}"


def route_static() -> Mount:
    """Return the route that serves the files, and beside them the data's split as a module."""
    files = Mount("/", StaticFiles(directory=FOLDER))
    return Mount(f"/{static_path()}", routes=[Route(f"/{SPLIT_MODULE}", _send_split), files])


def _send_split(request: Request) -> Response:  # not async: the first call loads scikit-learn
    (train, test), scaler = split_rows(), load_split().scaler
    data = {
        "train": train.tolist(),
        "test": test.tolist(),
        "scaler_min": scaler.minimum,
        "scaler_max": scaler.maximum,
    }
    module = f"export default {json.dumps(data, separators=(',', ':'))};"
    return Response(module, media_type="text/javascript")


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
    names = (SPLIT_MODULE, *sorted(path.name for path in FOLDER.glob("*.js")))
    return "".join(f'<link rel="modulepreload" href="{static_path()}/{name}">' for name in names)
