import pytest

from iris_mlp.compare.race import RARELY, Contender, Standing
from iris_mlp.compare.verdict import compare, conclude


def _standing(device, engine, rarely, median_s, spread=0.02, laps=3):
    contender = Contender(device, engine, RARELY if rarely else 1)
    return Standing(contender, median_s, median_s * (1 - spread), median_s * (1 + spread), laps)


CPU = _standing("cpu", "eager", False, 2.5)
CPU_RARELY = _standing("cpu", "eager", True, 2.49)
GPU = _standing("cuda", "eager", False, 16.85)
GPU_RARELY = _standing("cuda", "eager", True, 13.08)
GRAPH = _standing("cuda", "cuda-graph", True, 0.4)
FUSED = _standing("cpu", "fused", False, 0.0165)


def _list_comparisons(verdict):
    return {(c.subject, c.first.device, c.first.record_every): c.key for c in verdict.comparisons}


def test_fused_engine_wins_by_the_ratio_to_the_next():
    verdict = conclude([CPU, CPU_RARELY, GPU, GPU_RARELY, GRAPH, FUSED])
    assert (verdict.key, verdict.reason) == ("wins", "one_function")
    assert (verdict.leader, verdict.runner_up) == (FUSED.contender, GRAPH.contender)
    assert verdict.ratio == pytest.approx(0.4 / 0.0165)
    assert _list_comparisons(verdict) == {
        ("engine", "cpu", 1): "faster",
        ("launches", "cuda", RARELY): "faster",
        ("devices", "cpu", 1): "faster",
        ("devices", "cpu", RARELY): "faster",
        ("reads", "cpu", RARELY): "tie",
        ("reads", "cuda", RARELY): "faster",
    }


def test_graph_wins_where_it_is_fastest():
    assert conclude([CPU, GPU_RARELY, GRAPH]).reason == "one_graph"


def test_cpu_wins_at_the_same_loop_because_its_launches_are_cheap():
    verdict = conclude([CPU, GPU])
    assert (verdict.key, verdict.reason) == ("wins", "cheap_launches")
    assert verdict.ratio == pytest.approx(16.85 / 2.5)


def test_gpu_that_wins_against_expectation_is_told_so():
    verdict = conclude([CPU, _standing("cuda", "eager", False, 1.0)])
    assert (verdict.reason, verdict.leader.device) == ("faster_device", "cuda")


def test_reading_rarely_wins_where_reading_waits():
    assert conclude([GPU, GPU_RARELY]).reason == "fewer_reads"


def test_fused_engine_that_loses_is_not_credited():
    verdict = conclude([CPU, _standing("cpu", "fused", False, 9.0)])
    assert (verdict.leader, verdict.reason) == (CPU.contender, "none")
    assert _list_comparisons(verdict) == {("engine", "cpu", 1): "slower"}


def test_times_within_each_others_spread_tie():
    verdict = conclude([CPU, CPU_RARELY, GPU])
    assert (verdict.key, verdict.reason) == ("tie", "within_spread")
    assert (verdict.leader, verdict.tied) == (CPU_RARELY.contender, (CPU.contender,))


def test_single_laps_give_no_verdict():
    once = [_standing("cpu", "eager", False, 1.0, laps=1), _standing("cuda", "eager", False, 9.0)]
    verdict = conclude(once)
    assert (verdict.key, verdict.reason) == ("too_few", "none")
    assert compare("devices", *once).key == "too_few"


def test_nothing_and_a_single_contender_have_keys_of_their_own():
    assert conclude([]).key == "nothing"
    alone = conclude([CPU])
    assert (alone.key, alone.leader, alone.ratio) == ("alone", CPU.contender, None)
