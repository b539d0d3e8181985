"""Measure what the CPU vs GPU tab shows on machines that have no GPU.

    python -m benchmarks.gpu [--device cuda]

Run it on an idle machine with a GPU; it takes some minutes and writes
`iris_mlp/compare/measured.json`, which is then committed: the page shows it, labelled with the
machine and the date, wherever there is no GPU.
"""

import argparse
from pathlib import Path

import torch

from iris_mlp.compare.measured import FILE, measure_machine
from iris_mlp.devices import resolve_device
from iris_mlp.files import write_atomically
from iris_mlp.hardware.cpu import detect_cpu


def main() -> None:
    """Measure every experiment and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    on_cuda = device.type == "cuda"
    gpu = torch.cuda.get_device_name(device) if on_cuda else str(device)
    cpu = detect_cpu().name or "an unknown CPU"
    # As the app does: the tiny work of an epoch gains nothing from more threads.
    torch.set_num_threads(1)
    machine = measure_machine(gpu, cpu, str(device))
    write_atomically(arguments.output, machine.to_json().encode())
    print(f"{machine.gpu}, {machine.measured_on}: {arguments.output}")
    for standing in machine.standings:
        contender = standing.contender
        way = f"{contender.device} {contender.engine}, loss read every {contender.record_every}"
        print(f"{way}: {standing.median_s:.4f} s ({standing.low_s:.4f} to {standing.high_s:.4f})")


if __name__ == "__main__":
    main()
