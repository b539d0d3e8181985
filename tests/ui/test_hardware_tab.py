from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_mlp.hardware import (
    HardwareReport,
    decode_cpu,
    decode_gpu,
    list_gpus,
)
from iris_mlp.hardware.core_limits import CoreCount, MemoryLimit
from iris_mlp.hardware.cpu import CpuInfo
from iris_mlp.hardware.gpu import describe_gpu
from iris_mlp.hardware.report import Accelerator, TorchInfo
from iris_mlp.strings import LANGUAGES, translator
from iris_mlp.ui.hardware import tab as hardware_tab
from iris_mlp.ui.hardware.cards import (
    BOTTOM,
    CASES,
    LEFT,
    RIGHT,
    TOP,
    place_labels,
    render_cases,
    render_comparison,
)
from iris_mlp.ui.hardware.machine import (
    describe_machine,
    render_report,
    shorten_name,
    show_machine,
)
from iris_mlp.ui.hardware.names import choose_name, read_name, render_name, split_parts
from iris_mlp.ui.hardware.your_computer import decode_pasted, read_name_of_gpu
from tests.helpers import HARDWARE_WORDS, request_in

EN, ZH = translator("en"), translator("zh-CN")
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'

LAPTOP_CPU = CpuInfo(
    name="12th Gen Intel(R) Core(TM) i7-12800HX",
    vendor="Intel",
    architecture="Alder Lake",
    architecture_source="source.cpuid",
    year=2021,
    generation=12,
    machine="AMD64",
    physical_cores=16,
    logical_threads=24,
    usable_cores=24,
    usable_from="logical",
    core_counts=(
        CoreCount("physical", 16, "source.psutil"),
        CoreCount("logical", 24, "source.psutil"),
        CoreCount("affinity", 24, "source.process_affinity"),
    ),
    frequency_mhz=2000.0,
    frequency_max_mhz=4800.0,
    simd="AVX2",
    memory_total_mib=32768.0,
    memory_available_mib=16384.0,
)
SPACE_CPU = replace(
    LAPTOP_CPU,
    name="AMD EPYC 7R32",
    logical_threads=16,
    usable_cores=2,
    usable_from="quota",
    core_counts=(
        CoreCount("logical", 16, "source.psutil"),
        CoreCount("affinity", 12, "source.sched_getaffinity"),
        CoreCount("quota", 1.5, "source.cgroup_v2", "/sys/fs/cgroup/cpu.max"),
    ),
    memory_limit=MemoryLimit(16384.0, "source.cgroup_v2", "/sys/fs/cgroup/memory.max"),
)
CPU_TORCH = TorchInfo("2.13.0+cpu", "cpu", None, 2, "AVX512", "cpu", "only_cpu")
CUDA_TORCH = TorchInfo("2.13.0+cu128", "cuda", "12.8", 16, "AVX2", "cuda", "accelerator")


def make_report(cpu=LAPTOP_CPU, gpus=(), torch=CPU_TORCH, **parts):
    return HardwareReport(
        system=parts.get("system", "Linux"),
        python_version="3.11.9",
        cpu=cpu,
        gpus=tuple(gpus),
        nvml_state=parts.get("nvml_state", "nvml.library_not_found"),
        accelerators=parts.get("accelerators", ()),
        torch=torch,
    )


def make_gpu(name="NVIDIA GeForce RTX 3090 Ti", index=0, **facts):
    facts = {"kind": "cuda", "driver_version": "570.86.15", "cuda_driver_version": "12.8"} | facts
    return describe_gpu(name=name, index=index, **facts)


ONE = make_report(
    gpus=[
        make_gpu(
            "NVIDIA GeForce RTX 4070 Laptop GPU",
            compute_capability="8.9",
            cores=4608,
            vram_total_mib=8192.0,
            vram_free_mib=6144.0,
        )
    ],
    torch=CUDA_TORCH,
    accelerators=(Accelerator("cuda", 1),),
)
LOST = make_report(gpus=[make_gpu(state="lost")], torch=CUDA_TORCH)
UNKNOWN = HardwareReport(None, "3.11.9", CpuInfo(), (), "nvml.error", (), TorchInfo())


