import re
from contextlib import contextmanager

import torch
from playwright.sync_api import Page, expect

from iris_mlp.config import TrainConfig
from iris_mlp.data import load_flowers, load_split
from iris_mlp.training import prepare_run

STATS = "#live-chart .loss-chart-stats dd"
CELLS = "#landscape button.cell"
LESSON_CELL = 6 * 9 + 5  # learning rate 0.01 is the seventh row, 10 hidden units the sixth column


def run_alone(**settings):
    run = prepare_run(TrainConfig(device="cpu", engine="fused", **settings))
    for _ in run:
        pass
    return run.result().summarize()


@contextmanager
def explore(visit, tab="Explore", **options):
    with visit(**options) as page:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_selector("#live-chart path.curve.train", timeout=60_000)
        yield page


def set_slider(page: Page, name: str, value: float) -> None:
    slider = page.locator(f"#live-{name}")
    steps = slider.evaluate("slider => JSON.parse(slider.dataset.steps)")
    slider.evaluate(
        "(slider, at) => {slider.value = at; slider.dispatchEvent(new Event('input', "
        "{bubbles: true}))}",
        steps.index(value),
    )


def expect_training(page: Page, **settings) -> None:
    summary = run_alone(**settings)
    expect(page.locator(STATS).nth(0)).to_have_text(f"{summary['final_loss']:.4f}")
    expect(page.locator(STATS).nth(3)).to_have_text(f"{summary['test_accuracy']:.1%}")


def test_every_movement_trains_and_the_last_one_stays(visit):
    with explore(visit) as page:
        expect_training(page, seed=0)
        plane = page.query_selector("#live-plane svg")
        regions = page.locator("#live-plane .regions path").nth(1).get_attribute("d")
        page.locator("#live-hidden").focus()
        for _ in range(7):  # faster than trainings come back
            page.keyboard.press("ArrowLeft")
        expect(page.locator("#live-hidden")).to_have_attribute("aria-valuetext", "3")
        expect_training(page, hidden=3)
        expect(page.locator("#live-plane .regions path").nth(1)).not_to_have_attribute(
            "d", regions or ""
        )
        assert plane is not None
        assert plane.evaluate("node => node.isConnected"), "the plane was rebuilt"
        page.locator("#live-controls input[value=adam]").check()
        expect_training(page, hidden=3, optimizer="adam", lr=0.01)
        page.locator("#live-controls button").click()
        expect_training(page)
        set_slider(page, "hidden", 7)
        page.click("#live-take")
        expect(page.locator(".toast-body")).to_contain_text("The Train tab now has these settings")
        page.get_by_role("tab", name="Train").click()
        field = page.get_by_role("spinbutton", name="Hidden units", exact=True)
        expect(field).to_have_value("7")


def test_a_movement_asks_the_server_nothing(visit):
    with explore(visit) as page:
        expect_training(page)
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        set_slider(page, "seed", 7)
        set_slider(page, "epochs", 5_000)
        expect_training(page, seed=7, epochs=5_000)
        assert requests == []


def test_the_plane_and_the_curve_move_while_it_learns(visit):
    with explore(visit, reduced_motion="no-preference") as page:
        expect_training(page)
        page.evaluate(
            """() => {
              window.pictures = { plane: new Set(), chart: new Set() };
              new MutationObserver(() => {
                const d = (place) => document.querySelector(place)?.getAttribute("d");
                pictures.plane.add(d("#live-plane .regions path"));
                pictures.chart.add(d("#live-chart path.curve.train"));
              }).observe(document.querySelector(".live-desk"),
                { subtree: true, childList: true, attributes: true });
            }"""
        )
        set_slider(page, "epochs", 100_000)
        expect_training(page, epochs=100_000)
        counts = page.evaluate("[pictures.plane.size, pictures.chart.size]")
        assert min(counts) > 5, counts


def test_rings_stand_around_the_flowers_that_the_network_gets_wrong(visit, chance):
    seed = chance.randrange(1_000)
    run = prepare_run(TrainConfig(device="cpu", engine="fused", epochs=500, seed=seed))
    for _ in run:
        pass
    checkpoint = run.result().checkpoint
    assert checkpoint is not None
    flowers, species = load_flowers()
    with torch.no_grad():
        answers = checkpoint.build_model()(
            torch.from_numpy(load_split().scaler.scale(flowers))
        ).argmax(1)
    wrong = int((answers.numpy() != species).sum())
    with explore(visit) as page:
        set_slider(page, "seed", seed)
        set_slider(page, "epochs", 500)
        expect(page.locator("#live-plane svg")).to_have_attribute(
            "aria-label", re.compile(rf"; {wrong} of the 150 flowers are misclassified")
        )
        expect(page.locator("#live-plane .rings circle")).to_have_count(wrong)


