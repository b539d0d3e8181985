"""The weights file: four float32 tensors in safetensors, and one metadata key.

Format: https://github.com/huggingface/safetensors (README, section "Format").
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from iris_mlp.config import LOCAL_LIMITS
from iris_mlp.data import CLASS_NAMES, FEATURE_NAMES, MAX_LENGTH_CM, Scaler
from iris_mlp.errors import IrisMlpError, WeightsError
from iris_mlp.files import name_kind, write_atomically
from iris_mlp.model import IrisMLP, build_empty_model

FORMAT_VERSION = 1
METADATA_KEY = "iris_mlp"
TENSOR_NAMES = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
MAX_FILE_BYTES = 4 * 1024 * 1024
_WRAPPERS = re.compile(r"(?:(?<=\.)|^)(?:_orig_mod|module|model)\.")
"""What torch.compile, DataParallel and a surrounding module put before a tensor's name."""
MIN_RANGE_CM = 0.01
"""A scaler over less than this would divide by nearly nothing."""
_INSTALLED_WEIGHTS = Path(__file__).with_name("weights")
"""Only an installed package has this folder; a clone keeps its weights beside the package."""
if _INSTALLED_WEIGHTS.is_dir():
    _SHIPPED_FOLDER, _OWN_FOLDER = _INSTALLED_WEIGHTS, Path(click.get_app_dir("iris-mlp"))
else:
    _SHIPPED_FOLDER = _OWN_FOLDER = Path(__file__).parent.parent / "weights"
