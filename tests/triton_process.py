"""A process whose Triton interprets or compiles, which is settled when it is imported."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import pytest


@contextmanager
def start_process(interpret):
    """Start the process; `interpret` is "1" for Triton's interpreter, "0" for its compiler."""
    pytest.importorskip("triton", reason="needs a platform that Triton has packages for")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TRITON_INTERPRET", interpret)
            pool.submit(os.getpid).result()  # starts the process, which inherits the variable
        yield pool
