"""Reading GPU names: the catalogue itself, drivers' spellings, the traps, and names unknown."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_mlp.hardware import (
    compare_lesson_cards,
    decode_cpu,
    decode_gpu,
    list_gpus,
    render_gpu_name,
)
from tests.helpers import HARDWARE_WORDS

CARDS = list_gpus()
NAMES = [card.name or "" for card in CARDS]
NVIDIA_NAMES = {card.name for card in CARDS if card.vendor == "NVIDIA"}

# A name as a driver, lspci or a person writes it, and the card of the catalogue that it means.
SPELLINGS = [
    ("七彩虹 RTX 4070", "GeForce RTX 4070"),
    ("微星RTX4060", "GeForce RTX 4060"),
    ("影驰 3060Ti 8G", "GeForce RTX 3060 Ti"),
    ("华硕 TUF RTX4070TiSuper", "GeForce RTX 4070 Ti SUPER"),
    ("蓝宝石 RX 7800XT", "Radeon RX 7800 XT"),
    ("英伟达RTX 4090显卡", "GeForce RTX 4090"),
    ("3080Ti笔记本", "GeForce RTX 3080 Ti Laptop GPU"),
    ("RTX 3060 移动版", "GeForce RTX 3060 Laptop GPU"),
    ("苹果 M3 Max", "Apple M3 Max"),
    ("Nvida RTX 3080", "GeForce RTX 3080"),
    ("gefore rtx 3060 lapotp", "GeForce RTX 3060 Laptop GPU"),
    ("RTX6000Ada", "RTX 6000 Ada Generation"),
    ("rtx4060ti 16g", "GeForce RTX 4060 Ti"),
    ("rtx4060ti16g", "GeForce RTX 4060 Ti"),
    ("geforcertx4090laptop", "GeForce RTX 4090 Laptop GPU"),
    ("RTX3060Mobile", "GeForce RTX 3060 Laptop GPU"),
    ("geforcertx4070s", "GeForce RTX 4070 SUPER"),
    ("七彩虹GeForceRTX4070", "GeForce RTX 4070"),
    ("radeonrx7900xtx", "Radeon RX 7900 XTX"),
    ("h100sxm", "H100 SXM5"),
    ("nvidiah10080gbhbm3", "H100 SXM5"),
    ("a100sxm480gb", "A100 SXM4"),
    ("v100sxm2", "Tesla V100 SXM2"),
    ("NVIDIA GeForce RTX 4070 Laptop GPU", "GeForce RTX 4070 Laptop GPU"),
    ("NVIDIA GeForce RTX 3090 Ti", "GeForce RTX 3090 Ti"),
    ("rtx 3090ti", "GeForce RTX 3090 Ti"),
    ("RTX3090Ti", "GeForce RTX 3090 Ti"),
    ("4070 ti super", "GeForce RTX 4070 Ti SUPER"),
    ("4070TiSuper", "GeForce RTX 4070 Ti SUPER"),
    ("NVIDIA GeForce RTX 4080 SUPER", "GeForce RTX 4080 SUPER"),
    ("rtx 4070s", "GeForce RTX 4070 SUPER"),
    ("nvidia geforce gtx 1080 ti", "GeForce GTX 1080 Ti"),
    ("GTX1660Super", "GeForce GTX 1660 SUPER"),
    ("1050ti", "GeForce GTX 1050 Ti"),
    ("GeForce GTX 1060 6GB", "GeForce GTX 1060"),
    ("GeForce GTX 1060 3GB", "GeForce GTX 1060"),
    ("NVIDIA GeForce RTX 2070 Super with Max-Q Design", "GeForce RTX 2070 SUPER with Max-Q Design"),
    ("NVIDIA GeForce RTX 2080 Super", "GeForce RTX 2080 SUPER"),
    ("NVIDIA GeForce RTX 4090 D", "GeForce RTX 4090 D"),
    ("RTX 4090D", "GeForce RTX 4090 D"),
    ("NVIDIA GeForce RTX 5070 Ti", "GeForce RTX 5070 Ti"),
    ("NVIDIA GeForce RTX 5090 Laptop GPU", "GeForce RTX 5090 Laptop GPU"),
    ("NVIDIA GeForce RTX 4060 Ti 16GB", "GeForce RTX 4060 Ti"),
    ("ASUS ROG STRIX GeForce RTX 3080 OC", "GeForce RTX 3080"),
    ("NVIDIA GeForce RTX 3060 Lite Hash Rate", "GeForce RTX 3060"),
    ("RTX 4050", "GeForce RTX 4050 Laptop GPU"),
    ("NVIDIA GeForce MX450", "GeForce MX450"),
    ("NVIDIA Corporation GA102 [GeForce RTX 3090] (rev a1)", "GeForce RTX 3090"),
    ("GA106M [GeForce RTX 3060 Mobile / Max-Q]", "GeForce RTX 3060 Laptop GPU"),
    ("AD107M [GeForce RTX 4060 Max-Q / Mobile]", "GeForce RTX 4060 Laptop GPU"),
    ("TU117M [GeForce GTX 1650 Ti Mobile]", "GeForce GTX 1650 Ti"),
    ("GA107M [GeForce RTX 2050 Mobile]", "GeForce RTX 2050"),
    ("TU106GLM [Quadro RTX 3000 Mobile / Max-Q]", "Quadro RTX 3000"),
    ("NVIDIA TITAN RTX", "TITAN RTX"),
    ("Tesla T4", "Tesla T4"),
    ("NVIDIA T4", "Tesla T4"),
    ("GRID T4-16Q", "Tesla T4"),
    ("Tesla P100-PCIE-16GB", "Tesla P100 PCIe"),
    ("Tesla P100-SXM2-16GB", "Tesla P100 SXM2"),
    ("Tesla V100-SXM2-32GB", "Tesla V100 SXM2"),
    ("Tesla V100S-PCIE-32GB", "Tesla V100S PCIe"),
    ("NVIDIA A100-SXM4-40GB", "A100 SXM4"),
    ("NVIDIA A100 80GB PCIe", "A100 PCIe"),
    ("A100-PCIE-40GB", "A100 PCIe"),
    ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", "A100 SXM4"),
    ("NVIDIA A10G", "A10G"),
    ("NVIDIA L40S", "L40S"),
    ("NVIDIA H100 80GB HBM3", "H100 SXM5"),
    ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "H100 SXM5"),
    ("NVIDIA H100 PCIe", "H100 PCIe"),
    ("NVIDIA H100 NVL", "H100 NVL"),
    ("H100 94GB", "H100 NVL"),
    ("NVIDIA H200", "H200"),
    ("NVIDIA GH200 480GB", "GH200"),
    ("NVIDIA GH200 144G HBM3e", "GH200"),
    ("NVIDIA B200", "B200"),
    ("NVIDIA B300 SXM6 AC", "B300"),
    ("NVIDIA GB200", "GB200"),
    ("Quadro RTX 6000", "Quadro RTX 6000"),
    ("NVIDIA Quadro RTX 8000", "Quadro RTX 8000"),
    ("NVIDIA RTX A6000", "RTX A6000"),
    ("A6000", "RTX A6000"),
    ("NVIDIA RTX A2000 12GB", "RTX A2000"),
    ("NVIDIA RTX A4000 Laptop GPU", "RTX A4000 Laptop GPU"),
    ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada Generation"),
    ("RTX 6000 Ada", "RTX 6000 Ada Generation"),
    ("NVIDIA RTX 2000 Ada Generation", "RTX 2000 Ada Generation"),
    ("rtx 4000 sff ada", "RTX 4000 SFF Ada Generation"),
    ("NVIDIA RTX PRO 4000 Blackwell", "RTX PRO 4000 Blackwell"),
    (
        "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
        "RTX PRO 6000 Blackwell Workstation Edition",
    ),
    ("NVIDIA T1000 8GB", "T1000"),
    ("AMD Radeon RX 7900 XTX", "Radeon RX 7900 XTX"),
    ("7900xtx", "Radeon RX 7900 XTX"),
    ("RX 9070XT", "Radeon RX 9070 XT"),
    ("Radeon RX 6700M", "Radeon RX 6700M"),
    ("AMD Instinct MI300X", "Instinct MI300X"),
    ("AMD Instinct MI300X OAM", "Instinct MI300X"),
    ("MI250X", "Instinct MI250X"),
    ("NVIDIA T4G", "Tesla T4"),
    ("Tesla T4G", "Tesla T4"),
    ("NVIDIA TITAN X (Pascal)", "TITAN X (Pascal)"),
    ("NVIDIA T1200 Laptop GPU", "T1200 Laptop GPU"),
    ("5700xt", "Radeon RX 5700 XT"),
    ("AMD Radeon RX 7800M", "Radeon RX 7800M"),
    ("Intel(R) Arc(TM) A770 Graphics", "Arc A770"),
    ("DG2 [Arc A750]", "Arc A750"),
    ("intelarcb580", "Arc B580"),
    ("Apple M2 Max", "Apple M2 Max"),
    ("m1", "Apple M1"),
    ("apple m3 ultra", "Apple M3 Ultra"),
]


def test_every_row_decodes_to_itself():
    fields = (
        "architecture",
        "year",
        "compute_capability",
        "fp32_tflops",
        "laptop",
        "series",
        "tier",
    )
    for card in CARDS:
        decoded = decode_gpu(card.name or "")
        assert (decoded.known, decoded.name) == (True, card.name)
        assert set(decoded.vram_gib) == set(card.vram_gib), card.name
        for field in fields:
            assert getattr(decoded, field) == getattr(card, field), (card.name, field)


def test_every_row_has_a_source_an_architecture_and_a_meaning_in_words():
    for card in CARDS:
        assert card.source, card.name
        assert card.architecture, card.name
        assert card.meanings, card.name
        assert {key for _, key in card.meanings} | set(card.notes) <= set(HARDWARE_WORDS), card.name


def test_the_parts_of_a_name_stand_in_it_in_order():
    for card in CARDS:
        rest = card.name or ""
        for part, _ in card.meanings:
            assert part in rest, card.name
            rest = rest[rest.index(part) + len(part) :]


@pytest.mark.parametrize("write", ["{} Laptop GPU", "{} Mobile"])
def test_a_name_that_only_laptops_have_is_found_with_the_word_for_a_laptop(write):
    names = [card.name or "" for card in CARDS if card.laptop]
    assert [decode_gpu(write.format(name)).name for name in names] == names


def test_no_name_stands_twice():
    assert len(set(NAMES)) == len(NAMES)


# NVIDIA, "CUDA GPU Compute Capability": what an architecture can have.
CAPABILITIES = {
    "Kepler": {"3.0", "3.5", "3.7"},
    "Maxwell": {"5.0", "5.2"},
    "Pascal": {"6.0", "6.1"},
    "Volta": {"7.0", "7.2"},
    "Turing": {"7.5"},
    "Ampere": {"8.0", "8.6", "8.7"},
    "Ada Lovelace": {"8.9"},
    "Hopper": {"9.0"},
    "Blackwell": {"10.0", "11.0", "12.0", "12.1"},
    "Blackwell Ultra": {"10.3"},
}


def test_capabilities_are_nvidia_s_and_fit_the_architecture():
    for card in CARDS:
        possible = CAPABILITIES.get(card.architecture or "", {None})
        assert card.compute_capability in possible, card.name
        assert (card.vendor == "NVIDIA") == (card.architecture in CAPABILITIES), card.name


@pytest.mark.parametrize(("spelling", "name"), SPELLINGS)
def test_drivers_and_peoples_spellings(spelling, name):
    decoded = decode_gpu(spelling)
    assert (decoded.known, decoded.name, decoded.query) == (True, name, spelling)


with Path(__file__).with_name("spellings.csv").open(encoding="utf-8") as file:
    REAL_SPELLINGS = [tuple(row.values()) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("kind", "spelling", "answer"), REAL_SPELLINGS)
def test_names_as_the_world_writes_them(kind, spelling, answer):
    # Drivers, browsers, lspci, nvidia-smi, hypervisors, clouds, shops; "" is rightly unknown.
    decoded = decode_gpu(spelling).name if kind == "gpu" else decode_cpu(spelling).architecture
    assert (decoded or "") == answer


def test_there_are_many_real_spellings():
    assert len(REAL_SPELLINGS) >= 300


@pytest.mark.parametrize(
    ("name", "basis"),
    [
        ("RTX 4090", "catalogue"),
        ("Mali-G78", "family"),
        ("RTX 6090", "pattern"),
        ("banana", None),
    ],
)
def test_an_answer_says_what_it_rests_on(name, basis):
    assert decode_gpu(name).basis == basis


@pytest.mark.parametrize("name", ["Google SwiftShader", "llvmpipe (LLVM 20.1.8, 256 bits)"])
def test_a_program_that_draws_is_told_as_such(name):
    card = decode_gpu(name)
    assert (card.known, card.notes) == (False, ("note.software",))


def test_a_similar_card_that_a_browser_names_is_told_as_such():
    assert "note.similar" in decode_gpu("GeForce GTX 980/PCIe/SSE2, or similar").notes


def test_the_chip_that_lspci_writes_beats_the_name():
    # Two early makes of these cards had another chip (pci.ids).
    assert decode_gpu("GF119 [GeForce GT 710]").architecture == "Fermi"
    assert decode_gpu("GF100GL [Quadro 4000]").architecture == "Fermi"
    assert decode_gpu("GK208 [GeForce GT 710]").name == "GeForce GT 710"


def test_most_spellings_are_not_the_catalogue_s_own():
    assert sum(spelling not in NAMES for spelling, _ in SPELLINGS) >= 40


@pytest.mark.parametrize(
    "write", [str.lower, str.upper, lambda n: f"NVIDIA {n}", lambda n: n.removeprefix("GeForce ")]
)
def test_case_and_prefix_of_a_geforce_do_not_matter(write):
    names = [name for name in NAMES if name.startswith("GeForce")]
    assert [decode_gpu(write(name)).name for name in names] == names


def squash(name):
    return name.lower().replace(" ", "")


@pytest.mark.parametrize(
    "write",
    [
        str.lower,
        str.upper,
        lambda name: name.replace(" ", ""),
        squash,
        lambda name: squash(name).upper(),
        lambda name: name.replace(" ", "-"),
        lambda name: name.lower().replace(" ", "-"),
        lambda name: "nvidia" * (name in NVIDIA_NAMES) + squash(name),
    ],
)
def test_case_and_blanks_do_not_matter(write):
    written = [write(name) for name in NAMES]
    assert [(card.known, card.name) for card in map(decode_gpu, written)] == [
        (True, name) for name in NAMES
    ]


@pytest.mark.parametrize(
    ("name", "series", "tier", "suffixes"),
    [
        ("geforcertx4090ti", "40", 90, ("ti",)),
        ("nvidiageforcegtx480ti", "4", 80, ("ti",)),
        ("radeonrx7850xt", "7000", 80, ()),
    ],
)
def test_a_name_without_blanks_outside_the_catalogue_is_read_by_its_pattern(
    name, series, tier, suffixes
):
    card = decode_gpu(name)
    assert (card.query, card.known) == (name, False)
    assert (card.series, card.tier, card.suffixes) == (series, tier, suffixes)


@pytest.mark.parametrize(
    "write", [lambda name: f"z{squash(name)}", lambda name: f"{squash(name)}z"]
)
def test_a_name_without_blanks_and_a_letter_too_many_is_unknown(write):
    assert [name for name in NAMES if decode_gpu(write(name)).known] == []


@pytest.mark.parametrize(
    "name", ["t4t4", "4090d4090", "rtx40900", "corem3", "geforcexyz", "rtxti", "laptopgpu"]
)
def test_words_of_names_without_sense_are_unknown(name):
    assert not decode_gpu(name).known


# The traps.


def test_a_3060_can_have_more_memory_than_a_3070_ti():
    assert 12 in decode_gpu("RTX 3060").vram_gib
    assert decode_gpu("RTX 3070 Ti").vram_gib == (8,)
    assert (decode_gpu("RTX 3060").tier, decode_gpu("RTX 3070 Ti").tier) == (60, 70)


def test_a_3090_ti_and_a_4070_ti_list_nearly_the_same_compute():
    old, new = decode_gpu("RTX 3090 Ti"), decode_gpu("RTX 4070 Ti")
    assert old.fp32_tflops == pytest.approx(new.fp32_tflops, rel=0.01)
    assert (old.vram_gib, new.vram_gib) == ((24,), (12,))
    assert (old.series, new.series, old.suffixes, new.suffixes) == ("30", "40", ("ti",), ("ti",))


def test_a_4090_laptop_is_a_smaller_chip_with_less_memory():
    laptop, desktop = decode_gpu("RTX 4090 Laptop GPU"), decode_gpu("RTX 4090")
    assert (laptop.chip, desktop.chip) == ("AD103", "AD102")
    assert (laptop.vram_gib, desktop.vram_gib) == ((16,), (24,))
    assert (laptop.laptop, desktop.laptop) == (True, False)
    assert {"note.laptop_smaller_chip", "note.laptop_less_memory"} <= set(laptop.notes)


def test_an_rtx_2050_is_an_ampere_laptop_card():
    card = decode_gpu("NVIDIA GeForce RTX 2050")
    assert (card.architecture, card.compute_capability, card.laptop) == ("Ampere", "8.6", True)
    assert card.series == "20"
    assert "note.series_hides_architecture" in card.notes


@pytest.mark.parametrize("name", ["RTX 2050 Mobile", "NVIDIA GeForce RTX 2050 Laptop GPU"])
def test_an_rtx_2050_is_ampere_however_it_is_written(name):
    card = decode_gpu(name)
    assert (card.known, card.architecture, card.compute_capability) == (True, "Ampere", "8.6")


def test_no_architecture_is_guessed_for_a_50_of_the_20_series():
    card = decode_gpu("RTX 2050 Ti")
    assert (card.known, card.series, card.tier, card.architecture) == (False, "20", 50, None)
    assert card.nearest[0] == "GeForce RTX 2050"


@pytest.mark.parametrize("name", ["GeForce MX170", "mx 310", "NVIDIA GeForce MX570 A"])
def test_an_mx_outside_the_catalogue_is_a_laptop_gpu_without_a_tier(name):
    card = decode_gpu(name)
    assert (card.known, card.vendor, card.series, card.laptop) == (False, "NVIDIA", "MX", True)
    assert (card.tier, card.architecture) == (None, None)
    assert not any(key.startswith(("series.", "tier.")) for _, key in card.meanings)
    assert "note.mx_says_no_architecture" in card.notes


@pytest.mark.parametrize("name", ["A800 PCIe", "H800 SXM5", "A16", "GeForce MX150", "A30"])
def test_a_number_that_does_not_rank_cards_is_not_said_to(name):
    assert "number.position" not in dict(decode_gpu(name).meanings).values()


@pytest.mark.parametrize("name", ["GTX 1650", "GTX 1660 Ti", "GTX 1630"])
def test_a_gtx_16_is_turing_without_the_rtx_cores(name):
    card = decode_gpu(name)
    assert (card.architecture, card.compute_capability) == ("Turing", "7.5")
    assert "note.turing_without_rt_and_tensor_cores" in card.notes
    assert ("GTX", "prefix.gtx") in card.meanings


def test_an_rtx_2000_ada_is_ada():
    card = decode_gpu("NVIDIA RTX 2000 Ada Generation")
    assert (card.architecture, card.compute_capability) == ("Ada Lovelace", "8.9")
    assert (card.series, card.tier) == (None, None)
    assert "note.number_is_not_a_series" in card.notes


def test_the_four_cards_called_6000_are_told_apart():
    cards = [
        decode_gpu(name)
        for name in ("Quadro RTX 6000", "RTX A6000", "RTX 6000 Ada", "RTX PRO 6000 Blackwell")
    ]
    assert [card.architecture for card in cards] == [
        "Turing",
        "Ampere",
        "Ada Lovelace",
        "Blackwell",
    ]
    assert [card.compute_capability for card in cards] == ["7.5", "8.6", "8.9", "12.0"]
    assert [card.vram_gib for card in cards] == [(24,), (48,), (48,), (96,)]
    assert all("note.several_cards_called_6000" in card.notes for card in cards)


@pytest.mark.parametrize("name", ["RTX 6000", "NVIDIA RTX 4000", "RTX 5000"])
def test_a_name_of_several_architectures_is_not_guessed(name):
    card = decode_gpu(name)
    assert (card.known, card.architecture) == (False, None)
    assert "note.ambiguous" in card.notes
    assert len(card.nearest) >= 2


def test_a_bare_h100_gives_what_its_versions_share():
    card = decode_gpu("H100")
    assert (card.known, card.name, card.architecture) == (True, "H100", "Hopper")
    assert (card.vram_gib, card.fp32_tflops) == ((80, 94), None)
    assert set(card.nearest) == {"H100 PCIe", "H100 SXM5", "H100 NVL"}


def test_two_cards_that_lspci_gives_under_one_name_are_both_named():
    card = decode_gpu("[AMD/ATI] Aldebaran/MI200 [Instinct MI250X/MI250]")
    assert (card.known, card.architecture, card.vram_gib) == (True, "CDNA 2", (128,))
    assert card.name == "Instinct MI250 / Instinct MI250X"
    assert card.nearest == ("Instinct MI250", "Instinct MI250X")


def test_a_stated_memory_narrows_the_variants_and_the_compute():
    assert decode_gpu("GTX 1060 6GB").fp32_tflops == decode_gpu("GTX 1060").fp32_tflops
    assert decode_gpu("GTX 1060 3GB").vram_gib == (3,)
    assert decode_gpu("GTX 1060 3GB").fp32_tflops is None  # it has fewer cores
    assert decode_gpu("RTX 4060 Ti 16GB").fp32_tflops == 22.1  # it has the same cores
    assert "note.stated_memory_not_in_catalogue" in decode_gpu("RTX 3080 16GB").notes


def test_a_note_about_memory_goes_with_the_size_that_it_is_about():
    note = "note.more_vram_than_higher_tier"  # it speaks of 12 GB
    assert note in decode_gpu("RTX 3060").notes
    assert note in decode_gpu("RTX 3060 12GB").notes
    assert note not in decode_gpu("RTX 3060 8GB").notes
    assert "note.less_vram_than_lower_tier" not in decode_gpu("RTX 3070 Ti 16GB").notes
    # Its desktop card has 6 or 8 GB.
    assert "note.laptop_less_memory" in decode_gpu("RTX 3050 Laptop 4GB").notes
    assert "note.laptop_less_memory" not in decode_gpu("RTX 3050 Laptop 6GB").notes


@pytest.mark.parametrize("name", ["NVIDIA GH200 480GB", "GH200 120GB"])
def test_the_memory_in_a_superchip_s_name_is_not_taken_for_the_gpu_s(name):
    card = decode_gpu(name)
    assert card.vram_gib == (96, 144)
    assert "note.stated_memory_is_the_cpu_s" in card.notes
    assert not {"note.superchip_memory", "note.stated_memory_not_in_catalogue"} & set(card.notes)


def test_a_superchip_named_by_the_gpu_s_memory_has_that_memory():
    card = decode_gpu("NVIDIA GH200 144G HBM3e")
    assert card.vram_gib == (144,)
    assert "note.superchip_memory" in card.notes
    assert "note.stated_memory_is_the_cpu_s" not in card.notes


def test_one_name_for_laptop_and_desktop_says_so():
    assert decode_gpu("GTX 1070").laptop is None
    assert decode_gpu("GTX 1070 Mobile").laptop is True
    assert decode_gpu("GTX 1070 Mobile").fp32_tflops is None
    assert decode_gpu("GTX 1080 Ti").laptop is False


def test_slices_of_a_card_are_noted():
    assert "note.mig_slice" in decode_gpu("NVIDIA A100-SXM4-40GB MIG 1g.5gb").notes
    assert "note.vgpu_slice" in decode_gpu("GRID T4-16Q").notes


def test_40_is_explained_as_a_series_number():
    meanings = dict(decode_gpu("GeForce RTX 4070 Ti SUPER").meanings)
    assert meanings["40"] == "series.40"
    assert meanings["70"] == "tier.70"
    assert (meanings["Ti"], meanings["SUPER"]) == ("suffix.ti", "suffix.super")
    assert "not the 40th generation" in HARDWARE_WORDS["series.40"]


def test_the_lesson_s_five_cards():
    cards = compare_lesson_cards()
    assert [card.name for card in cards] == [
        "GeForce RTX 3090 Ti",
        "GeForce RTX 3080",
        "GeForce RTX 3070 Ti",
        "GeForce RTX 3070",
        "GeForce RTX 4070",
    ]
    # NVIDIA, "Compare GeForce Graphics Cards": 2 x cores x boost clock.
    cores_and_mhz = [(10752, 1860), (8704, 1710), (6144, 1770), (5888, 1725), (5888, 2475)]
    for card, (cores, mhz) in zip(cards, cores_and_mhz, strict=True):
        assert card.fp32_tflops == pytest.approx(2 * cores * mhz / 1e6, abs=0.06)
    assert [card.vram_gib[0] for card in cards] == [24, 10, 8, 8, 12]


# Names that are not in the catalogue.


@pytest.mark.parametrize(
    ("name", "series", "tier", "suffixes", "architecture"),
    [
        ("NVIDIA GeForce RTX 4090 Ti", "40", 90, ("ti",), "Ada Lovelace"),
        ("RTX 3070 SUPER", "30", 70, ("super",), "Ampere"),
        ("RTX 6090", "60", 90, (), None),
        ("GeForce RTX 7060 Ti", "70", 60, ("ti",), None),
        ("GTX 480 Ti", "4", 80, ("ti",), None),
        ("RTX 5080 Super", "50", 80, ("super",), "Blackwell"),
    ],
)
def test_a_geforce_outside_the_catalogue_is_read_by_its_pattern(
    name, series, tier, suffixes, architecture
):
    card = decode_gpu(name)
    assert not card.known
    assert (card.series, card.tier, card.suffixes) == (series, tier, suffixes)
    assert card.architecture == architecture
    assert (card.vram_gib, card.compute_capability, card.fp32_tflops) == ((), None, None)
    assert "note.read_from_pattern" in card.notes
    assert len(card.nearest) == 3


def test_a_radeon_outside_the_catalogue_is_read_by_its_pattern():
    card = decode_gpu("AMD Radeon RX 7850 XT")
    assert (card.known, card.series, card.tier) == (False, "7000", 80)


@pytest.mark.parametrize(
    "name",
    [
        "banana",
        "NVIDIA Graphics Device",
        "AMD Radeon Graphics",
        "TITAN X",
        "Quadro 6000",
        "GeForce 4095",
        "RTX",
        "Ti",
        "Intel(R) UHD Graphics",
        "GTX 660 Pro",
        "Voodoo 3 3000",
    ],
)
def test_an_unknown_name_is_unknown(name):
    card = decode_gpu(name)
    assert not card.known
    assert card.name is None
    assert (card.architecture, card.vram_gib, card.compute_capability) == (None, (), None)


def test_an_unknown_name_gets_the_three_nearest():
    card = decode_gpu("Quadro 6000")
    assert len(card.nearest) == 3
    assert card.nearest[0] == "Quadro RTX 6000"
    assert "GeForce RTX 4090" in decode_gpu("RTX 4090 Ti").nearest


@pytest.mark.parametrize(
    "name",
    [
        *("", "   ", "®™", "()[]", "xxxx", "banana", "asdf", "lorem ipsum", "Virtio GPU"),
        *("i7-12700", "DGX Spark", "CMP 170HX"),
    ],
)
def test_nothing_is_near_to_what_shares_neither_a_number_nor_a_line(name):
    card = decode_gpu(name)
    assert (card.known, card.nearest) == (False, ())


def test_no_card_is_near_to_one_of_a_maker_that_the_catalogue_lacks():
    assert decode_gpu("Moore Threads MTT S80").nearest == ()
    assert all(name.startswith("Radeon") for name in decode_gpu("Radeon RX 580").nearest)


def test_a_maker_that_contradicts_the_card_makes_it_unknown():
    assert not decode_gpu("AMD RTX 4090").known
    assert not decode_gpu("Intel T4").known


FRAGMENTS = """NVIDIA GeForce RTX GTX RX 4090 3060 1080 Ti SUPER D v2 Laptop GPU Max-Q with Design
    16GB 8GB/16GB Quadro A6000 6000 Ada Generation PRO Blackwell H100 SXM5 PCIe MIG 1g.5gb [x] ( ) -
    / Apple M2 Max Radeon XTX 7900 MI300X Tesla T4-16Q mobile ® 480G GTX980 50 90 000 ４０９０ ²"""
WORDS_OF_NAMES = st.lists(st.sampled_from(FRAGMENTS.split()), max_size=8).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | WORDS_OF_NAMES)
def test_any_text_is_answered_in_known_words(text):
    card = decode_gpu(text)
    assert card.query == text
    assert all(key in HARDWARE_WORDS for _, key in card.meanings)
    assert all(key in HARDWARE_WORDS for key in card.notes)
    assert card.tier is None or f"tier.{card.tier}" in HARDWARE_WORDS
    assert set(card.nearest) <= set(NAMES)
    assert render_gpu_name(card)


def test_a_megabyte_of_text_is_answered_at_once():
    assert not decode_gpu("x" * 1_000_000).known
    assert decode_gpu("RTX 4090 " * 100_000).nearest[0] == "GeForce RTX 4090"
