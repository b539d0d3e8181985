"""Stand-ins for hardware that the test machine lacks: an NVIDIA driver and PyTorch's backends."""

from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from pynvml import NVMLError

GPU_IS_LOST = 15
NOT_SUPPORTED = 3


@dataclass
class Card:
    """A GPU as the NVIDIA driver would report it; `failing` maps a call to its error code."""

    name: str | bytes
    capability: tuple[int, int]
    total_mib: int
    free_mib: int
    cores: int
    failing: dict[str, int] = field(default_factory=dict)
    uuid: str = ""
    slices: tuple["Card", ...] = ()


class StandInNvml(ModuleType):
    """Answers the NVML calls for a list of cards; a call in `failing` raises its error code."""

    NVMLError = NVMLError

    def __init__(
        self,
        *cards: Card,
        failing: dict[str, int] | None = None,
        missing: tuple[str, ...] = (),
    ) -> None:
        super().__init__("pynvml")
        self.cards = cards
        self.failing = failing or {}
        self.missing = missing
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        answer = _ANSWERS.get(name)
        if answer is None or name in self.missing:
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            code = self.failing.get(name)
            card = arguments[0] if arguments else None
            if name == "nvmlDeviceGetHandleByIndex":
                card = self.cards[arguments[0]]
            if code is None and isinstance(card, Card):
                code = card.failing.get(name)
            if code is not None:
                raise NVMLError(code)
            return answer(self, card, *arguments[1:])

        return call


_ANSWERS: dict[str, Any] = {
    "nvmlInit": lambda nvml, _, *__: None,
    "nvmlShutdown": lambda nvml, _, *__: None,
    "nvmlDeviceGetCount": lambda nvml, _, *__: len(nvml.cards),
    "nvmlSystemGetDriverVersion": lambda nvml, _, *__: "570.86.15",
    "nvmlSystemGetCudaDriverVersion_v2": lambda nvml, _, *__: 12080,
    "nvmlSystemGetCudaDriverVersion": lambda nvml, _, *__: 12080,
    "nvmlDeviceGetHandleByIndex": lambda nvml, card, *__: card,
    "nvmlDeviceGetName": lambda nvml, card, *__: card.name,
    "nvmlDeviceGetCudaComputeCapability": lambda nvml, card, *__: list(card.capability),
    "nvmlDeviceGetMemoryInfo": lambda nvml, card, *__: SimpleNamespace(
        total=card.total_mib * 2**20, free=card.free_mib * 2**20
    ),
    "nvmlDeviceGetUUID": lambda nvml, card, *__: card.uuid or f"GPU-{nvml.cards.index(card)}",
    "nvmlDeviceGetMigMode": lambda nvml, card, *__: [int(bool(card.slices))] * 2,
    "nvmlDeviceGetMaxMigDeviceCount": lambda nvml, card, *__: len(card.slices),
    "nvmlDeviceGetMigDeviceHandleByIndex": lambda nvml, card, number: card.slices[number],
    "nvmlDeviceGetNumGpuCores": lambda nvml, card, *__: card.cores,
}


def no_driver() -> StandInNvml:
    return StandInNvml(failing={"nvmlInit": 12})


def rtx_3090_ti(**failing: int) -> Card:
    return Card("NVIDIA GeForce RTX 3090 Ti", (8, 6), 24564, 23800, 10752, failing)


def rtx_4070_laptop() -> Card:
    return Card("NVIDIA GeForce RTX 4070 Laptop GPU", (8, 9), 8188, 7900, 4608)


def h100() -> Card:
    return Card("NVIDIA H100 80GB HBM3", (9, 0), 81559, 81000, 16896)


class _Backend:
    """A PyTorch backend (torch.cuda, torch.xpu) with the given devices; notes what is asked."""

    def __init__(self, *devices: SimpleNamespace, initialized: bool = False) -> None:
        self.devices = devices
        self.initialized = initialized
        self.built_for: tuple[str, ...] = ()
        self.asked: list[str] = []

    def is_available(self) -> bool:
        self.asked.append("is_available")
        return bool(self.devices)

    def get_arch_list(self) -> list[str]:
        return list(self.built_for)

    def device_count(self) -> int:
        return len(self.devices)

    def get_device_properties(self, index: int) -> SimpleNamespace:
        self.asked.append("get_device_properties")
        return self.devices[index]

    def is_initialized(self) -> bool:
        return self.initialized

    def mem_get_info(self, index: int) -> tuple[int, int]:
        self.asked.append("mem_get_info")
        total = self.devices[index].total_memory
        return total // 2, total


class StandInTorch(ModuleType):
    """PyTorch's backends as they would answer with the given devices."""

    def __init__(
        self,
        *,
        cuda: tuple[SimpleNamespace, ...] = (),
        xpu: tuple[SimpleNamespace, ...] = (),
        mps_mib: int | None = None,
        cuda_version: str | None = None,
        hip_version: str | None = None,
        built_for: tuple[str, ...] = (),
        initialized: bool = False,
    ) -> None:
        super().__init__("torch")
        self.cuda = _Backend(*cuda, initialized=initialized)
        self.cuda.built_for = built_for
        self.xpu = _Backend(*xpu)
        mps = SimpleNamespace(is_available=lambda: mps_mib is not None)
        self.backends = SimpleNamespace(mps=mps)
        self.mps = SimpleNamespace(recommended_max_memory=lambda: (mps_mib or 0) * 2**20)
        self.version = SimpleNamespace(cuda=cuda_version, hip=hip_version)
