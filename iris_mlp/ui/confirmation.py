"""A code in the terminal, which no page can read.

On one's own machine a push acts with the login that is stored there, so that whoever reaches the
port could publish in the user's name. Who types what the terminal shows sits at the machine.
"""

import secrets
from dataclasses import dataclass


@dataclass
class Confirmation:
    """Whether the visitor of a page has shown to sit at this machine.

    Attributes:
        is_given: Whether they have; it holds for this page as long as it is open.
    """

    is_given: bool = False
    _code: str = ""

    def accept(self, typed: str) -> bool:
        """Tell whether a text is the code of the terminal; each wrong one ends that code."""
        if self._code and secrets.compare_digest(typed.strip().encode(), self._code.encode()):
            self.is_given = True
        if not self.is_given:
            self._code = f"{secrets.randbelow(10**6):06}"
            print(f"Code to publish with your Hugging Face login: {self._code}", flush=True)
        return self.is_given
