"""Read what a visitor pastes of a computer's own tools: lscpu, lspci, nvidia-smi, sysctl, …"""

import re
from dataclasses import dataclass

from iris_mlp.hardware.cpu_names import decode_cpu
from iris_mlp.hardware.gpu_decoder import decode_gpu

MAX_LENGTH = 8_000
MAX_NAMES = 8
# What Get-CimInstance, lscpu and nvidia-smi write before or after a number.
_NUMBERS = {
    "cores": r"^\s*(?:NumberOfCores|hw\.physicalcpu)\s*[:=]\s*(\d{1,4})\s*$",
    "threads": r"^\s*(?:NumberOfLogicalProcessors|CPU\(s\)|hw\.logicalcpu)\s*[:=]\s*(\d{1,4})\s*$",
    "cores_in_socket": r"^\s*Core\(s\) per socket:\s*(\d{1,4})\s*$",
    "sockets": r"^\s*Socket\(s\):\s*(\d{1,4})\s*$",
    "vram_total_mib": r",\s*(\d{1,7}) MiB,\s*\d{1,7} MiB\s*$",
    "vram_used_mib": r",\s*\d{1,7} MiB,\s*(\d{1,7}) MiB\s*$",
}


@dataclass(frozen=True)
class PastedMachine:
    """What a pasted text tells. None means unknown.

    Attributes:
        names: The names of CPUs and GPUs in it, in its order, each once.
        cores: Physical cores; `threads` logical threads.
        vram_used_mib: Of the first GPU with a reading; `vram_total_mib` likewise.
    """

    names: tuple[str, ...]
    cores: int | None = None
    threads: int | None = None
    vram_total_mib: int | None = None
    vram_used_mib: int | None = None


def read_pasted(text: str) -> PastedMachine:
    """Find the names and the numbers in a text, line by line; what is not understood is left."""
    text = text[:MAX_LENGTH]
    names: list[str] = []
    for line in text.splitlines()[:200]:
        name = line.strip()
        card, cpu = decode_gpu(name), decode_cpu(name)
        told = card.basis in ("catalogue", "family") or (cpu.line and re.search(r"\d", name))
        if told or (card.basis == "pattern" and card.vendor):
            names.append(name)
    found = {key: re.search(rule, text, re.MULTILINE) for key, rule in _NUMBERS.items()}
    numbers = {key: int(match[1]) for key, match in found.items() if match}
    if in_socket := numbers.pop("cores_in_socket", None):
        numbers["cores"] = in_socket * numbers.get("sockets", 1)
    numbers.pop("sockets", None)
    return PastedMachine(tuple(dict.fromkeys(names))[:MAX_NAMES], **numbers)
