"""How the app is served: the settings of a public host, and the port."""

import asyncio
import ctypes
import itertools
import os
import shutil
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import NoReturn

import gradio as gr
import torch
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from iris_mlp.config import is_zerogpu
from iris_mlp.training import warm_up
from iris_mlp.ui.assets import STYLE_SHEETS, route_static
from iris_mlp.ui.callers import Presence
from iris_mlp.ui.downloads import claim_folder, sweep
from iris_mlp.ui.guard import Guard, make_patient
from iris_mlp.ui.language import page_i18n
from iris_mlp.ui.page import PageMiddleware
from iris_mlp.ui.proxies import without_proxies
from iris_mlp.ui.run_button import stop_all
from iris_mlp.ui.sessions import MOST_SESSIONS, Sessions
from iris_mlp.ui.theme import build_theme
from iris_mlp.ui.turns import Turns

PORT_TAKEN = 2
INTERRUPTED = 130
END_S = 4.0
"""Runs that are asked to stop have so long; then the server ends without them."""
FAREWELL_S = 1.0
"""In which pages take what their runs reached."""
SWEEP_EVERY_S = 60
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


def serve(build: Callable[[], gr.Blocks]) -> NoReturn:
    """Build the app and serve it until it is stopped; exit with a sentence where that fails."""
    give_freed_memory_back()
    # Runs share the cores among themselves; threads that wait for each other would slow all.
    torch.set_num_threads(1)
    # Python's threads take turns ten times as often, so that no visitor waits for who trains.
    sys.setswitchinterval(0.0005)
    # Gradio sums up all past events with pandas after each one, for a page that is not served.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    warming = threading.Thread(target=warm_up, daemon=True)
    if is_zerogpu():
        # Before any fork: what a thread has half imported by then, a worker never gets whole.
        warming.start()
        warming.join()
    folder = claim_folder()
    try:
        app = build()
        turns = launch(app, folder)
        if not warming.ident:
            warming.start()  # the page answers already
        status = wait_for_end()
        print("Stopping; runs keep what they reached.", flush=True)
        end_runs(turns)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # Not by `sys.exit`: the interpreter would wait for threads, or end those that compute in C++
    # where they stand, which aborts the process.
    os._exit(status)


def wait_for_end() -> int:
    """Return the exit status once the process is asked to end; asked twice, it ends at once."""
    asked: list[int] = []

    def take(number: int, _: object) -> None:
        if asked:
            os._exit(asked[0])
        asked.append(INTERRUPTED if number == signal.SIGINT else 0)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, take)
    while not asked:
        sleep(0.1)
    return asked[0]


def launch(app: gr.Blocks, folder: Path) -> Turns:
    """Start the server and return its queue; exit with a sentence where its port is in use."""
    presence = Presence()
    # Closed: what has a place in the queue has no other door.
    app.queue(api_open=False)
    app._queue = turns = Turns(app, presence)
    sessions = Sessions(presence, turns.list_busy)

    @asynccontextmanager
    async def guard(server: App) -> AsyncIterator[None]:
        # Before the first connection, and outside of what Gradio puts around our middleware.
        server.state_holder = sessions
        sessions.set_blocks(app)
        assert server.middleware_stack is not None
        server.middleware_stack = Guard(server.middleware_stack, presence, sessions)
        turns.loop = asyncio.get_running_loop()
        tidying = asyncio.create_task(tidy(turns, folder))
        yield
        tidying.cancel()

    port = os.environ.get("GRADIO_SERVER_PORT")
    try:
        with without_proxies():
            app.launch(
                # Without it Gradio goes on to the next free port, where nobody looks for the app.
                server_port=int(port) if port else None,
                theme=build_theme(),
                css_paths=STYLE_SHEETS,
                i18n=page_i18n(),
                # Gradio compresses its scripts alone; the page and its answers shrink to a fifth.
                app_kwargs={
                    "routes": [route_static()],
                    "middleware": [Middleware(GZipMiddleware), Middleware(PageMiddleware)],
                    "lifespan": guard,
                },
                max_file_size="4mb",
                state_session_capacity=MOST_SESSIONS,
                footer_links=["api"],
                # What visitors type stays theirs: no history in the browser, no monitor, no
                # tracebacks.
                run_history=False,
                enable_monitoring=False,
                show_error=False,
                ssr_mode=False,
                mcp_server=find_spec("mcp") is not None,  # Gradio's extra; every Space has it
                prevent_thread_lock=True,
                # Else Gradio ends the app where its own page does not answer it within 3 s, as
                # happens on a busy machine when a visitor is faster.
                _frontend=False,
            )
    except (OSError, ValueError) as error:
        where = f"port {port}" if port else "any port from 7860 on"
        print(f"error: cannot serve on {where}: {error}; set GRADIO_SERVER_PORT.", file=sys.stderr)
        sys.exit(PORT_TAKEN)
    config = app.server.config
    config.http_protocol_class = make_patient(config.http_protocol_class)
    return turns


async def tidy(turns: Turns, folder: Path) -> None:
    """Give back, as long as the server runs, what nobody needs any more."""
    for second in itertools.count():
        turns.drop_unheard()
        if second % SWEEP_EVERY_S == 0:
            await asyncio.to_thread(sweep, folder)
        await asyncio.sleep(1)


def end_runs(turns: Turns) -> None:
    """Stop all runs, which keep what they reached, and tell their pages, within `END_S` seconds."""
    turns.loop.call_soon_threadsafe(turns.turn_away)
    stop_all()
    deadline = monotonic() + END_S
    while (turns.count_running() or turns.has_listeners()) and monotonic() < deadline:
        sleep(0.05)
    sleep(max(0.0, min(FAREWELL_S, deadline - monotonic())))
