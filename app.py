"""Open the app: `python app.py` on your own machine, or as a Hugging Face Space."""

import threading

import torch
from starlette.middleware import Middleware

from iris_mlp.training import warm_up
from iris_mlp.ui.layout import build_app
from iris_mlp.ui.page import PageMiddleware
from iris_mlp.ui.strings import page_i18n
from iris_mlp.ui.theme import STYLE_SHEETS, build_theme


def main() -> None:
    """Build the app and serve it until it is stopped."""
    # Runs share the cores among themselves; threads that wait for each other would slow all.
    torch.set_num_threads(1)
    app = build_app().queue(max_size=64)
    app.launch(
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
        prevent_thread_lock=True,
    )
    threading.Thread(target=warm_up, daemon=True).start()  # the page answers already
    app.block_thread()


if __name__ == "__main__":
    main()