def test_a_rate_that_diverges_is_told_and_clears_the_plane(visit):
    with explore(visit) as page:
        page.evaluate(
            """() => document.dispatchEvent(new CustomEvent("iris:settings", { detail:
              { optimizer: "sgd", lr: 1e30, epochs: 20000, hidden: 10, seed: 0 } }))"""
        )
        expect(page.locator("#live-chart .loss-chart-note")).to_contain_text("diverged at epoch")
        expect(page.locator("#live-plane .regions")).to_be_hidden()


def test_a_browser_without_workers_says_so_and_shows_the_page(visit):
    with visit() as page:
        page.evaluate("() => { window.Worker = undefined; }")
        page.get_by_role("tab", name="Explore").click()
        expect(page.locator("#live-chart .loss-chart-note")).to_contain_text("no workers")


def test_a_logarithmic_scale_in_train_is_not_that_of_live(visit):
    ticks = "document.querySelector('#live-chart svg').textContent"
    with explore(visit) as page:
        expect_training(page)
        before = page.evaluate(ticks)
        page.get_by_role("tab", name="Train").click()
        page.get_by_text("Log scale").click()
        page.get_by_role("tab", name="Explore").click()
        expect(page.locator("#live-chart svg")).to_be_visible()
        assert page.evaluate(ticks) == before


def test_a_cell_chosen_by_keyboard_goes_into_live_and_train(visit):
    with explore(visit) as page:
        set_slider(page, "epochs", 100)
        page.click("#explore-start")
        expect(page.locator("#landscape .landscape-note")).to_contain_text("990 runs in")
        assert page.locator(f"{CELLS}.empty").count() == 0
        lesson = page.locator(CELLS).nth(LESSON_CELL)
        expect(lesson).to_have_attribute("aria-current", "true")
        lesson.focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowRight")
        chosen = page.locator(CELLS).nth(LESSON_CELL - 9 + 1)
        expect(chosen).to_be_focused()
        label = chosen.get_attribute("aria-label") or ""
        assert re.match(r"Learning rate 0\.03, 16 hidden units: test accuracy \d+\.\d%", label)
        expect(page.locator("#landscape .landscape-readout")).to_have_text(label)
        page.keyboard.press("Enter")
        expect_training(page, lr=0.03, hidden=16, epochs=100)
        expect(chosen).to_have_attribute("aria-current", "true")
        page.get_by_text("Final loss", exact=True).first.click()
        page.get_by_role("tab", name="Train").click()
        for name, value in (("Learning rate", "0.03"), ("Epochs", "100"), ("Hidden units", "16")):
            field = page.get_by_role("spinbutton", name=name, exact=True)
            expect(field).to_have_value(value)


def test_a_stopped_sweep_keeps_its_flowers_and_a_seed_can_be_loaded(visit):
    with explore(visit) as page:
        set_slider(page, "epochs", 100_000)  # minutes of work, of which Stop leaves most undone
        conclusion = page.locator("#luck .luck-conclusion")
        page.click("#luck-start")
        expect(conclusion).to_contain_text(re.compile(r"\d\d of 1,000"))
        page.click("#luck-stop")
        expect(conclusion).to_contain_text("is luck")
        done = conclusion.inner_text().split()[1].replace(",", "")
        assert 0 < int(done) < 1_000
        unlucky = page.locator("#luck .luck-picks button").nth(2)
        text = unlucky.inner_text()
        unlucky.click()
        seed = int(re.findall(r"seed (\d+)", text)[0])
        expect_training(page, epochs=100_000, seed=seed)
        expect(page.locator("#luck text.yours")).to_have_text(f"yours: seed {seed}")


def test_the_tab_speaks_chinese_on_a_phone_without_scrolling_sideways(visit):
    with explore(visit, "探索", locale="zh-CN", viewport={"width": 360, "height": 780}) as page:
        expect(page.locator("#live-chart .loss-chart-note")).to_contain_text("从头训练 20,000 轮")
        expect(page.locator("#landscape th.axis").first).to_have_text("隐藏单元数")
        expect(page.locator("#luck .empty")).to_contain_text("一朵花")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_finger_reads_a_cell_first_and_loads_it_with_a_second_tap(visit):
    with explore(visit, has_touch=True) as page:
        rate = page.locator("#live-lr")
        before = rate.input_value()
        expect(page.locator("#landscape .landscape-readout")).to_contain_text("Tap a cell")
        page.locator(CELLS).first.tap()
        expect(page.locator("#landscape .landscape-readout")).to_contain_text("not trained yet")
        assert rate.input_value() == before
        page.locator(CELLS).first.tap()
        expect(rate).to_have_attribute("aria-valuetext", "10")
