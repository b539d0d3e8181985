"""Tables from what a CPU reports of itself to its microarchitecture.

x86: CPUID vendor, family and model (Linux kernel, arch/x86/include/asm/intel-family.h and
arch/x86/kernel/cpu/amd.c). ARM: the MIDR implementer and part (Arm Architecture Reference Manual,
each core's Technical Reference Manual; util-linux, sys-utils/lscpu-arm.c). Years: the makers'
launch announcements.
"""

YEARS = {
    "Nehalem": 2008,
    "Westmere": 2010,
    "Sandy Bridge": 2011,
    "Ivy Bridge": 2012,
    "Haswell": 2013,
    "Broadwell": 2014,
    "Skylake": 2015,
    "Kaby Lake": 2016,
    "Kaby Lake Refresh": 2017,
    "Skylake-SP": 2017,
    "Coffee Lake": 2017,
    "Coffee Lake Refresh": 2018,
    "Whiskey Lake": 2018,
    "Amber Lake": 2018,
    "Cannon Lake": 2018,
    "Cascade Lake": 2019,
    "Comet Lake": 2019,
    "Ice Lake": 2019,
    "Cooper Lake": 2020,
    "Tiger Lake": 2020,
    "Ice Lake-SP": 2021,
    "Rocket Lake": 2021,
    "Alder Lake": 2021,
    "Raptor Lake": 2022,
    "Alder Lake-N": 2023,
    "Raptor Lake Refresh": 2023,
    "Sapphire Rapids": 2023,
    "Emerald Rapids": 2023,
    "Meteor Lake": 2023,
    "Lunar Lake": 2024,
    "Arrow Lake": 2024,
    "Granite Rapids": 2024,
    "Sierra Forest": 2024,
    "Arrow Lake-U": 2025,
    "Twin Lake": 2025,
    "Panther Lake": 2026,
    "Gemini Lake": 2017,
    "Gemini Lake Refresh": 2019,
    "Jasper Lake": 2021,
    "Ice Lake-D": 2022,
    "Bulldozer": 2011,
    "Piledriver": 2012,
    "Zen": 2017,
    "Zen+": 2018,
    "Zen 2": 2019,
    "Zen 3": 2020,
    "Zen 3+": 2022,
    "Zen 4": 2022,
    "Zen 4c": 2023,
    "Zen 5": 2024,
    "Zen 5c": 2024,
    "LA464": 2021,
    "LA664": 2023,
    "Cortex-A72": 2015,
    "Cortex-A76": 2018,
    "Neoverse N1": 2019,
    "Neoverse V1": 2020,
    "Neoverse N2": 2020,
    "Neoverse V2": 2022,
    "Neoverse V3": 2024,
    "Neoverse N3": 2024,
}

_INTEL_FAMILY_6 = {
    **dict.fromkeys((0x1A, 0x1E, 0x1F, 0x2E), "Nehalem"),
    **dict.fromkeys((0x25, 0x2C, 0x2F), "Westmere"),
    **dict.fromkeys((0x2A, 0x2D), "Sandy Bridge"),
    **dict.fromkeys((0x3A, 0x3E), "Ivy Bridge"),
    **dict.fromkeys((0x3C, 0x3F, 0x45, 0x46), "Haswell"),
    **dict.fromkeys((0x3D, 0x47, 0x4F, 0x56), "Broadwell"),
    **dict.fromkeys((0x4E, 0x5E), "Skylake"),
    0x57: "Knights Landing",
    0x66: "Cannon Lake",
    0x6A: "Ice Lake-SP",
    0x6C: "Ice Lake-D",
    0x7A: "Gemini Lake",
    **dict.fromkeys((0x7D, 0x7E), "Ice Lake"),
    0x85: "Knights Mill",
    **dict.fromkeys((0x8C, 0x8D), "Tiger Lake"),
    0x8F: "Sapphire Rapids",
    **dict.fromkeys((0x97, 0x9A), "Alder Lake"),
    0x9C: "Jasper Lake",
    **dict.fromkeys((0xA5, 0xA6), "Comet Lake"),
    0xA7: "Rocket Lake",
    **dict.fromkeys((0xAA, 0xAC), "Meteor Lake"),
    **dict.fromkeys((0xAD, 0xAE), "Granite Rapids"),
    0xAF: "Sierra Forest",
    0xB5: "Arrow Lake-U",
    **dict.fromkeys((0xB7, 0xBA, 0xBF), "Raptor Lake"),
    0xBD: "Lunar Lake",
    0xBE: "Alder Lake-N",
    **dict.fromkeys((0xC5, 0xC6), "Arrow Lake"),
    0xCC: "Panther Lake",
    0xCF: "Emerald Rapids",
    0xDD: "Clearwater Forest",
}

