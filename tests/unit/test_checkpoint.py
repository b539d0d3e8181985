"""The weights file: what it promises, and that nothing else gets in."""

import io
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from iris_mlp.checkpoint import LAST_RUN_WEIGHTS, MAX_FILE_BYTES, SHIPPED_WEIGHTS, Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.errors import IrisMlpError, OutputError, WeightsError
from iris_mlp.inference import Classifier
from iris_mlp.training import prepare_run
from tests.lesson import LessonMLP, load_rows

GOOD = SHIPPED_WEIGHTS.read_bytes()
HEADER_BYTES = int.from_bytes(GOOD[:8], "little")
CORNERS_CM = np.array([[0.0] * 4, [100.0] * 4, [5.0, 3.0, 4.0, 1.0]])


def read_header() -> dict[str, Any]:
    return json.loads(GOOD[8 : 8 + HEADER_BYTES])


def read_metadata() -> dict[str, Any]:
    return json.loads(read_header()["__metadata__"]["iris_mlp"])


def read_tensors() -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in load_file(SHIPPED_WEIGHTS).items()}


def build_file(tensors: dict[str, Tensor] | None = None, **metadata: Any) -> bytes:
    """Return a weights file with other tensors, or other entries in its metadata."""
    text = json.dumps(read_metadata() | metadata)
    return save(tensors or read_tensors(), {"iris_mlp": text})


def build_raw(header: dict[str, Any] | bytes, body: bytes = GOOD[8 + HEADER_BYTES :]) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def refuse(data: bytes) -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(WeightsError) as caught:
        Checkpoint.from_bytes(data)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert len(sentence) < 500
    return sentence


def try_to_use(data: bytes) -> None:
    """Load a file that may be bad; what is accepted must work to the end."""
    try:
        checkpoint = Checkpoint.from_bytes(data)
    except WeightsError:
        return
    prediction = Classifier(checkpoint).predict(CORNERS_CM)
    assert np.isfinite(prediction.probabilities).all()
    assert Checkpoint.from_bytes(checkpoint.to_bytes()).settings == checkpoint.settings


# What the file promises


def test_the_shipped_weights_are_the_lesson_run(lesson_result):
    shipped = load_file(SHIPPED_WEIGHTS)
    again = lesson_result.checkpoint.state
    assert shipped.keys() == again.keys()
    for name, tensor in shipped.items():
        # Another kind of CPU may round differently over 20,000 epochs.
        assert torch.allclose(tensor, again[name], rtol=1e-4, atol=1e-5), name
    assert Checkpoint.load(SHIPPED_WEIGHTS).settings == TrainConfig(device="cpu").to_dict()


def test_the_shipped_file_says_what_its_model_reaches():
    x_train, y_train, x_test, y_test = load_rows()
    model = LessonMLP()
    model.load_state_dict(load_file(SHIPPED_WEIGHTS))
    metrics = read_metadata()["metrics"]
    with torch.no_grad():
        train_accuracy = (model(x_train).argmax(1) == y_train).float().mean().item()
        test_accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        test_loss = nn.functional.cross_entropy(model(x_test), y_test).item()
    assert metrics["train_accuracy"] == pytest.approx(train_accuracy)
    assert metrics["test_accuracy"] == pytest.approx(test_accuracy)
    assert metrics["test_loss"] == pytest.approx(test_loss, rel=1e-5)
    assert metrics["outcome"] == "completed"
    assert metrics["epochs_done"] == 20_000


