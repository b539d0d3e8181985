"""The engines side by side with other libraries, and what they cost against width and cores.

    python -m benchmarks.engines [--repeats 5] [--epochs 20000] [--no-jax] [--no-compile]

Contenders take turns, so that a busy moment of the machine hits all of them; the tables show
medians and minima. The result goes to `benchmarks/engines.md`. JAX runs in an environment of its
own, made under `build/` on the first run.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmarks import rivals
from iris_mlp.config import TrainConfig
from iris_mlp.data import load_split
from iris_mlp.hardware.cpu import detect_cpu
from iris_mlp.model import build_model
from iris_mlp.sweep.run import sweep
from iris_mlp.sweep.settings import SweepConfig
from iris_mlp.training import prepare_run

FOLDER = Path(__file__).parent
JAX = "jax==0.10.2"
WIDTHS = (10, 32, 128, 512, 1024, 2048, 4096)
LANES = 200
Contender = Callable[[int], float]


def main() -> None:
    """Measure, print the tables and write them."""
    parser = argparse.ArgumentParser(description="Measure the engines side by side.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20_000)
    parser.add_argument("--no-jax", action="store_true")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--output", type=Path, default=FOLDER / "engines.md")
    options = parser.parse_args()
    text = run_benchmark(
        options.repeats, options.epochs, jax=not options.no_jax, compiled=not options.no_compile
    )
    options.output.write_text(text, encoding="utf-8")
    print(text)


def run_benchmark(repeats: int, epochs: int, *, jax: bool, compiled: bool) -> str:
    """Return the tables as Markdown."""
    parts = [
        "# Engines side by side",
        describe_machine(),
        "## The lesson run",
        measure_lesson_run(repeats, epochs, jax=jax, compiled=compiled),
        "## What bounds the fused engine",
        measure_bound(repeats, epochs),
        "## One epoch against hidden width",
        measure_widths(repeats),
        "## Sweep against cores",
        measure_sweep(repeats, epochs),
    ]
    return "\n\n".join(parts) + "\n"


def describe_machine() -> str:
    """Return what was measured on, when, and with what command."""
    cpu = detect_cpu()
    return (
        f"{date.today().isoformat()}, {cpu.name} ({cpu.architecture}), {cpu.usable_cores} cores "
        f"that this process may use, PyTorch {torch.__version__} with {torch.get_num_threads()} "
        f"threads, Python {sys.version.split()[0]}.\nMade by `python -m benchmarks.engines`."
    )


def measure_lesson_run(repeats: int, epochs: int, *, jax: bool, compiled: bool) -> str:
    """Return the table of the lesson run in each engine and library."""
    threads = torch.get_num_threads()
    plain_names = ("lesson's PyTorch loop, 1 thread", f"lesson's PyTorch loop, {threads} threads")
    contenders: dict[str, Contender] = {
        plain_names[0]: partial(run_with_threads, 1, rivals.plain_pytorch),
        "**fused**": train_fused,
        plain_names[1]: rivals.plain_pytorch,
        "eager, 1 thread": partial(run_with_threads, 1, partial(run_engine, "eager")),
        "**fused**, as `train` runs it": partial(run_engine, "fused"),
        "NumPy": rivals.numpy_loop,
        "scikit-learn MLPClassifier": rivals.scikit_learn,
    }
    if compiled:
        contenders["torch.compile"] = partial(run_with_threads, 1, rivals.compile_pytorch())
    with start_jax() if jax else _nothing() as run_jax:
        if run_jax:
            contenders["JAX, jitted lax.scan"] = run_jax
        first_s = {name: _time(run, epochs)[0] for name, run in contenders.items() if name in _SLOW}
        for name, run in contenders.items():
            if name not in _SLOW:
                run(2)
        times: dict[str, list[float]] = {name: [] for name in contenders}
        losses: dict[str, float] = {}
        for _ in range(repeats):
            for name, run in contenders.items():
                seconds, losses[name] = _time(run, epochs)
                times[name].append(seconds)
    plain = min(statistics.median(times[name]) for name in plain_names)
    rows = [
        (
            name,
            f"{statistics.median(seconds) * 1e3:,.1f}",
            f"{min(seconds) * 1e3:,.1f}",
            f"{plain / statistics.median(seconds):,.1f}",
            f"{losses[name]:.7f}",
            f"{first_s[name]:.1f} s" if name in first_s else "",
        )
        for name, seconds in sorted(times.items(), key=lambda item: -statistics.median(item[1]))
    ]
    return _make_table(
        ("", "median, ms", "least, ms", "times the plain loop", "last loss", "first run"), rows
    ) + (
        f"\n\n{epochs:,} epochs, full batch, the loss of each kept; {repeats} interleaved repeats. "
        "The factors are those to the faster plain loop. "
        "`train` also measures the model and keeps the history. scikit-learn draws its own first "
        "weights. The first run of a compiled contender includes its compiler."
    )


_SLOW = ("torch.compile", "JAX, jitted lax.scan")


def train_fused(epochs: int) -> float:
    """Run the fused engine alone; return the last loss."""
    from iris_mlp.engines import fused_cpu

    config, loss = TrainConfig(device="cpu", engine="fused", epochs=epochs), 0.0
    for chunk in fused_cpu.run(config, build_model(config.hidden, config.seed), load_split()):
        loss = chunk.losses[-1]
    return loss


def run_with_threads(threads: int, run: Contender, epochs: int) -> float:
    """Run a contender with some number of PyTorch's threads; return the last loss."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return run(epochs)
    finally:
        torch.set_num_threads(before)


