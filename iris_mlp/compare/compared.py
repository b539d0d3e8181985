"""Which devices the experiments compare, and what they are called."""

from iris_mlp.devices import list_devices


def list_compared() -> list[str]:
    """Return the CPU and, where there is one or one is lent, the first GPU."""
    return list_devices()[:2]


def name_device(device: str) -> str:
    """Return the word for a device, which both languages write the same."""
    return "CPU" if device == "cpu" else "GPU"
