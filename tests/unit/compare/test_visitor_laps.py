"""Laps that a browser sent, judged."""

import pytest

from iris_mlp.compare.visitor_race import WAYS, judge, read_laps
from iris_mlp.errors import SettingsError


def lap(way: str, epochs: int, elapsed_s: float) -> dict[str, object]:
    return {"way": way, "epochs": epochs, "elapsed_s": elapsed_s}


LAPS = [
    lap("javascript", 20_000, 0.30),
    lap("javascript", 20_000, 0.34),
    lap("one_dispatch", 20_000, 0.10),
    lap("one_dispatch", 20_000, 0.12),
    lap("read_each", 200, 0.2),
    lap("read_each", 100, 0.11),
    lap("read_rarely", 2_000, 0.2),
    lap("read_rarely", 2_000, 0.21),
]


def test_laps_are_projected_to_the_whole_run_and_the_fastest_wins():
    standings, verdict = judge(read_laps(LAPS), is_software=False)
    times = {s.contender: (s.low_s, s.median_s, s.high_s) for s in standings}
    assert times[WAYS["read_each"]] == pytest.approx((20.0, 21.0, 22.0))
    assert times[WAYS["javascript"]] == pytest.approx((0.30, 0.32, 0.34))
    assert (verdict.key, verdict.leader) == ("wins", WAYS["one_dispatch"])
    assert verdict.ratio == pytest.approx(0.32 / 0.11)
    pairs = {pair.subject: (pair.key, pair.ratio) for pair in verdict.comparisons}
    assert pairs == {
        "reads": ("faster", pytest.approx(21.0 / 2.05)),
        "engine": ("faster", pytest.approx(21.0 / 0.11)),
    }


def test_nothing_about_a_gpu_follows_from_software_that_plays_one():
    standings, verdict = judge(read_laps(LAPS), is_software=True)
    assert len(standings) == 4
    assert (verdict.key, verdict.leader) == ("alone", WAYS["javascript"])
    assert verdict.comparisons == ()


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        [None],
        [lap("cuda", 10, 1.0)],
        [lap("javascript", 0, 1.0)],
        [lap("javascript", 20_001, 1.0)],
        [lap("javascript", 10, 0.0)],
        [lap("javascript", 10, float("nan"))],
        [lap("javascript", 10, 1e9)],
        [lap("javascript", 10, "1")],  # type: ignore[arg-type]
        [lap("javascript", 10.5, 1.0)],  # type: ignore[arg-type]
        LAPS * 10,
    ],
)
def test_what_is_no_list_of_laps_is_refused(sent):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_laps(sent)