# (family, first model, last model, microarchitecture)
_AMD_RANGES = (
    (0x17, 0x00, 0x07, "Zen"),
    (0x17, 0x08, 0x0F, "Zen+"),
    (0x17, 0x10, 0x17, "Zen"),
    (0x17, 0x18, 0x1F, "Zen+"),
    (0x17, 0x20, 0x2F, "Zen"),
    (0x17, 0x30, 0xAF, "Zen 2"),
    (0x19, 0x00, 0x0F, "Zen 3"),
    (0x19, 0x10, 0x1F, "Zen 4"),
    (0x19, 0x20, 0x2F, "Zen 3"),
    (0x19, 0x40, 0x4F, "Zen 3+"),
    (0x19, 0x50, 0x5F, "Zen 3"),
    (0x19, 0x60, 0x7F, "Zen 4"),
    (0x19, 0xA0, 0xAF, "Zen 4c"),
    (0x1A, 0x00, 0x0F, "Zen 5"),
    (0x1A, 0x10, 0x1F, "Zen 5c"),
    (0x1A, 0x20, 0x4F, "Zen 5"),
    (0x1A, 0x50, 0x5F, "Zen 6"),
    (0x1A, 0x60, 0x7F, "Zen 5"),
    (0x1A, 0x80, 0xCF, "Zen 6"),
)

_ARM_PARTS = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD40): "Neoverse V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD42): "Cortex-A78AE",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse N2",
    (0x41, 0xD4A): "Neoverse E1",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x41, 0xD83): "Neoverse V3AE",
    (0x41, 0xD84): "Neoverse V3",
    (0x41, 0xD85): "Cortex-X925",
    (0x41, 0xD87): "Cortex-A725",
    (0x41, 0xD8E): "Neoverse N3",
    (0x43, 0x0AF): "ThunderX2",
    (0x46, 0x001): "A64FX",
    (0x48, 0xD01): "TaiShan V110",
    (0x4E, 0x004): "Carmel",
    (0x51, 0x001): "Oryon",
    (0xC0, 0xAC3): "AmpereOne",
    (0xC0, 0xAC4): "AmpereOne",
    **{(0x61, part): "Apple M1" for part in (0x022, 0x023, 0x024, 0x025, 0x028, 0x029)},
    **{(0x61, part): "Apple M2" for part in (0x032, 0x033, 0x034, 0x035, 0x038, 0x039)},
}
_ARM_IMPLEMENTERS = {
    0x41: "Arm",
    0x43: "Cavium",
    0x46: "Fujitsu",
    0x48: "HiSilicon",
    0x4E: "NVIDIA",
    0x51: "Qualcomm",
    0x61: "Apple",
    0xC0: "Ampere",
}


def find_x86_architecture(vendor: str, family: int, model: int, stepping: int = 0) -> str | None:
    """Return the microarchitecture that a CPUID vendor string, family and model stand for."""
    if vendor == "GenuineIntel" and family == 6:
        if model == 0x55:  # three server generations share this model
            if stepping < 5:
                return "Skylake-SP"
            return "Cascade Lake" if stepping < 10 else "Cooper Lake"
        if model == 0x8E:  # Kaby Lake Refresh and Coffee Lake-U share stepping 10
            return "Kaby Lake" if stepping < 10 else None if stepping == 10 else "Whiskey Lake"
        if model == 0x9E:
            return "Kaby Lake" if stepping <= 9 else "Coffee Lake"
        return _INTEL_FAMILY_6.get(model)
    if vendor == "HygonGenuine" and family == 0x18:
        return "Dhyana"
    if vendor == "AuthenticAMD":
        for row_family, first, last, architecture in _AMD_RANGES:
            if family == row_family and first <= model <= last:
                return architecture
    return None


def find_arm_architecture(implementer: int, part: int) -> str | None:
    """Return the core that an ARM implementer code and part number stand for."""
    return _ARM_PARTS.get((implementer, part))


def find_arm_vendor(implementer: int) -> str | None:
    """Return the designer of the core that an ARM implementer code stands for."""
    return _ARM_IMPLEMENTERS.get(implementer)
