"""The visitor's own computer: what its browser tells, and what its own tools tell when pasted.

The browser shows what it reads without sending it. The name of the GPU is sent when a visitor asks
for its meaning, and a pasted text when it is pasted; neither is kept.
"""

import os
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from iris_mlp.hardware.pasted import MAX_LENGTH, read_pasted
from iris_mlp.strings import Translate
from iris_mlp.ui.assets import mount
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.hardware.machine import format_gib
from iris_mlp.ui.hardware.names import MAX_NAME_LENGTH, render_name
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.templates import render

FACTS = ("gpu", "webgpu", "threads", "memory", "browser", "system", "limits", "features")
_ASK_NVIDIA = "nvidia-smi --query-gpu=name,memory.total,memory.used --format=csv,noheader"
COMMANDS = {
    "Windows": "Get-CimInstance Win32_Processor | Format-List Name, NumberOfCores, "
    "NumberOfLogicalProcessors; Get-CimInstance Win32_VideoController | Format-List Name; "
    f"{_ASK_NVIDIA}",
    "macOS": "sysctl machdep.cpu.brand_string hw.physicalcpu hw.logicalcpu; "
    "system_profiler SPDisplaysDataType | grep -E 'Chipset|VRAM'",
    "Linux": "lscpu | grep -E '^(Model name|CPU.s.:|Core|Socket)'; "
    f"lspci | grep -E 'VGA|3D|Display'; {_ASK_NVIDIA}",
}
"""What shows the CPU, the GPU and its memory in use, by system; on Windows in PowerShell."""

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def build(wiring: dict[str, Any]) -> list[Any]:
    """Lay out and wire the panel; return what `show_panel` fills."""
    i18n = page_i18n()
    build_prose("hardware.heading_yours")
    computer = gr.HTML(
        elem_id="hardware-yours",
        js_on_load=mount("your_computer", "read"),
        apply_default_css=False,
    )
    named = gr.HTML(elem_id="hardware-yours-name", apply_default_css=False)
    pasted = gr.Textbox(
        label=i18n("hardware.paste"),
        placeholder=i18n("hardware.paste_hint"),
        lines=3,
        max_lines=10,
        max_length=MAX_LENGTH,
        elem_id="hardware-paste",
    )
    told = gr.HTML(elem_id="hardware-pasted", apply_default_css=False)
    computer.read(read_name_of_gpu, None, named, **wiring)
    pasted.change(decode_pasted, pasted, told, trigger_mode="always_last", **wiring)
    return [computer]


def show_panel(request: gr.Request) -> tuple[str]:
    """Return the frame that the visitor's browser fills, as HTML."""
    t = request_translator(request)
    return (
        render(
            "hardware/your_computer.html",
            t=t,
            facts=FACTS,
            commands=COMMANDS,
            own=is_own_machine(request),
        ),
    )


def read_name_of_gpu(request: gr.Request, event: gr.EventData) -> str:
    """Say what the name that the visitor's browser read means, as HTML."""
    name = str(getattr(event, "name", ""))[:MAX_NAME_LENGTH]
    return render_name(name, request_translator(request)) if name else ""


def decode_pasted(request: gr.Request, text: str | None) -> str:
    """Say what a pasted text tells, as HTML."""
    return render_pasted(text or "", request_translator(request))


def render_pasted(text: str, t: Translate) -> str:
    """Return the numbers that a text tells, and what the names in it mean, as HTML."""
    found = read_pasted(text)
    sizes = {"vram": found.vram_total_mib, "vram_used": found.vram_used_mib}
    facts = {"physical": found.cores, "logical": found.threads}
    facts |= {key: format_gib(mib) for key, mib in sizes.items() if mib is not None}
    return render(
        "hardware/pasted.html",
        t=t,
        empty=not text.strip(),
        facts=[(t(f"hardware.{key}"), str(value)) for key, value in facts.items() if value],
        cards=[render_name(name, t) for name in found.names],
    )


def is_own_machine(request: gr.Request) -> bool:
    """Return whether server and visitor are one computer: only loopback reaches this server."""
    served = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    asked = urlsplit(f"//{request.headers.get('host', '')}").hostname
    return served in _LOOPBACK and asked in _LOOPBACK and "SPACE_ID" not in os.environ
