"""Reading what a visitor pastes: the output of each system's own tools."""

from hypothesis import given
from hypothesis import strategies as st

from iris_mlp.hardware.pasted import read_pasted

LINUX = """\
CPU(s):                          16
Model name:                      AMD EPYC 7R32
Core(s) per socket:              4
Socket(s):                       2
00:1e.0 3D controller: NVIDIA Corporation TU104GL [Tesla T4] (rev a1)
Tesla T4, 15360 MiB, 531 MiB
"""
WINDOWS = """\

Name                      : 12th Gen Intel(R) Core(TM) i7-12800HX
NumberOfCores             : 16
NumberOfLogicalProcessors : 24

Name : Intel(R) UHD Graphics 770
Name : NVIDIA GeForce RTX 4070 Laptop GPU
NVIDIA GeForce RTX 4070 Laptop GPU, 8188 MiB, 1024 MiB
"""
MACOS = """\
machdep.cpu.brand_string: Apple M1 Pro
hw.physicalcpu: 8
hw.logicalcpu: 8
      Chipset Model: Apple M1 Pro
"""


def test_linux():
    found = read_pasted(LINUX)
    assert (found.cores, found.threads) == (8, 16)
    assert (found.vram_total_mib, found.vram_used_mib) == (15360, 531)
    assert [name.split()[0] for name in found.names] == ["Model", "00:1e.0", "Tesla"]


def test_windows():
    found = read_pasted(WINDOWS)
    assert (found.cores, found.threads, found.vram_used_mib) == (16, 24, 1024)
    assert len(found.names) == 4


def test_macos():
    found = read_pasted(MACOS)
    assert (found.cores, found.threads, found.vram_total_mib) == (8, 8, None)
    assert found.names == ("machdep.cpu.brand_string: Apple M1 Pro", "Chipset Model: Apple M1 Pro")


@given(st.text(max_size=400))
def test_any_text_is_read_without_raising(text):
    assert len(read_pasted(text).names) <= 8


def test_a_megabyte_is_answered_at_once():
    assert len(read_pasted("RTX 4090\n" * 200_000).names) == 1