class Page(HTMLParser):
    """What a browser would make of HTML: its elements, each with its text, all of them closed."""

    VOID = frozenset({"br", "input", "option", "img"})

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
        self.feed(str(html))
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", **dict(attrs)})

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        self.text += data
        for element in self.open:
            element["text"] += data

    def find(self, **attributes):
        return [e for e in self.elements if attributes.items() <= e.items()]

    def facts(self):
        """The definition lists as a dict, the last of equal terms winning."""
        terms = [e["text"] for e in self.elements if e["tag"] == "dt"]
        values = [e["text"] for e in self.elements if e["tag"] == "dd"]
        return dict(zip(terms, values, strict=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_card_of_the_catalogue_can_be_read(language):
    t = translator(language)
    for card in list_gpus():
        page = Page(render_name(card.name, t))
        assert page.find(tag="article"), card.name
        assert page.facts()[t("hardware.vram")] != "", card.name


def test_brackets_stand_under_every_part_of_every_catalogue_name():
    for card in list_gpus():
        pieces = split_parts(card.name, card.meanings)
        assert "".join(text for text, _ in pieces) == card.name
        assert [(text, key) for text, key in pieces if key] == list(card.meanings), card.name


@pytest.mark.parametrize(
    ("name", "part", "before"),
    [
        ("AMD EPYC 4344P", "4", "AMD EPYC 434"),
        ("Intel(R) Xeon(R) Gold 5515+", "5", "Intel(R) Xeon(R) Gold 5"),
        ("AMD Ryzen 3 7330U", "3", "AMD Ryzen 3 73"),
        ("12th Gen Intel(R) Core(TM) i7-12800HX", "12", "12th Gen Intel(R) Core(TM) i7-"),
    ],
)
def test_the_digit_that_tells_the_generation_is_the_one_marked(name, part, before):
    keys = ("generation", "generation_digit", "design_digit")
    pieces = split_parts(name, decode_cpu(name).meanings)
    found = [i for i, (_, key) in enumerate(pieces) if key and key.endswith(keys)]
    assert pieces[found[-1]][0] == part
    assert "".join(text for text, _ in pieces[: found[-1]]) == before


def test_anatomy_is_a_picture_that_says_each_part_and_its_meaning():
    card = decode_gpu("3090ti")
    (picture,) = Page(render_name("3090ti", EN)).find(role="img")
    for part, key in card.meanings:
        assert f"{part}: {HARDWARE_WORDS[key]}" in picture["aria-label"]


def test_quota_that_decides_is_marked_with_its_source():
    page = Page(render_report(make_report(SPACE_CPU), EN))
    (decides,) = page.find(**{"class": "quota decides"})
    assert "cgroup" in decides["text"] or "control group v2" in decides["text"]
    assert "/sys/fs/cgroup/cpu.max" in decides["text"]
    bars = [e["aria-label"] for e in page.find(role="img") if "cells" in e.get("class", "")]
    assert bars == ["Logical threads: 16 of 16", "Affinity: 12 of 16", "Container quota: 1.5 of 16"]
    (usable,) = page.find(**{"class": "hw-usable"})
    assert usable["text"].startswith("2 of 16 threads")
    assert HARDWARE_WORDS["cores.quota"] in usable["text"]


def test_container_memory_limit_is_marked_where_it_lies():
    page = Page(render_report(make_report(SPACE_CPU), EN))
    (room,) = page.find(**{"class": "hw-room limited"})
    assert room["style"] == "--taken:0.5000;--limit:0.5000"
    assert "Container limit: 16.0 GiB" in page.text
    assert "/sys/fs/cgroup/memory.max" in page.text


def test_gpu_card_tells_what_the_driver_and_the_name_say():
    page = Page(render_report(ONE, EN))
    facts = page.facts()
    assert facts["Compute capability"] == "8.9"
    assert facts["Multiprocessors"] == "36"  # 4608 cores, 128 in one on Ada
    assert facts["Driver"] == "570.86.15"
    assert facts["CUDA of the driver"] == "12.8"
    assert "VRAM: 6.0 GiB of 8.0 GiB free" in [e.get("aria-label") for e in page.elements]
    assert HARDWARE_WORDS["tier.70"] in page.text
    assert HARDWARE_WORDS["form.laptop"] in page.text


def test_where_driver_and_name_disagree_both_are_shown_and_the_driver_wins():
    gpu = make_gpu("NVIDIA GeForce RTX 2050", compute_capability="7.5")
    page = Page(render_report(make_report(gpus=[gpu], torch=CUDA_TORCH), EN))
    assert page.facts()["Compute capability"] == "7.5; by its name 8.6"
    assert page.facts()["Architecture"] == "Turing"
    assert HARDWARE_WORDS["note.capability_differs"] in page.text


def test_lost_gpu_says_so_and_keeps_what_its_name_tells():
    page = Page(render_report(LOST, EN))
    (state,) = page.find(**{"class": "hw-state"})
    assert state["text"] == HARDWARE_WORDS["state.lost"]
    assert page.facts()["Compute capability"] == "unknown; by its name 8.6"


def test_several_gpus_stand_in_the_order_of_the_driver():
    gpus = [make_gpu(index=0), make_gpu("NVIDIA H100 80GB HBM3", 1), make_gpu("T4", 2)]
    page = Page(render_report(make_report(gpus=gpus), EN))
    kinds = [e["text"] for e in page.find(**{"class": "hw-kind"})]
    assert [kind for kind in kinds if kind.startswith("GPU")] == ["GPU 0", "GPU 1", "GPU 2"]


def test_apple_gpu_shares_memory_and_has_no_driver():
    gpu = describe_gpu(
        index=0,
        kind="mps",
        name="Apple M3 Max",
        vram_total_mib=36864.0,
        notes=("note.unified_memory",),
    )
    page = Page(render_report(make_report(gpus=[gpu], system="Darwin"), EN))
    assert "Memory for the GPU: 36.0 GiB" in [e.get("aria-label") for e in page.elements]
    assert HARDWARE_WORDS["note.unified_memory"] in page.text
    assert not {"Driver", "CUDA of the driver", "Compute capability"} & page.facts().keys()


@pytest.mark.parametrize("t", [EN, ZH])
def test_without_a_gpu_the_card_says_what_would_appear_and_how_to_get_one(t):
    page = Page(render_report(make_report(), t))
    (card,) = page.find(**{"class": "hw-card hw-none"})
    for key in ("gpu.none", "gpu.none_what", "gpu.none_how", "nvml.library_not_found"):
        assert t(f"hardware.{key}") in card["text"]


@pytest.mark.parametrize(("t", "word"), [(EN, "unknown"), (ZH, "未知")])
def test_what_no_probe_could_find_reads_unknown(t, word):
    page = Page(render_report(UNKNOWN, t))
    assert "None" not in page.text
    facts = page.facts()
    for key in ("vendor", "architecture", "simd", "frequency", "version", "threads", "system"):
        assert facts[t(f"hardware.{key}")] == word


@pytest.mark.parametrize("t", [EN, ZH])
@pytest.mark.parametrize("report", [ONE, LOST, UNKNOWN, make_report(SPACE_CPU)])
def test_every_picture_has_words(report, t):
    drawn = render_report(report, t) + render_name("3090 Ti", t) + render_comparison(t)
    page = Page(drawn + render_cases(t))
    assert page.find(role="img")
    assert all(picture["aria-label"].strip() for picture in page.find(role="img"))
    assert all(svg.get("role") == "img" for svg in page.find(tag="svg"))


def test_no_name_becomes_markup():
    gpu = make_gpu(f"RTX 3090 {HOSTILE}", driver_version=HOSTILE, compute_capability="8.6")
    cpu = replace(
        LAPTOP_CPU,
        name=f"{LAPTOP_CPU.name} {HOSTILE}",
        vendor=HOSTILE,
        core_counts=(CoreCount("quota", 1.0, "source.cgroup_v1", HOSTILE),),
    )
    report = make_report(cpu, [gpu], replace(CUDA_TORCH, version=HOSTILE), system=HOSTILE)
    drawn = render_report(report, EN)
    for name in (HOSTILE, f"RTX 3090 {HOSTILE}", f"i7-12800HX {HOSTILE}"):
        drawn += read_name(request_in("zh-CN"), name)
    page = Page(drawn)
    assert HOSTILE in page.text
    assert not page.find(tag="img")
    assert not page.find(tag="script")
    assert not any(key.startswith("on") for element in page.elements for key in element)


@given(st.text(max_size=300))
def test_any_text_is_answered_without_becoming_markup(name):
    page = Page(render_name(name, EN))
    allowed = {
        "article",
        "p",
        "h3",
        "div",
        "span",
        "b",
        "i",
        "dl",
        "dt",
        "dd",
        "ul",
        "li",
        "button",
    }
    assert {element["tag"] for element in page.elements} <= allowed


@pytest.mark.parametrize(
    ("language", "unknown", "nearest"),
    [("en", "Unknown: RTX 9999 XYZ", "Did you mean"), ("zh-CN", "未知：RTX 9999 XYZ", "您要找的")],
)
def test_unknown_name_is_answered_unknown_with_the_nearest_ones(language, unknown, nearest):
    page = Page(read_name(request_in(language), "RTX 9999 XYZ"))
    assert unknown in page.text
    assert nearest in page.text
    offered = [e["data-name"] for e in page.elements if "data-name" in e]
    assert offered == list(decode_gpu("RTX 9999 XYZ").nearest)
    assert len(offered) == 3


@pytest.mark.parametrize(("t", "word"), [(EN, "Unknown: "), (ZH, "未知：")])
@pytest.mark.parametrize(
    "name", ["RTX 6090", "GeForce MX170", "Radeon RX 7850 XT", "RTX 3070 SUPER"]
)
def test_unknown_name_that_can_be_drawn_still_says_that_it_is_unknown(name, t, word):
    page = Page(render_name(name, t))
    (heading,) = page.find(tag="h3")
    assert heading["text"] == word + name
    assert page.find(role="img")


@pytest.mark.parametrize("name", ["RTX 4090", "H100", "i7-12800HX"])
def test_name_whose_drawing_is_its_title_has_no_other(name):
    assert Page(render_name(name, EN)).find(tag="h3") == []


def test_name_of_several_architectures_asks_which_one():
    page = Page(render_name("RTX 6000", EN))
    assert HARDWARE_WORDS["note.ambiguous"] in page.text
    assert {"Quadro RTX 6000", "RTX 6000 Ada Generation"} <= {
        e.get("data-name") for e in page.elements
    }
    assert "Unknown" not in page.text


def test_known_name_is_answered_with_its_facts_and_source():
    facts = Page(read_name(request_in("en"), "4070 laptop")).facts()
    assert facts["Series"] == "40"
    assert facts["Tier"] == "70, upper middle"
    assert facts["Architecture"] == "Ada Lovelace"
    assert facts["Year"] == "2023"
    assert facts["Laptop"] == "yes"
    assert facts["VRAM"] == "8 GB"
    assert facts["Compute capability"] == "8.9"
    assert facts["Source"].startswith("NVIDIA")


def test_cpu_name_is_answered_with_its_generation():
    page = Page(read_name(request_in("en"), "i7-12800HX"))
    assert page.facts()["Architecture"] == "Alder Lake (2021)"
    assert page.facts()["Generation"] == "12"
    assert len(page.find(tag="article")) == 1


def test_name_of_a_chip_that_is_both_is_answered_twice():
    kinds = Page(render_name("Apple M3 Max", EN)).find(**{"class": "hw-kind"})
    assert [kind["text"] for kind in kinds] == ["GPU", "CPU"]


@pytest.mark.parametrize("name", ["", "   ", None])
def test_empty_box_says_what_to_do(name):
    assert EN("hardware.name_empty") in read_name(request_in("en"), name)


def test_clicked_name_goes_into_the_box():
    event = gr.EventData(None, {"name": "GeForce RTX 4090"})
    assert choose_name(event) == "GeForce RTX 4090"


def test_table_holds_the_five_cards_of_the_lesson_in_its_order():
    page = Page(render_comparison(EN))
    names = [e["text"] for e in page.find(tag="th", scope="row")]
    assert names == ["RTX 3090 Ti", "RTX 3080", "RTX 3070 Ti", "RTX 3070", "RTX 4070"]
    vram = [float(e["data-order"]) for e in page.find(**{"data-label": "VRAM (GB)"})]
    assert vram == [24, 12, 8, 8, 12]  # the 3080 has a variant with 12 GB beside the 10 GB one
    heads = page.find(tag="th", scope="col")
    assert len(page.find(tag="button")) == len(heads) == 6


def test_labels_of_the_plot_cover_neither_each_other_nor_a_dot():
    dots = [("RTX 3070 Ti", 120.0, 200.0), ("RTX 3070", 120.0, 205.0), ("RTX 3080", 140.0, 180.0)]
    labels = place_labels(dots)
    assert len(labels) == 3
    for one, other in combinations(labels, 2):
        assert not one.overlaps(other.left, other.top, other.right, other.bottom)
    for label in labels:
        for _, x, y in dots:
            assert not label.overlaps(x - 5, y - 5, x + 5, y + 5)


@pytest.mark.parametrize("t", [EN, ZH])
def test_plot_shows_the_lesson_cards_inside_its_frame(t):
    page = Page(render_comparison(t))
    dots = page.find(tag="circle", **{"class": "dot"})
    assert len(dots) == 5
    for dot in dots:
        assert LEFT < float(dot["cx"]) < RIGHT
        assert TOP < float(dot["cy"]) < BOTTOM
    (picture,) = page.find(role="img")
    assert "RTX 3090 Ti" in picture["aria-label"]


@pytest.mark.parametrize("t", [EN, ZH])
def test_each_case_has_its_sentence_and_its_cards(t):
    page = Page(render_cases(t))
    assert [e["value"] for e in page.find(type="radio")] == list(CASES)
    for case, names in CASES.items():
        (panel,) = page.find(**{"data-case": case})
        assert t(f"hardware.case_{case}_text") in panel["text"]
        assert all(decode_gpu(name).known for name in names)


def test_cases_hold_in_the_catalogue():
    def cards(case):
        return [decode_gpu(name) for name in CASES[case]]

    low, high = cards("memory")
    assert low.tier < high.tier
    assert low.vram_gib == (12,)
    assert high.vram_gib == (8,)
    ti_30, ti_40 = cards("suffix")
    assert ti_30.fp32_tflops == pytest.approx(ti_40.fp32_tflops, rel=0.02)
    assert ti_30.vram_gib[0] == 2 * ti_40.vram_gib[0]
    laptop, desktop = cards("laptop")
    assert (laptop.tier, laptop.series) == (desktop.tier, desktop.series)
    assert laptop.chip != desktop.chip
    assert laptop.vram_gib < desktop.vram_gib
    mobile, turing = cards("series")
    assert (mobile.series, turing.series) == ("20", "20")
    assert (mobile.architecture, turing.architecture) == ("Ampere", "Turing")
    gtx, rtx = cards("sixteen")
    assert gtx.compute_capability == rtx.compute_capability == "7.5"
    assert cards("workstation")[0].architecture == "Ada Lovelace"
    assert len({card.architecture for card in cards("six_thousand")}) == 4


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (ONE, "RTX 4070 Laptop · 8 GB · i7-12800HX"),
        (make_report(), "i7-12800HX · 24 of 24 cores usable · no GPU"),
        (make_report(SPACE_CPU), "AMD EPYC 7R32 · 2 of 16 cores usable · no GPU"),
        (LOST, "RTX 3090 Ti · lost · i7-12800HX"),
        (
            make_report(gpus=[make_gpu(index=i, vram_total_mib=24576.0) for i in range(2)]),
            "2 × RTX 3090 Ti · 24 GB · i7-12800HX",
        ),
        (
            make_report(gpus=[make_gpu(), make_gpu("Tesla T4", 1), make_gpu("Tesla T4", 2)]),
            "RTX 3090 Ti + 2 more · i7-12800HX",
        ),
        (UNKNOWN, "unknown · 1 usable · no GPU"),
    ],
)
def test_badge_says_the_machine_in_one_line(report, line):
    assert describe_machine(report, EN) == line


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon"),
        ("AMD Ryzen 7 7840HS w/ Radeon 780M Graphics", "AMD Ryzen 7 7840HS"),
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763"),
        ("CPU", "CPU"),
        (None, None),
    ],
)
def test_short_name_keeps_what_tells_one_machine_from_another(name, short):
    assert shorten_name(name) == short


