import json

import pytest
import torch

from benchmarks import gpu
from iris_mlp.compare import measured
from iris_mlp.compare.measured import STEPS, MeasuredMachine, load_measured, measure_machine
from iris_mlp.errors import DeviceError

EFFORT = {"max_epochs": 1, "budget_s": 0.05, "point_s": 0.001, "axes": ["models"]}


@pytest.fixture(scope="module")
def machine() -> MeasuredMachine:
    """Every experiment, with the CPU in the place of a GPU."""
    return measure_machine("a stand-in", "this CPU", "cpu", **EFFORT)


def test_file_gives_back_what_was_measured(machine, tmp_path, monkeypatch):
    file = tmp_path / "measured.json"
    file.write_text(machine.to_json(), encoding="utf-8")
    monkeypatch.setattr(measured, "FILE", file)
    assert load_measured() == machine


def test_no_file_means_that_nothing_was_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "FILE", tmp_path / "measured.json")
    assert load_measured() is None


def test_every_experiment_is_there(machine):
    assert {s.contender.engine for s in machine.standings} == {"eager", "fused"}
    assert machine.ledger.wall_us > 0
    assert len(machine.reads) == 30
    assert {p.axis for p in machine.points} == {"models"}
    assert [(s.hidden, s.batch_size, s.optimizer) for s in machine.steps] == list(STEPS)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_every_experiment_runs_on_a_gpu():
    machine = measure_machine("a GPU", "this CPU", "cuda", **EFFORT)
    on_gpu = {s.contender.engine for s in machine.standings if s.contender.device == "cuda"}
    assert {"eager", "cuda-graph"} <= on_gpu  # fused needs Triton, which some platforms lack
    assert machine.ledger.arithmetic_us is None
    assert (machine.ledger.profile.kernel_us or 0) > 0
    assert machine.ledger.profile.kernel_launches > 10
    assert {p.device for p in machine.points} == {"cuda"}
    assert all(step.memory.total_bytes for step in machine.steps)


def test_label_has_machine_date_and_version(machine):
    plain = json.loads(machine.to_json())
    assert plain["gpu"] == "a stand-in"
    assert plain["torch"] == torch.__version__
    assert len(plain["measured_on"]) == len("2026-01-31")


def test_the_committed_file_is_readable_where_there_is_one():
    machine = load_measured()
    assert machine is None or (machine.device != "cpu" and machine.points)


def test_the_command_refuses_a_device_that_is_not_here(tmp_path, monkeypatch):
    output = tmp_path / "measured.json"
    monkeypatch.setattr("sys.argv", ["gpu", "--device", "cuda:99", "--output", str(output)])
    with pytest.raises(DeviceError, match="cuda:99"):
        gpu.main()
    assert not output.exists()
