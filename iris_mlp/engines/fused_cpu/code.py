"""The compiled code of the fused CPU engine: from disk, or from Numba and then to disk.

Numba has a cache too, but needs half a second to get ready for using it. What is kept here is plain
machine code for this CPU, which llvmlite, Numba's lower half, loads within some hundredths of one.
"""

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

from iris_mlp.engines.fused_cpu.layout import ARGUMENTS
from iris_mlp.errors import OutputError
from iris_mlp.files import write_atomically

_ENTRY = "train_epochs"
_DIGEST_BYTES = 32
_KINDS = {"int64": ctypes.c_int64, "float64": ctypes.c_double}
_lock = threading.Lock()


def load_code() -> Callable[..., int]:
    """Return `kernel.enter` as a C function; the interpreter's lock is released while it runs.

    The first two arguments are places for what Numba's functions return and raise; what comes back
    is 0. Compiling takes some seconds, once for each version of the source and kind of CPU, or
    once a process where no folder can be written to.
    """
    with _lock:
        return _load_code()


@cache
def _load_code() -> Callable[..., int]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=cpu, features=features, opt=3, jit=True)
    sources = [Path(__file__).with_name(f"{name}.py") for name in ("kernel", "vectors", "layout")]
    parts = (llvmlite.__version__, target.triple, cpu, features, *(p.read_text() for p in sources))
    name = f"fused-cpu-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}.o"

    code = _read(name)
    if code is None:
        code = _compile(machine)
        _write(name, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kinds = (_KINDS.get(kind, ctypes.c_void_p) for kind in ARGUMENTS)
    prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *kinds)
    function = prototype(engine.get_function_address(_ENTRY))
    function.engine = engine  # type: ignore[attr-defined]  # which owns the code
    return function


def _compile(machine: llvm.TargetMachine) -> bytes:
    from iris_mlp.engines.fused_cpu.kernel import compile_to_ir

    text, name = compile_to_ir()
    module = llvm.parse_assembly(text)
    module.get_function(name).name = _ENTRY
    # What Numba links in to count references is not called, and names functions of Numba's.
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    return machine.emit_object(module)


def _list_folders() -> Iterator[Path]:
    yield Path(__file__).with_name("__pycache__")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    yield Path(home) / "iris_mlp"


def _read(name: str) -> bytes | None:
    for folder in _list_folders():
        try:
            data = (folder / name).read_bytes()
        except OSError:
            continue
        digest, code = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if hashlib.sha256(code).digest() == digest:
            return code
    return None


def _write(name: str, code: bytes) -> None:
    for folder in _list_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / name, hashlib.sha256(code).digest() + code)
        except (OSError, OutputError):  # read-only or full: try the next, or do without
            continue
        return
