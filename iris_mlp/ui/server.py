"""How the app is served: the settings of a public host, and the port."""

import os
import sys
import threading

import gradio as gr
import torch
from starlette.middleware import Middleware

from iris_mlp.training import warm_up
from iris_mlp.ui.page import PageMiddleware
from iris_mlp.ui.strings import page_i18n
from iris_mlp.ui.theme import STYLE_SHEETS, build_theme

MOST_WAITING = 128
MOST_SESSIONS = 512
"""Visitors whose state is kept; Gradio keeps a copy of the whole page's settings for each."""
PORT_TAKEN = 2


def serve(app: gr.Blocks) -> None:
    """Serve the app until it is stopped; exit with a sentence where its port is in use."""
    # Runs share the cores among themselves; threads that wait for each other would slow all.
    torch.set_num_threads(1)
    # Python's threads take turns ten times as often, so that no visitor waits for who trains.
    sys.setswitchinterval(0.0005)
    # Gradio sums up all past events with pandas after each one, for a page that is not served.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**31))
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    port = os.environ.get("GRADIO_SERVER_PORT")
    try:
        app.queue(max_size=MOST_WAITING).launch(
            # Without it Gradio goes on to the next free port, where nobody looks for the app.
            server_port=int(port) if port else None,
            theme=build_theme(),
            css_paths=STYLE_SHEETS,
            i18n=page_i18n(),
            app_kwargs={"middleware": [Middleware(PageMiddleware)]},
            max_file_size="4mb",
            state_session_capacity=MOST_SESSIONS,
            footer_links=["api"],
            # What visitors type stays theirs: no history in the browser, no monitor, no tracebacks.
            run_history=False,
            enable_monitoring=False,
            show_error=False,
            ssr_mode=False,
            prevent_thread_lock=True,
        )
    except (OSError, ValueError) as error:
        where = f"port {port}" if port else "any port from 7860 on"
        print(f"error: cannot serve on {where}: {error}; set GRADIO_SERVER_PORT.", file=sys.stderr)
        sys.exit(PORT_TAKEN)
    threading.Thread(target=warm_up, daemon=True).start()  # the page answers already
    app.block_thread()
