"""The English words for every key that the hardware package gives out.

The page carries the same keys in its own catalogues; here they serve the plain-text report.
"""

WORDS = {
    "unknown": "unknown",
    # Where a number was read.
    "source.psutil": "from the operating system",
    "source.sched_getaffinity": "from the scheduler's affinity mask",
    "source.process_affinity": "from the process's affinity mask",
    "source.cgroup_v1": "from control group v1",
    "source.cgroup_v2": "from control group v2",
    "source.cpuid": "from the CPU's family and model",
    "source.midr": "from the core's own part number",
    "source.name": "from the name",
    "source.archspec": "from the instruction set",
    # Which number of cores decides.
    "cores.logical": "all logical threads",
    "cores.affinity": "limited by the affinity of this process",
    "cores.quota": "limited by the container's quota, rounded up",
    "cores.unknown": "assumed, since the number of cores is unknown",
    # How the NVIDIA driver answered.
    "nvml.ok": "the NVIDIA driver answers",
    "nvml.not_installed": "the package nvidia-ml-py is not installed",
    "nvml.library_not_found": "no NVIDIA driver is installed",
    "nvml.driver_not_loaded": "an NVIDIA driver is installed but not loaded",
    "nvml.no_permission": "this process may not talk to the NVIDIA driver",
    "nvml.version_mismatch": "the NVIDIA driver was updated while running: restart the machine",
    "nvml.error": "the NVIDIA driver does not answer properly",
    "gpu.none": "No GPU found",
    "gpu.none_what": "Its name, memory, architecture and driver would appear here.",
    "gpu.none_how": "To see one, run this app on a GPU Space, in a cloud notebook with a GPU, "
    "or on a PC with a graphics card.",
    # The state of a GPU.
    "state.ok": "working",
    "state.lost": "lost: it stopped answering the driver; restart the machine",
    "state.reset_required": "needs a reset before it works again",
    "state.unreadable": "present, but the driver reports nothing about it",
    # Why `auto` chooses its device.
    "accelerator": "PyTorch can use this accelerator",
    "only_cpu": "PyTorch finds no accelerator that it can use here",
    # PyTorch builds.
    "build.cpu": "CPU",
    "build.cuda": "CUDA",
    "build.rocm": "ROCm",
    "build.mps": "macOS (MPS)",
    "build.xpu": "Intel XPU",
    # Tiers.
    "tier.90": "flagship",
    "tier.80": "high",
    "tier.70": "upper middle",
    "tier.60": "mainstream",
    "tier.50": "entry",
    "tier.40": "below entry",
    "tier.30": "below entry",
    "tier.20": "below entry",
    "tier.10": "below entry",
    # Series.
    "series.10": "a series number: Pascal, from 2016",
    "series.16": "a series number: Turing without ray-tracing and tensor cores, from 2019",
    "series.20": "a series number: Turing, from 2018 (the RTX 2050 is Ampere)",
    "series.30": "a series number: Ampere, from 2020",
    "series.40": "a series number, not the 40th generation: Ada Lovelace, from 2022",
    "series.50": "a series number: Blackwell, from 2025",
    "series.other": "a series number that the catalogue does not have",
    "series.rx5000": "Radeon RX 5000 series: RDNA, from 2019",
    "series.rx6000": "Radeon RX 6000 series: RDNA 2, from 2020",
    "series.rx7000": "Radeon RX 7000 series: RDNA 3, from 2022",
    "series.rx9000": "Radeon RX 9000 series: RDNA 4, from 2025",
    "series.apple_m": "the generation of Apple's Mac chips",
    # Product lines.
    "line.geforce": "NVIDIA's cards for games and home use",
    "line.titan": "NVIDIA's former top cards for enthusiasts",
    "line.quadro": "NVIDIA's workstation cards, up to 2020",
    "line.tesla": "NVIDIA's data-centre cards, up to 2020; the word is no longer used",
    "line.radeon": "AMD's graphics cards",
    "line.instinct": "AMD's data-centre accelerators",
    "line.arc": "Intel's graphics cards",
    "line.apple": "a chip with CPU and GPU in one, sharing memory",
    # Prefixes.
    "prefix.rtx": "has ray-tracing and tensor cores",
    "prefix.gtx": "has neither ray-tracing nor tensor cores",
    "prefix.gt": "a small card to drive a display",
    "prefix.mx": "a small laptop GPU; the name does not tell the architecture",
    "prefix.rx": "AMD's cards for games",
    "prefix.pro": "the workstation line since 2025",
    "prefix.pro_amd": "AMD's workstation line",
    "prefix.mi": "Machine Intelligence: AMD's data-centre line",
    # Letters that stand for an architecture.
    "letter.p": "Pascal, from 2016",
    "letter.v": "Volta, from 2017",
    "letter.t": "Turing, from 2018",
    "letter.a": "Ampere, from 2020",
    "letter.l": "Ada Lovelace, from 2022",
    "letter.h": "Hopper, from 2022",
    "letter.b": "Blackwell, from 2024",
    "letter.gh": "Grace CPU and Hopper GPU on one module",
    "letter.gb": "Grace CPU and Blackwell GPU on one module",
    "letter.titan": "which TITAN; it does not tell the architecture",
    "letter.arc_a": "Alchemist, from 2022",
    "letter.arc_b": "Battlemage, from 2024",
    "letter.amd_workstation": "a workstation card",
    "architecture.ada": "Ada Lovelace, from 2022",
    "architecture.blackwell": "Blackwell, from 2025 in workstations",
    "number.position": "the place within its line: a larger number is a larger card",
    "number.model": "which card of its line; a larger number need not be a larger card",
    # Suffixes.
    "suffix.ti": "the stronger version within the same series and tier",
    "suffix.super": "a stronger version that came later, within the same series and tier",
    "suffix.d": "a version with less compute for export",
    "suffix.max_q": "runs at less power than the full version",
    "suffix.s": "a faster version of the same card",
    "suffix.g": "a version that a cloud provider offers",
    "suffix.xt": "the stronger version within the same number",
    "suffix.xtx": "the strongest version within the same number",
    "suffix.gre": "a cut-down version within the same number",
    "suffix.radeon_m": "the laptop version",
    "suffix.radeon_s": "the laptop version for thin machines",
    "suffix.instinct_x": "an accelerator without a CPU; in some generations the fuller version",
    "suffix.instinct_a": "with CPU cores in the same package",
    "suffix.apple_pro": "more cores than the plain chip",
    "suffix.apple_max": "about twice the GPU of the Pro",
    "suffix.apple_ultra": "two Max chips joined",
    # Forms.
    "form.laptop": "the laptop version: less power, often a smaller chip and less memory",
    "form.sff": "small form factor",
    "form.workstation": "with its own fan, for a workstation",
    "form.server": "cooled by the server",
    "form.pcie": "a card for a PCIe slot",
    "form.sxm": "a module on NVIDIA's own board, with more power than the card",
    "form.nvl": "cards joined by NVLink",
    "form.mig": "a slice of a card (Multi-Instance GPU)",
    "part.memory": "the memory",
    # Notes.
    "note.not_in_catalogue": "This name is not in the catalogue.",
    "note.read_from_pattern": (
        "Series, tier and suffix are read from the pattern of the name; an architecture is only "
        "the usual one of the series; memory, compute and capability are not known."
    ),
    "note.ambiguous": "Several cards of different architectures go by this name; say which one.",
    "note.several_versions": "Several versions go by this name; only what they share is given.",
    "note.several_memory_sizes": (
        "Sold with several memory sizes; the compute is that of the first one."
    ),
    "note.stated_memory_not_in_catalogue": "The catalogue has no such card with that memory.",
    "note.laptop_power": "Its compute depends on the power that the laptop's maker allows it.",
    "note.laptop_unclear": "The laptop version has the same name.",
    "note.laptop_smaller_chip": "It is built on a smaller chip than the desktop card of this name.",
    "note.laptop_less_memory": "It has less memory than the desktop card of this name.",
    "note.turing_without_rt_and_tensor_cores": (
        "Turing like the RTX 20 series, but without its ray-tracing and tensor cores."
    ),
    "note.series_hides_architecture": (
        "Its name says 20 series, which is Turing, but its chip is Ampere."
    ),
    "note.mx_says_no_architecture": "An MX number does not tell the architecture.",
    "note.more_vram_than_higher_tier": (
        "With 12 GB it has more memory than the RTX 3070 Ti, a higher tier."
    ),
    "note.less_vram_than_lower_tier": (
        "With 8 GB it has less memory than the RTX 3060 with 12 GB, a lower tier."
    ),
    "note.same_compute_other_series": (
        "RTX 3090 Ti and RTX 4070 Ti list nearly the same compute, with 24 GB and 12 GB: a suffix "
        "compares cards within a series only."
    ),
    "note.number_is_not_a_series": (
        "The number is a place within the workstation line, not a GeForce series."
    ),
    "note.several_cards_called_6000": (
        "Four cards are called 6000: Quadro RTX 6000 (Turing), RTX A6000 (Ampere), RTX 6000 Ada "
        "and RTX PRO 6000 Blackwell."
    ),
    "note.export_version": "A version for export, with less of what the export rules limit.",
    "note.four_gpus_on_a_board": "Four such GPUs sit on one board; the figures are for one.",
    "note.two_devices_on_a_card": (
        "The card appears as two devices with half the memory each; the figures are for the card."
    ),
    "note.superchip_memory": "The figures are for one GPU; the CPU beside it has its own memory.",
    "note.stated_memory_is_the_cpu_s": (
        "The size in this name is the CPU's memory; the figures are for one GPU."
    ),
    "note.unified_memory": "CPU and GPU share one memory.",
    "note.mig_slice": "This is a slice of the card, with a part of its memory and compute.",
    "note.vgpu_slice": "This is a virtual GPU, with a part of the card's memory and compute.",
    "note.capability_differs": (
        "The driver reports another compute capability than the name says; the driver is right."
    ),
    "note.torch_without_cuda": (
        "This build of PyTorch has no CUDA, so it cannot use this card: install a CUDA build."
    ),
    "note.torch_needs_newer_driver": (
        "This build of PyTorch needs a newer driver: update it, or install a build for its CUDA."
    ),
    "note.torch_without_architecture": (
        "This build of PyTorch has left out cards as old as this one: install a build that has it."
    ),
    # Parts of a CPU's name.
    "cpu.line": "the product line",
    "cpu.tier": "the rank within its generation: the higher the better",
    "cpu.generation": "the generation",
    "cpu.generation_ahead": "the generation by its number; the design is that of the one before",
    "cpu.ultra_series": "the series of Core Ultra",
    "cpu.xeon_generation_digit": "the second digit is the generation of Xeon Scalable",
    "cpu.xeon_version": "the version, which stands for the architecture",
    "cpu.xeon6_cores": "P: performance cores (Granite Rapids); E: efficient cores (Sierra Forest)",
    "cpu.epyc_generation_digit": "the last digit is the generation of EPYC",
    "cpu.ryzen_series": "the series, which mostly stands for the architecture",
    "cpu.ryzen_ai_series": "the series of Ryzen AI",
    "cpu.ryzen_design_digit": "the digit that tells the architecture: 2 Zen 2, 3 Zen 3, 4 Zen 4",
    "cpu_suffix.intel.hx": "laptop, the highest power, desktop silicon",
    "cpu_suffix.intel.hk": "laptop, high power, unlocked",
    "cpu_suffix.intel.h": "laptop, high power",
    "cpu_suffix.intel.p": "thin laptop, middle power",
    "cpu_suffix.intel.u": "laptop, low power",
    "cpu_suffix.intel.y": "laptop, the lowest power",
    "cpu_suffix.intel.v": "laptop, low power, memory in the package",
    "cpu_suffix.intel.g7": "laptop, with the largest graphics of its generation",
    "cpu_suffix.intel.k": "desktop, unlocked",
    "cpu_suffix.intel.kf": "desktop, unlocked, without graphics",
    "cpu_suffix.intel.ks": "desktop, unlocked, the fastest selection",
    "cpu_suffix.intel.f": "desktop, without graphics",
    "cpu_suffix.intel.t": "desktop, low power",
    "cpu_suffix.intel.x": "desktop, many cores",
    "cpu_suffix.intel.xe": "desktop, the most cores",
    "cpu_suffix.amd.x": "the faster version",
    "cpu_suffix.amd.xt": "a faster version that came later",
    "cpu_suffix.amd.x3d": "desktop, with a stacked cache",
    "cpu_suffix.amd.g": "desktop, with larger graphics",
    "cpu_suffix.amd.ge": "desktop, with larger graphics, low power",
    "cpu_suffix.amd.f": "desktop, without graphics",
    "cpu_suffix.amd.u": "laptop, low power",
    "cpu_suffix.amd.h": "laptop, high power",
    "cpu_suffix.amd.hs": "laptop, high power, for thin machines",
    "cpu_suffix.amd.hx": "laptop, the highest power, desktop silicon",
    "cpu_suffix.amd.hx3d": "laptop, the highest power, with a stacked cache",
    "cpu_suffix.amd.wx": "workstation",
    "cpu_suffix.epyc.p": "for one socket only",
    "cpu_suffix.epyc.f": "fewer cores at a higher frequency",
    "cpu_suffix.epyc.x": "with a stacked cache",
}