@pytest.mark.parametrize(("language", "t"), [("en", EN), ("zh-CN", ZH)])
def test_loaded_page_is_in_the_language_of_the_visitor(language, t):
    shown = hardware_tab.load_page(request_in(language))
    for key in ("processor", "case_suffix", "column_vram", "examples"):
        assert any(t(f"hardware.{key}") in part for part in shown)
    suggested = [e["value"] for e in Page("".join(shown)).find(tag="option")]
    assert suggested == [card.name for card in list_gpus()]
    assert any(part.startswith("CPU\n") for part in shown)
    without = any(t("hardware.gpu.none") in part for part in shown)
    assert hardware_tab.describe_badge(t).endswith(t("hardware.badge_no_gpu")) == without


def test_refresh_shows_the_machine_again():
    report, text, copied = show_machine(request_in("zh-CN"))
    assert ZH("hardware.processor") in report
    assert text.startswith("CPU\n")
    assert Page(copied).find(role="status")[0]["data-text"] == text


def test_every_event_is_private_and_shares_the_hardware_slots():
    with gr.Blocks() as app:
        tab = hardware_tab.build()
    events = list(app.fns.values())
    assert {event.api_visibility for event in events} == {"private"}
    assert {event.concurrency_id for event in events} == {"hardware"}
    assert len(tab.on_load_outputs) == len(hardware_tab.load_page(request_in("en")))


