"""Objects that can be called: the two toy classes of the lesson."""

import inspect
import math
from dataclasses import dataclass

from torch import nn

from iris_mlp.errors import SettingsError
from iris_mlp.inside.snippet import Snippet, run_snippet

MAX_CALLS = 20
MAX_NUMBER = 1e15


class Counter:
    """An object that counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        """Count one more call and return how many there were."""
        self.calls += 1
        return self.calls


class Adder:
    """An object that adds the two numbers it is called with."""

    def __call__(self, a: float, b: float) -> float:
        """Return a + b."""
        return a + b


@dataclass(frozen=True)
class ToyRun:
    """A toy class and what came of calling an instance of it.

    Attributes:
        source: The class, as it stands in this package.
        snippet: The code that called it, with what it printed.
    """

    source: str
    snippet: Snippet


def run_counter(calls: int = 2) -> ToyRun:
    """Make a counter and call it some times.

    Raises:
        SettingsError: The number of calls is out of range.
    """
    if isinstance(calls, bool) or not isinstance(calls, int) or not 1 <= calls <= MAX_CALLS:
        raise SettingsError(
            "calls must be a whole number from 1 to {most}, not {value!r}.",
            most=MAX_CALLS,
            value=calls,
        )
    code = "counter = Counter()  # makes an object\n"
    code += "print(counter())  # calls it\n" + "print(counter())\n" * (calls - 1)
    code += "print(counter.calls, Counter().calls)  # this one's state, and a new one's\n"
    return ToyRun(inspect.getsource(Counter), run_snippet(code, Counter=Counter))


_LOOKUP = """\
layer = nn.Linear(4, 10)
for kind in type(layer).__mro__:
    print(kind.__name__, "defines __call__:", "__call__" in vars(kind))
"""


def find_call() -> Snippet:
    """Follow the classes of a layer to the one that defines `__call__`."""
    return run_snippet(_LOOKUP, nn=nn)


def run_adder(a: float = 3, b: float = 5) -> ToyRun:
    """Make an adder and call it with two numbers.

    Raises:
        SettingsError: One of them is not a finite number, or is very large.
    """
    for number in (a, b):
        known = isinstance(number, int | float) and not isinstance(number, bool)
        if not known or not math.isfinite(number) or abs(number) > MAX_NUMBER:
            raise SettingsError("Give two numbers between -{most:g} and {most:g}.", most=MAX_NUMBER)
    code = f"add = Adder()\nprint(add({a!r}, {b!r}))\n"
    return ToyRun(inspect.getsource(Adder), run_snippet(code, Adder=Adder))
