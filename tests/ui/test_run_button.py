"""Start and Stop, which the tabs share."""

from iris_mlp.ui import run_button
from iris_mlp.ui.layout import build_app


def test_buttons_are_swapped_while_a_run_waits_or_goes_on():
    stop, start_button, stop_button = run_button.begin(None)
    assert not stop.is_set()
    assert (start_button["interactive"], stop_button["interactive"]) == (False, True)
    run_button.begin(stop)  # the next run ends what is left of this one
    assert stop.is_set()
    waiting, *_ = run_button.begin(None)
    run_button.begin(waiting)
    assert waiting.is_set()
    assert [button["interactive"] for button in run_button.release()] == [True, False]


def test_all_that_keeps_the_cores_busy_shares_the_slots():
    events = build_app().fns.values()
    long_work = {event.fn.__name__ for event in events if event.concurrency_id == "training"}
    assert long_work == {
        *("run_training", "compare_with_fused", "run_landscape", "run_luck", "run_race"),
        *("run_ledger", "run_crossover", "run_batches", "measure_step"),
        *("train", "sweep", "race"),
    }
