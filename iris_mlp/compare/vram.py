"""What well-known models keep on a card, in training and in use, and the cards that they fit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from iris_mlp.compare.memory import GIB, estimate_memory

Mode = Literal["training", "inference"]
MODES: tuple[Mode, ...] = ("training", "inference")
TOKENS = 2_048
"""Length of a text for the language model."""

RESNET_PARAMETERS = 25_557_032
RESNET_SAVED_BYTES = 85_913_512
"""What autograd keeps of one image of 224 x 224 in float32 until backward is done.

Counted on the layers, which a test builds and counts again: K. He and others, Deep Residual
Learning for Image Recognition (2016), table 1, with ReLU in place and 1,000 classes.
"""
RESNET_LARGEST_FLOATS = 64 * 112 * 112
"""The output of its first convolution; in use a layer holds its input and its output."""

LLM_PARAMETERS = 6_738_415_616
LLM_LAYERS, LLM_WIDTH, LLM_HEADS = 32, 4_096, 32
"""H. Touvron and others, LLaMA (2023), table 2: the model that is called 7B."""


@dataclass(frozen=True)
class Blocks:
    """Bytes that a model keeps on a card.

    Attributes:
        parameters: The weights.
        gradients: One for each weight; 0 in use.
        optimizer: What the optimizer keeps between steps; 0 in use.
        activations: In training what backward needs of the batch; in use what the model carries
            from layer to layer, or from word to word (the cache of keys and values).
    """

    parameters: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """All blocks together; a driver's own some hundreds of MiB are left out."""
        return self.parameters + self.gradients + self.optimizer + self.activations


@dataclass(frozen=True)
class Preset:
    """A model whose memory is known by formula.

    Attributes:
        name: Key of its name and of its formulas in the catalogue.
        compute: Blocks for a mode and a batch.
        trains: Whether it can be trained as it stands.
    """

    name: str
    compute: Callable[[Mode, int], Blocks]
    trains: bool = True


def find_largest(preset: Preset, mode: Mode, memory_gib: float) -> int:
    """Return the largest batch that fits on a card; 0 where not even one row or text does."""
    one, two = (preset.compute(mode, batch).total for batch in (1, 2))
    return max(0, int((memory_gib * GIB - (2 * one - two)) // (two - one)))


def _lesson(mode: Mode, batch: int) -> Blocks:
    memory = estimate_memory(10, batch)
    if mode == "inference":
        return Blocks(memory.parameter_bytes, 0, 0, 4 * batch * (4 + 10 + 3))
    kept = memory.batch_bytes + memory.activation_bytes + (memory.workspace_bytes or 0)
    return Blocks(memory.parameter_bytes, memory.gradient_bytes, memory.optimizer_bytes, kept)


def _resnet(mode: Mode, batch: int) -> Blocks:
    """Return ResNet-50 in float32: SGD with momentum keeps one number for each weight."""
    weights = 4 * RESNET_PARAMETERS
    if mode == "inference":
        return Blocks(weights, 0, 0, 2 * 4 * RESNET_LARGEST_FLOATS * batch)
    return Blocks(weights, weights, weights, RESNET_SAVED_BYTES * batch)


def _language_model(weight_bytes: float) -> Callable[[Mode, int], Blocks]:
    """Return the blocks of the 7B model whose weights take so many bytes each.

    Training in mixed precision with Adam takes 2 + 2 + 12 bytes a parameter: S. Rajbhandari and
    others, ZeRO (2020), section 3.1. Activations of a layer, s tokens, batch b, width h, a heads:
    s b h (34 + 5 a s / h) bytes, of a layer of GPT's kind: V. Korthikanti and others, Reducing
    Activation Recomputation in Large Transformer Models (2022), equation 1. In use a token leaves a
    key and a value of 2 bytes a number in each layer.
    """

    def compute(mode: Mode, batch: int) -> Blocks:
        if mode == "inference":
            cache = 2 * 2 * LLM_LAYERS * LLM_WIDTH * TOKENS * batch
            return Blocks(weight_bytes * LLM_PARAMETERS, 0, 0, cache)
        layer = TOKENS * batch * LLM_WIDTH * (34 + 5 * LLM_HEADS * TOKENS / LLM_WIDTH)
        weights = 2 * LLM_PARAMETERS
        return Blocks(weights, weights, 12 * LLM_PARAMETERS, LLM_LAYERS * layer)

    return compute


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("lesson", _lesson),
        Preset("resnet50", _resnet),
        Preset("llm_fp16", _language_model(2)),
        # 4 bits a weight, and a scale of 16 bits for every 64 weights.
        Preset("llm_4bit", _language_model(0.5 + 2 / 64), trains=False),
    )
}
