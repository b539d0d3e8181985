"""The network as the browser trains it: on the CPU, and on WebGPU's software adapter."""

from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import MAX_SEED, TrainConfig
from iris_mlp.data import load_flowers, load_split
from iris_mlp.engines import shuffle_rows
from iris_mlp.model import IrisMLP, build_empty_model, build_model
from iris_mlp.training import TrainResult
from iris_mlp.ui.assets import static_path
from tests.lesson import load_rows, run_lesson

DEVICES = ("cpu", "webgpu")
LESSON = {
    "optimizer": "sgd",
    "lr": 0.01,
    "epochs": 20_000,
    "hidden": 10,
    "batch_size": 120,
    "seed": 0,
    "record_every": 1,
}

TRAIN = """
async (settings) => {
  const { Trainer } = await load("trainer");
  const { toModel } = await load("training");
  const trainer = new Trainer();
  const end = await new Promise((resolve) => {
    trainer.start(settings, (progress) => progress.ended && resolve(progress));
  });
  if (end.failure) return end;
  return { ...end, weights: null, model: toModel(end.weights, {}) };
}
"""

QUIET = """
() => new Promise((resolve) => {
  let timer = setTimeout(resolve, 3000);
  new PerformanceObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(resolve, 3000);
  }).observe({ type: "resource" });
})
"""


@pytest.fixture(scope="module")
def modules(url: str, browser: Browser):
    """A page without the app, at the app's address: `load` imports a module of `static/`."""
    page = browser.new_page()
    page.goto(f"{url}{static_path()}/svg.js")
    page.evaluate("() => {window.load = (name) => import(new URL(`${name}.js`, location.href));}")
    yield page
    page.close()


def to_model(sent: dict[str, Any]) -> IrisMLP:
    """Return the network that the browser sent."""
    model = build_empty_model(sent["hidden"])
    names = {name: name.replace(".", "_") for name in model.state_dict()}
    model.load_state_dict({name: torch.tensor(sent[key]) for name, key in names.items()})
    return model


def measure_difference(ours: list[float], theirs: list[float]) -> float:
    """Return the largest relative difference."""
    return max(abs(a - b) / b for a, b in zip(ours, theirs, strict=True))


def draw_settings(chance) -> dict[str, Any]:
    optimizer = chance.choice(("sgd", "adam"))
    batch_size = chance.choice((120, 120, chance.randint(2, 119)))
    return {
        "optimizer": optimizer,
        # Adam divides by gradients that vanish: at higher rates two roundings part sooner.
        "lr": chance.choice((0.01, 0.03, 0.1) if optimizer == "sgd" else (0.0005, 0.001)),
        "epochs": chance.randint(200, 800) if batch_size == 120 else chance.randint(10, 40),
        "hidden": chance.randint(1, 64),
        "batch_size": batch_size,
        "seed": chance.randint(0, MAX_SEED),
        "record_every": chance.choice((1, 1, 3, 7)),
    }


def test_flowers_are_those_of_python_bit_for_bit(modules: Page):
    rows = modules.evaluate(
        """async () => {
          const { flowers, split } = await load("flowers");
          return [flowers, split.train, split.test].map(({ features, species }) =>
            [features.map((values) => [...values]), [...species]]);
        }"""
    )
    split = load_split()
    lengths_cm, species = load_flowers()
    inputs = torch.from_numpy(split.scaler.scale(lengths_cm))
    expected = (
        (inputs, torch.from_numpy(species)),
        (split.x_train, split.y_train),
        (split.x_test, split.y_test),
    )
    for (features, classes), (x, y) in zip(rows, expected, strict=True):
        assert torch.equal(torch.tensor(features, dtype=torch.float64).T, x.double())
        assert classes == y.tolist()


def test_first_weights_and_orders_are_those_of_pytorch_bit_for_bit(modules: Page, chance):
    cases = [
        (chance.choice((1, 10, chance.randint(1, 64), chance.randint(65, 1024))), seed)
        for seed in (0, MAX_SEED, *(chance.randint(0, MAX_SEED) for _ in range(30)))
    ]
    drawn = modules.evaluate(
        """async (cases) => {
          const { Generator, drawWeights, shuffle } = await load("random");
          const { toModel } = await load("training");
          return cases.map(([hidden, seed]) => {
            const generator = new Generator(seed), order = new Uint8Array(120);
            const orders = Array.from({ length: 3 }, () => (shuffle(generator, order), [...order]));
            return [toModel(drawWeights(hidden, seed), {}), orders];
          });
        }""",
        cases,
    )
    for (hidden, seed), (model, orders) in zip(cases, drawn, strict=True):
        expected = build_model(hidden, seed).state_dict()
        for name, tensor in to_model(model).state_dict().items():
            assert torch.equal(tensor, expected[name]), (hidden, seed, name)
        rows = shuffle_rows(seed)
        assert orders == [next(rows).tolist() for _ in range(3)], seed


@pytest.mark.parametrize("device", DEVICES)
def test_the_lesson_run_has_every_loss_of_the_lessons_loop(
    modules: Page, lesson_result: TrainResult, device: str
):
    end = modules.evaluate(TRAIN, LESSON | {"device": device})
    history = lesson_result.history
    assert end["epoch"] == 20_000
    assert measure_difference(end["losses"], list(history.losses)) < 1e-4
    assert measure_difference(end["testLosses"], list(history.test_losses)) < 1e-4
    assert lesson_result.checkpoint is not None
    expected = lesson_result.checkpoint.build_model()
    x_test = load_split().x_test
    with torch.no_grad():
        ours, theirs = to_model(end["model"])(x_test), expected(x_test)
    assert torch.equal(ours.argmax(1), theirs.argmax(1))


