"""Open the app: `python app.py` on your own machine, or as a Hugging Face Space."""

from iris_mlp.proxies import without_proxies

with without_proxies():
    from iris_mlp.ui.layout import build_app
    from iris_mlp.ui.server import serve

if __name__ == "__main__":
    serve(build_app)
