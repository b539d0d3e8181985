"""The files of a model repository, made from a checkpoint: weights, configuration, model card."""

import io
import json
import math
import os
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData, constants

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES
from iris_mlp.errors import SettingsError
from iris_mlp.take_home.plot import plot_loss
from iris_mlp.training import History

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
CARD_FILE = "README.md"
PLOT_FILE = "loss.png"

_METRICS = {
    "final_loss": "Training loss (cross-entropy)",
    "test_loss": "Test loss (cross-entropy)",
    "train_accuracy": "Accuracy on the 120 training rows",
    "test_accuracy": "Accuracy on the 30 test rows",
}


def render_files(
    checkpoint: Checkpoint, history: History | None = None, repo_id: str = "USER/NAME"
) -> dict[str, bytes]:
    """Return every file of a model repository by its name.

    Args:
        checkpoint: What is published; `model.safetensors` is its weights file byte for byte.
        history: The losses of its run; with them there is a `loss.png`.
        repo_id: Where the files will lie; the card's code names it.

    Raises:
        WeightsError: `pull` and `from_pretrained` would refuse the weights.
    """
    checkpoint = checkpoint.as_read()
    if history is not None and not history.losses:
        history = None  # the run ended before it recorded anything
    files = {
        WEIGHTS_FILE: checkpoint.to_bytes(),
        CONFIG_FILE: (json.dumps(describe(checkpoint), indent=2) + "\n").encode(),
        CARD_FILE: render_card(checkpoint, repo_id, has_plot=history is not None).encode(),
    }
    if history is not None:
        picture = io.BytesIO()
        plot_loss(history).savefig(picture, format="png")
        files[PLOT_FILE] = picture.getvalue()
    return files


