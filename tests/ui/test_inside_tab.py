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
from iris_mlp.inside.training_step import backward_by_hand, step_flower
from iris_mlp.inside.walkthrough import explain_unit, walk_through
from iris_mlp.model import IrisMLP, build_model
from iris_mlp.strings import LANGUAGES
from iris_mlp.ui.components.code_block import highlight, render_code, render_folded, render_run
from iris_mlp.ui.inside import tab as inside_tab
from iris_mlp.ui.inside.call_path_panel import trace_calls
from iris_mlp.ui.inside.calling_panel import add_numbers, call_again, render_toy, start_counter
from iris_mlp.ui.inside.placement_panel import place, render_moves, render_placement
from iris_mlp.ui.inside.relu_panel import render_relu
from iris_mlp.ui.inside.step_panel import render_step, take_step
from iris_mlp.ui.inside.subject_panel import PANELS, render_subject
from iris_mlp.ui.inside.tab import choose_class, fill_tab
from iris_mlp.ui.inside.walkthrough_panel import (
    MAX_CELLS,
    choose_unit,
    format_number,
    render_strips,
    render_unit,
)
from tests.helpers import request_in

FLOWER_CM = [6.3, 2.8, 5.1, 1.5]
STRINGS = json.loads(
    (Path(inside_tab.__file__).parents[2] / "strings/inside.json").read_text("utf-8")
)


def make_classifier(hidden, seed=3):
    state = {
        name: tensor.detach() for name, tensor in build_model(hidden, seed).state_dict().items()
    }
    return Classifier(Checkpoint(state, shipped_classifier().checkpoint.scaler, {}, {}))


def fill(request=None, classifier=None, hooked=("model", "fc1"), unit=0, lengths_cm=FLOWER_CM):
    return fill_tab(
        request,
        classifier,
        *(2, 3, 5, list(hooked), False, "own", unit, "cpu", "meta", "flower", 0.01),
        lengths_cm,
    )


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
    allowed = r"</?span(?: class=\"(?:keyword|string|number|comment|defined)\")?>"
    assert "<" not in re.sub(allowed, "", "".join(lines))
    assert all(line.count("<span") == line.count("</span>") for line in lines)


def test_error_is_shown_with_its_line_and_escaped():
    snippet = run_snippet("a = 1\nint('<b>')\n", expected=(ValueError,))
    shown = render_run(snippet, "code", hostile)
    assert "<mark>" in shown.splitlines()[1]
    assert "ValueError: invalid literal for int() with base 10: &#x27;&lt;b&gt;&#x27;" in shown


def test_counter_counts_on_until_its_cap_and_begins_anew():
    calls, shown, button = call_again(None, 2)
    assert (calls, button["interactive"]) == (3, True)
    assert "<samp>1\n2\n3</samp>" in shown
    assert call_again(None, MAX_CALLS - 1)[2]["interactive"] is False
    with pytest.raises(gr.Error, match="from 1 to 20"):
        call_again(None, MAX_CALLS)
    assert "<samp>1</samp>" in start_counter(None)[1]


def test_adder_adds_the_numbers_of_the_visitor_beside_its_source(chance):
    a, b = chance.randint(-99, 99), chance.uniform(-9, 9)
    shown = add_numbers(None, a, b)
    assert f"<samp>{a + b}</samp>" in shown
    assert f"print(add({a!r}, {b!r}))" in read_text(shown)
    assert "def __call__(self, a: float, b: float) -> float:" in read_text(shown)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300, "__import__('os')", True])
def test_what_is_not_a_number_is_refused(number):
    with pytest.raises(gr.Error, match="Give two numbers"):
        add_numbers(None, number, 1)


def test_emptied_number_fields_change_nothing():
    assert add_numbers(None, None, 1) == gr.skip()
    assert take_step(None, None, "own", "flower", None, FLOWER_CM) == gr.skip()


def test_hooks_of_the_model_fire_for_the_call_alone():
    comparison, paths = trace_calls(None, None, ["model", "fc1"], False, FLOWER_CM)
    rows = re.findall(r"<tr class=.*?</tr>", comparison)
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
    assert sentence in read_text(trace_calls(None, None, hooked, False, FLOWER_CM)[0])


def test_tree_nests_calls_and_every_call_adds_the_quiet_ones():
    _, short = trace_calls(None, None, [], False, FLOWER_CM)
    _, full = trace_calls(None, None, [], True, FLOWER_CM)
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
        trace_calls(None, None, ["fc9"], False, FLOWER_CM)


def test_strips_hold_the_numbers_of_plain_pytorch():
    classifier = make_classifier(hidden=7)
    checkpoint = classifier.checkpoint
    model = build_model(7, 3)
    x = torch.from_numpy(checkpoint.scaler.scale([FLOWER_CM]))
    with torch.no_grad():
        z = model.fc1(x)
        logits = model(x)
        loss = nn.CrossEntropyLoss()(logits, torch.tensor([2])).item()
    strips, _ = choose_class(None, classifier, "virginica", 4, "flower", 0.01, FLOWER_CM)
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
        index, shown = choose_unit(None, gr.EventData(None, {"unit": unit}), classifier, FLOWER_CM)
        assert index == unit
        rows = re.findall(r"<tr>.*?</tr>", shown)
        values = [read_number(re.findall(r"<td>([^<]+)</td>", row)[0]) for row in rows[:5]]
        total, activation = (read_number(re.findall(r"<td>([^<]+)<", row)[0]) for row in rows[5:])
        assert sum(values) == pytest.approx(total, abs=3e-4)
        assert activation == max(0, total)
        assert ("is inactive" in shown) == (total <= 0)


