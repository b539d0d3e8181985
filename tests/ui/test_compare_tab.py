"""The tab CPU vs GPU: what its sentences say is tested by their keys and the values in them."""

import json
import re
import threading
from dataclasses import replace
from html.parser import HTMLParser

import gradio as gr
import pytest

from iris_mlp import config
from iris_mlp.compare.batch import CurvePoint
from iris_mlp.compare.compared import list_compared
from iris_mlp.compare.crossover import AXES, Point
from iris_mlp.compare.ledger import balance
from iris_mlp.compare.memory import estimate_memory
from iris_mlp.compare.noise import GradientNoise, NoisePoint
from iris_mlp.compare.profiling import Profile, Span
from iris_mlp.compare.published import load_published
from iris_mlp.compare.race import Contender, Lap, find_contenders, list_candidates, summarize
from iris_mlp.compare.reads import ReadPoint, conclude_reads, fit_line
from iris_mlp.compare.verdict import conclude
from iris_mlp.compare.vram import PRESETS
from iris_mlp.strings import LANGUAGES, load_catalogue, translator
from iris_mlp.ui.compare import tab as compare_tab
from iris_mlp.ui.compare.batch import (
    render_curves,
    render_noise,
    run_batches,
    sample_noise,
    show_noise,
    write_curves,
    write_noise,
)
from iris_mlp.ui.compare.crossover import render_crossover, run_crossover, write_crossover
from iris_mlp.ui.compare.ledger import (
    DeviceCosts,
    render_ledger,
    run_ledger,
    show_timeline,
    write_ledger,
    write_reads,
)
from iris_mlp.ui.compare.memory import measure_step, render_memory, show_memory, show_vram
from iris_mlp.ui.compare.race import Meeting, render_race, run_race
from iris_mlp.ui.compare.race_words import write_duel, write_verdict
from iris_mlp.ui.run_button import TimeLimit
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


def keys(key, **values):
    """Stands in for a translator: a text's key, and the values that it is given."""
    return " ".join([key.removeprefix("compare."), *(f"{k}={v}" for k, v in values.items())])


