"""HTML of the page: templates in `templates/`, in which every value is escaped."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def render(template_name: str, **values: object) -> Markup:
    """Return the HTML of a template; a name that it uses and is not given is an error.

    Args:
        template_name: A file in `templates/`.
        **values: What the template shows; `Markup` is HTML already, all else is escaped.
    """
    return Markup(_environment().get_template(template_name).render(values))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
