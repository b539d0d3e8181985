"""The network of the lesson: four inputs, one hidden layer with ReLU, three logits."""

import threading

import torch
from torch import Tensor, nn

from iris_mlp.hub_mixin import HubMixin

_default_rng = threading.Lock()


class IrisMLP(nn.Module, HubMixin):
    """A multilayer perceptron for the Iris flowers.

    Args:
        hidden: Units of the hidden layer; 10 in the lesson, which gives 83 parameters.
    """

    def __init__(self, hidden: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(4, hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map scaled inputs of shape (n, 4) to logits of shape (n, 3)."""
        return self.fc2(self.relu(self.fc1(x)))


def build_model(hidden: int, seed: int) -> IrisMLP:
    """Build the model whose first weights are those of `torch.manual_seed(seed); IrisMLP(hidden)`.

    PyTorch's layers draw from the process's one default generator; it is borrowed under a lock
    and put back, so that two visitors who start at once do not draw from each other's seed.
    """
    with _default_rng, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return IrisMLP(hidden)
