import json
import re
import threading
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import gradio as gr
import pytest
from iris_mlp.compare.line_fit import fit_line
from iris_mlp.compare.measured import MeasuredMachine, MeasuredStep
from iris_mlp.ui.compare.batch_panel import render_curves, run_batches, write_curves
from iris_mlp.ui.compare.crossover_panel import (
    read_hidden,
    render_crossover,
    run_crossover,
    write_crossover,
)
from iris_mlp.ui.compare.experiment import (
    Plot,
    Scale,
    TimeLimit,
    cover_decades,
    format_bytes,
    format_digits,
    format_us,
    list_compared,
    render_card,
    round_count,
    spread_labels,
)
from iris_mlp.ui.compare.ledger_panel import (
    DeviceCosts,
    render_ledger,
    run_ledger,
    write_ledger,
    write_reads,
)
from iris_mlp.ui.compare.memory_panel import (
    measure_step,
    render_memory,
    show_memory,
    write_memory,
)
from iris_mlp.ui.compare.noise_panel import render_noise, sample_noise, show_noise, write_noise
from iris_mlp.ui.compare.race_panel import render_race, run_race, write_verdict

from iris_mlp import config
from iris_mlp.compare import measured
from iris_mlp.compare.batch import CurvePoint
from iris_mlp.compare.crossover import AXES, Point
from iris_mlp.compare.ledger import balance
from iris_mlp.compare.memory import estimate_memory, find_largest_batch
from iris_mlp.compare.noise import GradientNoise, NoisePoint
from iris_mlp.compare.profiling import Profile
from iris_mlp.compare.race import Contender, Lap, Standing, find_contenders, summarize
from iris_mlp.compare.reads import ReadPoint, conclude_reads
from iris_mlp.compare.verdict import conclude
from iris_mlp.model import build_model
from iris_mlp.strings import LANGUAGES, load_catalogue, translator
from iris_mlp.ui.compare import tab as compare_tab
from tests.helpers import request_in

