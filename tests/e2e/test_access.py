"""People with a keyboard, a screen reader, a small screen, or no wish for things that move."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from iris_mlp.strings import translator

# What stands in a tab once the server has filled it.
FILLED = {
    "train": "#loss-chart .loss-chart-stats > div",
    "classify": "#verdict .bars",
    "explore": "button",
    "compare": "#race-start",
    "inside": "#inside-step-view .heat",
    "hardware": "#hardware-comparison .hw-table",
}

# Elements that leave the page, or text that is wider than the box that hides what stands out.
# What scrolls within a box of its own is within reach; Gradio's tab bar measures hidden copies.
FIND_CUT = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (node) => /auto|scroll/.test(getComputedStyle(node).overflowX);
  const found = [];
  for (const node of document.querySelectorAll(".gradio-container *")) {
    const box = node.getBoundingClientRect();
    if (!box.width || !box.height || node.closest(".tab-wrapper, .sr-only")) continue;
    let parent = node.parentElement;
    while (parent && !scrolls(parent)) parent = parent.parentElement;
    const style = getComputedStyle(node);
    const leaves = !parent && (box.right > width + 1 || box.left < -1);
    const hides = /hidden|clip/.test(style.overflowX) && node.scrollWidth > node.clientWidth + 1;
    const shortens = style.textOverflow === "ellipsis" && node.title;
    if (leaves || (hides && box.width > 8 && !shortens))
      found.push(`${node.tagName} ${node.id || node.getAttribute("class")}`);
  }
  return found;
}"""

# Then what watches its own size has drawn itself anew.
AFTER_TWO_FRAMES = """new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(done)))"""

MARK_CONTROLS = """() => {
  const kinds = "a[href], button, input, textarea, select, summary, [tabindex='0']";
  document.querySelectorAll("[data-control]").forEach((node) => delete node.dataset.control);
  const groups = new Set();
  let count = 0;
  for (const node of document.querySelectorAll(kinds)) {
    if (node.disabled || node.tabIndex < 0 || node.type === "file") continue;
    if (!node.checkVisibility({ visibilityProperty: true })) continue;
    // One stop for a group of radio buttons; arrow keys go on from there.
    const group = node.type === "radio" && node.name;
    if (group && groups.has(group)) continue;
    groups.add(group);
    node.dataset.control = group || count;
    count += 1;
  }
  document.querySelectorAll("input[type=radio]").forEach((node) => {
    if (groups.has(node.name)) node.dataset.control = node.name;
  });
  // From the top of the page, not from where the last click was.
  document.body.tabIndex = -1;
  document.body.focus();
  return [...new Set([...document.querySelectorAll("[data-control]")].map(
    (node) => node.dataset.control))];
}"""

# Itself, or where it is drawn by another element, that one.
LOOK_AT_FOCUS = """() => {
  const node = document.activeElement;
  const ring = (each) => {
    if (!each) return false;
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
      && parseFloat(style.opacity) > 0;
  };
  const seen = [node, node.nextElementSibling, node.closest("label")].some(ring);
  return [node.dataset.control ?? null, seen, node.outerHTML.slice(0, 160)];
}"""


def open_tab(page: Page, key: str, language: str) -> None:
    page.get_by_role("tab", name=translator(language)(f"{key}.tab"), exact=True).click()
    page.get_by_role("tabpanel").locator(FILLED[key]).filter(visible=True).first.wait_for()


def unfold_all(page: Page) -> None:
    page.evaluate("""() => {
      for (const fold of document.querySelectorAll("button.label-wrap:not(.open)"))
        if (fold.offsetParent) fold.click();
      for (const fold of document.querySelectorAll("details")) fold.open = true;
    }""")
    for fold in page.locator("button.label-wrap").filter(visible=True).all():
        expect(fold).to_have_attribute("aria-expanded", "true")


def train_briefly(page: Page, language: str) -> None:
    t = translator(language)
    page.get_by_label(t("train.epochs"), exact=True).fill("300")
    page.get_by_label(t("train.epochs"), exact=True).press("Tab")
    page.click("#start")
    page.locator(".run-summary").wait_for()


