"""The network in JavaScript against PyTorch."""

import numpy as np
import pytest
import torch

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import Scaler
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.ui.components.network import describe_model

FORWARD = """async ([address, model, flowers]) => {
  const { forward, predictBatch } = await import(address);
  const batch = predictBatch(model, flowers.flat());
  return [flowers.map((flower) => forward(model, flower)), [...batch]];
}"""


def draw_checkpoint(hidden: int, seed: int) -> Checkpoint:
    """Weights of both signs and a scaler, all at random."""
    draw = torch.Generator().manual_seed(seed)
    shapes = {"fc1.weight": (hidden, 4), "fc1.bias": (hidden,)}
    shapes |= {"fc2.weight": (3, hidden), "fc2.bias": (3,)}
    state = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    low = 4 * torch.rand(4, generator=draw)
    high = low + 0.5 + 4 * torch.rand(4, generator=draw)
    return Checkpoint(state, Scaler(tuple(low.tolist()), tuple(high.tolist())), {}, {})


@pytest.mark.parametrize("hidden", [None, 1, 10, 64])
def test_a_thousand_flowers_get_the_numbers_of_pytorch(modules, chance, hidden):
    classifier = shipped_classifier()
    if hidden:
        classifier = Classifier(draw_checkpoint(hidden, chance.randrange(10**6)))
    flowers = [[round(chance.uniform(0.1, 9.0), 1) for _ in range(4)] for _ in range(1000)]
    passes, batch = modules.evaluate(
        FORWARD, [modules.address("model"), describe_model(classifier.checkpoint), flowers]
    )
    expected = classifier.predict(np.array(flowers))
    scale = max(1.0, np.abs(expected.logits).max())
    for name in ("hidden", "logits", "probabilities"):
        ours = np.array([each[name] for each in passes])
        assert np.abs(ours - getattr(expected, name)).max() < 1e-5 * scale, name
    assert np.abs(np.array(batch).reshape(-1, 3) - expected.logits).max() < 1e-5 * scale
    scaled = classifier.checkpoint.scaler.scale(np.array(flowers))
    assert np.abs(np.array([each["scaled"] for each in passes]) - scaled).max() < 1e-6
    pre = np.array([each["pre"] for each in passes])
    assert np.abs(np.maximum(pre, 0.0) - expected.hidden).max() < 1e-5 * scale
    assert pre.min() < 0.0 or hidden == 1
