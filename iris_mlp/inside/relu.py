"""ReLU three ways: a function, a function of nn.functional, a module."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from iris_mlp.inside.snippet import Snippet, run_snippet

Form = Literal["torch.relu", "nn.functional.relu", "nn.ReLU"]

_CODE = """\
z = torch.tensor({values})
by_function = torch.relu(z)
by_functional = nn.functional.relu(z)
by_module = nn.ReLU()(z)
print(torch.equal(by_function, by_functional), torch.equal(by_function, by_module))
"""


@dataclass(frozen=True)
class ReluForm:
    """One way to write ReLU.

    Attributes:
        form: Its name, and the key of the text that says when it is used: `torch.relu` and
            `nn.functional.relu` within a forward, `nn.ReLU` as a layer that a model holds.
        source: Its source as installed here; None for `torch.relu`, which is compiled.
        values: What it returned.
    """

    form: Form
    source: str | None
    values: list[float]


@dataclass(frozen=True)
class ReluComparison:
    """The three forms on the same numbers.

    Attributes:
        snippet: The code that was run.
        before: The numbers, float32.
        forms: The three forms.
        are_equal: Whether all returned the same bits.
    """

    snippet: Snippet
    before: list[float]
    forms: tuple[ReluForm, ...]
    are_equal: bool


def compare_relu(values: Sequence[float]) -> ReluComparison:
    """Run the three forms on some finite numbers, such as a flower's pre-activations."""
    code = _CODE.format(values=[float(value) for value in values])
    snippet = run_snippet(code, torch=torch, nn=nn)
    results = snippet.names
    forms = (
        ReluForm("torch.relu", None, results["by_function"].tolist()),
        ReluForm(
            "nn.functional.relu",
            inspect.getsource(nn.functional.relu),
            results["by_functional"].tolist(),
        ),
        ReluForm("nn.ReLU", inspect.getsource(nn.ReLU.forward), results["by_module"].tolist()),
    )
    are_equal = snippet.output == ("True True",)
    return ReluComparison(snippet, results["z"].tolist(), forms, are_equal)
