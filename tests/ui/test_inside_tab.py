import contextlib
import inspect
import io
import json
import re
import textwrap
from html import unescape
from pathlib import Path
from string import Formatter

import gradio as gr
import pytest
import torch
from torch import nn

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.data import CLASS_NAMES
from iris_mlp.inference import Classifier, shipped_classifier
from iris_mlp.inside.call_path import LAYERS, add_hooks, get_sources
from iris_mlp.inside.callables import MAX_CALLS, run_adder
from iris_mlp.inside.placement import list_places, run_moves, run_placement
from iris_mlp.inside.relu import compare_relu
from iris_mlp.inside.snippet import Snippet, run_snippet
from iris_mlp.inside.training_step import backward_by_hand, run_accumulation, step_flower
from iris_mlp.inside.walkthrough import explain_unit, walk_through
from iris_mlp.model import IrisMLP, build_model
from iris_mlp.strings import LANGUAGES
from iris_mlp.ui.components.code_block import highlight, render_code, render_run
from iris_mlp.ui.inside import tab as inside_tab
from iris_mlp.ui.inside.calling import render_toy
from iris_mlp.ui.inside.flower import PANELS
from iris_mlp.ui.inside.placement import render_moves, render_placement
from iris_mlp.ui.inside.relu import render_relu
from iris_mlp.ui.inside.step import render_accumulation, render_step
from iris_mlp.ui.inside.walk import MAX_CELLS, render_strips, render_unit
from tests.helpers import request_in

FLOWER_CM = (6.3, 2.8, 5.1, 1.5)
STRINGS = json.loads(
    (Path(inside_tab.__file__).parents[2] / "strings/inside.json").read_text("utf-8")
)


class Tab:
    """The tab as Gradio wires it: events are found by the component that triggers them."""

    def __init__(self):
        with gr.Blocks() as self.blocks:
            self.lengths = gr.HTML(list(FLOWER_CM))
            self.classifier = gr.State()
            self.tab = inside_tab.build(self.lengths, self.classifier)
        self.named = {c.elem_id: c for c in self.blocks.blocks.values() if c.elem_id}
        self.values = {c: getattr(c, "value", None) for c in self.blocks.blocks.values()}

    def set(self, classifier=None, lengths_cm=None, **named):
        """Put values where a visitor would; names are those of the page without `inside-`."""
        if classifier is not None:
            self.values[self.classifier] = classifier
        if lengths_cm is not None:
            self.values[self.lengths] = list(lengths_cm)
        for name, value in named.items():
            self.values[self.named[f"inside-{name.replace('_', '-')}"]] = value
        return self

    def keep(self, shown):
        self.values.update(shown)
        return {
            component.elem_id.removeprefix("inside-"): value
            for component, value in shown.items()
            if component.elem_id
        }

    def open(self, request=None):
        """Return what the tab shows when it is opened, by the names of the page."""
        return self.keep(
            self.tab.on_load({c: self.values[c] for c in self.tab.on_load_inputs}, request)
        )

    def touch(self, name, event="input", data=None):
        """Trigger the events of a component in turn, and return what they showed."""
        component, shown = self.named[f"inside-{name}"], {}
        for fn in self.blocks.fns.values():
            if (component._id, event) not in fn.targets:
                continue
            given = [{c: self.values[c] for c in fn.inputs}, None]
            shown |= self.keep(fn.fn(*given, *([data] if data else [])))
        return shown


def fill(request=None, **values):
    return Tab().set(**values).open(request)


def make_classifier(hidden, seed=3):
    state = {
        name: tensor.detach() for name, tensor in build_model(hidden, seed).state_dict().items()
    }
    return Classifier(Checkpoint(state, shipped_classifier().checkpoint.scaler, {}, {}))


def hostile(key, **values):
    return f"<x>{key} {values}</x>"


def read_text(html):
    return unescape(re.sub(r"<[^>]+>", "", html))


def read_number(text):
    return float(text.replace("−", "-"))


def plain_step(classifier, species, lr):
    """Return the lesson's step in plain PyTorch: gradients and updated values by name."""
    checkpoint = classifier.checkpoint
    model = build_model(checkpoint.hidden, 0)
    model.load_state_dict(checkpoint.state)
    x = torch.from_numpy(checkpoint.scaler.scale([FLOWER_CM]))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    nn.CrossEntropyLoss()(model(x), torch.tensor([species])).backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    optimizer.step()
    return gradients, {name: p.detach() for name, p in model.named_parameters()}