SHIPPED_WEIGHTS = _SHIPPED_FOLDER / "iris_mlp.safetensors"
LAST_RUN_WEIGHTS = _OWN_FOLDER / "last_run.safetensors"
"""Where the page of a local run keeps the weights of its last training."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights together with what is needed to use them.

    Attributes:
        state: The four tensors, float32 on the CPU.
        scaler: What maps lengths in cm to inputs.
        settings: The settings of the training run, as JSON values.
        metrics: Losses and accuracies of the run, as JSON values.
    """

    state: dict[str, Tensor]
    scaler: Scaler
    settings: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def hidden(self) -> int:
        """Number of hidden units."""
        return self.state["fc1.weight"].shape[0]

    def build_model(self) -> IrisMLP:
        """Return a model with these weights, on the CPU and in evaluation mode."""
        model = build_empty_model(self.hidden)
        model.load_state_dict(self.state, strict=True)
        return model.eval()

    def to_bytes(self) -> bytes:
        """Return the weights file; the same checkpoint gives the same bytes.

        Raises:
            WeightsError: The settings or metrics hold what JSON cannot.
        """
        for name in ("settings", "metrics"):
            _check_flat(name, getattr(self, name))
        metadata = {
            "format_version": FORMAT_VERSION,
            "feature_names": list(FEATURE_NAMES),
            "class_names": list(CLASS_NAMES),
            "feature_min": list(self.scaler.minimum),
            "feature_max": list(self.scaler.maximum),
            "settings": self.settings,
            "metrics": self.metrics,
        }
        # One key alone: safetensors writes several keys in an order that changes between runs.
        text = json.dumps(metadata, sort_keys=True, allow_nan=False)
        return save_tensors({name: self.state[name] for name in TENSOR_NAMES}, {METADATA_KEY: text})

    def save(self, path: Path) -> None:
        """Write the weights file; a crash leaves the old file or the new one, never half.

        Raises:
            OutputError: The path cannot be written.
            WeightsError: `load` would refuse the file; nothing is written.
        """
        write_atomically(path, self.as_read().to_bytes())

    def as_read(self) -> "Checkpoint":
        """Return this checkpoint as a reader of its file has it, in float32.

        Raises:
            WeightsError: A reader would refuse the file; the sentence says why.
        """
        return Checkpoint.from_bytes(self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Read and check a weights file.

        Raises:
            WeightsError: The file cannot be read or is refused; the sentence says why.
        """
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise WeightsError(
                "Cannot read {path}: {reason}.", path=path.name, reason=error.strerror
            ) from error
        return cls.from_bytes(data)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Checkpoint":
        """Check an untrusted weights file and return what it holds.

        Raises:
            WeightsError: The file is refused; the sentence says why.
        """
        if len(data) > MAX_FILE_BYTES:
            raise WeightsError(
                "The file is larger than {most_mib} MiB, "
                "which no weights file of this model needs.",
                most_mib=MAX_FILE_BYTES // 1024**2,
            )
        try:
            state = load_tensors(data)
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            kind = name_kind(data) if data else IrisMlpError("an empty file")
            if kind and data[8:9] != b"{":  # what begins as the format does is a part of one
                raise WeightsError(
                    "This is {kind}, not a safetensors file; a training run gives one.", kind=kind
                ) from error
            raise WeightsError(
                "This is not a safetensors file, or it is truncated; a training run gives a whole "
                "one."
            ) from error
        state = _read_tensors(state)
        # The library has just checked the header's length and that it is JSON.
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = _read_metadata(header.get("__metadata__"))
        scaler = Scaler(metadata["feature_min"], metadata["feature_max"])
        _check_magnitudes(state, scaler)
        return cls(
            state=state,
            scaler=scaler,
            settings=metadata["settings"],
            metrics=metadata["metrics"],
        )


def _read_tensors(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the four tensors under their own names, as float32 where that is exact."""
    state = {_WRAPPERS.sub("", name): tensor for name, tensor in found.items()}
    if len(state) < len(found) or sorted(state) != sorted(TENSOR_NAMES):
        raise WeightsError(
            "The file must hold exactly the tensors {expected}; it holds {found}.",
            expected=", ".join(TENSOR_NAMES),
            found=_quote_names(found),
        )
    weight = state["fc1.weight"]
    hidden = weight.shape[0] if weight.dim() == 2 else 0
    if not 1 <= hidden <= LOCAL_LIMITS.hidden:
        raise WeightsError(
            "fc1.weight has shape {shape}; (hidden units, 4) is expected.",
            shape=tuple(weight.shape),
        )
    shapes = dict(zip(TENSOR_NAMES, ((hidden, 4), (hidden,), (3, hidden), (3,)), strict=True))
    for name, shape in shapes.items():
        tensor = state[name]
        if not tensor.dtype.is_floating_point:
            raise WeightsError(
                "{name} is {dtype}; floating-point numbers are expected.",
                name=name,
                dtype=str(tensor.dtype),
            )
        if tuple(tensor.shape) != shape:
            raise WeightsError(
                "{name} has shape {found}; {shape} is expected.",
                name=name,
                found=tuple(tensor.shape),
                shape=shape,
            )
        exact = tensor.double()
        if not torch.isfinite(exact).all():
            raise WeightsError(
                "{name} holds values that are not finite (NaN or infinity).", name=name
            )
        state[name] = tensor.float()
        if not torch.equal(state[name].double(), exact):
            raise WeightsError(
                "{name} is {dtype} and holds numbers that float32 cannot keep exactly; convert it "
                "with .float().",
                name=name,
                dtype=str(tensor.dtype),
            )
    return state


def _check_magnitudes(state: dict[str, Tensor], scaler: Scaler) -> None:
    """Refuse finite weights whose answer to some flower would overflow float32."""
    lengths_cm = np.array([[0.0] * 4, [MAX_LENGTH_CM] * 4])
    inputs = torch.from_numpy(np.abs(scaler.scale(lengths_cm)).max(axis=0)).double()
    weight_1, bias_1, weight_2, bias_2 = (state[name].double().abs() for name in TENSOR_NAMES)
    hidden = weight_1 @ inputs + bias_1
    logits = weight_2 @ hidden + bias_2
    if max(hidden.max(), logits.max()) > torch.finfo(torch.float32).max:
        raise WeightsError("The weights are so large that the model's answers would overflow.")


def _read_metadata(header: object) -> dict[str, Any]:
    text = header.get(METADATA_KEY) if isinstance(header, dict) else None
    if text is None:
        raise WeightsError(
            "The file's metadata has no key {entry!r}; it was not written by Iris MLP, "
            "so the scaling of its inputs is unknown.",
            entry=METADATA_KEY,
        )
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError("The metadata key {entry!r} is not JSON.", entry=METADATA_KEY) from error
    if not isinstance(metadata, dict) or metadata.get("format_version") != FORMAT_VERSION:
        raise WeightsError(
            "The metadata must be a JSON object of format version {version}; "
            "it was written by another version of Iris MLP.",
            version=FORMAT_VERSION,
        )
    for name, expected in (("feature_names", FEATURE_NAMES), ("class_names", CLASS_NAMES)):
        if metadata.get(name) != list(expected):
            raise WeightsError(
                "The metadata's {name} must be {expected}.", name=name, expected=", ".join(expected)
            )
    for name in ("feature_min", "feature_max"):
        metadata[name] = _read_lengths(name, metadata.get(name))
    ranges_cm = zip(metadata["feature_min"], metadata["feature_max"])
    if any(high - low < MIN_RANGE_CM for low, high in ranges_cm):
        raise WeightsError("The metadata's feature_min must be below its feature_max.")
    for name in ("settings", "metrics"):
        _check_flat(name, metadata.get(name))
    return metadata


def _check_flat(name: str, value: object) -> None:
    if not isinstance(value, dict) or not all(
        entry is None
        or isinstance(entry, str | bool)
        or (isinstance(entry, int | float) and abs(entry) <= sys.float_info.max)
        for entry in value.values()
    ):
        raise WeightsError(
            "The metadata's {name} must be a JSON object of texts and finite numbers.", name=name
        )


def _read_lengths(name: str, value: object) -> tuple[float, ...]:
    numbers = isinstance(value, list) and len(value) == 4
    if not numbers or not all(
        isinstance(length, int | float) and 0 <= length <= MAX_LENGTH_CM
        for length in value  # type: ignore[union-attr]
    ):
        raise WeightsError("The metadata's {name} must be four lengths in cm.", name=name)
    return tuple(float(length) for length in value)  # type: ignore[union-attr]


def _quote_names(state: dict[str, Tensor]) -> str:
    names = [name[:40] for name in sorted(state)[:6]]
    return ", ".join(names) + (", …" if len(state) > 6 else "") if names else "none"
