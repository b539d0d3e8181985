"""How the app is served: the settings of a public host, and the port."""

import ctypes
import os
import sys
import threading
from importlib.util import find_spec

import gradio as gr
import torch
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from iris_mlp.config import is_zerogpu
from iris_mlp.training import warm_up
from iris_mlp.ui.assets import STYLE_SHEETS, route_static
from iris_mlp.ui.language import page_i18n
from iris_mlp.ui.page import PageMiddleware
from iris_mlp.ui.theme import build_theme

MOST_WAITING = 128
MOST_SESSIONS = 512
"""Visitors whose state is kept; Gradio keeps a copy of the whole page's settings for each."""
PORT_TAKEN = 2
KEPT_BYTES = 256 * 1024
"""Freed memory that may stay with the process; larger blocks go back to the system at once."""


def give_freed_memory_back() -> None:
    """Keep glibc from raising by itself what it holds back, up to 64 MiB for each of its arenas.

    Source: mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD; to set one ends the raising.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # musl has none
        trim_threshold, mmap_threshold = -1, -3  # <malloc.h>
        mallopt(trim_threshold, KEPT_BYTES)
        mallopt(mmap_threshold, KEPT_BYTES)


def serve(app: gr.Blocks) -> None:
    """Serve the app until it is stopped; exit with a sentence where its port is in use."""
    give_freed_memory_back()
    # Runs share the cores among themselves; threads that wait for each other would slow all.
    torch.set_num_threads(1)
    # Python's threads take turns ten times as often, so that no visitor waits for who trains.
    sys.setswitchinterval(0.0005)
    # Gradio sums up all past events with pandas after each one, for a page that is not served.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    port = os.environ.get("GRADIO_SERVER_PORT")
    warming = threading.Thread(target=warm_up, daemon=True)
    if is_zerogpu():
        # Before any fork: what a thread has half imported by then, a worker never gets whole.
        warming.start()
        warming.join()
    try:
        app.queue(max_size=MOST_WAITING).launch(
            # Without it Gradio goes on to the next free port, where nobody looks for the app.
            server_port=int(port) if port else None,
            theme=build_theme(),
            css_paths=STYLE_SHEETS,
            i18n=page_i18n(),
            # Gradio compresses its scripts alone; the page and its answers shrink to a fifth.
            app_kwargs={
                "routes": [route_static()],
                "middleware": [Middleware(GZipMiddleware), Middleware(PageMiddleware)],
            },
            max_file_size="4mb",
            state_session_capacity=MOST_SESSIONS,
            footer_links=["api"],
            # What visitors type stays theirs: no history in the browser, no monitor, no tracebacks.
            run_history=False,
            enable_monitoring=False,
            show_error=False,
            ssr_mode=False,
            mcp_server=find_spec("mcp") is not None,  # Gradio's extra; every Space installs it
            prevent_thread_lock=True,
            # Else Gradio ends the app where its own page does not answer it within 3 s, as happens
            # on a busy machine when a visitor is faster.
            _frontend=False,
        )
    except (OSError, ValueError) as error:
        where = f"port {port}" if port else "any port from 7860 on"
        print(f"error: cannot serve on {where}: {error}; set GRADIO_SERVER_PORT.", file=sys.stderr)
        sys.exit(PORT_TAKEN)
    if not warming.ident:
        warming.start()  # the page answers already
    app.block_thread()