class Page(HTMLParser):
    """What a reader finds in a piece of HTML: its elements with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(dict(attrs, tag=tag))
        if tag not in ("img", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def find(self, name):
        return [e for e in self.elements if name in (e.get("class") or "").split()]

    def plots(self):
        return [json.loads(e["data-plot"]) for e in self.elements if "data-plot" in e]


def laps_of(times):
    return [
        Lap(contender, i, 20_000, s, s, False, True, 0.06)
        for contender, seconds in times.items()
        for i, s in enumerate(seconds, 1)
    ]


def verdict_of(times, t=keys):
    standings = summarize(laps_of(times))
    return write_verdict(conclude(standings), {s.contender: s for s in standings}, t)


def card_of(times, devices=CPU, **meeting):
    meeting = Meeting(devices, list(times), laps_of(times), lap_epochs=20_000, **meeting)
    return Page(render_race(meeting, keys))


def shares(page, name="race-bar"):
    return [float(re.search(r"--share:([\d.]+)", e["style"])[1]) for e in page.find(name)]


def on_gpu(contender):
    return replace(contender, device="cuda")


def make_profile(kernel_us=None, timeline=()):
    launches = 20 if kernel_us else 0
    return Profile(500, 200, 200, 50, 50, 0, 88, launches, kernel_us, (), timeline)


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


def line(device, axis, times, undecided=()):
    """Times with whiskers of 5 %, at some sizes of a factor of ten."""
    reach = [(0.1, 10) if i in undecided else (0.95, 1.05) for i in range(len(times))]
    return [
        Point(device, axis, value, us, low * us, high * us)
        for value, us, (low, high) in zip(AXES[axis], times, reach)
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


# The race


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({EAGER: [4.0, 4.1, 4.2], FUSED: [0.02, 0.021, 0.022]}, "race_wins leader=name_fused"),
        ({EAGER: [4.0, 4.1, 4.2], FUSED: [0.02, 0.021, 0.022]}, "ratio=195"),
        ({EAGER: [4, 4.1], on_gpu(EAGER): [16, 17]}, "why=reason_cheap_launches"),
        ({EAGER: [9, 9], on_gpu(EAGER): [3, 3]}, "why=reason_faster_device"),
        (
            {EAGER: [4, 4], FUSED: [0.02, 0.02], on_gpu(FUSED): [0.06, 0.06]},
            "because_over why=reason_one_function gain=200 base=name_eager device=CPU",
        ),
        ({RARELY: [1, 1], on_gpu(FUSED): [2, 2]}, "reason=because_unknown"),
        ({EAGER: [4.0, 5.0], RARELY: [4.4, 5.2]}, "race_tie"),
        ({EAGER: [4.0], FUSED: [0.02]}, "race_too_few"),
        ({EAGER: [4.0, 4.1], RARELY: [3.9]}, "race_too_few"),
        ({EAGER: [4.0, 4.1]}, "race_alone"),
        ({}, "race_nothing"),
    ],
)
def test_verdict_follows_the_times(times, words):
    assert words in verdict_of(times)


def test_pairs_that_differ_in_one_thing_are_listed_with_their_ratio():
    text = card_of(
        {
            EAGER: [4.0, 4.1, 4.2],
            RARELY: [4.1, 4.1, 4.3],
            on_gpu(EAGER): [16, 16.4, 17],
            on_gpu(RARELY): [12, 13, 14],
            on_gpu(replace(RARELY, engine="cuda-graph")): [2, 2.1, 2.2],
        },
        GPU,
    ).text
    assert "pair_faster what=pair_devices device=GPU way=way_eager every=1 ratio=4.00" in text
    assert "pair_tie what=pair_reads device=CPU" in text
    assert re.search(r"pair_faster what=pair_launches device=GPU .* ratio=6.19", text)


def test_bars_are_how_far_each_had_come_when_the_fastest_of_its_group_finished():
    page = card_of({EAGER: [4, 4], on_gpu(EAGER): [16, 16], FUSED: [0.02, 0.02]}, GPU)
    assert shares(page) == [1, 0.25, 1]
    alone = card_of({EAGER: [4, 4], FUSED: [0.02, 0.02]})
    published = [run.elapsed_s for run in load_published()]
    against = [1, 4 / 16.85, 1, 0, 0]  # the published GPU beside this CPU, and two without a time
    listed = [min(published) / s for s in published]
    assert shares(alone) == pytest.approx([*against, *listed], abs=1e-4)


def test_bar_of_a_run_is_its_share_of_the_epochs_and_the_published_one_moves_at_its_pace():
    running = Lap(EAGER, 1, 500, 0.1, 4.0, True, False, 0.06)
    meeting = Meeting(CPU, [EAGER, FUSED], [], running, lap_epochs=2_000)
    page = Page(render_race(meeting, keys, done=0.0))
    assert shares(page)[0] == 0.25
    (replay,) = page.find("replay")
    bar = page.elements[page.elements.index(replay) + 4 :]
    seconds = next(re.search(r"--seconds:([\d.]+)s", e["style"])[1] for e in bar if "style" in e)
    assert float(seconds) == pytest.approx(16.85 / 10, abs=1e-3)
    fused = Lap(FUSED, 1, 500, 0.1, 4.0, True, False, 0.06)
    meeting = replace(meeting, running=fused, laps=laps_of({EAGER: [4, 4]}))
    second = Page(render_race(meeting, keys, done=0.5))
    assert not second.find("replay")
    assert "duel_faster" in second.text  # the first act is told while the second one runs


@EACH
def test_published_times_stand_in_for_a_gpu_and_the_slow_cpu_is_explained(t):
    without, having = (Page(render_race(Meeting(d, []), t)) for d in (CPU, GPU))
    assert t("compare.race_published") in without.text
    assert t("compare.race_published") not in having.text
    for text in ("16.9 s", "13.1 s", "NVIDIA GeForce RTX 4070 Laptop"):
        assert text in without.text
        assert text not in having.text
    slow = t("compare.race_slow_cpu", cpu="Intel Core i7-1255U (laptop)", time="19.1 s")
    assert slow in without.text
    assert without.text.count(t("compare.not_measured")) == len(without.find("pending")) == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((7.9, 8, 8.1), "duel_faster machine=NVIDIA GeForce RTX 4070 Laptop origin=duel_published"),
        ((31, 32, 33), "here=32.0 s there=16.9 s ratio=1.90"),
        ((16, 17, 18), "duel_tie"),
    ],
)
def test_cpu_against_gpu_is_one_sentence_whoever_wins(seconds, words):
    assert words in card_of({EAGER: seconds}).text
    assert (
        "duel_faster machine=GPU origin=duel_here"
        in card_of({EAGER: [4, 4], on_gpu(EAGER): [16, 16]}, GPU).text
    )
    assert write_duel({}, None, keys) == ""
    assert "duel_" not in card_of({EAGER: (8,)}).text.replace("race_duel", "")


def test_race_moves_run_by_run_and_ends_with_a_sentence():
    cards = list(run_race(None, 1_000, request_in("en")))
    contenders, _ = find_contenders(list_candidates(list_compared()))
    assert len(cards) >= 2 + 3 * len(contenders)
    assert all(EN("compare.measuring") in card for card in cards[:-1])
    assert EN("compare.measuring") not in cards[-1]
    assert EN("compare.name_fused", device="CPU") in cards[-1]
    assert "≈" in cards[-1]
    assert any(
        EN("compare.epochs_done", epochs="1,000") in card for card in cards if "live" in card
    )


# Where the time of an epoch goes


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        ({}, "ledger_arithmetic_small device=CPU wall=200 µs gap=5.0%"),
        ({}, "busy=12.0 µs share=6%"),
        ({"row_us": 1.0}, "ledger_arithmetic_large"),
        ({"row_us": -0.5}, "ledger_untold"),
        ({"row_us": 3.0}, "ledger_untold"),
        ({"row_us": 0.0, "scatter_us": 1}, "ledger_noise_small"),
        ({"row_us": 0.0, "scatter_us": 1}, "busy=0.83 µs"),
        ({"row_us": 0.0, "scatter_us": 400}, "ledger_noise_large"),
        ({"walls": (300, 300, 301)}, "ledger_noisy device=CPU wall=300 µs gap=36.7%"),
        ({"kernel_us": 30.0}, "ledger_kernels_small"),
        ({"kernel_us": 30.0}, "launches=20 busy=30.0 µs share=15%"),
        ({"kernel_us": 150.0}, "ledger_kernels_large"),
    ],
)
def test_sentence_of_an_epoch_follows_its_numbers(ledger, words):
    assert words in write_ledger(make_ledger(**ledger), keys)


def test_parts_of_the_bar_and_what_is_missing_fill_it():
    for walls in ((199, 200, 201), (149, 150, 151)):
        page = Page(render_ledger([DeviceCosts("cpu", make_ledger(walls))], CPU, EN))
        parts = [e["style"] for e in page.elements if e["tag"] == "i"]
        assert sum(float(s.split(":")[1]) for s in parts) == pytest.approx(1, abs=1e-3)


def test_slope_that_makes_no_sense_gives_no_share():
    page = Page(render_ledger([DeviceCosts("cpu", make_ledger(row_us=-0.5))], GPU, keys))
    assert "arithmetic_negative slope=−60.0 µs" in page.text
    assert "part_undivided160 µs" in page.text.replace("\n", "")
    assert "part_arithmetic" not in page.text


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (reads_of(190, 10), "reads_costs read=190 µs"),
        (reads_of(0.5, 3_000), "reads_inside_noise"),
        (reads_of(-190, 10), "reads_saves"),
        (reads_of(190)[:2], "reads_too_few"),
    ],
)
def test_fit_says_what_a_read_costs_or_that_it_cannot_tell(points, words):
    assert words in write_reads(conclude_reads(points), keys)


def test_timeline_shows_the_device_idle_between_its_kernels():
    host = [Span("operators", "aten::linear", 0, 30), Span("item", "aten::item", 70, 30)]
    kernels = [Span("kernel", "gemm", 20, 10), Span("kernel", "relu", 50, 10)]
    shown = show_timeline(make_profile(20.0, (*host, *kernels)), "cuda", keys)
    assert [name for name, _ in shown["lanes"]] == ["CPU", "GPU"]
    assert shown["lanes"][1][1][1] == ("kernel", "relu", 0.5, 0.1)
    assert shown["sentence"] == "timeline_kernels calls=2 gaps=40% kernels=2 idle=80%"
    alone = show_timeline(make_profile(None, tuple(host)), "cpu", keys)
    assert alone["sentence"].startswith("timeline_host calls=2 gaps=40%")
    assert show_timeline(make_profile(), "cpu", keys) is None


def test_measuring_an_epoch_runs_from_the_button_to_the_fit():
    cards = list(run_ledger(None, request_in("en"), ledger_s=0.1, reads_s=0.1))
    devices = len(list_compared())
    assert len(cards) == 32 * devices + 1
    page = Page(cards[-1])
    (plot,) = page.plots()
    assert len(plot["series"][-1]["points"]) == 30
    assert len(page.find("timeline")) == devices
    assert EN("compare.measuring") not in page.text


def test_stop_ends_the_measurement_at_once_and_shows_no_part_of_it():
    stop, cards = threading.Event(), []
    for card in run_ledger(stop, request_in("en"), ledger_s=3600.0):
        cards.append(card)
        stop.set()
    page = Page(cards[-1])
    assert len(cards) == 2
    assert EN("compare.ledger_stopped", device="CPU") in page.text
    assert not page.find("ledger-bar")


# The crossover

RISING = (100, 120, 200, 500, 2_000, 8_000, 30_000)
FLAT = (600, 600, 600, 610, 650, 900, 2_500)


@pytest.mark.parametrize(
    ("cpu_us", "gpu_us", "words"),
    [
        (RISING, FLAT, "cross_crosses axis=axis_hidden first=CPU second=GPU winner=GPU loser=CPU"),
        (RISING, RISING, "cross_tie"),
        (RISING, [9 * us for us in RISING], "cross_first_always"),
        (RISING, [9 * us for us in RISING], "small=9.00"),
        ([9 * us for us in RISING], RISING, "cross_second_always"),
        (FLAT, RISING, "winner=CPU loser=GPU"),
        ((1, 9, 1, 9, 1, 9, 1), (5,) * 7, "cross_crosses_often"),
        ((600,) * 6 + (900,), (600,) * 6 + (300,), "cross_second_once"),
        ((90, *(600,) * 5, 900), (600,) * 7, "low=10 high=40,960"),
        ((), (), "cross_nothing"),
    ],
)
def test_two_devices_are_told_apart_axis_by_axis(cpu_us, gpu_us, words):
    assert words in write_crossover(both(cpu_us, gpu_us), GPU, keys)


SLOW = line("cpu", "hidden", [900] * 7)
SCATTERED = line("cpu", "hidden", (2_000, 300, 400, 500, 600, 700, 800), range(7))
UNSURE_AT_FIRST = line("cpu", "hidden", (280, 900, 1_000, 2_000, 4_000, 8_000, 9_000), {0})
ROWS = line("cpu", "rows", RISING)


@pytest.mark.parametrize(
    ("points", "words", "absent"),
    [
        (line("cpu", "hidden", RISING), "count=count_hidden count=840", "bound_noise"),
        (SLOW, "bound_already axis=axis_hidden", "bound_noise"),
        (
            line("cpu", "hidden", [90] * 7),
            "bound_beyond count=count_hidden count=40,960",
            "bound_f",
        ),
        (line("cpu", "hidden", [90] * 6 + [600], {6}), "count=count_hidden count=10,240", "noise"),
        (SCATTERED, "bound_noise axes=axis_hidden", "cross_bound"),
        # A size that decides nothing, and the lesson's that is below the cost on another axis.
        ([*UNSURE_AT_FIRST, *ROWS], "low=7,680 high=30,720", "bound_already"),
        ([*SLOW, *ROWS], "bound_noise axes=axis_hidden", "bound_already"),
    ],
)
def test_without_a_gpu_the_published_cost_is_a_bound(points, words, absent):
    said = write_crossover(points, CPU, keys)
    assert words in said
    assert absent not in said


def test_crossing_both_lines_and_the_ring_are_drawn():
    mine = [Point("cpu", "hidden", 64, 130, 120, 140)]
    page = Page(render_crossover(both(RISING, FLAT), mine, GPU, EN))
    hidden, rows, _ = page.plots()
    assert [one["name"] for one in rows["series"]] == ["cpu", "gpu"]
    assert hidden["series"][-1] == {"draw": "ring", "points": [[64, 130]]}
    assert all(len(plot["crossings"]) == 1 and not plot["levels"] for plot in page.plots())
    assert "64 hidden units" in page.text


@EACH
def test_only_a_machine_without_a_gpu_shows_the_published_cost_as_an_estimate(t):
    alone, paired = (Page(render_crossover([], [], devices, t)) for devices in (CPU, GPU))
    assert t("compare.floor_assumes") in alone.text
    assert t("compare.floor_assumes") not in paired.text
    costs = [[level["at"] for level in plot["levels"]] for plot in alone.plots()]
    assert costs == [[pytest.approx(653.9, abs=0.1)]] * 3


def test_crossover_measures_the_model_of_the_visitor():
    class Trained:
        hidden = 37

    request = request_in("en")
    page = Page(list(run_crossover(None, Trained(), request, 0.001, ["models"]))[-1])
    assert "37 hidden units" in page.text
    assert len(page.plots()[2]["series"][0]["points"]) == len(AXES["models"])
    lesson = Page(list(run_crossover(None, None, request, 0.001, ["hidden"]))[-1]).plots()[0]
    (ring,) = lesson["series"][-1]["points"]
    assert ring == lesson["series"][0]["points"][0][:2]  # one model, one time


# Batch size and noise


def test_noise_is_told_against_the_signal_and_the_law():
    said = write_noise(sample_noise(0)[0], 0, keys)
    # Of the lesson run's first weights: tr S = 1.0922, |g|^2 = 0.05562.
    assert said.startswith("noise_noisy epoch=0 agreeing=8 sizes=8 ratio=19.6 even=17")
    assert "law_holds" in said


def test_quiet_and_vanishing_gradients_are_told_so():
    points = (NoisePoint(1, 0.5, 0.9, 0.1, False), NoisePoint(120, 0.0, 0.0, 0.0, True))
    said = write_noise(GradientNoise(1.0, 0.5, points), 3, keys)
    assert said.startswith("noise_calm epoch=3 agreeing=1 sizes=2 ratio=0.50")
    assert "noise_zero" in write_noise(GradientNoise(0.0, 0.0, ()), 9, keys)


def test_arrows_of_drawn_batches_stand_around_the_full_one_and_uphill_ones_are_counted():
    arrows, law = render_noise(sample_noise(0), 0, keys)
    plots = Page(arrows).plots()
    assert [len(plot["series"][0]["points"]) for plot in plots] == [24] * 4
    assert {tuple(plot["series"][1]["points"][0]) for plot in plots} == {(1, 0)}
    uphill = sum(tip[0] < 0 for tip in plots[0]["series"][0]["points"])
    assert f"arrows_count size=1 count={uphill} draws=24" in Page(arrows).text
    assert len({plot["x"]["high"] for plot in plots}) == 1
    (plot,) = Page(law).plots()
    assert plot["series"][0]["points"][-1] == [120, 0]
    assert sum(len(one["points"]) for one in plot["series"][1:]) == 8


def test_epoch_outside_the_run_is_refused_with_a_sentence():
    with pytest.raises(gr.Error, match="epoch must be from 0 to 20,000"):
        show_noise(20_001, request_in("en"))


@pytest.mark.parametrize(
    ("curves", "parts"),
    [
        ([(1, 1_000, 2_000), (120, 1_500, 2_000)], ("level", "paces", "in_time_by_pace")),
        ([(1, 1_000, 2_000), (120, 1_000, 2_000)], ("level", "paces_level", "in_time_level")),
        ([(1, 1_000, 1_000), (120, 1_500, 2_000)], ("differ", "paces", "in_time")),
        ([(1, 1_000, 2_000)], ("too_few",)),
        ([(1, 1_000, 2_000), (8, 0, 1), (32, 0, 1)], ("too_few",)),
        ([], ("nothing",)),
    ],
)
def test_race_of_batch_sizes_is_concluded_from_its_points(curves, parts):
    said = write_curves([point for one in curves for point in curve(*one)], keys)
    assert re.findall(r"curves_(\w+)", said) == list(parts)


def test_race_of_batch_sizes_names_the_losses_at_equal_steps_and_in_equal_time():
    said = write_curves([*curve(1, 1_000, 2_000), *curve(120, 1_500, 2_000)], keys)
    for value in ("steps=2,000", "low=0.657", "high=0.658", "fast_pace=1,500", "wins=20"):
        assert value in said
    assert "seconds=2.0 size=120 loss=0.510 last=1 last_loss=0.657" in said


def test_batches_stream_their_cards_and_end_with_a_sentence():
    cards = list(run_batches(None, 0, request_in("en"), wall_s=0.05))
    _, noise, curves = cards[-1]
    assert "squared gradient" in noise
    assert EN("compare.measuring") in cards[0][2]
    assert EN("compare.measuring") not in curves
    (plot,) = Page(curves).plots()
    assert [one["label"] for one in plot["series"]] == ["1", "8", "32", "120"]
    one_turn = [*curve(1, 1_000, 2_000)[:2], *curve(8, 1_000, 2_000)[:1]]
    assert "updates=0" not in render_curves(one_turn, keys)


# Memory


def test_step_of_the_lessons_model_is_counted_and_measured():
    request = request_in("en")
    assert Page(show_memory(10, 120, "sgd", request)).text.count("332 B") == 2  # and gradients
    measured = Page(measure_step(10, 120, "adam", request)).text
    assert measured.count("680 B") == 2  # two moments of 83 and four step counts, in float32


@pytest.mark.parametrize(
    ("hidden", "rows", "words"),
    [
        (0, 120, "hidden must be"),
        (None, 120, "hidden is empty"),
        (10, 2.5, "not 2.5"),
        (10, float("nan"), "batch_size must be"),
        (10, 1e300, "batch_size must be"),
        (float("inf"), 120, "hidden must be"),
    ],
)
def test_size_that_makes_no_sense_is_answered_in_its_place(hidden, rows, words):
    assert words in show_memory(hidden, rows, "sgd", request_in("en"))


def test_step_too_large_to_run_here_is_refused_with_a_sentence():
    assert "is measured here" in measure_step(65_536, 10_000, "sgd", request_in("en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mode", ["training", "inference"])
@pytest.mark.parametrize("model", PRESETS)
def test_blocks_of_a_model_stand_against_the_cards_of_8_to_80_gb(model, mode, language):
    t = translator(language)
    page = Page(show_vram(model, mode, 0, request_in(language)))
    trained = mode == "training" and PRESETS[model].trains
    blocks = PRESETS[model].compute("training" if trained else "inference", 1)
    assert len(page.find("fits")) + len(page.find("full")) == 5
    assert len(page.find("fits")) == sum(blocks.total <= gib * 2**30 for gib in (8, 12, 24, 48, 80))
    assert (t("compare.vram_gradients") in page.text) == trained
    assert not page.open


def test_batch_that_doubles_stops_fitting_one_card_after_the_other():
    request = request_in("en")
    fits = [
        len(Page(show_vram("resnet50", "training", n, request)).find("fits")) for n in range(13)
    ]
    assert fits == sorted(fits, reverse=True)
    assert (fits[0], fits[-1]) == (5, 0)


@pytest.mark.parametrize(
    "choice", [(HOSTILE, "training", 0), ("resnet50", "x", 0), ("resnet50", "training", 99.5)]
)
def test_choice_that_the_page_does_not_offer_is_refused(choice):
    shown = show_vram(*choice, request_in("en"))
    assert "that the page offers" in shown
    assert not [e for e in Page(shown).elements if e["tag"] == "img"]


# What they share


def test_stopped_experiment_ends_at_once_and_says_what_to_do():
    stop = threading.Event()
    stop.set()
    t, request = EN, request_in("en")
    assert t("compare.race_nothing") in list(run_race(stop, 1_000, request))[-1]
    assert t("compare.ledger_nothing") in list(run_ledger(stop, request))[-1]
    assert t("compare.cross_nothing") in Page(list(run_crossover(stop, None, request))[-1]).text
    assert t("compare.curves_nothing", seconds=2) in list(run_batches(stop, 0, request))[-1][2]


def test_stop_in_the_middle_keeps_what_was_measured():
    stop = threading.Event()
    for card in run_race(stop, 1_000, request_in("en")):
        if EN("compare.race_step", lap=3, laps=9) in card:
            stop.set()
    assert "≈" in card
    assert EN("compare.measuring") not in card


def test_public_space_caps_the_time_of_an_experiment(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/iris")
    monkeypatch.setattr(config, "PUBLIC_LIMITS", replace(config.PUBLIC_LIMITS, wall_s=0.0))
    assert TimeLimit(None).is_set()
    last = list(run_crossover(None, None, request_in("en")))[-1]
    assert EN("compare.cross_nothing") in Page(last).text


def draw_everything(t):
    laps = laps_of({EAGER: [4, 5], on_gpu(FUSED): [1, 2]})
    profile = make_profile(None, (Span("item", "aten::item", 0, 9),))
    ledger = replace(make_ledger(), profile=profile)
    return [
        render_race(Meeting(GPU, [EAGER, on_gpu(FUSED)], laps), t),
        render_race(Meeting(CPU, [EAGER]), t),
        render_ledger([DeviceCosts("cpu", ledger, reads_of(3, 5))], CPU, t),
        render_ledger([DeviceCosts("cuda", make_ledger(kernel_us=30.0))], GPU, t),
        render_crossover(both(RISING, FLAT), [], GPU, t),
        *render_noise(sample_noise(0), 0, t),
        render_curves(curve(1, 1_000, 2_000), t),
        render_memory(estimate_memory(10, 120), 10, 120, t),
    ]


@EACH
def test_every_picture_has_words_and_closes_its_elements(t):
    for html in draw_everything(t):
        page = Page(html)
        assert not page.open
        pictures = [e for e in page.elements if e.get("role") == "img" or "data-plot" in e]
        assert all(picture["aria-label"].strip() for picture in pictures)
        assert len([e for e in page.elements if e.get("role") == "status"]) == 1


def test_texts_cannot_become_markup():
    for html in draw_everything(lambda key, **values: HOSTILE):
        page = Page(html)
        assert not [e for e in page.elements if e["tag"] == "img"]
        assert HOSTILE in page.text


def test_both_languages_have_every_key_with_the_same_values():
    texts = load_catalogue()
    for key in (key for key in texts["en"] if key.startswith("compare.")):
        english, chinese = (set(re.findall(r"\{(\w+)\}", texts[lang][key])) for lang in LANGUAGES)
        assert english == chinese, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_loaded_page_says_what_to_do_in_the_language_of_the_visitor(language):
    t = translator(language)
    with gr.Blocks() as app:
        tab = compare_tab.build(gr.State())
    shown = tab.on_load(request_in(language))
    assert set(shown) == set(tab.on_load_outputs)
    text = "".join(Page(html).text for html in shown.values())
    for key in ("race", "ledger", "cross", "arrows", "noise"):
        assert t(f"compare.{key}_nothing") in text
    events = list(app.fns.values())
    assert {event.api_visibility for event in events} == {"private"}
    measuring = {e.fn.__name__ for e in events if e.concurrency_id == "training"}
    assert measuring == {"run_race", "run_ledger", "run_crossover", "run_batches", "measure_step"}
