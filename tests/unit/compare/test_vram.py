import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from iris_mlp.compare.memory import CARD_SIZES_GIB, GIB, measure_memory
from iris_mlp.compare.vram import MODES, PRESETS, find_largest


class Bottleneck(nn.Module):
    """A block of ResNet-50, from the paper's table, apart from the package."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(
            *(nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(True)),
            *(nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)),
            *(nn.ReLU(True), nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)),
        )
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        return self.body(x).add_(self.shortcut(x)).relu_()


def build_resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(True)]
    layers.append(nn.MaxPool2d(3, 2, 1))
    inputs = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            layers.append(Bottleneck(inputs, width, 1 if block else stride))
            inputs = 4 * width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2_048, 1_000)]
    return nn.Sequential(*layers)


def count_saved_bytes(model, images):
    saved = {}

    def keep(tensor):
        saved[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.device("meta"), saved_tensors_hooks(keep, lambda tensor: tensor):
        answers = model(torch.empty(images, 3, 224, 224))
        nn.functional.cross_entropy(answers, torch.zeros(images, dtype=torch.int64))
    return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())


def test_resnet50_takes_the_bytes_that_autograd_keeps_of_its_layers():
    with torch.device("meta"):
        model = build_resnet50()
    weights = sum(parameter.numel() for parameter in model.parameters())
    blocks = PRESETS["resnet50"].compute("training", 1)
    assert blocks.parameters == blocks.gradients == blocks.optimizer == 4 * weights
    assert blocks.activations == count_saved_bytes(model, 2) - count_saved_bytes(model, 1)


def test_language_model_takes_16_bytes_a_parameter_and_half_a_gib_of_cache_a_thousand_tokens():
    training = PRESETS["llm_fp16"].compute("training", 1)
    # An embedding, 32 layers of four and three matrices and two norms, a norm, an output.
    width, inner, words = 4_096, 11_008, 32_000
    weights = 2 * words * width + width
    weights += 32 * (4 * width * width + 3 * width * inner + 2 * width)
    assert training.parameters + training.gradients + training.optimizer == 16 * weights
    use = PRESETS["llm_fp16"].compute("inference", 1)
    assert use.parameters == 2 * weights
    assert use.activations == 2**30  # 2,048 tokens x 32 layers x 4,096 x 2 (key, value) x 2 bytes
    assert PRESETS["llm_4bit"].compute("inference", 1).parameters < 0.27 * use.parameters


def test_lessons_model_takes_what_is_measured():
    measured = measure_memory(10, 120)
    blocks = PRESETS["lesson"].compute("training", 120)
    assert (blocks.parameters, blocks.gradients) == (332, 332)
    assert blocks.activations >= measured.batch_bytes + measured.activation_bytes


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("memory_gib", CARD_SIZES_GIB)
def test_largest_batch_fits_and_one_more_does_not(name, mode, memory_gib):
    preset = PRESETS[name]
    most = find_largest(preset, mode, memory_gib)
    assert preset.compute(mode, most + 1).total > memory_gib * GIB
    assert most == 0 or preset.compute(mode, most).total <= memory_gib * GIB


def test_some_presets_do_not_fit_and_more_memory_is_more_batch():
    assert find_largest(PRESETS["llm_fp16"], "training", 80) == 0
    assert find_largest(PRESETS["llm_fp16"], "inference", 12) == 0
    assert find_largest(PRESETS["llm_4bit"], "inference", 8) > 0
    sizes = [find_largest(PRESETS["resnet50"], "training", gib) for gib in CARD_SIZES_GIB]
    assert sizes == sorted(set(sizes))
