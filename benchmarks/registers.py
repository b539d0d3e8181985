"""What the compiler makes of the fused CUDA kernel, for GPUs that need not be here.

    python -m benchmarks.registers

It compiles the kernel for three generations of GPUs and asks the assembler that comes with Triton
for registers, spills and shared memory. The result goes to `benchmarks/registers.md`. Triton has
to compile, not to interpret: unset `TRITON_INTERPRET`.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from iris_mlp.engines.fused_cuda import MOST_HIDDEN, count_warps
from iris_mlp.engines.fused_cuda_kernel import train_epochs

CAPABILITIES = {80: "8.0 (A100)", 90: "9.0 (H100)", 120: "12.0 (RTX PRO 6000, RTX 50)"}
WIDTHS = tuple(1 << power for power in range(4, MOST_HIDDEN.bit_length()))
REGISTERS_OF_A_MULTIPROCESSOR, WARP = 65_536, 32


@dataclass(frozen=True)
class Usage:
    """What one compiled kernel takes: of a thread registers and bytes spilled, of a model the rest.

    Attributes:
        registers: Registers of a thread, of at most 255.
        spilled_bytes: Bytes that a thread writes to memory for want of registers.
        shared_bytes: Shared memory of a model.
        warps: Warps of 32 threads that train a model.
        code_bytes: Size of the machine code.
    """

    registers: int
    spilled_bytes: int
    shared_bytes: int
    warps: int
    code_bytes: int

    @property
    def models_at_once(self) -> int:
        """Models that the registers of one multiprocessor hold."""
        return REGISTERS_OF_A_MULTIPROCESSOR // (self.registers * self.warps * WARP)


def compile_kernel(capability: int, units: int, adam: bool, batched: bool) -> Usage:
    """Compile the kernel for a compute capability, such as 80 for 8.0, and read what it takes."""
    floats = ("models", "lrs", "rows", "test_rows", "losses", "test_losses")
    constants: dict[str, Any] = {"UNITS": units, "ADAM": adam, "BATCHED": batched}
    kinds = dict.fromkeys(train_epochs.arg_names, "i32")
    kinds |= dict.fromkeys(floats, "*fp32") | dict.fromkeys(constants, "constexpr")
    kinds |= {"betas": "*fp64", "powers": "*fp64", "orders": "*i64", "batch_of_row": "*u8"}
    compiled = triton.compile(
        ASTSource(fn=train_epochs, signature=kinds, constexprs=constants),
        target=GPUTarget("cuda", capability, WARP),
        options={"num_warps": count_warps(units)},
    )
    registers, spilled = _assemble(compiled.asm["ptx"], capability)
    shared, warps = compiled.metadata.shared, compiled.metadata.num_warps
    return Usage(registers, spilled, shared, warps, len(compiled.asm["cubin"]))


def _assemble(ptx: str, capability: int) -> tuple[int, int]:
    """Return the registers and the spilled bytes of a thread, from the assembler's own words."""
    tool = knobs.nvidia.ptxas_blackwell if capability >= 100 else knobs.nvidia.ptxas
    name = re.findall(r"^\.target (\w+)", ptx, re.MULTILINE)[0]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx)
        command = [tool.path, "-v", f"--gpu-name={name}", source, "-o", Path(folder) / "kernel"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    registers = re.findall(r"Used (\d+) registers", told)[0]
    return int(registers), int(re.findall(r"(\d+) bytes spill stores", told)[0])


def main() -> None:
    """Compile for each generation, print the table and write it."""
    head = "| capability | hidden units | optimizer | batches | registers | spilled, B "
    lines = [head + "| shared, B | warps | models at once |", "| --- " * 4 + "| ---: " * 5 + "|"]
    for capability, units, adam, batched in product(
        CAPABILITIES, WIDTHS, (False, True), (False, True)
    ):
        usage = compile_kernel(capability, units, adam, batched)
        lines.append(
            f"| {CAPABILITIES[capability]} | to {units} | {'Adam' if adam else 'SGD'} "
            f"| {'mini' if batched else 'full'} | {usage.registers} | {usage.spilled_bytes:,} "
            f"| {usage.shared_bytes:,} | {usage.warps} | {usage.models_at_once} |"
        )
    text = (
        "# What the fused CUDA kernel takes of a GPU\n\n"
        f"{date.today()}, Triton {triton.__version__}, by its own assembler; no GPU has run it. "
        "Made by `python -m benchmarks.registers`.\n"
        "Registers and spilled bytes are those of a thread; `models at once` is how many the "
        "registers of one multiprocessor hold.\n\n" + "\n".join(lines) + "\n"
    )
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