@pytest.mark.parametrize(
    ("scheme", "locale", "language"), [("light", "en-US", "en"), ("dark", "zh-CN", "zh-CN")]
)
def test_axe_finds_nothing_serious_on_any_tab(visit, scheme: str, locale: str, language: str):
    found = []
    with visit(locale=locale, color_scheme=scheme, reduced_motion="reduce") as page:
        train_briefly(page, language)
        for key in FILLED:
            open_tab(page, key, language)
            unfold_all(page)
            for rule in Axe().run(page).response["violations"]:
                if rule["impact"] in ("serious", "critical"):
                    nodes = [node["html"][:160] for node in rule["nodes"][:3]]
                    found.append((key, rule["id"], len(rule["nodes"]), nodes))
    assert found == []


def test_tab_reaches_every_control_and_shows_where_it_is(visit):
    missed, unseen = [], []
    with visit(reduced_motion="reduce") as page:
        train_briefly(page, "en")
        for key in FILLED:
            open_tab(page, key, "en")
            unfold_all(page)
            controls = page.evaluate(MARK_CONTROLS)
            reached = set()
            for _ in range(2 * len(controls)):
                page.keyboard.press("Tab")
                control, ring, html = page.evaluate(LOOK_AT_FOCUS)
                if control is None:  # past the last one
                    break
                reached.add(control)
                if not ring:
                    unseen.append((key, html))
            missed += [
                (key, page.locator(f"[data-control='{name}']").first.evaluate("e => e.outerHTML"))
                for name in controls
                if name not in reached
            ]
    assert missed == []
    assert unseen == []


def test_the_keyboard_alone_trains_stops_and_looks_around(visit):
    with visit() as page:
        page.get_by_label("Epochs", exact=True).fill("9000000")
        page.locator("#start").press("Enter")
        expect(page.locator("#stop")).to_be_enabled(timeout=30_000)
        page.locator("#stop").press("Space")
        expect(page.locator(".loss-chart-note")).to_contain_text("Stopped", timeout=30_000)

        fold = page.get_by_role("button", name="Training log")
        for key, state in (("Enter", "true"), ("Space", "false")):
            fold.press(key)
            expect(fold).to_have_attribute("aria-expanded", state)

        tabs = page.get_by_role("tab")
        tabs.first.focus()
        for key, at in (("ArrowRight", 1), ("ArrowLeft", 0), ("End", -1), ("ArrowRight", 0)):
            page.keyboard.press(key)
            expect(tabs.nth(at)).to_be_focused()
            expect(tabs.nth(at)).to_have_attribute("aria-selected", "true")


def test_a_screen_reader_hears_how_a_run_ended_and_what_the_flower_is(visit):
    with visit() as page:
        status = page.locator("#loss-chart [role=status]")
        before = status.element_handle()
        train_briefly(page, "en")
        expect(status).to_contain_text("Done: 300 epochs")
        assert before.evaluate("node => node.isConnected"), "a new place is not announced"
        expect(page.get_by_role("img", name="Loss curve: Done: 300 epochs")).to_be_visible()
        open_tab(page, "classify", "en")
        live = page.locator("#verdict[aria-live=polite]")
        before = live.element_handle()
        page.get_by_role("slider").nth(2).fill("1.4")
        page.get_by_role("slider").nth(3).fill("0.2")
        expect(live).to_contain_text("setosa", timeout=30_000)
        assert before.evaluate("node => node.isConnected"), "a new place is not announced"


@pytest.mark.parametrize(("wish", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_moves_for_those_who_wish_so(visit, wish: str, moves: bool):
    with visit(reduced_motion=wish) as page:
        page.get_by_label("Epochs", exact=True).fill("9000000")
        page.locator("#start").press("Enter")
        page.locator(".loss-chart .head.running").wait_for()
        names = page.evaluate("document.getAnimations().map((each) => each.animationName)")
        page.click("#stop")
        expect(page.locator("#start")).to_be_enabled()
    assert ("iris-pulse" in names) is moves
    assert moves or names == []


@pytest.mark.parametrize(
    ("scheme", "locale", "language"), [("light", "en-US", "en"), ("dark", "zh-CN", "zh-CN")]
)
def test_nothing_is_cut_at_any_width(visit, scheme: str, locale: str, language: str):
    cut = []
    with visit(locale=locale, color_scheme=scheme, reduced_motion="reduce") as page:
        train_briefly(page, language)
        for key in FILLED:
            open_tab(page, key, language)
            unfold_all(page)
            if key == "compare":
                page.click("#memory-start")
                page.locator(".memory thead th").nth(3).wait_for()
            for width in (360, 768, 1920, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                page.evaluate(AFTER_TWO_FRAMES)
                cut += [(key, width, what) for what in page.evaluate(FIND_CUT)]
    assert cut == []
