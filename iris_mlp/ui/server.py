"""How the app is served: the settings of a public host, and the port."""

import os
import sys
import threading
from importlib.util import find_spec

import gradio as gr
import torch
from starlette.middleware import Middleware

from iris_mlp.training import warm_up
from iris_mlp.ui.page import PageMiddleware
from iris_mlp.ui.strings import page_i18n
from iris_mlp.ui.theme import STYLE_SHEETS, build_theme
from iris_mlp.zerogpu import is_zerogpu

MOST_WAITING = 64
PORT_TAKEN = 2


def serve(app: gr.Blocks) -> None:
    """Serve the app until it is stopped; exit with a sentence where its port is in use."""
    # Runs share the cores among themselves; threads that wait for each other would slow all.
    torch.set_num_threads(1)
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
            app_kwargs={"middleware": [Middleware(PageMiddleware)]},
            max_file_size="4mb",
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