@pytest.mark.parametrize("unit", [10, -1, "1", None, 2.5, True])
def test_unit_that_does_not_exist_is_refused(unit):
    with pytest.raises(gr.Error, match="unit must be from 0 to 9"):
        choose_unit(None, gr.EventData(None, {"unit": unit}), None, FLOWER_CM)
    with pytest.raises(gr.Error, match="unit must be"):
        choose_unit(None, gr.EventData(None, {}), None, FLOWER_CM)


def test_chosen_unit_falls_back_where_new_weights_have_fewer():
    view = fill(classifier=make_classifier(hidden=3), unit=8)
    assert view.unit_index == 0
    assert "fc1.weight[0, 0]" in view.unit


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
    for part in (view.counter, view.adder, view.placement, view.moves, view.relu):
        given = dict(names)
        for code, printed, raised in list_figures(part):
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
    assert runs == 6


def test_every_listing_on_the_page_is_source_that_is_installed_here():
    view = fill()
    functions = [nn.Module.__call__, nn.Module._call_impl, IrisMLP.forward, add_hooks]
    functions += [walk_through, build_model, nn.functional.relu, nn.ReLU.forward, backward_by_hand]
    shown = {code.strip() for part in view for code, *_ in list_figures(str(part))}
    for function in functions:
        assert textwrap.dedent(inspect.getsource(function)).strip() in shown, function


def test_devices_that_differ_show_the_error_of_this_version_and_the_mended_code():
    shown = place(None, None, "cpu", "meta", FLOWER_CM)
    with pytest.raises(RuntimeError) as truth:
        build_model(10, 0)(torch.zeros(1, 4, device="meta"))
    assert f"RuntimeError: {truth.value}" in unescape(shown)
    assert torch.__version__ in shown
    assert "<mark>logits = model(x)</mark>" in shown
    assert "<samp>(1, 3) cpu</samp>" in shown


def test_devices_that_agree_run():
    assert "it runs." in place(None, None, "cpu", "cpu", FLOWER_CM)
    assert "no numbers" in place(None, None, "meta", "meta", FLOWER_CM)
    assert "raised" not in place(None, None, "meta", "meta", FLOWER_CM)


def test_device_that_is_not_here_is_refused_without_markup():
    with pytest.raises(gr.Error, match="choose one of cpu") as raised:
        place(None, None, '<img src=x>"', "cpu", FLOWER_CM)
    assert "<img" not in raised.value.message


