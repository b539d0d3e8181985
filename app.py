"""Open the app: `python app.py` on your own machine, or as a Hugging Face Space."""

from iris_mlp.files import print_anything
from iris_mlp.ui.proxies import without_proxies

with without_proxies():
    from iris_mlp.ui.layout import build_app
    from iris_mlp.ui.server import serve

if __name__ == "__main__":
    print_anything()
    serve(build_app)