@pytest.mark.parametrize(
    "code",
    [
        *get_sources().values(),
        inspect.getsource(backward_by_hand),
        'a = "<b>&amp;" + f"{1 + 2!r:>3} {{x}} <i>"  # if <x> & y\n',
        "x = '''\n<script>\n  two\n'''\ny = 0x1F\n",
    ],
)
def test_highlighted_code_reads_as_the_code_and_nothing_of_it_is_markup(code):
    code = inspect.cleandoc(code) + "\n"
    lines = highlight(code)
    assert [read_text(line) for line in lines] == code.rstrip("\n").split("\n")
    allowed = r"</?span(?: class=\"[a-z0-9]{1,3}\")?>"
    assert "<" not in re.sub(allowed, "", "".join(lines))
    assert all(line.count("<span") == line.count("</span>") for line in lines)


def test_error_is_shown_with_its_line_and_escaped():
    snippet = run_snippet("a = 1\nint('<b>')\n", expected=(ValueError,))
    shown = render_run(snippet, "code", hostile)
    assert "<mark>" in shown[shown.index("<code>") :].splitlines()[1]
    assert "ValueError: invalid literal for int() with base 10: &#39;&lt;b&gt;&#39;" in shown


def test_counter_counts_on_until_its_cap_and_begins_anew():
    tab = Tab()
    tab.open()
    shown = tab.touch("call", "click")
    assert "<samp>1\n2\n3\n3 0</samp>" in shown["counter-view"]
    assert "<samp>1\n1 0</samp>" in tab.touch("new-counter", "click")["counter-view"]
    for _ in range(MAX_CALLS - 1):
        shown = tab.touch("call", "click")
    assert shown["call"]["interactive"] is False
    with pytest.raises(gr.Error, match="from 1 to 20"):
        tab.touch("call", "click")


def test_adder_adds_the_numbers_of_the_visitor_beside_its_source(chance):
    a, b = chance.randint(-99, 99), chance.uniform(-9, 9)
    shown = Tab().set(a=a, b=b).touch("a")["adder-view"]
    assert f"<samp>{a + b}</samp>" in shown
    assert f"print(add({a!r}, {b!r}))" in read_text(shown)
    assert "def __call__(self, a: float, b: float) -> float:" in read_text(shown)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300, "__import__('os')", True])
def test_what_is_not_a_number_is_refused(number):
    with pytest.raises(gr.Error, match="Give two numbers"):
        Tab().set(a=number).touch("b")


def test_emptied_number_fields_change_nothing():
    assert Tab().set(a=None).touch("a") == {"adder-view": gr.skip()}
    assert Tab().set(lr=None).touch("lr") == {"step-view": gr.skip()}


def test_call_of_a_layer_is_followed_to_its_class():
    assert "Module defines __call__: True" in fill()["lookup-view"]


def trace(*hooked, every_call=False):
    shown = Tab().set(hooked=list(hooked), every_call=every_call).touch("hooked")
    return shown["comparison-view"], shown["paths-view"]


def test_hooks_of_the_model_fire_for_the_call_alone():
    comparison, paths = trace("model", "fc1")
    rows = re.findall(r"<tr class=.*?</tr>", comparison, re.DOTALL)
    assert [("fired" in row, "skipped" in row) for row in rows] == [
        *((True, True), (True, False), (True, False), (True, True)),
    ]
    text = read_text(comparison)
    assert "model(x) fired 4 hooks, model.forward(x) only 2" in text
    assert "skipped those on model." in text
    assert "The logits are the same." in text
    assert paths.count('class="call-path"') == 2


@pytest.mark.parametrize(
    ("hooked", "sentence"),
    [
        ([], "No hooks are set"),
        (["fc1", "fc2"], "Both lines fired the same 4 hooks"),
        (["model"], "model(x) fired 2 hooks, model.forward(x) none"),
        (list(LAYERS), "model(x) fired 8 hooks, model.forward(x) only 6"),
    ],
)
def test_conclusion_follows_what_happened(hooked, sentence):
    assert sentence in read_text(trace(*hooked)[0])


