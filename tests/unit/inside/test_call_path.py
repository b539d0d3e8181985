import inspect
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

import iris_mlp
from iris_mlp.errors import SettingsError
from iris_mlp.inside.call_path import LAYERS, get_sources, trace_call
from iris_mlp.inside.snippet import FILE_NAME
from iris_mlp.model import build_model

X = torch.tensor([[0.2, 0.6, 0.1, 0.05]])


@pytest.fixture
def model():
    return build_model(10, seed=0)


def _main(trace):
    return [frame for frame in trace.frames if frame.is_main]


def test_call_goes_through_the_modules_down_to_linear(model):
    trace = trace_call(model, X)
    first = trace.frames[0]
    assert (first.alias, first.depth, first.layer) == ("IrisMLP.__call__", 0, "model")
    assert (first.input_shapes, first.output_shape) == (((1, 4),), (1, 3))
    aliases = [frame.alias for frame in _main(trace) if frame.alias]
    linear = "torch.nn.functional.linear"
    assert aliases == [
        *("IrisMLP.__call__", "Linear.__call__", linear),
        *("ReLU.__call__", "Linear.__call__", linear),
    ]
    operations = [(f.name, f.layer) for f in _main(trace) if f.kind == "c"]
    assert operations == [
        ("torch._C._nn.linear", "fc1"),
        ("torch.relu", "relu"),
        ("torch._C._nn.linear", "fc2"),
    ]
    assert trace.logits == model(X).tolist()


def test_shapes_are_those_of_each_layer(model):
    forwards = [f for f in trace_call(model, X.repeat(6, 1)).frames if f.name.endswith(".forward")]
    assert [(f.name, f.layer, f.input_shapes, f.output_shape) for f in forwards] == [
        ("IrisMLP.forward", "model", ((6, 4),), (6, 3)),
        ("Linear.forward", "fc1", ((6, 4),), (6, 10)),
        ("ReLU.forward", "relu", ((6, 10),), (6, 10)),
        ("Linear.forward", "fc2", ((6, 10),), (6, 3)),
    ]


@pytest.mark.parametrize("style", ["call", "forward"])
def test_path_to_a_layer_is_the_one_that_python_itself_reports(model, style):
    truth = []

    def look_up(*_):
        frame = inspect.currentframe().f_back
        while frame.f_code.co_filename != FILE_NAME:
            truth.append(frame.f_code.co_qualname)
            frame = frame.f_back

    handle = model.fc2.register_forward_pre_hook(look_up)
    trace = trace_call(model, X, style)
    handle.remove()
    (index,) = [i for i, f in enumerate(trace.frames) if f.name.endswith("look_up")]
    path, depth = [], trace.frames[index].depth
    for frame in reversed(trace.frames[:index]):
        if frame.depth == depth - 1:
            path.append(frame.name)
            depth -= 1
    assert path == truth


def test_forward_skips_the_models_own_call(model):
    trace = trace_call(model, X, "forward")
    assert (trace.frames[0].name, trace.frames[0].depth) == ("IrisMLP.forward", 0)
    assert "IrisMLP.__call__" not in [frame.alias for frame in trace.frames]
    assert trace.logits == trace_call(model, X, "call").logits


def test_files_and_lines_are_where_the_code_stands(model):
    roots = (Path(torch.__file__).parent.parent, Path(iris_mlp.__file__).parent.parent)
    for frame in _main(trace_call(model, X, hooked=LAYERS)):
        assert not Path(frame.file).is_absolute()
        (file,) = [root / frame.file for root in roots if (root / frame.file).exists()]
        assert file.read_text(encoding="utf-8").splitlines()[frame.line - 1].strip() == frame.source
        assert frame.name.split(".")[-1].strip("<>") in frame.source


def test_hooks_fire_for_the_call_and_not_for_forward(model):
    call = trace_call(model, X, "call", hooked=["model"])
    fired = [(f.kind, f.layer, f.input_shape, f.output_shape) for f in call.firings]
    assert fired == [
        ("forward_pre_hook", "model", (1, 4), None),
        ("forward_hook", "model", (1, 4), (1, 3)),
    ]
    hooks = [frame.name.split(".")[-1] for frame in _main(call) if "add_hooks" in frame.name]
    assert hooks == ["forward_pre_hook", "forward_hook"]
    assert trace_call(model, X, "forward", hooked=["model"]).firings == ()


def test_hooks_of_the_layers_fire_for_both(model):
    for style in ("call", "forward"):
        firings = trace_call(model, X, style, hooked=["fc1", "relu"]).firings
        assert [firing.layer for firing in firings] == ["fc1", "fc1", "relu", "relu"]


def test_trace_leaves_no_hook_and_no_profile_function(model):
    trace_call(model, X, hooked=LAYERS)
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())
    assert sys.getprofile() is None


def test_profile_function_is_back_even_after_an_error(model):
    seen = []

    def spy(frame, event, argument):
        seen.append(event)

    sys.setprofile(spy)
    try:
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            trace_call(model, torch.zeros(1, 5), hooked=LAYERS)
        restored = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert restored is spy
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())


def test_trace_in_another_thread_is_the_same(model):
    traces = []
    thread = threading.Thread(target=lambda: traces.append(trace_call(model, X)))
    thread.start()
    thread.join()
    here = trace_call(model, X)
    assert [f.name for f in _main(traces[0])] == [f.name for f in _main(here)]
    assert traces[0].logits == here.logits


def test_sources_are_those_that_are_installed():
    sources = get_sources()
    assert sources["module_call"].lstrip().startswith("def _wrapped_call_impl")
    assert "forward_call" in sources["call_impl"]
    assert sources["forward"] in Path(inspect.getfile(type(build_model(2, 0)))).read_text("utf-8")
    assert nn.Module.__call__ is nn.Module._wrapped_call_impl


def test_unknown_styles_and_layers_are_refused(model):
    with pytest.raises(SettingsError, match="style"):
        trace_call(model, X, "backward")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="layers"):
        trace_call(model, X, hooked=["fc9"])
