"""From what a CPU reports of itself to its microarchitecture, by the tables of `cpu_rules.toml`."""

from iris_mlp.hardware.rules import read_rules

_RULES = read_rules("cpu_rules.toml")
YEARS: dict[str, int] = _RULES["years"]
_STEPPINGS = {int(model, 16): table for model, table in _RULES["steppings"].items()}
_ARM = {
    int(code, 16): (maker["name"], {int(part, 16): core for part, core in maker["parts"].items()})
    for code, maker in _RULES["arm"].items()
}


def find_x86_architecture(
    vendor: str, family: int, model: int, stepping: int | None = None
) -> str | None:
    """Return the microarchitecture of a CPUID vendor, family and model.

    Where several share a model the stepping decides; without one the answer is unknown.
    """
    if vendor == "GenuineIntel" and family == 6 and model in _STEPPINGS:
        found = None
        for first, architecture in _STEPPINGS[model].items():
            if stepping is not None and stepping >= int(first):
                found = architecture
        return found or None
    for row_family, first, last, architecture in _RULES["cpuid"].get(vendor, ()):
        if family == row_family and first <= model <= last:
            return architecture
    return None


def find_arm_architecture(implementer: int, part: int) -> str | None:
    """Return the core that an ARM implementer code and part number stand for."""
    return _ARM.get(implementer, (None, {}))[1].get(part)


def find_arm_vendor(implementer: int) -> str | None:
    """Return the designer of the core that an ARM implementer code stands for."""
    return _ARM.get(implementer, (None, {}))[0]
