"""The page: one module a tab, one a component; only this package and app.py know Gradio."""