def test_building_the_tab_looks_at_no_hardware():
    with gr.Blocks():
        tab = hardware_tab.build()
    assert [output.value for output in tab.on_load_outputs] == [None] * len(tab.on_load_outputs)


def test_pasted_text_is_decoded_and_never_becomes_markup():
    text = f"Tesla T4, 15360 MiB, 531 MiB\nRTX 3090 {HOSTILE}\n{HOSTILE}"
    page = Page(decode_pasted(request_in("en"), text))
    assert page.facts()["VRAM in use"] == "0.5 GiB"
    assert "Turing" in page.text
    assert not page.find(tag="img")
    assert not page.find(tag="script")


@pytest.mark.parametrize(("text", "key"), [("hello", "paste_unknown"), ("", None)])
def test_pasted_text_without_a_name_says_so(text, key):
    drawn = decode_pasted(request_in("en"), text)
    assert (EN(f"hardware.{key}") in drawn) if key else (drawn.strip() == "")


def test_name_that_a_browser_sends_is_untrusted():
    event = gr.EventData(None, {"name": f"ANGLE (NVIDIA, NVIDIA GeForce RTX 4090 {HOSTILE}"})
    page = Page(read_name_of_gpu(request_in("en"), event))
    assert not page.find(tag="img")
    assert read_name_of_gpu(request_in("en"), gr.EventData(None, {"name": ""})) == ""
