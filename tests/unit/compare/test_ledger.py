import pytest
import torch
from torch import nn

from iris_mlp.compare.ledger import average_quiet, balance, measure_ledger
from iris_mlp.compare.lesson_loop import STAGES, LessonLoop
from iris_mlp.compare.profiling import profile_loop
from iris_mlp.compare.reads import fit_line
from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.devices import capturing


class LessonModel(nn.Module):
    """The lesson's listing, apart from the package."""

    def __init__(self, hidden):
        super().__init__()
        self.fc1 = nn.Linear(4, hidden)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden, 3)

    def forward(self, x):
        return self.fc2(self.relu(self.fc1(x)))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_timed_loop_and_clocked_loop_train_as_the_lesson_does(optimizer):
    config = TrainConfig(device="cpu", optimizer=optimizer, hidden=7, seed=3)
    loop = LessonLoop(config)
    loop.time_epochs(25, record_every=10)
    loop.clock_stages(15)

    split = load_split()
    torch.manual_seed(3)
    truth = LessonModel(7)
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    stepper = kinds[optimizer](truth.parameters(), lr=config.lr)
    for _ in range(40):
        loss = nn.CrossEntropyLoss()(truth(split.x_train), split.y_train)
        stepper.zero_grad()
        loss.backward()
        stepper.step()
    for name, tensor in loop.model.state_dict().items():
        assert torch.equal(tensor, truth.state_dict()[name])


@pytest.fixture(scope="module")
def ledger():
    return measure_ledger(TrainConfig(device="cpu"), budget_s=0.2)


def test_parts_of_an_epoch_add_up_to_its_wall_time(ledger):
    parts = (
        ledger.python_and_dispatch_us,
        ledger.arithmetic_us,
        ledger.optimizer_us,
        ledger.item_us,
        ledger.unaccounted_us,
    )
    assert sum(parts) == pytest.approx(ledger.wall_us)
    assert sum(ledger.stages_us.values()) + ledger.unaccounted_us == pytest.approx(ledger.wall_us)
    assert tuple(ledger.stages_us) == STAGES
    assert ledger.key == (
        "adds_up" if abs(ledger.unaccounted_us) <= 0.05 * ledger.wall_us else "noisy"
    )


def test_parts_of_the_profile_add_up_to_its_wall_time(ledger):
    profile = ledger.profile
    parts = (
        profile.python_us,
        profile.operators_us,
        profile.autograd_us,
        profile.optimizer_us,
        profile.driver_us,
    )
    assert sum(parts) == pytest.approx(profile.wall_us)
    assert profile.kernel_us is None
    assert profile.kernel_launches == 0


def test_profile_counts_the_matrix_products_of_two_layers():
    loop = LessonLoop(TrainConfig(device="cpu"))
    calls = {o.name: o.calls for o in profile_loop(loop, epochs=10, top=99).operators}
    # Two layers forward; backward, the weights of both and the input of the second one.
    assert (calls["aten::addmm"], calls["aten::mm"]) == (2, 3)
    assert calls["aten::nll_loss_forward"] == 1


def test_timeline_is_one_epoch_in_the_order_of_the_loop(ledger):
    spans = ledger.profile.timeline
    names = [span.name for span in spans]
    assert names[-1] == "aten::item"
    assert names.count("aten::item") == 1
    assert names.count("aten::linear") == 2
    first = [
        names.index(name) for name in ("aten::linear", "aten::relu", "aten::cross_entropy_loss")
    ]
    assert first == sorted(first)
    ends = [span.start_us + span.elapsed_us for span in spans]
    # Outermost calls: none begins before the one before it has ended (to the tracer's rounding).
    assert all(end <= span.start_us + 1 for end, span in zip(ends, spans[1:], strict=False))
    assert {span.kind for span in spans} == {"operators", "autograd", "optimizer", "item"}


@pytest.mark.filterwarnings("ignore:CUDA is not available")
def test_a_profile_of_a_gpu_keeps_graphs_from_being_captured_meanwhile():
    held = []

    class OnGpu(LessonLoop):
        def time_epochs(self, epochs, record_every=1):
            held.append(capturing.locked())
            return 1.0

    loop = OnGpu(TrainConfig(device="cpu"))
    loop.device = torch.device("cuda")
    profile = profile_loop(loop, epochs=1)
    assert held == [True]
    assert not capturing.locked()
    assert profile.kernel_us is None  # the tracer told of no kernel, which is not 0 µs


def _balance(walls_us, slope=0.05):
    stages = dict(zip(STAGES, (30.0, 15.0, 10.0, 50.0, 20.0, 1.0), strict=True))
    fit = fit_line([120, 240, 480], [95 + slope * rows for rows in (120, 240, 480)])
    empty = profile_loop(LessonLoop(TrainConfig(device="cpu")), epochs=1)
    return balance("cpu", walls_us, stages, fit, empty)


def test_ledger_equals_the_one_worked_by_hand():
    ledger = _balance([129.0, 131.0, 132.0, 133.0, 160.0])
    assert ledger.arithmetic_us == pytest.approx(6)
    assert ledger.python_and_dispatch_us == pytest.approx(30 + 15 + 50 + 10 - 6)
    assert ledger.unaccounted_us == pytest.approx(130 - 126)
    assert (ledger.key, ledger.wall_low_us, ledger.wall_high_us) == ("adds_up", 131, 133)


def test_disturbed_blocks_are_left_out_whole():
    blocks = [(90.0, 5.0), (2.0, 6.0), (2.0, 4.0), (50.0, 1.0)]
    assert average_quiet(blocks) == (2, 5)
    assert sum(average_quiet([(10.0, 1.0), (1.0, 10.0), (10.0, 1.0), (1.0, 10.0)])) == 11
    assert average_quiet([(3.0, 1.0)]) == (3, 1)


def test_the_fastest_tenth_is_left_out_too():
    assert average_quiet([(float(us),) for us in range(1, 21)]) == (6.5,)  # 3 to 10


def test_ledger_that_does_not_add_up_says_so():
    assert _balance([140.0, 140.0]).key == "noisy"
    assert _balance([110.0, 110.0]).key == "noisy"


@pytest.mark.parametrize(
    ("slope", "key", "arithmetic_us"),
    [(0.05, "clear", 6), (0.0, "noise", 0), (-1.0, "negative", None), (50.0, "excess", None)],
)
def test_slope_that_makes_no_sense_is_no_arithmetic(slope, key, arithmetic_us):
    ledger = _balance([126.0, 126.0], slope=slope)
    assert ledger.arithmetic_key == key
    assert ledger.arithmetic_us == (
        None if arithmetic_us is None else pytest.approx(arithmetic_us, abs=1e-9)
    )
    parts = ledger.python_and_dispatch_us + (ledger.arithmetic_us or 0.0)
    assert parts == pytest.approx(30 + 15 + 50 + 10)


def test_ledger_that_is_ended_early_is_none():
    answers = iter([False] * 3)
    assert measure_ledger(TrainConfig(device="cpu"), 3600, lambda: next(answers, True)) is None
