"""What the page opens on, and the path of tasks above its tabs."""

import json
import re

import pytest
from playwright.sync_api import expect

from iris_mlp.strings import translator
from iris_mlp.ui.path import RIGHT

EN = translator("en")
LESSON_END = "Epoch 20,000: loss 0.062, 29 of the 30 test flowers right."


def test_the_page_opens_on_the_lesson_run_that_learns(visit):
    with visit(reduced_motion="no-preference") as page:
        scrubber = page.locator("#opening input[type=range]")
        page.wait_for_function(
            "document.querySelector('#opening input[type=range]')?.value > 5", timeout=60_000
        )
        page.locator("#opening .opening-play").click()
        scrubber.evaluate(
            "node => { node.value = node.max; node.dispatchEvent(new Event('input')); }"
        )
        expect(page.locator("#opening .opening-caption")).to_have_text(LESSON_END)
        expect(page.locator("#opening .opening-play")).to_have_text(EN("train.opening_again"))
        scrubber.evaluate("node => { node.value = 0; node.dispatchEvent(new Event('input')); }")
        expect(page.locator("#opening .opening-caption")).to_have_text(
            EN("train.opening_untrained")
        )


def test_who_wants_no_motion_sees_the_end_of_the_run(visit):
    with visit() as page:
        expect(page.locator("#opening .opening-caption")).to_have_text(LESSON_END)
        expect(page.locator("#loss-chart path.curve.train")).to_be_visible()


def test_plane_and_network_follow_a_run_of_the_visitors(visit):
    with visit() as page:
        page.get_by_label(EN("train.epochs"), exact=True).fill("300")
        page.locator("#start").click()
        expect(page.locator("#opening .opening-caption")).to_have_text(
            re.compile(r"Epoch 300: loss \d\.\d{3}, \d+ of the 30 test flowers right\.")
        )
        expect(page.locator("#opening .opening-controls")).to_be_hidden()


def test_each_task_opens_its_place_and_the_place_is_there(visit):
    with visit() as page:
        page.locator("#path summary").click()
        for number in range(1, len(RIGHT) + 1):
            page.locator("#path nav button").nth(number - 1).click()
            expect(page.locator("#path h3")).to_have_text(
                f"{number}. {EN(f'path.question_{number - 1}')}"
            )
            page.locator("#path .go").click()
            show, read = PLACES[number - 1]
            expect(page.locator(show).first).to_be_visible()
            expect(page.locator(read).first).to_be_attached()


# As in `static/path.js`, whose selectors would otherwise break in silence.
PLACES = (
    ("#start", "#loss-chart .loss-chart-note"),
    ("#verdict", "#verdict"),
    ("#exp-race", "#race-view [role=status]"),
    ("#exp-ledger", "#ledger-view [role=status]"),
    ("#exp-crossover", "#crossover-view [role=status]"),
    ("#exp-batch", "#noise-view [role=status]"),
    ("#inside-path", "#inside-comparison-view"),
    ("#inside-step", "#inside-step-view"),
)


@pytest.mark.parametrize(("choice", "verdict"), [(1, "agrees"), (2, "differs")])
def test_a_guess_is_compared_with_what_was_measured_and_stays_in_the_browser(
    visit, choice, verdict
):
    with visit("?task=2") as page:
        compare = page.get_by_role("button", name=EN("path.compare"))
        expect(compare).to_be_disabled()
        page.locator("#path fieldset input").nth(choice).check()
        page.locator("#path .go").click()
        compare.click()
        answer = page.locator("#path .path-answer")
        expect(answer).to_contain_text(EN(f"path.{verdict}"))
        expect(answer).to_contain_text(EN("path.answer_1"))
        expect(answer).to_contain_text("versicolor")  # what the Classify tab said
        page.reload()
        expect(page.locator("#path summary")).to_contain_text("1 of 8")
        kept = json.loads(page.evaluate("localStorage.iris_mlp_path"))
        assert kept["1"]["guess"] == choice


def test_a_link_opens_on_one_task(visit):
    with visit("?task=3") as page:
        expect(page.locator("#path h3")).to_have_text(f"3. {EN('path.question_2')}")
        expect(page.locator("#path details")).to_have_attribute("open", "")