def test_tree_nests_calls_and_every_call_adds_the_quiet_ones():
    _, short = trace()
    _, full = trace(every_call=True)
    for html in (short, full):
        for tag in ("ol", "li", "div", "section"):
            assert html.count(f"<{tag}") == html.count(f"</{tag}>"), tag
    assert "quiet" not in short
    assert "Module.<wbr>__getattr__" in full
    first = short.index("IrisMLP.<wbr>__call__")
    assert first < short.index("torch.<wbr>nn.<wbr>functional.<wbr>linear")
    total = int(re.search(r"of (\d+) calls", full).group(1))
    assert full.split("</section>")[0].count('class="call"') == total


def test_unknown_layer_is_refused():
    with pytest.raises(gr.Error, match="layers of model"):
        trace("fc9")


def test_strips_hold_the_numbers_of_plain_pytorch():
    classifier = make_classifier(hidden=7)
    checkpoint = classifier.checkpoint
    model = build_model(7, 3)
    x = torch.from_numpy(checkpoint.scaler.scale([FLOWER_CM]))
    with torch.no_grad():
        z = model.fc1(x)
        logits = model(x)
        loss = nn.CrossEntropyLoss()(logits, torch.tensor([2])).item()
    tab = Tab().set(classifier=classifier, true_class="virginica")
    tab.touch("strips-view", "choose", gr.EventData(None, {"unit": 4}))
    strips = tab.touch("true-class")["strips-view"]
    shown = [read_number(text) for text in re.findall(r"</small>([^<]+)<", strips)]
    expected = [
        *FLOWER_CM,
        *x[0].tolist(),
        *z[0].tolist(),
        *z.relu()[0].tolist(),
        *logits[0].tolist(),
        *logits.softmax(1)[0].tolist(),
        loss,
    ]
    assert shown == pytest.approx(expected, abs=5.1e-5)
    assert re.findall(r'data-unit="(\d+)" aria-pressed="true"', strips) == ["4", "4"]
    assert "L(virginica)" in strips


def test_chosen_unit_is_written_out_and_adds_up():
    classifier = make_classifier(hidden=7)
    for unit in range(7):
        tab = Tab().set(classifier=classifier)
        shown = tab.touch("strips-view", "choose", gr.EventData(None, {"unit": unit}))["unit-view"]
        rows = re.findall(r"<tr>.*?</tr>", shown, re.DOTALL)
        values = [read_number(re.findall(r"<td>([^<]+)</td>", row)[0]) for row in rows[:5]]
        total, activation = (read_number(re.findall(r"<td>([^<]+)<", row)[0]) for row in rows[5:])
        assert sum(values) == pytest.approx(total, abs=3e-4)
        assert activation == max(0, total)
        assert ("is inactive" in shown) == (total <= 0)


@pytest.mark.parametrize("unit", [10, -1, "1", None, 2.5, True])
def test_unit_that_does_not_exist_is_refused(unit):
    with pytest.raises(gr.Error, match="unit must be from 0 to 9"):
        Tab().touch("strips-view", "choose", gr.EventData(None, {"unit": unit}))
    with pytest.raises(gr.Error, match="unit must be"):
        Tab().touch("strips-view", "choose", gr.EventData(None, {}))


def test_chosen_unit_falls_back_where_new_weights_have_fewer():
    tab = Tab()
    tab.touch("strips-view", "choose", gr.EventData(None, {"unit": 8}))
    assert "fc1.weight[0, 0]" in tab.set(classifier=make_classifier(hidden=3)).open()["unit-view"]


def list_figures(html):
    """Return code, printed lines and error line of each code block on the page."""
    for figure in re.findall(r'<figure class="code-block">(.*?)</figure>', html, re.DOTALL):
        code = read_text(re.findall(r"<code>(.*?)</code></pre>", figure, re.DOTALL)[0])
        below = [r'="printed"><span>[^<]*', r'raised"><span>[^<]*']
        found = (re.search(f"{way}</span><samp>(.*?)</samp>", figure, re.DOTALL) for way in below)
        yield code, *(read_text(match[1]) if match else None for match in found)


