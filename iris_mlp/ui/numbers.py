"""How the page writes numbers: one function for each kind."""

import math


def digits(value: float) -> str:
    """Return a number with three digits that count, and thousands apart."""
    size = abs(value)
    text = f"{size:,.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"
    return f"−{text}" if value < 0 else text


def micros(us: float) -> str:
    """Return microseconds in the unit that suits them."""
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if abs(us) >= 0.9995 * size:
            return f"{digits(us / size)} {unit}"
    return f"{digits(us)} µs"


def seconds(elapsed_s: float) -> str:
    """Return seconds in the unit that suits them."""
    return micros(1e6 * elapsed_s)


def size(count: float) -> str:
    """Return bytes in the unit that suits them."""
    for unit, of in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= of:
            return f"{digits(count / of)} {unit}"
    return f"{count:,.0f} B"


def about(count: float) -> str:
    """Return a size that is only about so, with two digits that count."""
    places = 1 - math.floor(math.log10(count)) if count > 0 else 0
    return f"{round(count, min(places, 0)):,.0f}"


def at_least(count: int) -> str:
    """Return a whole number rounded down to three digits that count."""
    step = 10 ** max(0, len(str(count)) - 3)
    return f"{count // step * step:,}"


def percent(share: float) -> str:
    """Return a share as a whole percentage with a true minus sign."""
    return f"{abs(share):.0%}" if share > -0.005 else f"−{-share:.0%}"


def decimal(value: float, signed: bool = False) -> str:
    """Return a number with four decimals, or its power of ten, and a true minus sign."""
    if value == 0:
        return "0"
    wide = not math.isfinite(value) or not 1e-4 <= abs(value) < 1e5
    return _true_minus(f"{value:{'+' if signed else ''}{'.3e' if wide else '.4f'}}")


def exact(value: float) -> str:
    """Return a number with the digits that float32 holds."""
    return "0" if value == 0 else _true_minus(f"{value:.7g}")


def difference(value: float) -> str:
    """Return the size of a difference with two digits that count."""
    return _true_minus(f"{value:.1e}")


def _true_minus(text: str) -> str:
    return text.replace("-", "−")
