"""Reading CPU names of the main Intel, AMD, Apple and ARM lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_mlp.hardware import decode_cpu, render_cpu_name
from iris_mlp.hardware.cpu_names import read_catalogue
from tests.helpers import HARDWARE_WORDS

# (name as the CPU or its maker writes it, vendor, generation, microarchitecture)
CPUS = [
    ("12th Gen Intel(R) Core(TM) i7-12800HX", "Intel", 12, "Alder Lake"),
    ("酷睿i7 13700K", "Intel", 13, "Raptor Lake"),
    ("英特尔 至强 Gold 6330", "Intel", 3, "Ice Lake-SP"),
    ("锐龙7 5800X", "AMD", None, "Zen 3"),
    ("r7 5800x", "AMD", None, "Zen 3"),
    ("i5 13400f", "Intel", 13, "Raptor Lake"),
    ("12th Gen Intel(R) Core(TM) i7-1255U", "Intel", 12, "Alder Lake"),
    ("13th Gen Intel(R) Core(TM) i9-13900K", "Intel", 13, "Raptor Lake"),
    ("Intel(R) Core(TM) i9-14900KS", "Intel", 14, "Raptor Lake Refresh"),
    ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "Intel", 11, "Tiger Lake"),
    ("11th Gen Intel(R) Core(TM) i7-11800H @ 2.30GHz", "Intel", 11, "Tiger Lake"),
    ("11th Gen Intel(R) Core(TM) i9-11900K @ 3.50GHz", "Intel", 11, "Rocket Lake"),
    ("Intel(R) Core(TM) i7-1065G7 CPU @ 1.30GHz", "Intel", 10, "Ice Lake"),
    ("Intel(R) Core(TM) i7-10750H CPU @ 2.60GHz", "Intel", 10, "Comet Lake"),
    ("Intel(R) Core(TM) i9-10980XE CPU @ 3.00GHz", "Intel", 10, "Cascade Lake"),
    ("Intel(R) Core(TM) i9-9900K CPU @ 3.60GHz", "Intel", 9, "Coffee Lake Refresh"),
    ("Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", "Intel", 8, "Kaby Lake Refresh"),
    ("Intel(R) Core(TM) i5-8265U CPU @ 1.60GHz", "Intel", 8, "Whiskey Lake"),
    ("Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", "Intel", 8, "Coffee Lake"),
    ("Intel(R) Core(TM) i7-7700HQ CPU @ 2.80GHz", "Intel", 7, "Kaby Lake"),
    ("Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz", "Intel", 6, "Skylake"),
    ("Intel(R) Core(TM) i5-4590 CPU @ 3.30GHz", "Intel", 4, "Haswell"),
    ("i5-2500K", "Intel", 2, "Sandy Bridge"),
    ("Intel(R) Core(TM) Ultra 7 155H", "Intel", 1, "Meteor Lake"),
    ("Intel(R) Core(TM) Ultra 7 258V", "Intel", 2, "Lunar Lake"),
    ("Intel(R) Core(TM) Ultra 9 285K", "Intel", 2, "Arrow Lake"),
    ("Intel(R) Core(TM) 7 150U", "Intel", 1, "Raptor Lake Refresh"),
    ("Intel(R) N100", "Intel", None, "Alder Lake-N"),
    ("Intel(R) Core(TM) i3-N305", "Intel", None, "Alder Lake-N"),
    ("Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz", "Intel", 1, "Skylake-SP"),
    ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "Intel", 2, "Cascade Lake"),
    ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "Intel", 3, "Ice Lake-SP"),
    ("Intel(R) Xeon(R) Platinum 8380H CPU @ 2.90GHz", "Intel", 3, "Cooper Lake"),
    ("Intel(R) Xeon(R) Gold 6430", "Intel", 4, "Sapphire Rapids"),
    ("Intel(R) Xeon(R) Platinum 8592+", "Intel", 5, "Emerald Rapids"),
    ("Intel(R) Xeon(R) 6980P", "Intel", 6, "Granite Rapids"),
    ("Intel(R) Xeon(R) 6780E", "Intel", 6, "Sierra Forest"),
    ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "Intel", 4, "Broadwell"),
    ("Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", "Intel", 1, "Sandy Bridge"),
    ("Intel(R) Xeon(R) w9-3495X", "Intel", None, "Sapphire Rapids"),
    ("Intel(R) Xeon(R) W-2295 CPU @ 3.00GHz", "Intel", None, "Cascade Lake"),
    ("Intel Xeon Processor (Cascadelake)", "Intel", None, "Cascade Lake"),
    ("AMD Ryzen 7 1700 Eight-Core Processor", "AMD", None, "Zen"),
    ("AMD Ryzen 7 2700X Eight-Core Processor", "AMD", None, "Zen+"),
    ("AMD Ryzen 5 2500U with Radeon Vega Mobile Gfx", "AMD", None, "Zen"),
    ("AMD Ryzen 5 3600 6-Core Processor", "AMD", None, "Zen 2"),
    ("AMD Ryzen 5 3400G with Radeon Vega Graphics", "AMD", None, "Zen+"),
    ("AMD Ryzen 7 4800H with Radeon Graphics", "AMD", None, "Zen 2"),
    ("AMD Ryzen 9 5950X 16-Core Processor", "AMD", None, "Zen 3"),
    ("AMD Ryzen 7 5700U with Radeon Graphics", "AMD", None, "Zen 2"),
    ("AMD Ryzen 7 5800H with Radeon Graphics", "AMD", None, "Zen 3"),
    ("AMD Ryzen 9 6900HX with Radeon Graphics", "AMD", None, "Zen 3+"),
    ("AMD Ryzen 9 7950X 16-Core Processor", "AMD", None, "Zen 4"),
    ("AMD Ryzen 9 7945HX with Radeon Graphics", "AMD", None, "Zen 4"),
    ("AMD Ryzen 5 7520U with Radeon Graphics", "AMD", None, "Zen 2"),
    ("AMD Ryzen 7 7730U with Radeon Graphics", "AMD", None, "Zen 3"),
    ("AMD Ryzen 7 7735HS with Radeon Graphics", "AMD", None, "Zen 3+"),
    ("AMD Ryzen 7 8845HS w/ Radeon 780M Graphics", "AMD", None, "Zen 4"),
    ("AMD Ryzen 9 9950X3D 16-Core Processor", "AMD", None, "Zen 5"),
    ("AMD Ryzen AI 9 HX 370 w/ Radeon 890M", "AMD", None, "Zen 5"),
    ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", "AMD", None, "Zen 5"),
    ("AMD Ryzen Threadripper PRO 5995WX 64-Cores", "AMD", None, "Zen 3"),
    ("AMD Ryzen Threadripper 3990X 64-Core Processor", "AMD", None, "Zen 2"),
    ("AMD EPYC 7571", "AMD", 1, "Zen"),
    ("AMD EPYC 7742 64-Core Processor", "AMD", 2, "Zen 2"),
    ("AMD EPYC 7R13 Processor", "AMD", 3, "Zen 3"),
    ("AMD EPYC 7B13", "AMD", 3, "Zen 3"),
    ("AMD EPYC 7V73X 64-Core Processor", "AMD", 3, "Zen 3"),
    ("AMD EPYC 75F3 32-Core Processor", "AMD", 3, "Zen 3"),
    ("AMD EPYC 9654 96-Core Processor", "AMD", 4, "Zen 4"),
    ("AMD EPYC 9V33X 96-Core Processor", "AMD", 4, "Zen 4"),
    ("AMD EPYC 9754 128-Core Processor", "AMD", 4, "Zen 4c"),
    ("AMD EPYC 9755 128-Core Processor", "AMD", 5, "Zen 5"),
    ("AMD EPYC 9655 96-Core Processor", "AMD", 5, "Zen 5"),
    ("AMD EPYC 9965 192-Core Processor", "AMD", 5, "Zen 5c"),
    ("AMD EPYC 9845 160-Core Processor", "AMD", 5, "Zen 5c"),
    ("AMD EPYC 9745 128-Core Processor", "AMD", 5, "Zen 5c"),
    # Enthusiasts' numbers that run ahead of the design, and their neighbours that do not.
    ("Intel(R) Core(TM) i7-3960X CPU @ 3.30GHz", "Intel", 3, "Sandy Bridge"),
    ("Intel(R) Core(TM) i7-3820 CPU @ 3.60GHz", "Intel", 3, "Sandy Bridge"),
    ("Intel(R) Core(TM) i7-3820QM CPU @ 2.70GHz", "Intel", 3, "Ivy Bridge"),
    ("Intel(R) Core(TM) i7-4930K CPU @ 3.40GHz", "Intel", 4, "Ivy Bridge"),
    ("Intel(R) Core(TM) i7-4930MX CPU @ 3.00GHz", "Intel", 4, "Haswell"),
    ("Intel(R) Core(TM) i7-5960X CPU @ 3.00GHz", "Intel", 5, "Haswell"),
    ("i7 5820k", "Intel", 5, "Haswell"),
    ("Intel(R) Core(TM) i7-6950X CPU @ 3.00GHz", "Intel", 6, "Broadwell"),
    ("Intel(R) Core(TM) i7-6800K CPU @ 3.40GHz", "Intel", 6, "Broadwell"),
    ("Intel(R) Core(TM) i7-8809G CPU @ 3.10GHz", "Intel", 8, "Kaby Lake"),
    ("Intel(R) Core(TM) i9-7900X CPU @ 3.30GHz", "Intel", 7, "Skylake-SP"),
    ("Intel(R) Core(TM) i9-7980XE CPU @ 2.60GHz", "Intel", 7, "Skylake-SP"),
    ("Intel(R) Core(TM) i7-7740X CPU @ 4.30GHz", "Intel", 7, "Kaby Lake"),
    ("Intel(R) Core(TM) i9-9900X CPU @ 3.50GHz", "Intel", 9, "Skylake-SP"),
    ("Intel(R) Core(TM) i9-10900X CPU @ 3.70GHz", "Intel", 10, "Cascade Lake"),
    ("Intel(R) Core(TM) i7-1068NG7 CPU @ 2.30GHz", "Intel", 10, "Ice Lake"),
    ("Intel(R) Core(TM) i5-10210Y CPU @ 1.00GHz", "Intel", 10, "Amber Lake"),
    # Lines without a scheme of numbers.
    ("N100", "Intel", None, "Alder Lake-N"),
    ("i3-N305", "Intel", None, "Alder Lake-N"),
    ("Intel(R) Celeron(R) N5105 @ 2.00GHz", "Intel", None, "Jasper Lake"),
    ("N5095", "Intel", None, "Jasper Lake"),
    ("Intel(R) Pentium(R) Silver N6005 @ 2.00GHz", "Intel", None, "Jasper Lake"),
    ("赛扬 J4125", "Intel", None, "Gemini Lake Refresh"),
    ("Intel(R) Pentium(R) Gold G6400 CPU @ 4.00GHz", "Intel", None, "Comet Lake"),
    ("Intel(R) Pentium(R) CPU G4560 @ 3.50GHz", "Intel", None, "Kaby Lake"),
    ("Intel(R) Celeron(R) CPU G3900 @ 2.80GHz", "Intel", None, "Skylake"),
    ("Intel(R) Xeon(R) CPU D-1541 @ 2.10GHz", "Intel", None, "Broadwell"),
    ("Intel(R) Xeon(R) D-2796NT CPU @ 2.00GHz", "Intel", None, "Ice Lake-D"),
    ("Intel(R) Xeon(R) D-1736NT CPU @ 2.70GHz", "Intel", None, "Ice Lake-D"),
    ("Intel(R) Xeon(R) CPU Max 9480", "Intel", None, "Sapphire Rapids"),
    ("AMD FX(tm)-8350 Eight-Core Processor", "AMD", None, "Piledriver"),
    ("AMD FX(tm)-8150 Eight-Core Processor", "AMD", None, "Bulldozer"),
    ("FX8320E", "AMD", None, "Piledriver"),
    ("AMD Athlon 3000G with Radeon Vega Graphics", "AMD", None, "Zen"),
    ("AMD Athlon 200GE with Radeon Vega Graphics", "AMD", None, "Zen"),
    ("Loongson-3A5000", "Loongson", None, "LA464"),
    ("龙芯3A6000", "Loongson", None, "LA664"),
    ("AMD EPYC-Rome Processor", "AMD", None, "Zen 2"),
    ("Intel(R) Celeron(R) CPU 847 @ 1.10GHz", "Intel", None, "Sandy Bridge"),
    ("Intel(R) Core(TM) i7 CPU 920 @ 2.67GHz", "Intel", None, "Nehalem"),
    ("i5-750", "Intel", None, "Nehalem"),
    ("Apple M1", "Apple", 1, "Apple M1"),
    ("Apple M2 Max", "Apple", 2, "Apple M2"),
    ("Apple M4 Pro", "Apple", 4, "Apple M4"),
    ("AWS Graviton2", "AWS", None, "Neoverse N1"),
    ("AWS Graviton3", "AWS", None, "Neoverse V1"),
    ("AWS Graviton4", "AWS", None, "Neoverse V2"),
    ("Ampere(R) Altra(R) Max Processor M128-30", "Ampere", None, "Neoverse N1"),
    ("NVIDIA Grace CPU", "NVIDIA", None, "Neoverse V2"),
    ("Google Axion", "Google", None, "Neoverse V2"),
    ("Intel(R) Xeon(R) CPU E5-2648Lv4", "Intel", 4, "Broadwell"),
    ("E5-2680v4", "Intel", 4, "Broadwell"),
    ("E3-1230v2", "Intel", 2, "Ivy Bridge"),
    ("Intel Xeon Processor (Icelake)", "Intel", None, "Ice Lake-SP"),
    ("Intel Core Processor (Broadwell)", "Intel", None, "Broadwell"),
    ("Intel Core Processor (Skylake, IBRS)", "Intel", None, "Skylake"),
    ("酷睿Ultra9 185H", "Intel", 1, "Meteor Lake"),
    ("Intel(R) Pentium(R) Gold 8505", "Intel", None, "Alder Lake"),
    ("Snapdragon (TM) 8cx Gen 3 @ 3.0 GHz", "Qualcomm", None, "Cortex-X1C + Cortex-A78C"),
    ("Neoverse-N1", "Arm", None, "Neoverse N1"),
    ("Cortex-A72", "Arm", None, "Cortex-A72"),
]


@pytest.mark.parametrize(("name", "vendor", "generation", "architecture"), CPUS)
def test_vendor_generation_and_architecture(name, vendor, generation, architecture):
    cpu = decode_cpu(name)
    assert cpu.known
    assert (cpu.vendor, cpu.generation, cpu.architecture) == (vendor, generation, architecture)
    assert all(key in HARDWARE_WORDS for _, key in cpu.meanings)


def test_the_patterns_agree_with_every_cpu_that_intel_lists():
    listed = read_catalogue()
    assert len(listed) > 2500
    for name, (cores, threads, architecture) in listed.items():
        cpu = decode_cpu(f"Intel {name}" if architecture else f"AMD {name}")
        assert (cpu.cores, cpu.threads) == (cores, threads), name
        assert architecture in (None, cpu.architecture), name


@pytest.mark.parametrize(
    ("name", "cores", "threads", "basis"),
    [
        ("Intel(R) Xeon(R) CPU E5-2680v4 @ 2.40GHz", 14, 28, "catalogue"),
        ("i7-12800HX", 16, 24, "catalogue"),
        ("AMD EPYC 9654 96-Core Processor", 96, 192, "catalogue"),
        ("i7-99700X", None, None, None),
        ("Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz", None, None, "pattern"),
    ],
)
def test_cores_and_threads_come_from_the_catalogue_alone(name, cores, threads, basis):
    cpu = decode_cpu(name)
    assert (cpu.cores, cpu.threads, cpu.basis) == (cores, threads, basis)


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("i7-12800HX", 2021),
        ("AMD Ryzen 9 7950X", 2022),
        ("Apple M1 Max", 2021),
        ("Apple M3 Ultra", 2025),
        ("AMD Ryzen Threadripper 7980X", 2023),
        ("Intel Xeon Gold 6430", 2023),
        ("AWS Graviton4", 2023),
    ],
)
def test_year(name, year):
    assert decode_cpu(name).year == year


def test_the_parts_of_a_name_are_explained():
    assert decode_cpu("i7-12800HX").meanings == (
        ("i7", "cpu.tier"),
        ("12", "cpu.generation"),
        ("HX", "cpu_suffix.intel.hx"),
    )
    assert ("5", "cpu.generation_ahead") in decode_cpu("i7-5960X").meanings  # it is Haswell
    assert ("X3D", "cpu_suffix.amd.x3d") in decode_cpu("Ryzen 9 9950X3D").meanings
    assert ("4", "cpu.ryzen_design_digit") in decode_cpu("AMD Ryzen 7 7840HS").meanings


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel"),
        ("Intel(R) Xeon(R) Processor", "Intel"),
        ("AMD EPYC Processor", "AMD"),
        ("Apple M", "Apple"),
        ("VIA Nano U3400", "VIA"),
        ("", None),
        ("i7", None),
    ],
)
def test_a_name_that_says_too_little_is_unknown(name, vendor):
    cpu = decode_cpu(name)
    assert (cpu.known, cpu.architecture, cpu.vendor) == (False, None, vendor)


@pytest.mark.parametrize(
    ("name", "vendor", "line"),
    [
        ("Hygon C86 7285 32-core Processor", "Hygon", "C86"),
        ("海光 7390", "Hygon", "C86"),
        ("Loongson-3A4000", "Loongson", "Loongson"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel", "Xeon"),
        ("Intel(R) Core(TM) i5-L16G7 CPU @ 1.40GHz", "Intel", "Core i5"),
        ("AMD FX-8800P Radeon R7, 12 Compute Cores 4C+8G", "AMD", "FX"),
        ("AMD EPYC 8635P", "AMD", "EPYC"),
        ("AMD Ryzen Z1 Extreme", "AMD", "Ryzen"),
        ("AMD EPYC Processor", "AMD", "EPYC"),
    ],
)
def test_a_line_is_told_where_the_core_is_not(name, vendor, line):
    cpu = decode_cpu(name)
    assert (cpu.known, cpu.vendor, cpu.line, cpu.architecture) == (False, vendor, line, None)


@pytest.mark.parametrize("name", ["Quadro FX 4800", "GeForce FX 5200", "Tensor Core GPU", "N100x"])
def test_a_gpu_is_no_line_of_cpus(name):
    assert decode_cpu(name).line is None


FRAGMENTS = """Intel(R) Core(TM) i7- 12800HX i9-99999 Ultra 7 155H Xeon Gold 6430 E5-2670 v9 v4 AMD
    w9-3495X Ryzen 9 7950X AI HX 370 Threadripper PRO EPYC 9V33X 7000 -Rome Apple M9 (x) N100 ² FX
    8350 Celeron N5105 Pentium Athlon 3000G Hygon Loongson-3A5000 D-1541"""
WORDS_OF_NAMES = st.lists(st.sampled_from(FRAGMENTS.split()), max_size=8).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | WORDS_OF_NAMES)
def test_any_text_is_answered_in_known_words(text):
    cpu = decode_cpu(text)
    assert cpu.known == (cpu.architecture is not None)
    assert all(key in HARDWARE_WORDS for _, key in cpu.meanings)
    assert render_cpu_name(cpu)
