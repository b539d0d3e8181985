"""The network of the lesson: four inputs, one hidden layer with ReLU, three logits."""

import torch
from torch import Tensor, nn


class IrisMLP(nn.Module):
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

    PyTorch's layers draw from the process's one default generator, where two visitors who start
    at once would draw from each other's seed. Here the same numbers come from a generator of its
    own: `nn.Linear` draws weight and bias, layer by layer, from the uniform distribution within
    1 / sqrt(inputs) (PyTorch's documentation of `nn.Linear`).
    """
    model = build_empty_model(hidden)
    model.load_state_dict(draw_weights(hidden, seed))
    return model


def draw_weights(hidden: int, seed: int) -> dict[str, Tensor]:
    """Return the weights of `build_model` by name, for callers that need no module."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for layer, outputs, inputs in (("fc1", hidden, 4), ("fc2", 3, hidden)):
        bound = inputs**-0.5
        for name, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
            drawn = torch.empty(shape).uniform_(-bound, bound, generator=generator)
            weights[f"{layer}.{name}"] = drawn
    return weights


def build_empty_model(hidden: int) -> IrisMLP:
    """Build a model on the CPU whose weights are still to be filled in; nothing is drawn."""
    with torch.device("meta"):
        model = IrisMLP(hidden)
    return model.to_empty(device="cpu")
