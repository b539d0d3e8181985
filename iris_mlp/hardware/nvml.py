"""What the NVIDIA driver tells of its GPUs, asked through NVML."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import psutil

from iris_mlp.hardware.gpu_decoder import decode_gpu
from iris_mlp.hardware.probes import ask_system

# NVML API Reference Guide, nvmlReturn_t.
_STATES = {4: "no_permission", 15: "lost", 16: "reset_required"}
INIT_ERRORS = {
    4: "nvml.no_permission",
    9: "nvml.driver_not_loaded",
    12: "nvml.library_not_found",
    18: "nvml.version_mismatch",
}


class NvmlGateway:
    """The one place where NVML is called: a call that fails gives None and leaves its error code.

    Attributes:
        error: The code of the last call's failure, or None.
        errors: The codes of all failures since `errors` was last cleared.
    """

    def __init__(self, nvml: ModuleType) -> None:
        self._nvml: Any = nvml
        self.error: int | None = None
        self.errors: list[int | None] = []

    def ask(self, function_name: str, *arguments: object) -> Any:
        """Call an NVML function; None where it fails, is missing, or returns unreadable text."""
        self.error = None
        try:
            return getattr(self._nvml, function_name)(*arguments)
        except self._nvml.NVMLError as error:
            self.error = getattr(error, "value", None)
        except (AttributeError, UnicodeDecodeError, OSError):
            self.error = None
        self.errors.append(self.error)
        return None

    @contextmanager
    def session(self) -> Iterator[bool]:
        """Initialise NVML, and shut it down afterwards; True where it answers."""
        self.errors.clear()
        self.ask("nvmlInit")
        started = not self.errors
        try:
            yield started
        finally:
            if started:
                self.ask("nvmlShutdown")


def list_cards(gateway: NvmlGateway) -> dict[str, dict[str, Any]] | None:
    """List what the driver knows of each GPU or slice of one, by its identifier, in its order.

    The values are fields of a `GpuInfo`. None where the driver cannot count.
    """
    count = gateway.ask("nvmlDeviceGetCount")
    if count is None:
        return None
    driver = _to_text(gateway.ask("nvmlSystemGetDriverVersion"))
    cuda = gateway.ask("nvmlSystemGetCudaDriverVersion_v2")
    if cuda is None:
        cuda = gateway.ask("nvmlSystemGetCudaDriverVersion")
    versions: dict[str, Any] = {
        "driver_version": driver,
        "cuda_driver_version": f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
    }
    found: dict[str, dict[str, Any]] = {}
    for index in range(count):
        gateway.errors.clear()
        handle = gateway.ask("nvmlDeviceGetHandleByIndex", index)
        code = gateway.error
        slices = _list_slices(gateway, handle) if handle is not None else []
        for each in slices or [handle]:
            card = _read_card(gateway, index, each, handle, code, versions)
            identifier = _to_text(gateway.ask("nvmlDeviceGetUUID", each)) if each else None
            found[identifier or f"{index}"] = card
    return found


def find_visible(environ: Mapping[str, str], names: list[str]) -> list[str]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES leaves to this process, in its order.

    CUDA C++ Programming Guide, "CUDA Environment Variables": numbers or the beginnings of
    identifiers; the first that fits nothing ends the list. Of the slices of cards (MIG) a process
    gets one, and no whole card beside it.

    Args:
        environ: The environment.
        names: The identifiers of the driver's GPUs ("GPU-…", "MIG-…"), in its order.
    """
    chosen = environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        seen = names
    else:
        seen = []
        for word in (word.strip() for word in chosen.split(",")):
            fits = [name for name in names if word and name.startswith(word)]
            if word.isdecimal() and int(word) < len(names):
                fits = [names[int(word)]]
            if len(fits) != 1 or fits[0] in seen:
                break
            seen.append(fits[0])
    slices = [name for name in seen if name.startswith("MIG-")]
    return slices[:1] or seen


def _list_slices(gateway: NvmlGateway, handle: Any) -> list[Any]:
    """List the slices (MIG) of a card that is cut into them."""
    if not (gateway.ask("nvmlDeviceGetMigMode", handle) or (0,))[0]:
        return []
    most = gateway.ask("nvmlDeviceGetMaxMigDeviceCount", handle) or 0
    slices = (
        gateway.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, number) for number in range(most)
    )
    return [each for each in slices if each is not None]


def _read_card(
    gateway: NvmlGateway,
    index: int,
    handle: Any,
    card: Any,
    code: int | None,
    versions: dict[str, Any],
) -> dict[str, Any]:
    """Read one GPU, question by question, into the fields of a `GpuInfo`.

    Args:
        gateway: Where to ask.
        index: The driver's number.
        handle: The card or its slice; None where the driver gives none.
        card: The whole card.
        code: The driver's error where it gave none.
        versions: Those of the driver.
    """
    gateway.errors[:] = [code]
    name = capability = memory = cores = None
    if handle is not None:
        name = _to_text(gateway.ask("nvmlDeviceGetName", handle))
        pair = gateway.ask("nvmlDeviceGetCudaComputeCapability", card)
        capability = f"{pair[0]}.{pair[1]}" if pair else None
        memory = gateway.ask("nvmlDeviceGetMemoryInfo", handle)
        cores = gateway.ask("nvmlDeviceGetNumGpuCores", card) if handle is card else None
    states = [_STATES[error] for error in gateway.errors if error in _STATES]
    # A board that shares the machine's memory reports none of its own (GB10), or 0 bytes (Jetson).
    total = (memory.total if memory else 0) or None
    free = memory.free if memory and total else None
    vram_source = "source.nvml" if total else None
    said = decode_gpu(name) if name else None
    if total is None and said and "note.unified_memory" in said.notes:
        system = ask_system(psutil.virtual_memory)
        total, free = (system.total, system.available) if system else (None, None)
        vram_source = "source.psutil" if system else None
    return dict(
        index=index,
        kind="cuda",
        state=states[0] if states else "ok" if handle is not None else "unreadable",
        name=name,
        compute_capability=capability,
        source="source.nvml",
        vram_total_mib=total / 2**20 if total else None,
        vram_free_mib=free / 2**20 if free is not None else None,
        vram_source=vram_source,
        cores=cores,
        **versions,
    )


def _to_text(value: str | bytes | None) -> str | None:
    """Give text; older bindings return bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
