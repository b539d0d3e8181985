"""The race on the visitor's own computer: `static/visitor_race.js` runs it and draws the rows."""

from typing import Any

import gradio as gr

from iris_mlp.compare.race import LESSON, RARELY, Contender
from iris_mlp.compare.verdict import Verdict
from iris_mlp.compare.visitor_race import WAYS, judge, read_laps
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.errors import user_errors
from iris_mlp.ui.language import request_translator
from iris_mlp.ui.run_button import PRIVATE, QUICK

_NAMES = {contender: way for way, contender in WAYS.items()}
_WORDS = (
    *("start", "stop", "ready", "running", "warming", "not_measured", "hidden", "lost"),
    *("no_gpu", "software", "failed"),
)


def build() -> None:
    """Lay out and wire the panel."""
    with gr.Column(elem_classes="exp-panel visitor-panel", elem_id="exp-visitor-race"):
        build_prose("compare.visitor_text")
        # The value is what `judge_laps` returns.
        panel = gr.HTML(
            html_template='<div class="visitor-race"></div>',
            js_on_load=mount("visitor_race", "judge"),
            apply_default_css=False,
            texts=None,
        )
    gr.on(None, load_texts, None, panel, **QUICK)
    panel.judge(judge_laps, None, panel, **PRIVATE)


def load_texts(request: gr.Request) -> Any:
    """Return the words of the panel."""
    t = request_translator(request)
    texts: dict[str, Any] = {name: t(f"compare.visitor_{name}") for name in _WORDS}
    texts["ways"] = {way: name_way(contender, t) for way, contender in WAYS.items()}
    return gr.update(texts=texts)


@user_errors
def judge_laps(event: gr.EventData, request: gr.Request) -> dict[str, Any]:
    """Judge the laps of the visitor's computer.

    Returns:
        `rows`, each with the `way`, its median, fastest and slowest time as texts, and its `share`
        of the longest bar; `sentences`, what follows from the numbers.
    """
    t = request_translator(request)
    is_software = getattr(event, "is_software", None) is True
    standings, verdict = judge(read_laps(getattr(event, "laps", None)), is_software)
    best_s = min((standing.median_s for standing in standings), default=0.0)
    times = {standing.contender: standing.median_s for standing in standings}
    return {
        "rows": [
            {
                "way": _NAMES[standing.contender],
                "time": _seconds(standing.median_s),
                "low": _seconds(standing.low_s),
                "high": _seconds(standing.high_s),
                "share": best_s / standing.median_s,
            }
            for standing in standings
        ],
        "sentences": [
            t("compare.visitor_no_conclusion") if is_software else write_verdict(verdict, times, t),
            *_write_pairs(verdict, t),
            t("compare.visitor_projected", all=f"{LESSON.epochs:,}"),
        ],
    }


def name_way(contender: Contender, t: Translate) -> str:
    """Return how a contender computes, as plain text."""
    return t(f"compare.visitor_way_{_NAMES[contender]}", every=f"{RARELY:,}")


def write_verdict(verdict: Verdict, times: dict[Contender, float], t: Translate) -> str:
    """Return the race's own sentence for its verdict, as plain text."""
    if verdict.leader is None:
        return t("compare.visitor_ready")
    values = {
        "leader": name_way(verdict.leader, t),
        "time": _seconds(times[verdict.leader]),
        "others": t("compare.and").join(name_way(tied, t) for tied in verdict.tied),
    }
    if verdict.key == "wins" and verdict.runner_up is not None:
        values |= {
            "ratio": f"{verdict.ratio:.3g}",
            "second": name_way(verdict.runner_up, t),
            "second_time": _seconds(times[verdict.runner_up]),
            "reason": "",
        }
    return t(f"compare.race_{verdict.key}", **values)


def _write_pairs(verdict: Verdict, t: Translate) -> list[str]:
    return [
        t(
            f"compare.pair_{pair.key}",
            what=t(f"compare.visitor_pair_{pair.subject}"),
            ratio=f"{1 / pair.ratio if pair.key == 'slower' else pair.ratio:.3g}",
        )
        for pair in verdict.comparisons
    ]


def _seconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}\u00a0ms" if seconds < 1 else f"{seconds:.3g}\u00a0s"