def test_zerogpu_offers_no_gpu_to_the_process_that_serves_the_page(monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert list_places() == ["cpu", "meta"]


@pytest.mark.parametrize("species", CLASS_NAMES)
def test_gradients_and_updates_are_those_of_plain_pytorch(species, chance):
    classifier, lr = make_classifier(hidden=5), chance.choice([0.01, 0.5, 3.0])
    gradients, updated = plain_step(classifier, CLASS_NAMES.index(species), lr)
    shown = take_step(None, classifier, species, "flower", lr, FLOWER_CM)
    for section in re.findall(r'<section class="step-tensor">.*?</section>', shown):
        name = re.search(r"<code>([^<]+)</code>", section).group(1)
        rows = [re.findall(r"<td>([^<]+)</td>", row) for row in section.split("<tr>")[2:]]
        numbers = torch.tensor([[read_number(cell) for cell in row] for row in rows])
        for column, truth in ((1, gradients), (2, gradients), (4, updated), (5, updated)):
            expected = truth[name].flatten()
            assert torch.allclose(numbers[:, column], expected, rtol=1e-4, atol=1e-6), name
    assert shown.count("step-tensor") - 1 == 4


def test_step_on_the_training_rows_has_120_of_them():
    shown = take_step(None, None, "own", "batch", 0.01, FLOWER_CM)
    assert "Rows: 120." in shown


def test_silent_units_are_counted():
    x = shipped_classifier().checkpoint.scaler.scale([FLOWER_CM])
    with torch.no_grad():
        z = shipped_classifier().checkpoint.build_model().fc1(torch.from_numpy(x))
    shown = take_step(None, None, "setosa", "flower", 0.01, FLOWER_CM)
    assert f"{int((z <= 0).sum())} of the 10 hidden units get a gradient of exactly 0" in shown


@pytest.mark.parametrize("lr", [0, -1, float("nan"), float("inf"), "fast", True, "<img src=x>"])
def test_bad_learning_rate_is_refused_in_the_place_of_the_old_numbers(lr):
    shown = take_step(None, None, "own", "flower", lr, FLOWER_CM)
    assert "(learning rate) must be a number above 0" in shown
    assert "step-tensor" not in shown
    assert "<img" not in shown


def test_huge_learning_rate_is_told_with_the_size_of_what_differs():
    lr = 1e9
    _, updated = plain_step(shipped_classifier(), 0, lr)
    largest = max(float(tensor.abs().max()) for tensor in updated.values())
    shown = read_text(take_step(None, None, "setosa", "flower", lr, FLOWER_CM))
    most, share = re.search(
        r"differ by at most (\S+), which is (\S+) of the largest one", shown.replace("−", "-")
    ).groups()
    assert float(most) / largest == pytest.approx(float(share), rel=0.2)
    assert float(share) < 1e-5


def test_the_loss_is_that_of_the_true_species_where_it_is_known():
    # No. 134 is a virginica that the shipped weights take for a versicolor.
    assert "L = −ln p(virginica)" in fill(lengths_cm=FLOWER_CM).strips
    elsewhere = [6.3, 2.8, 5.0, 1.4]
    x = torch.from_numpy(shipped_classifier().checkpoint.scaler.scale([elsewhere]))
    predicted = CLASS_NAMES[shipped_classifier().checkpoint.build_model()(x).argmax()]
    assert f"L = −ln p({predicted})" in fill(lengths_cm=elsewhere).strips


def test_unknown_rows_species_and_lengths_are_refused():
    with pytest.raises(gr.Error, match="flower, batch"):
        take_step(None, None, "own", "all", 0.01, FLOWER_CM)
    with pytest.raises(gr.Error, match="setosa, versicolor, virginica"):
        take_step(None, None, "rose", "flower", 0.01, FLOWER_CM)
    with pytest.raises(gr.Error, match="petal_width is None"):
        fill(lengths_cm=[5, 3, 4, None])


def test_wide_layer_is_cut_short_and_says_so():
    view = fill(classifier=make_classifier(hidden=1000))
    assert f"first {MAX_CELLS} of 1000 hidden units" in view.strips
    assert view.strips.count("data-unit=") == 2 * MAX_CELLS
    assert "of 4000 numbers" in view.step
    assert sum(len(str(part)) for part in view) < 150_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_whole_tab_speaks_the_language_of_the_visitor(language):
    view = fill(request_in(language))
    titles = [STRINGS[f"link_{name}"][language] for name in PANELS]
    assert all(title in view.subject for title in titles)
    assert STRINGS["mended"][language] in view.placement
    for part in view:
        assert "inside." not in read_text(str(part)).replace("inside.py", "")


def test_every_text_stands_in_both_languages_with_the_same_values():
    for key, texts in STRINGS.items():
        assert set(texts) == set(LANGUAGES), key
        fields = [{name for _, name, _, _ in Formatter().parse(texts[it]) if name} for it in texts]
        assert fields[0] == fields[1], key


def test_chinese_texts_hold_chinese():
    plain = {"link_relu", "by_autograd", "two_sentences"}
    for key, texts in STRINGS.items():
        assert key in plain or re.search(r"[\u4e00-\u9fff]", texts["zh-CN"]), key


def test_no_text_of_a_catalogue_or_a_result_becomes_markup():
    checkpoint = shipped_classifier().checkpoint
    walk = walk_through(checkpoint, FLOWER_CM, 1)
    sums = explain_unit(checkpoint, walk.scaled, 3)
    evil = Snippet("x = '<x>'", ("<x>",), None, {})
    for html in (
        render_subject(walk, checkpoint, hostile),
        render_strips(walk, 0, hostile),
        render_unit(sums, 0.5, hostile),
        render_toy(run_adder(), hostile),
        render_placement(run_placement("cpu", "meta"), hostile),
        render_moves(run_moves(), hostile),
        render_relu(compare_relu([1.0, -1.0]), hostile),
        render_step(step_flower(checkpoint, FLOWER_CM, 1), hostile),
        render_run(evil, "<x>", hostile),
        render_code("a = '<x>'", "<x>"),
        render_folded("<x>", ""),
    ):
        assert "<x>" not in html
        assert "&lt;x&gt;" in html


def test_pictures_and_what_scrolls_have_names():
    view = fill()
    for svg in re.findall(r"<svg[^>]*>", view.step):
        assert 'role="img"' in svg
        assert re.search(r'aria-label="Gradient of fc\d', svg)
    for part in view:
        for tag in re.findall(r"<pre[^>]*>|<div class=\"inside-table\"[^>]*>", str(part)):
            assert 'tabindex="0"' in tag
            assert 'aria-label="' in tag


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.5, "−0.5000"), (1e-9, "1.000e−09"), (123456.0, "1.235e+05")],
)
def test_numbers_are_short_and_have_a_true_minus(value, text):
    assert format_number(value) == text


def test_events_are_private_and_the_inputs_fit_the_handler():
    with gr.Blocks() as page:
        tab = inside_tab.build(gr.HTML(), gr.State())
    assert all(event.api_visibility == "private" for event in page.fns.values())
    assert len(tab.on_load_inputs) == len(inspect.signature(fill_tab).parameters) - 1
    assert len(tab.on_load_outputs) == len(inside_tab.View._fields)
