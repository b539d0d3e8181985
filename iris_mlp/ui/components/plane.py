"""The words of the planes through the four lengths, which `static/plane.js` draws."""

from iris_mlp.strings import Translate


def plane_texts(name: str, t: Translate) -> dict[str, str]:
    """Return the words of `static/plane.js` for the plane `sepal` or `petal`."""
    title, x, y = (
        t(f"classify.{key}") for key in (f"{name}_plane", f"{name}_length_cm", f"{name}_width_cm")
    )
    return {
        "title": title,
        "x": x,
        "y": y,
        "note": t(f"classify.{name}_slice"),
        "alt": t("classify.plane_alt", plane=title, x=x, y=y),
    }
