import math

import pytest
import torch
from torch import nn

from iris_mlp.errors import DeviceError, SettingsError
from iris_mlp.inside import callables
from iris_mlp.inside.callables import find_call, run_adder, run_counter
from iris_mlp.inside.data_path import run_data_path
from iris_mlp.inside.placement import (
    META,
    RECORDED,
    list_places,
    run_moves,
    run_placement,
    try_moving,
)
from iris_mlp.inside.relu import compare_relu
from iris_mlp.inside.snippet import run_snippet
from iris_mlp.model import build_model

ROW = (0.1, 0.2, 0.3, 0.4)


def test_shown_code_is_what_ran():
    snippet = run_snippet("a = 2\nprint('a is', a)\nprint()\n", b=3)
    assert snippet.output == ("a is 2", "")
    assert (snippet.names, snippet.error) == ({"a": 2}, None)


def test_expected_error_is_kept_with_its_line():
    snippet = run_snippet("print(1)\nint('x')\n", expected=(ValueError,))
    assert snippet.output == ("1",)
    assert (snippet.error.type_name, snippet.error.line) == ("ValueError", 2)
    assert snippet.error.message == "invalid literal for int() with base 10: 'x'"


def test_other_errors_go_on_to_the_caller():
    with pytest.raises(ZeroDivisionError):
        run_snippet("1 / 0", expected=(ValueError,))


def test_counter_counts_one_then_two():
    run = run_counter()
    assert run.snippet.output == ("1", "2", "2 0")
    assert run_counter(5).snippet.output == ("1", "2", "3", "4", "5", "5 0")


def test_adder_adds_three_and_five():
    assert run_adder().snippet.output == ("8",)
    assert run_adder(-0.25, 1e3).snippet.output == ("999.75",)
    assert "add(-0.25, 1000.0)" in run_adder(-0.25, 1e3).snippet.code


def test_source_of_the_toys_runs_without_this_package():
    source = run_counter().source + run_adder().source
    names = run_snippet(source + "counter, add = Counter(), Adder()\ncounter()\n").names
    assert (names["counter"](), names["add"](3, 5)) == (2, 8)
    assert source.count('"""') >= 4
    assert callables.Counter.__call__.__doc__ in source


@pytest.mark.parametrize("calls", [0, 21, 2.5, True, "3"])
def test_calls_out_of_range_are_refused(calls):
    with pytest.raises(SettingsError, match="calls"):
        run_counter(calls)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "__import__('os')", None, 1e99])
def test_only_numbers_are_added(number):
    with pytest.raises(SettingsError, match="numbers"):
        run_adder(number, 1)


@pytest.mark.parametrize(("model_device", "input_device"), [("cpu", META), (META, "cpu")])
def test_error_is_the_one_that_this_pytorch_raises(model_device, input_device):
    with pytest.raises(RuntimeError) as truth:
        build_model(10, 0).to(model_device)(torch.tensor([ROW]).to(input_device))
    placement = run_placement(model_device, input_device, ROW)
    assert placement.placed.error.message == str(truth.value)
    assert placement.placed.error.type_name == type(truth.value).__name__
    failing = placement.placed.code.splitlines()[placement.placed.error.line - 1]
    assert failing == "logits = model(x)"
    assert placement.mended.output == ("(1, 3) cpu",)
    expected = build_model(10, 0)(torch.tensor([ROW]))
    assert torch.equal(placement.mended.names["logits"], expected)


@pytest.mark.parametrize("device", list_places())
def test_model_and_input_on_one_device_need_no_mending(device):
    placement = run_placement(device, device, ROW)
    assert placement.placed.error is None
    assert placement.mended is None
    assert placement.placed.names["logits"].device.type == torch.device(device).type


@pytest.mark.parametrize("device", ["quantum", 'cpu"); import os; ("', "", None])
def test_device_that_is_not_here_is_refused(device):
    with pytest.raises(DeviceError, match="choose one of cpu"):
        run_placement(device, "cpu")


def test_tensor_stays_itself_where_it_is_and_module_moves_in_place():
    moves = run_moves()
    assert moves.tensor_is_same_when_there
    assert not moves.tensor_is_same_when_moved
    assert moves.module_is_same_when_moved
    assert torch.device(moves.module_device).type == torch.device(moves.other).type
    assert [line.split()[0] for line in moves.snippet.output] == ["True", "False", "True"]


def test_running_snippets_leaves_the_default_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    run_placement("cpu", META)
    run_moves()
    compare_relu([1.0])
    assert torch.equal(torch.rand(1), expected)


def test_three_forms_of_relu_return_the_same_numbers():
    comparison = compare_relu([-1.5, -0.0, 0.0, 1e-30, 2.25])
    assert comparison.are_equal
    values = [form.values for form in comparison.forms]
    assert values[0] == [max(0.0, value) for value in comparison.before]
    assert values[0] == values[1] == values[2]
    assert [form.form for form in comparison.forms] == [
        *("torch.relu", "nn.functional.relu", "nn.ReLU"),
    ]
    assert "torch.relu(input)" in comparison.forms[1].source
    assert "F.relu(input" in comparison.forms[2].source


def test_call_of_a_layer_is_found_in_the_class_above_it():
    assert "__call__" not in vars(nn.Linear)
    assert "__call__" in vars(nn.Module)
    assert find_call().output[:2] == (
        "Linear defines __call__: False",
        "Module defines __call__: True",
    )


def test_tensors_and_modules_have_to_and_the_rest_raises():
    tried = {movable.name: movable.error for movable in try_moving()}
    assert [name for name, error in tried.items() if error is None] == ["tensor", "module", "loss"]
    with pytest.raises(AttributeError) as truth:
        torch.optim.SGD([torch.zeros(1)]).to("cpu")
    assert tried["optimizer"] == f"AttributeError: {truth.value}"


def test_recorded_messages_have_a_source():
    assert len({recorded.message for recorded in RECORDED}) == len(RECORDED) >= 3
    assert all(recorded.source.startswith("https://") for recorded in RECORDED)
    assert all("cpu" in recorded.message.lower() for recorded in RECORDED)


def test_data_path_is_the_lessons_and_what_goes_wrong_is_measured(lesson_result):
    done = run_data_path()
    assert done["split"].output == ("(120, 4) (30, 4)",)
    counts = [int(line.split(": ")[1].split()[0]) for line in done["scale"].output]
    assert counts[0] == round(30 * lesson_result.progress.evaluation.test_accuracy)
    answered_alike = [int((done["split"].names["y_test"] == k).sum()) for k in range(3)]
    assert counts[2] in answered_alike
    assert max(counts[2:]) < counts[0]
    for key, call in (
        ("dtypes", lambda: nn.Linear(4, 1)(torch.zeros(1, 4, dtype=torch.float64))),
        ("targets", lambda: nn.CrossEntropyLoss()(torch.zeros(1, 3), torch.zeros(1))),
    ):
        with pytest.raises(RuntimeError) as truth:
            call()
        assert done[key].error.message == str(truth.value)
    by_loss, by_hand, twice, certain = map(float, done["output"].output)
    assert by_loss == pytest.approx(by_hand)
    assert twice > by_loss
    assert certain == pytest.approx(-math.log(math.e / (math.e + 2)))
