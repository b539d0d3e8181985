"""What the scripts of components that draw SVG share."""

from pathlib import Path

SVG_SCRIPT = Path(__file__).with_suffix(".js").read_text("utf-8")
"""Stands before the script of such a component, since Gradio runs one text for each."""