def test_anyones_model_loads_the_file_without_this_package():
    program = """
import sys
from torch import nn
from safetensors.torch import load_file
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.relu, self.fc2 = nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 3)
print(Net().load_state_dict(load_file(sys.argv[1]), strict=True))
assert not any(name.startswith("iris_mlp") for name in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, SHIPPED_WEIGHTS], capture_output=True, text=True
    )
    assert done.stdout == "<All keys matched successfully>\n", done.stderr


def test_the_file_has_four_float32_tensors_and_one_metadata_key():
    with safe_open(SHIPPED_WEIGHTS, "pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        dtypes = {file.get_slice(name).get_dtype() for name in shapes}
        metadata = file.metadata()
    assert shapes == {
        "fc1.weight": [10, 4],
        "fc1.bias": [10],
        "fc2.weight": [3, 10],
        "fc2.bias": [3],
    }
    assert dtypes == {"F32"}
    assert list(metadata) == ["iris_mlp"]
    assert read_metadata().keys() == {
        "format_version",
        "feature_names",
        "class_names",
        "feature_min",
        "feature_max",
        "settings",
        "metrics",
    }


def test_the_same_run_gives_the_same_bytes():
    files = set()
    for _ in range(2):
        run = prepare_run(TrainConfig(device="cpu", epochs=50))
        for _ in run:
            pass
        checkpoint = run.result().checkpoint
        assert checkpoint is not None
        files.add(checkpoint.to_bytes())
    assert len(files) == 1


def test_what_is_saved_is_what_is_loaded(tmp_path, lesson_result):
    saved = lesson_result.checkpoint
    saved.save(tmp_path / "w.safetensors")
    loaded = Checkpoint.load(tmp_path / "w.safetensors")
    assert loaded.scaler == saved.scaler == load_split().scaler
    assert loaded.settings == saved.settings
    assert loaded.metrics == saved.metrics
    assert loaded.hidden == 10
    assert loaded.to_bytes() == saved.to_bytes() == (tmp_path / "w.safetensors").read_bytes()
    for name, tensor in saved.state.items():
        assert torch.equal(loaded.state[name], tensor)


def test_a_model_from_a_checkpoint_is_its_own_copy_and_draws_nothing_by_chance():
    checkpoint = Checkpoint.load(SHIPPED_WEIGHTS)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    model = checkpoint.build_model()
    assert torch.equal(torch.get_rng_state(), before)
    assert not model.training
    with torch.no_grad():
        model.fc1.weight.zero_()
    assert torch.equal(checkpoint.state["fc1.weight"], read_tensors()["fc1.weight"])


def test_a_failed_save_is_a_sentence_and_keeps_the_old_file(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="Cannot write"):
        Checkpoint.load(SHIPPED_WEIGHTS).save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("path", [LAST_RUN_WEIGHTS.parent, Path("missing.safetensors")])
def test_a_file_that_cannot_be_read_is_a_sentence(path):
    with pytest.raises(WeightsError, match=r"^Cannot read .*\.$"):
        Checkpoint.load(path)


# Untrusted files: the envelope


def test_a_file_truncated_at_any_byte_is_refused():
    assert "This is an empty file" in refuse(b"")
    for size in range(1, len(GOOD)):
        assert "not a safetensors file, or it is truncated" in refuse(GOOD[:size])
    assert "truncated" in refuse(GOOD + b"\0")


PREFIXES = (
    "_orig_mod.",
    "module.",
    "model.",
    "module._orig_mod.",
    "_orig_mod.module.",
    "model.model.",
)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_wrappers_put_before_a_name_is_taken_off(prefix):
    wrapped = {prefix + name: tensor for name, tensor in read_tensors().items()}
    assert Checkpoint.from_bytes(build_file(wrapped)).to_bytes() == GOOD


def test_layers_that_were_compiled_alone_are_read():
    compiled = {name.replace(".", "._orig_mod."): t for name, t in read_tensors().items()}
    assert Checkpoint.from_bytes(build_file(compiled)).to_bytes() == GOOD


def test_the_names_that_torch_itself_gives_are_read():
    model = torch.nn.DataParallel(torch.compile(Checkpoint.load(SHIPPED_WEIGHTS).build_model()))
    assert set(model.state_dict()) == {f"module._orig_mod.{name}" for name in read_tensors()}
    assert Checkpoint.from_bytes(build_file(model.state_dict())).to_bytes() == GOOD


def test_two_tensors_of_one_name_are_refused():
    assert "must hold exactly" in refuse(change(**{"module.fc2.bias": torch.zeros(3)}))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e5m2])
def test_other_floating_point_is_read_where_it_is_exact(dtype):
    coarse = {name: t.to(torch.float8_e5m2).to(dtype) for name, t in read_tensors().items()}
    state = Checkpoint.from_bytes(build_file(coarse)).state
    for name, tensor in state.items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor.double(), coarse[name].double())


def test_the_shipped_weights_in_double_precision_are_the_shipped_weights():
    doubles = {name: tensor.double() for name, tensor in read_tensors().items()}
    assert Checkpoint.from_bytes(build_file(doubles)).to_bytes() == GOOD


def save_pickle(legacy: bool) -> bytes:
    data = io.BytesIO()
    torch.save(read_tensors(), data, _use_new_zipfile_serialization=not legacy)
    return data.getvalue()


def save_arrays() -> bytes:
    data = io.BytesIO()
    np.savez(data, **{name: tensor.numpy() for name, tensor in read_tensors().items()})
    return data.getvalue()


LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1928\n"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "an empty file"),
        (LFS_POINTER, "a Git LFS pointer"),
        (save_pickle(legacy=False), "a PyTorch file (.pt, .bin)"),
        (save_pickle(legacy=True), "a Python pickle"),
        (pickle.dumps({"fc1.weight": [1.0]}), "a Python pickle"),
        (save_arrays(), "a NumPy archive (.npz)"),
        (b"<!doctype html>\n<title>Sign in</title>", "a web page"),
        (b'{"model_type": "iris_mlp", "hidden": 10}', "a config.json"),
        (b'{"metadata": {}, "weight_map": {}}', "the index of weights in several files"),
        (b'{"fc1.weight": [[0.1]]}', "JSON"),
        (b"GGUF\x03\0\0\0" + bytes(100), "a GGUF file"),
        (b"\x08\x08\x12\x07pytorch\x1a\x052.13.0", "an ONNX model"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_kind_of_file_is_named(data, kind):
    sentence = refuse(data)
    assert f"This is {kind}" in sentence
    assert "not a safetensors file" in sentence
    assert "upload" not in sentence


@pytest.mark.parametrize(
    "broken",
    [
        {"state": {name: tensor * torch.nan for name, tensor in read_tensors().items()}},
        {"state": {name: tensor * 1e38 for name, tensor in read_tensors().items()}},
        {"metrics": {"final_loss": float("nan")}},
        {"settings": {"lr": [1]}},
    ],
    ids=["NaN", "huge", "a metric that is not finite", "a setting that is a list"],
)
def test_what_the_reader_would_refuse_the_writer_does_not_write(tmp_path, broken):
    checkpoint = replace(Checkpoint.load(SHIPPED_WEIGHTS), **broken)
    with pytest.raises(WeightsError):
        checkpoint.save(tmp_path / "w.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"fc1.weight": [1.0]}),
        b"PK\x03\x04" + bytes(500),
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"sepal_length,sepal_width\n5.1,3.5\n",
        bytes(1_000),
        (2**63).to_bytes(8, "little") + GOOD[8:],
        (2**64 - 1).to_bytes(8, "little") + GOOD[8:],
        (100_000_001).to_bytes(8, "little") + GOOD[8:],
        build_raw(b"{}" * 100_000),
        build_raw(b"[" * 200_000),
        build_raw(b'{"a":' * 100_000),
        build_raw(b"\xff\xfe{}"),
        build_raw(b"null"),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_not_a_safetensors_file_is_refused(data):
    assert "not a safetensors file" in refuse(data)


def test_a_pickle_by_torch_is_refused_and_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    torch.save({"fc1.weight": Bomb()}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        Checkpoint.load(tmp_path / "w.safetensors")
    assert not (tmp_path / "exploded").exists()


def test_a_file_over_the_cap_is_refused_without_being_read_whole(tmp_path):
    path = tmp_path / "w.safetensors"
    with path.open("wb") as file:
        file.truncate(10 * 1024**4)  # sparse: 10 TiB that take no room
    with pytest.raises(WeightsError, match="larger than 4 MiB"):
        Checkpoint.load(path)
    assert "larger than 4 MiB" in refuse(bytes(MAX_FILE_BYTES + 1))


def test_the_widest_model_fits_under_the_cap():
    wide = {
        "fc1.weight": torch.zeros(65_536, 4),
        "fc1.bias": torch.zeros(65_536),
        "fc2.weight": torch.zeros(3, 65_536),
        "fc2.bias": torch.zeros(3),
    }
    assert Checkpoint.from_bytes(build_file(wide)).hidden == 65_536


# Untrusted files: the tensors


def change(**changes: Tensor | None) -> bytes:
    """Return a weights file with some tensors replaced, added, or (None) left out."""
    tensors = read_tensors() | {name.replace("__", "."): t for name, t in changes.items()}
    return build_file({name: t for name, t in tensors.items() if t is not None})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (change(fc3__weight=torch.zeros(1)), "it holds fc1.bias, fc1.weight, fc2.bias, fc2.weight"),
        (change(fc2__bias=None), "must hold exactly the tensors"),
        (change(fc1__weight=torch.zeros(10, 5)), r"fc1.weight has shape (10, 5); (10, 4)"),
        (change(fc1__weight=torch.zeros(40)), r"fc1.weight has shape (40,); (hidden units, 4)"),
        (change(fc1__weight=torch.zeros(0, 4)), r"fc1.weight has shape (0, 4)"),
        (change(fc1__weight=torch.zeros(10, 4, 1)), r"fc1.weight has shape (10, 4, 1)"),
        (change(fc1__weight=torch.tensor(1.0)), r"fc1.weight has shape ()"),
        (change(fc1__bias=torch.zeros(11)), r"fc1.bias has shape (11,); (10,) is expected"),
        (change(fc2__weight=torch.zeros(10, 3)), r"fc2.weight has shape (10, 3); (3, 10)"),
        (change(fc2__bias=torch.zeros(3, 1)), r"fc2.bias has shape (3, 1); (3,) is expected"),
        (change(fc2__bias=torch.full((3,), 0.1).double() + 1e-12), "fc2.bias is torch.float64 and"),
        (
            change(fc2__bias=torch.full((3,), 1e300, dtype=torch.float64)),
            "float32 cannot keep exactly",
        ),
        (change(fc2__bias=torch.full((3,), torch.nan).half()), "fc2.bias holds values that are"),
        (change(fc2__bias=torch.zeros(3).long()), "fc2.bias is torch.int64"),
        (change(fc2__bias=torch.zeros(3).bool()), "fc2.bias is torch.bool"),
        (change(fc2__bias=torch.tensor([0.0, torch.nan, 0.0])), "fc2.bias holds values that are"),
        (change(fc1__weight=torch.full((10, 4), torch.inf)), "fc1.weight holds values that are"),
        (change(fc2__weight=torch.full((3, 10), -torch.inf)), "fc2.weight holds values that are"),
        (change(fc2__weight=torch.full((3, 10), 3e38)), "so large that the model's answers"),
        (change(fc1__weight=torch.full((10, 4), -3e38)), "so large that the model's answers"),
        (change(fc1__bias=None, **{"x" * 5_000: torch.zeros(1)}), "it holds fc1.weight, fc2.bias"),
        (change(**{f"t{i}": torch.zeros(1) for i in range(500)}), "…"),
    ],
)
def test_tensors_that_do_not_fit_are_refused_by_name(data, sentence):
    assert sentence in refuse(data)


@pytest.mark.parametrize("shape", [[0, 2**63], [0, 2**64 - 1], [2**32, 2**32], [2**63, 2]])
def test_an_absurd_shape_in_the_header_is_refused(shape):
    size = len(GOOD) - 8 - HEADER_BYTES
    extra = {"dtype": "F32", "shape": shape, "data_offsets": [size, size]}
    assert "not a safetensors file" in refuse(build_raw(read_header() | {"extra": extra}))


@pytest.mark.parametrize("dtype", ["F4", "F8_E4M3", "F8_E8M0", "BF16", "C64", "U64", "BOOL", "X"])
def test_a_dtype_that_does_not_fit_its_bytes_is_refused(dtype):
    header = read_header()
    header["fc2.bias"]["dtype"] = dtype
    assert refuse(build_raw(header))


# Untrusted files: the metadata


@pytest.mark.parametrize("metadata", [None, {}, {"iris": "{}"}, {"format": "pt"}])
def test_a_file_without_our_metadata_key_is_refused(metadata):
    assert "metadata has no key 'iris_mlp'" in refuse(save(read_tensors(), metadata))


@pytest.mark.parametrize("text", ["", "{", "not JSON", "{'a': 1}", "[" * 100_000, "9" * 5_000])
def test_metadata_that_is_not_json_is_refused(text):
    assert "is not JSON" in refuse(save(read_tensors(), {"iris_mlp": text}))


@pytest.mark.parametrize("text", ["null", "[]", "1", '"text"', "{}", "NaN"])
def test_metadata_that_is_not_our_object_is_refused(text):
    assert "JSON object of format version 1" in refuse(save(read_tensors(), {"iris_mlp": text}))


SCALER = "must be four lengths in cm"
FLAT = "must be a JSON object of texts and finite numbers"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format_version": 2}, "format version 1"),
        ({"format_version": None}, "format version 1"),
        ({"format_version": "1"}, "format version 1"),
        ({"feature_names": ["petal_length"] * 4}, "feature_names must be sepal_length, "),
        ({"feature_names": None}, "feature_names must be"),
        ({"class_names": ["virginica", "versicolor", "setosa"]}, "class_names must be setosa, "),
        ({"class_names": "setosa"}, "class_names must be"),
        ({"feature_min": None}, f"feature_min {SCALER}"),
        ({"feature_min": [1.0, 1.0, 1.0]}, f"feature_min {SCALER}"),
        ({"feature_min": ["1", 1, 1, 1]}, f"feature_min {SCALER}"),
        ({"feature_min": [-1, 1, 1, 1]}, f"feature_min {SCALER}"),
        ({"feature_max": [1e300] * 4}, f"feature_max {SCALER}"),
        ({"feature_max": [10**400] * 4}, f"feature_max {SCALER}"),
        ({"feature_max": [float("nan")] * 4}, f"feature_max {SCALER}"),
        ({"feature_max": [float("inf")] * 4}, f"feature_max {SCALER}"),
        ({"feature_max": [4.3, 2.0, 1.0, 0.1]}, "feature_min must be below its feature_max"),
        ({"feature_max": [4.0, 4.4, 6.9, 2.5]}, "feature_min must be below its feature_max"),
        ({"feature_min": [0] * 4, "feature_max": [5e-324] * 4}, "must be below its feature_max"),
        ({"settings": None}, f"settings {FLAT}"),
        ({"settings": []}, f"settings {FLAT}"),
        ({"metrics": "good"}, f"metrics {FLAT}"),
        ({"metrics": {"loss": float("nan")}}, f"metrics {FLAT}"),
        ({"metrics": {"loss": 10**400}}, f"metrics {FLAT}"),
        ({"settings": {"lr": [[[0.01]]]}}, f"settings {FLAT}"),
    ],
)
def test_metadata_with_a_wrong_entry_is_refused_by_name(changes, sentence):
    assert sentence in refuse(build_file(**changes))


@pytest.mark.parametrize("name", list(read_metadata()))
def test_metadata_with_a_missing_entry_is_refused(name):
    metadata = read_metadata()
    del metadata[name]
    refuse(save(read_tensors(), {"iris_mlp": json.dumps(metadata)}))


def test_metadata_nested_deeply_is_refused():
    for depth in (100, 500, 900, 990, 5_000, 100_000):
        text = json.dumps(read_metadata() | {"settings": {"a": "X"}})
        text = text.replace('"X"', "[" * depth + "]" * depth)
        refuse(save(read_tensors(), {"iris_mlp": text}))


# Untrusted files: chance


EDITS = st.lists(
    st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8
)


@settings(max_examples=300)
@given(edits=EDITS)
def test_a_file_with_changed_bytes_is_refused_or_works(edits):
    data = bytearray(GOOD)
    for position, byte in edits:
        data[position] = byte
    try_to_use(bytes(data))


@settings(max_examples=200)
@given(start=st.integers(0, len(GOOD)), size=st.integers(0, 100), insert=st.binary(max_size=100))
def test_a_file_with_a_piece_cut_out_or_put_in_is_refused_or_works(start, size, insert):
    try_to_use(GOOD[:start] + insert + GOOD[start + size :])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@settings(max_examples=300)
@given(name=st.sampled_from(list(read_metadata())), value=JSON_VALUES)
def test_metadata_with_any_entry_is_refused_or_works(name, value):
    try_to_use(build_file(**{name: value}))


@settings(max_examples=200)
@given(
    name=st.sampled_from([name for name in read_header() if name != "__metadata__"]),
    dtype=st.sampled_from(["F32", "F64", "F16", "I64", "U8", "BOOL", "F8_E5M2", "?"]),
    shape=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 12), max_size=4),
    offsets=st.tuples(st.integers(0, 400), st.integers(0, 400)),
)
def test_a_header_with_any_tensor_entry_is_refused_or_works(name, dtype, shape, offsets):
    header = read_header()
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    try_to_use(build_raw(header))


def test_every_refusal_is_an_error_of_this_package():
    assert issubclass(WeightsError, IrisMlpError)
