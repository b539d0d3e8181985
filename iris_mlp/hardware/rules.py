"""The rules by which hardware is named, as data."""

import functools
import tomllib
from importlib import resources
from typing import Any


@functools.cache
def read_rules(name: str) -> dict[str, Any]:
    """Return the rules of a file of this folder, such as `cpu_rules.toml`, read once."""
    return tomllib.loads(read_data(name))


def read_data(name: str) -> str:
    """Return the text of a file of this folder."""
    return resources.files("iris_mlp.hardware").joinpath(name).read_text(encoding="utf-8")