@pytest.mark.parametrize("device", DEVICES)
def test_random_settings_have_every_loss_of_the_lessons_loop(modules: Page, chance, device: str):
    x_test = load_rows()[2]
    for _ in range(6):
        settings = draw_settings(chance)
        every, epochs = settings["record_every"], settings["epochs"]
        test_epochs = {
            epoch
            for step in (TrainConfig(**settings).test_every,)
            for epoch in (*range(step, epochs, step), epochs)
        }
        own = {key: value for key, value in settings.items() if key != "record_every"}
        oracle = run_lesson(**own, test_epochs=test_epochs)
        recorded = [
            loss
            for epoch, loss in enumerate(oracle.losses, 1)
            if epoch % every == 0 or epoch == epochs
        ]
        end = modules.evaluate(TRAIN, settings | {"device": device})
        assert end.get("failure") is None, end
        assert measure_difference(end["losses"], recorded) < 1e-4, settings
        tests = [oracle.test_losses[epoch] for epoch in sorted(test_epochs)]
        assert measure_difference(end["testLosses"], tests) < 1e-3, settings
        with torch.no_grad():
            ours, theirs = to_model(end["model"])(x_test), oracle.model(x_test)
        sure = theirs.topk(2).values.diff().abs().flatten() > 1e-3
        assert torch.equal(ours.argmax(1)[sure], theirs.argmax(1)[sure]), settings


@pytest.mark.parametrize("device", DEVICES)
def test_a_run_ends_where_it_diverges(modules: Page, device: str):
    end = modules.evaluate(TRAIN, LESSON | {"lr": 1e30, "device": device})
    assert end["diverged"]
    assert end["epoch"] < 20_000


def test_a_new_run_ends_the_one_before(modules: Page):
    shown = modules.evaluate(
        """async (settings) => {
          const { Trainer } = await load("trainer");
          const trainer = new Trainer(), shown = [];
          await new Promise((resolve) => {
            trainer.start({ ...settings, epochs: 10_000_000 }, () => {
              shown.push("old");
              trainer.start({ ...settings, epochs: 300 }, ({ ended, losses }) => {
                shown.push("new");
                if (ended) { shown.push(losses.length); resolve(); }
              });
            });
          });
          return shown;
        }""",
        LESSON,
    )
    assert shown[0] == "old"
    assert shown[-1] == 300
    assert set(shown[1:-1]) == {"new"}


def choose_device(page: Page, name: str) -> None:
    page.locator(f'#device input[value="{name}"]').check()


@pytest.mark.parametrize("device", ["browser:cpu", "browser:gpu"])
def test_a_run_on_the_visitors_computer_ends_like_one_of_the_server(
    visit, tmp_path: Path, device: str
):
    oracle = run_lesson(epochs=2_000)
    with visit() as page:
        choose_device(page, device)
        page.get_by_label("Epochs", exact=True).fill("2000")
        page.click("#start")
        summary = page.locator(".run-summary")
        expect(summary).to_contain_text(f"{oracle.losses[-1]:.4f}")
        expect(summary).to_contain_text(device)
        expect(page.locator("#loss-chart .loss-chart-note")).to_contain_text("Done: 2,000 epochs")
        with page.expect_download() as download:
            page.click("#download")
        download.value.save_as(tmp_path / "w.safetensors")
        checkpoint = Checkpoint.load(tmp_path / "w.safetensors")
        for name, tensor in oracle.model.state_dict().items():
            assert torch.allclose(checkpoint.state[name], tensor, atol=1e-4)
        page.get_by_role("tab", name="Classify").click()
        expect(page.locator("dd", has_text="2,000").locator("visible=true")).to_be_visible()


def test_nothing_is_asked_while_the_visitors_computer_trains_and_stop_keeps_what_it_reached(visit):
    with visit() as page:
        choose_device(page, "browser:cpu")
        page.get_by_label("Epochs", exact=True).fill("9000000")
        page.click("#start")
        stop = page.locator("#visitor-run button")
        expect(stop).to_be_visible()
        expect(page.locator("#start")).to_be_enabled()
        elapsed = page.locator("#loss-chart .loss-chart-stats dd").first
        page.evaluate(QUIET)  # what follows the answer to Train, such as the script, has come
        before = elapsed.inner_text()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        expect(elapsed).not_to_have_text(before)
        assert requests == []
        stop.click()
        expect(page.locator("#loss-chart .loss-chart-note")).to_contain_text("Stopped at epoch")
        expect(page.locator("#download")).to_be_enabled()


def test_a_browser_without_webgpu_offers_its_cpu_alone(url: str, browser: Browser):
    page = browser.new_page(locale="en-US")
    page.add_init_script("Object.defineProperty(navigator, 'gpu', { value: undefined });")
    page.goto(url)
    choice = page.locator('#device label:has(input[value="browser:gpu"])')
    expect(choice).to_contain_text("no WebGPU")
    expect(choice.locator("input")).to_be_disabled()
    expect(page.locator('#device input[value="browser:cpu"]')).to_be_enabled()
    page.close()


def test_a_software_adapter_is_called_one(visit):
    with visit() as page:
        choice = page.locator('#device label:has(input[value="browser:gpu"])')
        expect(choice).to_contain_text("not a GPU")