EN, ZH = translator("en"), translator("zh-CN")
EACH = pytest.mark.parametrize("t", [EN, ZH], ids=LANGUAGES)
CPU, GPU = ["cpu"], ["cpu", "cuda"]
EAGER, RARELY, FUSED = (
    Contender("cpu", "eager", 1),
    Contender("cpu", "eager", 2_000),
    Contender("cpu", "fused", 1),
)
HOSTILE = '"><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """What a reader finds in a piece of HTML: its elements with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(dict(attrs, tag=tag))
        if tag not in ("img", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(dict(attrs, tag=tag))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def find(self, **attributes):
        return [
            e
            for e in self.elements
            if all(e.get(name) == value for name, value in attributes.items())
        ]


def laps_of(times, projected=False):
    return [
        Lap(contender, i, 20_000, s, s, projected, 0.06)
        for contender, seconds in times.items()
        for i, s in enumerate(seconds, 1)
    ]


def verdict_of(times, t=EN):
    standings = summarize(laps_of(times))
    return write_verdict(conclude(standings), {s.contender: s for s in standings}, t)


def on_gpu(contender):
    return replace(contender, device="cuda")


def make_profile(kernel_us=None):
    return Profile(500, 200, 200, 50, 50, 0, 88, 20 if kernel_us else 0, kernel_us, ())


def make_ledger(walls=(200, 200, 201), kernel_us=None, row_us=0.1, scatter_us=0.0):
    """A ledger whose stages take 190 µs."""
    stages = dict.fromkeys(("forward", "loss", "zero_grad", "backward"), 40.0)
    stages |= {"optimizer": 25.0, "item": 5.0}
    rows = [120.0, 240.0, 480.0, 960.0]
    times = [80 + row_us * n + scatter_us * (-1) ** i for i, n in enumerate(rows)]
    fit = None if kernel_us else fit_line(rows, times)
    device = "cuda" if kernel_us else "cpu"
    return balance(device, walls, stages, fit, make_profile(kernel_us))


def reads_of(slope_us, noise_us=0.0):
    return [
        ReadPoint(every, 1_000, n, 0.2 + 1e-6 * slope_us * n + 1e-6 * noise_us * (-1) ** i)
        for i, (every, n) in enumerate([(1, 1_000), (2, 500), (10, 100), (500, 2)] * 2)
    ]


def line(device, axis, times):
    return [
        Point(device, axis, value, us, 0.95 * us, 1.05 * us) for value, us in zip(AXES[axis], times)
    ]


def both(cpu_us, gpu_us):
    return [
        point
        for axis in AXES
        for point in (*line("cpu", axis, cpu_us), *line("cuda", axis, gpu_us))
    ]


def curve(size, pace, half_steps):
    """Twenty turns at so many steps per second; the loss halves every so many steps."""
    turns = [(0.1 * turn, round(0.1 * turn * pace)) for turn in range(21)]
    return [CurvePoint(size, 0, n, s, None, 1.1 * 0.5 ** (n / half_steps)) for s, n in turns]


LABEL = "Stand-in GPU <b> with Stand-in CPU, measured by this project on 2026-01-31, PyTorch 9.9"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Measurements of another machine with a GPU, committed as a file."""
    loops = [Contender("cpu", "eager", 1), Contender("cuda", "eager", 1)]
    machine = MeasuredMachine(
        gpu="Stand-in GPU <b>",
        cpu="Stand-in CPU",
        torch="9.9",
        measured_on="2026-01-31",
        device="cuda",
        standings=tuple(Standing(c, s, 0.9 * s, 1.1 * s, 3) for c, s in zip(loops, (4, 16))),
        ledger=make_ledger(kernel_us=40),
        reads=tuple(reads_of(190)),
        points=tuple(p for axis in AXES for p in line("cuda", axis, [300] * 7)),
        steps=(MeasuredStep(10, 120, "sgd", estimate_memory(10, 120)),),
    )
    (tmp_path / "measured.json").write_text(machine.to_json(), "utf-8")
    monkeypatch.setattr(measured, "FILE", tmp_path / "measured.json")


# The race


def test_winner_is_told_with_its_time_ratio_and_reason():
    said = verdict_of({EAGER: [4.0, 4.1, 4.2], FUSED: [0.02, 0.021, 0.022]})
    assert "The winner is the fused engine on the CPU with 21.0 ms" in said
    assert "195 times as fast as the next, the eager loop on the CPU (4.10 s)" in said
    assert "one compiled function" in said


def test_cpu_that_beats_the_gpu_wins_by_cheaper_calls():
    said = verdict_of({EAGER: [4.0, 4.1, 4.2], on_gpu(EAGER): [16, 17, 18]})
    assert "The winner is the eager loop on the CPU" in said
    assert "a call on the CPU costs less than a launch and a wait on the GPU" in said


def test_pairs_that_differ_in_one_thing_are_listed_with_their_ratio():
    laps = laps_of(
        {
            EAGER: [4.0, 4.1, 4.2],
            RARELY: [4.1, 4.1, 4.3],
            on_gpu(EAGER): [16, 16.4, 17],
            on_gpu(RARELY): [12, 13, 14],
            on_gpu(replace(RARELY, engine="cuda-graph")): [2, 2.1, 2.2],
        }
    )
    text = Page(render_race([lap.contender for lap in laps], laps, GPU, EN)).text
    assert (
        "CPU against GPU, the same eager loop, loss read every epoch: 4.00 times as fast." in text
    )
    assert "CPU, reading the loss rarely instead of every epoch: no difference" in text
    assert "GPU, one graph instead of many launches: 6.19 times as fast." in text


def test_cause_is_told_over_the_loop_that_it_replaces_and_not_over_the_runner_up():
    times = {EAGER: [4, 4, 4.1], FUSED: [0.02, 0.02, 0.021], on_gpu(FUSED): [0.06, 0.06, 0.061]}
    said = verdict_of(times)
    assert "3.00 times as fast as the next, the fused engine on the GPU (60.0 ms); " in said
    assert "it is 200 times as fast as the eager loop on the CPU, because one compiled" in said


def test_winner_without_a_pair_that_says_why_is_told_so():
    said = verdict_of({RARELY: [1, 1, 1.1], on_gpu(FUSED): [2, 2, 2.1]})
    assert "none of the comparisons above says why" in said


def test_gpu_that_wins_is_told_so():
    said = verdict_of({EAGER: [9, 9, 9.1], on_gpu(EAGER): [3, 3, 3.1]})
    assert "The winner is the eager loop on the GPU with 3.00 s: 3.00 times" in said
    assert "the GPU is faster even with the same loop" in said


@EACH
def test_overlapping_spreads_are_a_tie_and_name_no_winner(t):
    said = verdict_of({EAGER: [4.0, 4.5, 5.0], RARELY: [4.4, 4.6, 5.2]}, t)
    assert said.startswith({EN: "A tie", ZH: "平局"}[t])
    assert "winner" not in said


def test_single_laps_and_a_single_contender_give_no_verdict():
    assert "no verdict yet" in verdict_of({EAGER: [4.0], FUSED: [0.02]})
    some = {EAGER: [4.0, 4.1], RARELY: [3.9]}
    assert "at least one contender has run a single lap" in verdict_of(some)
    card = render_race(list(some), laps_of(some), GPU, EN)
    assert "rarely instead of every epoch: at least one has run a single lap" in card
    stopped = render_race([EAGER, FUSED], laps_of({EAGER: [4.0]}), GPU, EN)
    assert "nothing to race against" not in stopped
    assert "no verdict yet" in stopped
    assert "nothing to race against" in verdict_of({EAGER: [4.0, 4.1]})
    assert verdict_of({}) == EN("compare.race_nothing")


def test_bars_turn_logarithmic_where_ratios_are_large():
    near = render_race([EAGER, on_gpu(EAGER)], laps_of({EAGER: [4], on_gpu(EAGER): [40]}), GPU, EN)
    far = render_race([EAGER, FUSED], laps_of({EAGER: [4], FUSED: [0.02]}), CPU, EN)
    assert EN("compare.scale_log") not in near
    assert EN("compare.scale_log") in far


@EACH
def test_published_times_stand_in_for_a_gpu_and_are_labelled(t):
    without, having = (render_race([], [], devices, t) for devices in (CPU, GPU))
    assert t("compare.race_published") in without
    for text in ("16.85 s", "13.08 s", "NVIDIA GeForce RTX 4070 Laptop"):
        assert text in without
        assert text not in having
    assert len(Page(without).find(**{"class": "race-row published"})) == 4


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((7.9, 8, 8.1), "this CPU (8.00 s) is 2.11 times as fast as the NVIDIA GeForce RTX 4070"),
        ((31, 32, 33), "Laptop (16.9 s, published by others) is 1.90 times as fast as this CPU"),
        ((16, 17, 18), "cannot be told apart"),
    ],
)
def test_this_cpu_is_set_against_the_published_gpu_whoever_wins(seconds, words):
    card = render_race([EAGER, FUSED], laps_of({EAGER: seconds, FUSED: (0.1, 0.1)}), CPU, EN)
    assert words in Page(card).text
    assert "No GPU is here" not in render_race([EAGER], laps_of({EAGER: seconds}), GPU, EN)


def test_single_lap_is_not_set_against_another_machine():
    assert "No GPU is here" not in render_race([EAGER], laps_of({EAGER: (8,)}), CPU, EN)


def test_gpu_measured_elsewhere_races_with_its_label_and_comes_before_the_published(elsewhere):
    laps = laps_of({EAGER: (2, 2, 2)})
    page = Page(render_race([EAGER], laps, CPU, EN))
    assert page.text.index(LABEL) < page.text.index("Published by others")
    assert len(page.find(**{"class": "race-row published"})) == 2 + 4
    assert "(16.0 s, measured by this project on 2026-01-31)" in page.text
    assert "8.00 times as fast as the Stand-in GPU" in page.text
    assert LABEL not in Page(render_race([EAGER], laps, GPU, EN)).text


@EACH
def test_gpu_measured_elsewhere_leaves_no_row_open(t, elsewhere):
    measured_card = Page(render_race([], [], CPU, t))
    assert t("compare.not_measured") not in measured_card.text


@EACH
def test_ways_of_a_gpu_without_a_time_have_a_row_and_no_bar(t):
    page = Page(render_race([EAGER], [], CPU, t))
    assert len(page.find(**{"class": "race-row pending"})) == 2
    assert page.text.count(t("compare.not_measured")) == 2
    assert t("compare.way_cuda-graph") in page.text
    assert t("compare.not_measured") in page.find(**{"class": "race"})[0]["aria-label"]
    assert len(page.find(**{"class": "race-bar"})) == 1 + 4
    assert t("compare.not_measured") not in render_race([EAGER], [], GPU, t)


def test_projected_times_are_marked():
    assert "≈ 4.00 s" in render_race([EAGER], laps_of({EAGER: [4]}, True), CPU, EN)
    assert "≈" not in render_race([EAGER], laps_of({EAGER: [4]}), CPU, EN)


def test_race_streams_each_lap_and_ends_with_a_sentence():
    cards = list(run_race(None, 20, request_in("en")))
    contenders, _ = find_contenders(list_compared())
    assert len(cards) == 3 + 3 * len(contenders)
    assert all(EN("compare.measuring") in card for card in cards[:-1])
    assert EN("compare.measuring") not in cards[-1]
    assert "the fused engine on the CPU" in cards[-1]


# The ledger


@EACH
def test_ledger_says_which_part_is_arithmetic(t):
    said = write_ledger(make_ledger(), t)
    assert "12.0 µs" in said
    assert "6%" in said
    assert "5.0%" in said


def test_ledger_says_so_where_arithmetic_is_the_larger_part():
    assert "the larger part" in write_ledger(make_ledger(row_us=1.0), EN)


@pytest.mark.parametrize(
    ("row_us", "words"),
    [(-0.5, "here more rows took less time (−60.0 µs at 120 rows"), (3.0, "comes to 360 µs at")],
)
def test_slope_that_makes_no_sense_is_told_and_gives_no_share(row_us, words):
    text = Page(render_ledger([DeviceCosts("cpu", make_ledger(row_us=row_us))], GPU, EN)).text
    assert words in text
    assert "its arithmetic could not be told from the overhead" in text
    assert "is arithmetic" not in text
    assert "Python, dispatch and arithmetic160 µs" in text


@pytest.mark.parametrize(
    ("scatter_us", "words"),
    [
        (1, "it may be nothing and is at most 0.83 µs (0%), so overhead is the larger part"),
        (400, "anything from nothing to 120 µs (60%) is possible, so measure again"),
    ],
)
def test_arithmetic_inside_the_noise_has_a_bound_and_no_share(scatter_us, words):
    ledger = make_ledger(row_us=0.0, scatter_us=scatter_us)
    assert words in write_ledger(ledger, EN)
    most = re.search(r"(\d\S+ µs) \(", words).group(1)
    assert f"it may be nothing, and is at most {most}" in render_ledger(
        [DeviceCosts("cpu", ledger)], GPU, EN
    )


def test_stop_ends_the_ledger_at_once_and_shows_no_part_of_it():
    stop, cards = threading.Event(), []
    for card in run_ledger(stop, request_in("en"), ledger_s=3600.0):
        cards.append(card)
        stop.set()
    page = Page(cards[-1])
    assert len(cards) == 2
    assert "On the CPU the measurement was stopped before the ledger was whole" in page.text
    assert "Arithmetic" not in page.text
    assert not page.find(**{"class": "ledger-bar"})


def test_ledger_that_does_not_add_up_asks_to_measure_again():
    said = write_ledger(make_ledger(walls=(300, 300, 301)), EN)
    assert "differ from the wall time by 36.7%" in said
    assert "measure again" in said


def test_ledger_of_a_gpu_tells_how_long_its_kernels_compute():
    assert "kernels compute for 30.0 µs (15%), in 20 launches" in write_ledger(
        make_ledger(kernel_us=30.0), EN
    )
    assert "busy" in write_ledger(make_ledger(kernel_us=150.0), EN)


def test_ledger_measured_elsewhere_stands_below_with_its_label(elsewhere):
    page = Page(render_ledger([DeviceCosts("cpu", make_ledger())], CPU, EN))
    assert page.text.index("Arithmetic") < page.text.index(LABEL)
    assert "One loss.item() costs 190 µs" in page.text
    assert "published by others" not in page.text
    assert LABEL not in Page(render_ledger([], GPU, EN)).text


def test_without_a_measured_gpu_the_ledger_tells_what_was_published():
    assert "published by others" in render_ledger([], CPU, EN)


def test_parts_of_the_bar_and_what_is_missing_fill_it():
    for walls in ((199, 200, 201), (149, 150, 151)):
        page = Page(render_ledger([DeviceCosts("cpu", make_ledger(walls))], CPU, EN))
        shares = [e["style"] for e in page.find(tag="i") if "share" in e.get("style", "")]
        assert sum(float(re.sub(r"[^0-9.]", "", s)) for s in shares) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (reads_of(190, 10), "One loss.item() costs 190 µs"),
        (reads_of(0.5, 3_000), "Within the noise"),
        (reads_of(-190, 10), "reading more often seems to save time"),
        (reads_of(190)[:2], "Too few"),
    ],
)
def test_fit_says_what_a_read_costs_or_that_it_cannot_tell(points, words):
    assert words in write_reads(conclude_reads(points), EN)


def test_ledger_runs_from_the_button_to_the_fit():
    cards = list(run_ledger(None, request_in("en"), ledger_s=0.1, reads_s=0.1))
    devices = len(list_compared())
    assert len(cards) == 32 * devices + 1
    page = Page(cards[-1])
    assert len(page.find(tag="circle")) == 30 * devices
    assert EN("compare.measuring") not in page.text


# The crossover

RISING = (100, 120, 200, 500, 2_000, 8_000, 30_000)
FLAT = (600, 600, 600, 610, 650, 900, 2_500)


def test_crossing_is_told_in_words_for_each_axis():
    said = write_crossover(both(RISING, FLAT), GPU, EN)
    for count in ("units", "rows", "models"):
        assert re.search(f"the GPU overtakes the CPU at about [0-9,]+ {count}", said)
    assert said.count("overtakes") == 3


@pytest.mark.parametrize(
    ("cpu_us", "gpu_us", "words"),
    [
        (RISING, RISING, "cannot be told apart"),
        (RISING, [9 * us for us in RISING], "the CPU is faster wherever a difference shows, 9.00"),
        ([9 * us for us in RISING], RISING, "the GPU is faster wherever a difference shows, 9.00"),
        (FLAT, RISING, "the CPU overtakes the GPU"),
        ((1, 9, 1, 9, 1, 9, 1), (5,) * 7, "measure again"),
        ((), (), EN("compare.cross_nothing")),
    ],
)
def test_other_outcomes_have_their_own_words(cpu_us, gpu_us, words):
    assert words in write_crossover(both(cpu_us, gpu_us), GPU, EN)


@EACH
def test_without_a_gpu_no_line_crosses_and_the_published_cost_is_a_bound(t):
    points = [p for axis in AXES for p in line("cpu", axis, RISING)]
    said = write_crossover(points, CPU, t)
    assert {EN: "no lines can cross", ZH: "不会有线与它交叉"}[t] in said
    assert "654 µs" in said
    assert "840" in said  # between 640 and 2,560 units, straight on log-log axes


@pytest.mark.parametrize(
    ("times", "words"),
    [([900] * 7, "at the lesson's size already"), ([90] * 7, "beyond 40,960 units")],
)
def test_bound_says_where_it_lies_outside_the_measured_sizes(times, words):
    points = [p for axis in AXES for p in line("cpu", axis, times)]
    assert words in write_crossover(points, CPU, EN)


def test_sizes_whose_times_scatter_over_the_published_cost_decide_nothing():
    points = [
        Point("cpu", axis, value, us, 0.1 * us, 10 * us)
        for axis in AXES
        for value, us in zip(AXES[axis], (2_000, 300, 400, 500, 600, 700, 800))
    ]
    said = write_crossover(points, CPU, EN)
    assert said.endswith(
        "By width and rows and models at once the times scatter too much to tell; measure again."
    )
    assert "could win" not in said
    steady = [p for axis in ("rows", "models") for p in line("cpu", axis, RISING)]
    said = write_crossover([*(p for p in points if p.axis == "hidden"), *steady], CPU, EN)
    assert "At the earliest, it could win from about" in said
    assert said.endswith("By width the times scatter too much to tell; measure again.")


def scatter(axis, times, undecided):
    """A line of the CPU whose whiskers reach over the published 654 µs at some of its sizes."""
    return [
        Point("cpu", axis, size, us, 0.1 * us, 10 * us)
        if i in undecided
        else Point("cpu", axis, size, us, 0.95 * us, 1.05 * us)
        for i, (size, us) in enumerate(zip(AXES[axis], times))
    ]


def test_cost_is_not_passed_at_a_size_that_decides_nothing():
    # At 10 units 280 µs with a whisker over the line, from 40 units on clearly above it.
    width = scatter("hidden", (280, 900, 1_000, 2_000, 4_000, 8_000, 9_000), {0})
    said = write_crossover([*width, *line("cpu", "rows", RISING)], CPU, EN)
    assert "already" not in said
    assert re.search(r"could win from about [0-9,]+ rows \(between 7,680 and 30,720\)", said)
    assert said.endswith("By width the times scatter too much to tell; measure again.")


def test_lesson_that_is_below_the_cost_on_one_axis_is_not_above_it_on_another():
    slow = line("cpu", "hidden", [900] * 7)
    assert "already (by width)" in write_crossover(slow, CPU, EN)
    said = write_crossover([*slow, *line("cpu", "rows", RISING)], CPU, EN)
    assert "already" not in said
    assert said.endswith("By width the times scatter too much to tell; measure again.")


def test_cost_is_passed_beyond_the_last_size_that_decides():
    points = scatter("hidden", [90, 90, 90, 90, 90, 90, 600], {6})
    assert "beyond 10,240 units" in write_crossover(points, CPU, EN)


def test_sizes_that_decide_are_named_for_two_devices():
    faster = both((90, 600, 600, 600, 600, 900, 600), (600,) * 5 + (1_800, 600))
    said = write_crossover(faster, GPU, EN)
    assert "wherever a difference shows, 6.67 times at 10 units and 2.00 times at 10,240 u" in said
    once = both((600,) * 6 + (900,), (600,) * 6 + (300,))
    said = write_crossover(once, GPU, EN)
    assert "a difference shows only at 40,960 units, where the GPU is 3.00 times as fast" in said
    said = write_crossover(both((90,) + (600,) * 5 + (900,), (600,) * 7), GPU, EN)
    assert re.search(r"overtakes the CPU at about [0-9,]+ units \(between 10 and 40,960\)", said)


@EACH
def test_published_cost_is_called_an_estimate_with_what_it_assumes(t):
    text = Page(render_crossover([], [], CPU, t)).text
    assert {EN: "estimated", ZH: "估计为"}[t] in text
    assert t("compare.floor_assumes") in text
    assert t("compare.floor_assumes") not in render_crossover([], [], GPU, t)


def test_gpu_measured_elsewhere_is_a_line_that_this_cpu_crosses(elsewhere):
    points = [p for axis in AXES for p in line("cpu", axis, RISING)]
    page = Page(render_crossover(points, [], CPU, EN))
    assert f"against a GPU elsewhere ({LABEL}): by width: the GPU overtakes the CPU" in page.text
    assert len(page.find(**{"class": "curve"})) == 6
    assert len(page.find(**{"class": "crossing"})) == 3
    assert not page.find(**{"class": "floor", "tag": "path"})


def test_model_of_the_lesson_has_one_time_in_its_line_and_in_its_ring():
    card = list(run_crossover(None, None, request_in("en"), 0.001, ["hidden"]))[-1]
    ring, dot = (Page(card).find(tag="circle", **{"class": c})[0] for c in ("mine", "dot"))
    assert (ring["cx"], ring["cy"]) == (dot["cx"], dot["cy"])


def test_only_a_machine_without_a_gpu_shows_the_published_cost():
    alone, paired = (render_crossover([], [], devices, EN) for devices in (CPU, GPU))
    assert len(Page(alone).find(**{"class": "floor", "tag": "path"})) == 3
    assert not Page(paired).find(**{"class": "floor", "tag": "path"})


def test_crossing_and_both_lines_are_drawn():
    mine = [Point("cpu", "hidden", 64, 130, 120, 140)]
    page = Page(render_crossover(both(RISING, FLAT), mine, GPU, EN))
    assert len(page.find(**{"class": "curve"})) == 6
    assert len(page.find(**{"class": "crossing"})) == 3
    assert len(page.find(tag="circle", **{"class": "mine"})) == 1
    assert "64 hidden units" in page.text


def test_crossover_measures_the_model_of_the_visitor():
    class Trained:
        state = build_model(37, 0).state_dict()

    cards = list(run_crossover(None, Trained(), request_in("en"), 0.001, ["models"]))
    assert read_hidden(None) == 10
    assert "37 hidden units" in cards[-1]
    assert len(Page(cards[-1]).find(tag="circle", **{"class": "dot"})) == len(AXES["models"])


# Batch size, noise and memory


def test_noise_is_told_against_the_signal_and_the_law():
    said = write_noise(sample_noise(0), 0, EN)
    # Of the lesson run's first weights: tr S = 1.0922, |g|^2 = 0.05562.
    assert "19.6 times the squared gradient" in said
    assert "equal at about 17 rows" in said
    assert "agree with the formula at all 8 sizes" in said


def test_quiet_gradients_and_a_sample_that_differs_are_told_so():
    points = (NoisePoint(1, 0.5, 0.9, 0.1, False), NoisePoint(120, 0.0, 0.0, 0.0, True))
    said = write_noise(GradientNoise(1.0, 0.5, points), 3, EN)
    assert "only 0.50 times" in said
    assert "at 1 of 2 sizes" in said


def test_gradients_that_vanish_are_told_so():
    assert "neither signal nor noise" in write_noise(GradientNoise(0.0, 0.0, ()), 9, EN)
    assert "every gradient is exactly zero" in render_noise(GradientNoise(0.0, 0.0, ()), 9, EN)


def test_law_reaches_zero_at_the_full_batch_in_the_plot():
    page = Page(render_noise(sample_noise(0), 0, EN))
    (law,) = page.find(**{"class": "law"})
    last_y = float(law["d"].split()[-1])
    assert last_y == Plot(Scale(0, 1), Scale(0, 1)).place(0, 0)[1]
    assert len(page.find(tag="circle")) == 8


def test_epoch_outside_the_run_is_refused_with_a_sentence():
    with pytest.raises(gr.Error, match="epoch must be from 0 to 20,000"):
        show_noise(20_001, request_in("en"))


LEVEL = "Per step the batch sizes are level: in the later half of 2,000 steps each, their test"


@pytest.mark.parametrize(
    ("curves", "words"),
    [
        (
            [(1, 1_000, 2_000), (120, 1_500, 2_000)],
            f"{LEVEL} losses average between 0.657 and 0.658, which agree within 10%. Batch size "
            "120 takes 1,500 steps per second and batch size 1 1,000; the first was faster in 20 "
            "of 20 rounds. So the difference in time comes from steps per second: in the later "
            "half of 2.0 s each, the test loss averages 0.510 with batch size 120 and 0.657 with "
            "batch size 1.",
        ),
        (
            [(1, 1_000, 2_000), (120, 1_000, 2_000)],
            "differ by no more than chance explains: 1,000 with batch size 120, 1,000 with",
        ),
        (
            [(1, 1_000, 2_000), (120, 1_000, 2_000)],
            "So in 2.0 s each, none gets ahead by more than chance.",
        ),
        (
            [(1, 1_000, 1_000), (120, 1_500, 2_000)],
            "Per step they differ, in one run each: in the later half of 2,000 steps each, the "
            "test loss averages 0.397 with batch size 1 and 0.658 with batch size 120.",
        ),
        (
            [(1, 1_000, 1_000), (120, 1_500, 2_000)],
            "In the later half of 2.0 s each, the test losses average between 0.397 (batch size "
            "1) and 0.510 (batch size 120).",
        ),
        ([(1, 1_000, 2_000)], "Too little was trained to tell"),
        ([], "Press the button"),
    ],
)
def test_race_of_batch_sizes_is_concluded_from_its_points(curves, words):
    points = [point for numbers in curves for point in curve(*numbers)]
    assert words in write_curves(points, EN)


def test_sizes_left_over_by_a_stop_are_not_judged():
    points = [*curve(1, 1_000, 2_000), *(point for size in (8, 32) for point in curve(size, 0, 1))]
    assert "Too little was trained to tell" in write_curves(points, EN)
    one_turn = [*curve(1, 1_000, 2_000)[:2], *curve(8, 1_000, 2_000)[:1]]
    page = Page(render_curves(one_turn, EN))
    assert "Too little was trained to tell" in page.text
    assert "after 0 steps" not in page.text


def test_batch_text_promises_no_result():
    for t in (EN, ZH):
        assert not re.search(
            "nearly the same|few extra steps|几乎与|并不多", t("compare.batch_text")
        )


def test_batches_stream_both_cards_and_end_with_a_sentence():
    cards = list(run_batches(None, 0, request_in("en"), wall_s=0.05))
    noise, curves = cards[-1]
    assert "squared gradient" in noise
    assert EN("compare.measuring") in cards[0][1]
    assert EN("compare.measuring") not in curves
    assert len(Page(curves).find(tag="path", **{"class": "curve"})) == 4


def test_memory_of_the_lesson_is_counted_and_fits_everywhere():
    page = Page(show_memory(10, 120, "sgd", request_in("en")))
    assert page.text.count("332 B") == 2  # 83 parameters and their gradients
    assert find_largest_batch(10, "sgd", 80) // 10**6 == 511
    assert "511,000,000 rows" in page.text
    assert "does not force this model into smaller batches" in page.text


def test_batch_too_large_for_a_card_is_told_so():
    memory = estimate_memory(65_536, 20_000)
    said = write_memory(memory, 65_536, 20_000, {8: 10_916}, EN)
    assert "has room for only about 10,900 rows" in said


def test_measured_step_stands_beside_the_computed_one():
    page = Page(measure_step(10, 120, "adam", request_in("en")))
    assert "measured, " in page.text
    assert page.text.count("680 B") == 2  # two moments of 83 and four step counts, in float32


@pytest.mark.skipif(len(list_compared()) > 1, reason="needs a machine without a GPU")
def test_memory_says_which_figures_come_from_a_gpu(elsewhere, monkeypatch):
    card = Page(show_memory(10, 120, "sgd", request_in("en"))).text
    assert "sgd, a GPU took 20.3 KiB at its peak, against 20.3 KiB computed" in card
    assert LABEL in card
    monkeypatch.setattr(measured, "FILE", Path("nowhere.json"))
    card = show_memory(10, 120, "sgd", request_in("zh-CN"))
    assert ZH("compare.memory_no_gpu") in card


@pytest.mark.parametrize(
    ("hidden", "rows", "words"),
    [
        (0, 120, "hidden must be"),
        (None, 120, "hidden must be"),
        (10, 1.5, "batch_size must be"),
        (10, float("nan"), "batch_size must be"),
        (10, 1e300, "choose fewer"),
        (float("inf"), 120, "hidden must be"),
    ],
)
def test_size_that_makes_no_sense_is_answered_in_its_place(hidden, rows, words):
    assert words in show_memory(hidden, rows, "sgd", request_in("en"))


def test_step_too_large_to_run_here_is_refused_with_a_sentence():
    assert "is measured here" in measure_step(65_536, 10_000, "sgd", request_in("en"))


# What they share


def test_stopped_experiment_ends_at_once_and_says_what_to_do():
    stop = threading.Event()
    stop.set()
    t, request = EN, request_in("en")
    assert t("compare.race_nothing") in list(run_race(stop, 1_000, request))[-1]
    assert t("compare.ledger_nothing") in list(run_ledger(stop, request))[-1]
    assert t("compare.cross_nothing") in Page(list(run_crossover(stop, None, request))[-1]).text
    assert "Press the button" in list(run_batches(stop, 0, request))[-1][1]


def test_stop_in_the_middle_keeps_what_was_measured():
    stop = threading.Event()
    cards = run_race(stop, 20, request_in("en"))
    for card in cards:
        if "Lap 4 of" in card:
            stop.set()
    assert "≈" in card
    assert EN("compare.measuring") not in card


def test_public_space_caps_the_time_of_an_experiment(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/iris")
    monkeypatch.setattr(config, "PUBLIC_LIMITS", replace(config.PUBLIC_LIMITS, wall_s=0.0))
    assert TimeLimit(None).is_over()
    last = list(run_crossover(None, None, request_in("en")))[-1]
    assert EN("compare.cross_nothing") in Page(last).text


def test_zerogpu_compares_the_cpu_alone(monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert list_compared() == ["cpu"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (format_us(4.158), "4.16 µs"),
        (format_us(999.96), "1.00 ms"),
        (format_us(65_878), "65.9 ms"),
        (format_us(-188.9), "−189 µs"),
        (format_us(4.62e6), "4.62 s"),
        (format_digits(20_260.4), "20,260"),
        (format_bytes(332), "332 B"),
        (format_bytes(20_800), "20.3 KiB"),
        (round_count(2_347), "2,300"),
        (round_count(7.4), "7"),
    ],
)
def test_figures_carry_three_digits_and_a_unit(written, expected):
    assert written == expected


def test_scales_place_their_ends_and_ticks():
    scale = cover_decades([0.02, 19.0], 0.02, 19.0)
    assert (scale.low, scale.high) == (0.01, 100.0)
    assert [scale.share(v) for v in (0.001, 0.01, 1, 100, 1e9)] == [0, 0, 0.5, 1, 1]
    assert scale.ticks() == pytest.approx([0.01, 0.1, 1, 10, 100])
    assert Scale(0, 20).ticks() == [0, 5, 10, 15, 20]


def test_labels_keep_their_distance_and_order():
    heights = spread_labels([50, 51, 52, 200], 13, 10, 150)
    assert heights == sorted(heights)
    assert all(b - a >= 13 for a, b in pairwise(heights))
    assert max(heights) <= 150


def test_texts_cannot_become_markup():
    page = Page(render_card("", HOSTILE, HOSTILE, 0.5, HOSTILE))
    assert not page.find(tag="img")
    drawn = Plot(Scale(0, 1), Scale(0, 1)).draw(
        "", HOSTILE, (HOSTILE,) * 2, (str, lambda _: HOSTILE)
    )
    assert not Page(drawn).find(tag="img")
    drawn = render_race([EAGER], laps_of({EAGER: [4]}), CPU, lambda key, **values: HOSTILE)
    assert not Page(drawn).find(tag="img")


@EACH
def test_every_picture_has_words_and_closes_its_elements(t):
    laps = laps_of({EAGER: [4, 5], on_gpu(FUSED): [1, 2]})
    drawn = [
        render_race([EAGER, on_gpu(FUSED)], laps, GPU, t),
        render_ledger([DeviceCosts("cpu", make_ledger(), reads_of(3, 5))], CPU, t),
        render_ledger([DeviceCosts("cuda", make_ledger(kernel_us=30.0))], GPU, t),
        render_crossover(both(RISING, FLAT), [], GPU, t),
        render_noise(sample_noise(0), 0, t),
        render_curves(curve(1, 1_000, 2_000), t),
        render_memory(estimate_memory(10, 120), 10, 120, "sgd", t),
    ]
    for html in drawn:
        page = Page(html)
        assert not page.open
        for picture in page.find(tag="svg"):
            assert picture["role"] == "img"
        assert all(picture["aria-label"].strip() for picture in page.find(role="img"))
        assert len(page.find(role="status")) == 1


def test_both_languages_have_every_key_with_the_same_values():
    texts = load_catalogue()
    keys = [key for key in texts["en"] if key.startswith("compare.")]
    used = set()
    for path in Path(compare_tab.__file__).parent.glob("*.py"):
        source = path.read_text("utf-8")
        used |= set(re.findall(r'["\'](compare\.[a-z_-]+)["\']', source))
    assert used <= set(keys)
    for key in keys:
        english, chinese = (set(re.findall(r"\{(\w+)\}", texts[lang][key])) for lang in LANGUAGES)
        assert english == chinese, key
    raw = json.loads(
        (Path(compare_tab.__file__).parents[2] / "strings" / "compare.json").read_text("utf-8")
    )
    assert all(set(texts) == set(LANGUAGES) for texts in raw.values())


@pytest.mark.parametrize(("language", "t"), [("en", EN), ("zh-CN", ZH)])
def test_loaded_page_says_what_to_do_in_the_language_of_the_visitor(language, t):
    view = compare_tab.load_page(request_in(language))
    for name, key in (
        ("race", "race_nothing"),
        ("ledger", "ledger_nothing"),
        ("crossover", "cross_nothing"),
        ("noise", "noise_nothing"),
        ("memory", "memory_caption"),
    ):
        assert t(f"compare.{key}") in Page(getattr(view, name)).text


def test_experiments_share_the_training_slots_and_are_private():
    with gr.Blocks() as app:
        tab = compare_tab.build(gr.State())
    assert len(tab.on_load_outputs) == len(compare_tab.View._fields)
    assert [output.value for output in tab.on_load_outputs] == [None] * 6
    events = list(app.fns.values())
    assert {event.api_visibility for event in events} == {"private"}
    measuring = {e.fn.__name__ for e in events if e.concurrency_id == "training"}
    assert measuring == {"run_race", "run_ledger", "run_crossover", "run_batches", "measure_step"}