def test_every_code_on_the_page_prints_and_raises_what_stands_below_it():
    """What is shown is pasted into a plain Python, classes and all, with the imports it needs."""
    view = fill(classifier=make_classifier(hidden=6))
    names = {"torch": torch, "nn": nn, "build_model": build_model}
    runs = 0
    for part in ("counter", "lookup", "adder", "placement", "moves", "relu"):
        given = dict(names)
        for code, printed, raised in list_figures(view[f"{part}-view"]):
            if printed is None and raised is None and not code.startswith("class "):
                continue  # a listing of the package's source, which needs the package
            output, error = io.StringIO(), None
            with contextlib.redirect_stdout(output):
                try:
                    exec(code, given)
                except RuntimeError as caught:
                    error = f"RuntimeError: {caught}"
            assert output.getvalue().rstrip("\n") == (printed or "")
            assert error == raised
            runs += printed is not None or raised is not None
    assert runs == 7


def test_every_listing_on_the_page_is_source_that_is_installed_here():
    view = fill()
    functions = [nn.Module.__call__, nn.Module._call_impl, IrisMLP.forward, add_hooks]
    functions += [walk_through, build_model, nn.functional.relu, nn.ReLU.forward, backward_by_hand]
    shown = {code.strip() for part in view.values() for code, *_ in list_figures(str(part))}
    for function in functions:
        assert textwrap.dedent(inspect.getsource(function)).strip() in shown, function


def place(model, x):
    return Tab().set(model_device=model, input_device=x).touch("model-device")["placement-view"]


def test_devices_that_differ_show_the_error_of_this_version_and_the_mended_code():
    shown = place("cpu", "meta")
    with pytest.raises(RuntimeError) as truth:
        build_model(10, 0)(torch.zeros(1, 4, device="meta"))
    assert f"RuntimeError: {truth.value}" in unescape(shown)
    assert torch.__version__ in shown
    assert read_text(re.search("<mark>(.*)</mark>", shown)[1]) == "logits = model(x)"
    assert "<samp>(1, 3) cpu</samp>" in shown


def test_devices_that_agree_run():
    assert "it runs." in place("cpu", "cpu")
    assert "no numbers" in place("meta", "meta")
    assert "printed raised" not in place("meta", "meta")


def test_device_that_is_not_here_is_refused_without_markup():
    with pytest.raises(gr.Error, match="choose one of cpu") as raised:
        place('<img src=x>"', "cpu")
    assert "<img" not in raised.value.message