def run_engine(engine: str, epochs: int, hidden: int = 10) -> float:
    """Run an engine the way the command line does; return the last loss."""
    run = prepare_run(TrainConfig(device="cpu", engine=engine, epochs=epochs, hidden=hidden))
    for _ in run:
        pass
    return run.result().history.losses[-1]


def count_vector_operations(hidden: int) -> int:
    """Return the arithmetic instructions of one full-batch SGD epoch, 16 lanes each.

    Counted in the kernel, a fused multiply-add as one: for each of the 8 vectors of rows 7 a unit
    forward, 31 in the softmax, 11 a unit and 2 backward; 29 a unit to sum the lanes, 3 for each
    vector of weights in the update, and 24 for the loss.
    """
    vectors, units = 8, hidden + 1
    rows = vectors * (7 * hidden + 31 + 11 * hidden + 2)
    return rows + 29 * units + 3 * -(-units // 2) + 24


def measure_bound(repeats: int, epochs: int) -> str:
    """Return how near the kernel comes to the vector instructions that one core can do."""
    from numba import njit

    from iris_mlp.engines.fused_cpu.layout import LANES
    from iris_mlp.engines.fused_cpu.vectors import fill, total

    @njit
    def multiply_and_add(rounds):
        x = fill(np.float32(0.5))
        a = b = c = d = e = f = g = h = i = j = x
        for _ in range(rounds):
            a, b, c, d, e = a * x + x, b * x + x, c * x + x, d * x + x, e * x + x
            f, g, h, i, j = f * x + x, g * x + x, h * x + x, i * x + x, j * x + x
        return total(a + b + c + d + e + f + g + h + i + j)

    rounds = 2_000_000
    multiply_and_add(1)
    train_fused(1)
    peak = best = float("inf")
    for _ in range(3 * repeats):
        peak = min(peak, _time(multiply_and_add, rounds)[0])
        best = min(best, _time(train_fused, epochs)[0])
    per_s = 10 * rounds / peak
    operations = count_vector_operations(10) * 16 // LANES
    limit_s = operations * epochs / per_s
    return (
        f"An epoch takes {operations:,} vector instructions of {LANES} lanes. This core does "
        f"{per_s / 1e9:.2f} billion independent multiply-adds of {LANES} lanes a second, so the "
        f"run cannot take less than {limit_s * 1e3:.1f} ms; it took {best * 1e3:.1f} ms at best, "
        f"{best / limit_s:.2f} times the limit (minima of {3 * repeats} interleaved repeats)."
    )


def measure_widths(repeats: int) -> str:
    """Return the table of an epoch's time against the width of the hidden layer."""
    rows = []
    for hidden in WIDTHS:
        epochs = max(100, 20_000 // hidden)
        seconds: dict[str, list[float]] = {"eager": [], "fused": []}
        for engine in seconds:
            run_engine(engine, 2, hidden)
        for _ in range(repeats):
            for engine, times in seconds.items():
                times.append(_time(partial(run_engine, engine, hidden=hidden), epochs)[0])
        eager, fused = (statistics.median(times) / epochs * 1e6 for times in seconds.values())
        rows.append((f"{hidden}", f"{eager:,.1f}", f"{fused:,.2f}", f"{eager / fused:,.1f}"))
    return _make_table(("hidden units", "eager, µs", "fused, µs", "times faster"), rows)


def measure_sweep(repeats: int, epochs: int) -> str:
    """Return the table of a sweep's throughput against cores."""
    most = detect_cpu().usable_cores
    counts = sorted({1, most} | {2**n for n in range(10) if 2**n < most})
    lane = next(iter(SweepConfig(epochs=(epochs,), device="cpu")))
    solo: list[float] = []
    seconds: dict[int, list[float]] = {cores: [] for cores in counts}
    for _ in range(repeats):
        solo += [_time(lambda _: _run_lane(lane), 0)[0] for _ in range(20)]
        for cores, times in seconds.items():
            lanes = SweepConfig(epochs=(epochs,), seeds=range(LANES), device="cpu")
            times.append(_time(lambda _, c=cores, n=lanes: len(list(sweep(n, cores=c))), 0)[0])
    single = 1 / statistics.median(solo)
    rows = []
    for cores, times in seconds.items():
        rate = LANES / statistics.median(times)
        rows.append((f"{cores}", f"{rate:,.1f}", f"{rate / (cores * single):.2f}"))
    return _make_table(("cores", "models a second", "of cores x single rate"), rows) + (
        f"\n\n{LANES} models of {epochs:,} epochs each; one model alone: {single:,.1f} a second."
    )


def _run_lane(config: TrainConfig) -> float:
    run = prepare_run(config)
    for _ in run:
        pass
    return run.result().progress.epochs_per_s


@contextmanager
def start_jax() -> Iterator[Contender]:
    """Start the JAX contender in its own environment, which is made if it is missing."""
    home = FOLDER.parent / "build" / "jax-venv"
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", JAX], check=True)
    split = load_split()
    weights = zip(("w1", "b1", "w2", "b2"), build_model(10, seed=0).parameters())
    arrays: dict[str, Any] = {name: weight.detach().numpy() for name, weight in weights}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, x=split.x_train.numpy(), y=split.y_train.numpy(), **arrays)
        process = subprocess.Popen(
            [python, FOLDER / "jax_scan.py", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def run(epochs: int) -> float:
            stdin.write(f"{epochs}\n")
            stdin.flush()
            return float(stdout.readline().split()[1])

        try:
            yield run
        finally:
            stdin.close()
            process.wait()


@contextmanager
def _nothing() -> Iterator[None]:
    yield None


def _time(run: Contender, argument: int) -> tuple[float, float]:
    started = perf_counter()
    value = run(argument)
    return perf_counter() - started, value


def _make_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
