"""The model as one of the Hub: `from_pretrained`, `save_pretrained`, `push_to_hub`."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from huggingface_hub import PyTorchModelHubMixin, hf_hub_download

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import load_split
from iris_mlp.files import write_atomically
from iris_mlp.hub.card import CARD_FILE, WEIGHTS_FILE, render_files
from iris_mlp.hub.client import ask_once
from iris_mlp.hub.failures import explain_failures
from iris_mlp.hub.push import push
from iris_mlp.hub.repository import read_repo_name
from iris_mlp.inference import Classifier, Prediction
from iris_mlp.model import IrisMLP


class HubIrisMLP(IrisMLP, PyTorchModelHubMixin):
    """The network with the Hub's methods; files are the ones of `iris_mlp.hub.card`.

    Attributes:
        origin: The checkpoint that the model was loaded from, with scaler, settings and metrics.
    """

    origin: Checkpoint | None = None

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        map_location: str = "cpu",
    ) -> Self:
        """Load a model from a repository or a folder, strictly and with its scaler.

        `config.json` is not read: the weights file says everything, and is checked.

        Args:
            pretrained_model_name_or_path: `USER/NAME` on the Hub, the address of its page, or a
                folder.
            revision: Branch, tag or commit of the repository.
            token: A token of the Hub; left out, the stored login if there is one.
            cache_dir: Where downloads are kept; left out, the cache of huggingface_hub.
            force_download: Download again what the cache has.
            local_files_only: Do not ask the Hub; take it from the cache.
            map_location: The device of the model.

        Raises:
            HubError: The repository cannot be read; the sentence says why.
            WeightsError: The file is refused; the sentence says why.
        """
        name = str(pretrained_model_name_or_path)
        if os.path.isdir(name):
            path = os.path.join(name, WEIGHTS_FILE)
        else:
            ask_once()
            name, named = read_repo_name(name)
            with explain_failures(name):
                path = hf_hub_download(
                    name,
                    WEIGHTS_FILE,
                    revision=revision or named,
                    token=token,
                    cache_dir=cache_dir,
                    force_download=force_download,
                    local_files_only=local_files_only,
                )
        return cls.from_checkpoint(Checkpoint.load(Path(path))).to(map_location)

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> Self:
        """Return the model of a checkpoint, in evaluation mode, with its scaler."""
        with torch.device("meta"):
            model = cls(checkpoint.hidden)
        model.to_empty(device="cpu").load_state_dict(checkpoint.state)
        model.origin = checkpoint
        return model.eval()

    def to_checkpoint(self) -> Checkpoint:
        """Return the weights as they are now with what is needed to use them.

        A model that was trained since it was loaded keeps its scaler and loses the metrics, which
        are no longer its own; one that was never loaded takes the scaler of the lesson's split.
        """
        state = {name: tensor.cpu().clone() for name, tensor in self.state_dict().items()}
        if self.origin is None:
            return Checkpoint(state=state, scaler=load_split().scaler, settings={}, metrics={})
        if all(torch.equal(self.origin.state[name], tensor) for name, tensor in state.items()):
            return self.origin
        return replace(self.origin, state=state, settings={}, metrics={})

    def classify(self, lengths_cm: Sequence[Sequence[float]] | np.ndarray) -> Prediction:
        """Classify flowers from sepal length and width, petal length and width in cm, (n, 4)."""
        return Classifier(self.to_checkpoint()).predict(np.asarray(lengths_cm, np.float64))

    def push_to_hub(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, repo_id: str, *, private: bool = False, token: str | None = None
    ) -> str:
        """Publish the model and return its address; see `iris_mlp.hub.push.push`.

        Raises:
            HubError: The Hub cannot be asked, or refuses; the sentence says why.
        """
        return push(repo_id, self.to_checkpoint(), private=private, token=token)

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write the repository's files; a README.md that is there stays, as is promised."""
        for name, data in render_files(self.to_checkpoint()).items():
            path = save_directory / name
            if name != CARD_FILE or not path.exists():
                write_atomically(path, data)