def test_zerogpu_offers_no_gpu_to_the_process_that_serves_the_page(monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert list_places() == ["cpu", "meta"]


def step(**values):
    return Tab().set(**values).touch("lr")["step-view"]


@pytest.mark.parametrize("species", CLASS_NAMES)
def test_gradients_and_updates_are_those_of_plain_pytorch(species, chance):
    classifier, lr = make_classifier(hidden=5), chance.choice([0.01, 0.5, 3.0])
    gradients, updated = plain_step(classifier, CLASS_NAMES.index(species), lr)
    shown = step(classifier=classifier, true_class=species, lr=lr)
    for section in re.findall(r'<section class="step-tensor">.*?</section>', shown, re.DOTALL):
        name = re.search(r"<code>([^<]+)</code>", section).group(1)
        rows = [re.findall(r"<td>([^<]+)</td>", row) for row in section.split("<tr>")[2:]]
        numbers = torch.tensor([[read_number(cell) for cell in row] for row in rows])
        for column, truth in ((1, gradients), (2, gradients), (4, updated), (5, updated)):
            expected = truth[name].flatten()
            assert torch.allclose(numbers[:, column], expected, rtol=1e-4, atol=1e-6), name
    assert shown.count("step-tensor") - 1 == 4


def test_step_on_the_training_rows_has_120_of_them():
    shown = step(rows="batch")
    assert "Rows: 120." in shown


def test_silent_units_are_counted():
    x = shipped_classifier().checkpoint.scaler.scale([FLOWER_CM])
    with torch.no_grad():
        z = shipped_classifier().checkpoint.build_model().fc1(torch.from_numpy(x))
    shown = step(true_class="setosa")
    assert f"{int((z <= 0).sum())} of the 10 hidden units get a gradient of exactly 0" in shown


@pytest.mark.parametrize("lr", [0, -1, float("nan"), float("inf"), "fast", True, "<img src=x>"])
def test_bad_learning_rate_is_refused_in_the_place_of_the_old_numbers(lr):
    shown = step(lr=lr)
    assert "(learning rate) must be a number above 0" in shown
    assert "step-tensor" not in shown
    assert "<img" not in shown


def test_huge_learning_rate_is_told_with_the_size_of_what_differs():
    lr = 1e9
    _, updated = plain_step(shipped_classifier(), 0, lr)
    largest = max(float(tensor.abs().max()) for tensor in updated.values())
    shown = read_text(step(true_class="setosa", lr=lr))
    most, share = re.search(
        r"differ by at most (\S+), which is (\S+) of the largest one", shown.replace("−", "-")
    ).groups()
    assert float(most) / largest == pytest.approx(float(share), rel=0.2)
    assert float(share) < 1e-5


def test_unknown_rows_species_and_lengths_are_refused():
    with pytest.raises(gr.Error, match="flower, batch"):
        step(rows="all")
    with pytest.raises(gr.Error, match="setosa, versicolor, virginica"):
        step(true_class="rose")
    with pytest.raises(gr.Error, match="petal_width is None"):
        fill(lengths_cm=(5, 3, 4, None))


def test_wide_layer_is_cut_short_and_says_so():
    view = fill(classifier=make_classifier(hidden=1000))
    assert f"first {MAX_CELLS} of 1000 hidden units" in view["strips-view"]
    assert view["strips-view"].count("data-unit=") == 2 * MAX_CELLS
    assert "of 4000 numbers" in view["step-view"]
    assert sum(len(str(part)) for part in view.values()) < 200_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_whole_tab_speaks_the_language_of_the_visitor(language):
    view = fill(request_in(language))
    titles = [STRINGS[f"link_{name}"][language] for name in PANELS]
    assert all(title in unescape(view["subject-view"]) for title in titles)
    assert STRINGS["mended"][language] in view["placement-view"]
    for part in view.values():
        assert "inside." not in read_text(str(part)).replace("inside.py", "")


def test_every_text_stands_in_both_languages_with_the_same_values():
    for key, texts in STRINGS.items():
        assert set(texts) == set(LANGUAGES), key
        fields = [{name for _, name, _, _ in Formatter().parse(texts[it]) if name} for it in texts]
        assert fields[0] == fields[1], key


def test_chinese_texts_hold_chinese():
    plain = {"link_relu", "by_autograd", "two_sentences", "instead_array"}
    for key, texts in STRINGS.items():
        assert key in plain or re.search(r"[\u4e00-\u9fff]", texts["zh-CN"]), key


def test_no_text_of_a_catalogue_or_a_result_becomes_markup():
    checkpoint = shipped_classifier().checkpoint
    walk = walk_through(checkpoint, FLOWER_CM, 1)
    sums = explain_unit(checkpoint, walk.scaled, 3)
    evil = Snippet("x = '<x>'", ("<x>",), None, {})
    for html in (
        render_strips(walk, 0, hostile),
        render_unit(sums, 0.5, hostile),
        render_toy(run_adder(), hostile),
        render_placement(run_placement("cpu", "meta"), hostile),
        render_moves(run_moves(), hostile),
        render_relu(compare_relu([1.0, -1.0]), hostile),
        render_step(step_flower(checkpoint, FLOWER_CM, 1), hostile),
        render_run(evil, "<x>", hostile),
        render_code("a = '<x>'", "<x>"),
        render_accumulation(run_accumulation(checkpoint), hostile),
    ):
        assert "<x>" not in html
        assert "&lt;x&gt;" in html


def test_pictures_and_what_scrolls_have_names():
    view = fill()
    for svg in re.findall(r"<svg[^>]*>", view["step-view"]):
        assert 'role="img"' in svg
        assert re.search(r'aria-label="Gradient of fc\d', svg)
    for part in view.values():
        for tag in re.findall(r"<pre[^>]*>|<div class=\"inside-table\"[^>]*>", str(part)):
            assert 'tabindex="0"' in tag
            assert 'aria-label="' in tag


def test_weights_of_ten_units_by_four_inputs_are_drawn_ten_rows_by_four():
    shown = fill()["step-view"]
    sizes = re.findall(r'<svg class="heat"[^>]*width="(\d+)" height="(\d+)"', shown)
    cells = [(int(width) // 18, int(height) // 18) for width, height in sizes[::2]]
    assert cells == [(4, 10), (10, 1), (10, 3), (3, 1)]


def test_events_are_private_and_every_output_is_filled():
    tab = Tab()
    assert all(event.api_visibility == "private" for event in tab.blocks.fns.values())
    given = {c: tab.values[c] for c in tab.tab.on_load_inputs}
    assert set(tab.tab.on_load(given, None)) == set(tab.tab.on_load_outputs)