def describe(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what `config.json` says: the shape, the scaling and the names, as JSON values."""
    return {
        "architectures": ["IrisMLP"],
        "model_type": "iris_mlp",
        "hidden": checkpoint.hidden,
        "feature_names": list(FEATURE_NAMES),
        "feature_unit": "cm",
        "feature_min": list(checkpoint.scaler.minimum),
        "feature_max": list(checkpoint.scaler.maximum),
        "class_names": list(CLASS_NAMES),
        "settings": _read_settings(checkpoint),
        "metrics": _read_metrics(checkpoint),
    }


def render_card(checkpoint: Checkpoint, repo_id: str, has_plot: bool) -> str:
    """Return the model card; its format is https://huggingface.co/docs/hub/model-cards."""
    metrics = _read_metrics(checkpoint)
    data = ModelCardData(
        license="mit",
        library_name="iris_mlp",
        pipeline_tag="tabular-classification",
        tags=["iris", "mlp", "pytorch", "safetensors", "education"],
        datasets=["scikit-learn/iris"],
        model_name=repo_id.rpartition("/")[2],
        eval_results=_list_results(metrics) or None,
    )
    parts = [
        f"---\n{data.to_yaml()}\n---",
        _render_summary(checkpoint),
        _render_training(_read_settings(checkpoint)),
        _render_metrics(metrics),
        f"![Training loss over the epochs]({PLOT_FILE})" if has_plot else "",
        _render_usage(checkpoint, repo_id),
        "## Licence\n\nMIT. The data is Fisher's Iris (1936) as scikit-learn ships it.",
    ]
    return str(ModelCard("\n\n".join(filter(None, parts)) + "\n"))


def _list_results(metrics: dict[str, float]) -> list[EvalResult]:
    """Return the model-index: https://github.com/huggingface/hub-docs/blob/main/modelcard.md."""
    names = (("test_accuracy", "accuracy", "Test accuracy"), ("test_loss", "loss", "Test loss"))
    return [
        EvalResult(
            task_type="tabular-classification",
            task_name="Classify an Iris flower",
            dataset_type="scikit-learn/iris",
            dataset_name="Iris, 30 test rows (train_test_split, random_state=42)",
            dataset_split="test",
            metric_type=metric_type,
            metric_name=metric_name,
            metric_value=metrics[key],
        )
        for key, metric_type, metric_name in names
        if key in metrics
    ]


def _render_summary(checkpoint: Checkpoint) -> str:
    hidden, parameters = checkpoint.hidden, sum(t.numel() for t in checkpoint.state.values())
    ranges = zip(FEATURE_NAMES, checkpoint.scaler.minimum, checkpoint.scaler.maximum)
    rows = "\n".join(f"| `{name}` | cm | {low:g} | {high:g} |" for name, low, high in ranges)
    classes = "\n".join(f"| {i} | *Iris {name}* |" for i, name in enumerate(CLASS_NAMES))
    return f"""# Iris MLP

A multilayer perceptron that names the species of an Iris flower from four lengths: 4 inputs,
{hidden} hidden units with ReLU, 3 logits; {parameters:,} parameters in float32. It is small enough
to be understood whole, which is what it is for; do not identify flowers with it.

| input, in this order | unit | scaled to 0 | scaled to 1 |
|---|---|---|---|
{rows}

| output | class |
|---|---|
{classes}"""


def _render_training(settings: dict[str, Any]) -> str:
    if not settings:
        return "## Training\n\nThe settings of the training run are not known."
    rows = "\n".join(f"| `{name}` | {value} |" for name, value in settings.items())
    return f"""## Training

Scikit-learn's Iris, 120 training and 30 test rows (`test_size=0.2`, `random_state=42`), inputs
scaled by the range of the training rows, cross-entropy loss.

| setting | value |
|---|---|
{rows}"""


def _render_metrics(metrics: dict[str, float]) -> str:
    if not metrics:
        return ""
    rows = "\n".join(f"| {_METRICS[name]} | {value:.4f} |" for name, value in metrics.items())
    return f"## Results\n\n| metric | value |\n|---|---|\n{rows}"


def _render_usage(checkpoint: Checkpoint, repo_id: str) -> str:
    # Nobody else needs to have the package: the first snippet asks for public libraries alone.
    space = os.environ.get("SPACE_ID")
    address = f"git+{constants.ENDPOINT}/spaces/{space}" if space else "."
    where = "" if space else ", in a clone of its repository"
    return f"""## How to use it

With plain PyTorch (`pip install torch safetensors huggingface_hub`):

```python
import collections, json, torch
from huggingface_hub import hf_hub_download
from safetensors.torch import load_file

config = json.load(open(hf_hub_download("{repo_id}", "{CONFIG_FILE}")))
low, high = torch.tensor(config["feature_min"]), torch.tensor(config["feature_max"])
fc1, fc2 = torch.nn.Linear(4, {checkpoint.hidden}), torch.nn.Linear({checkpoint.hidden}, 3)
model = torch.nn.Sequential(collections.OrderedDict(fc1=fc1, relu=torch.nn.ReLU(), fc2=fc2))
model.load_state_dict(load_file(hf_hub_download("{repo_id}", "{WEIGHTS_FILE}")))
flower = torch.tensor([[5.1, 3.5, 1.4, 0.2]])  # sepal length and width, petal length and width
print(config["class_names"][model((flower - low) / (high - low)).argmax()])
```

With the package Iris MLP, which checks the file and scales the lengths itself
(`pip install {address}`{where}):

```python
from iris_mlp.hub.from_pretrained import HubIrisMLP

model = HubIrisMLP.from_pretrained("{repo_id}")
print(model.classify([[5.1, 3.5, 1.4, 0.2]]).describe())
```"""


def _read_settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the settings if they are ones; those of a foreign file are not written into a page."""
    try:
        return TrainConfig(**checkpoint.settings).to_dict()
    except (SettingsError, TypeError):
        return {}


def _read_metrics(checkpoint: Checkpoint) -> dict[str, float]:
    values = ((name, checkpoint.metrics.get(name)) for name in _METRICS)
    return {
        name: float(value)
        for name, value in values
        if isinstance(value, int | float) and math.isfinite(value)
    }
