"""The confusion matrix: true species by predicted species."""

from html import escape

from iris_mlp.data import CLASS_NAMES
from iris_mlp.strings import Translate


def render_confusion(confusion: list[list[int]], caption: str, t: Translate) -> str:
    """Return the confusion matrix as a table, 3 x 3, true class by predicted class."""
    names = [escape(t(f"common.{name}").split()[0]) for name in CLASS_NAMES]
    header = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = ""
    for i, (name, counts) in enumerate(zip(names, confusion)):
        total = max(1, sum(counts))
        cells = "".join(
            f'<td class="{"right" if i == j else "wrong" if count else "none"}" '
            f'style="--share:{count / total:.2f}">{count}</td>'
            for j, count in enumerate(counts)
        )
        rows += f'<tr><th scope="row">{name}</th>{cells}</tr>'
    return (
        f'<table class="confusion"><caption>{escape(caption)}</caption>'
        f"<thead><tr><td></td>{header}</tr></thead><tbody>{rows}</tbody></table>"
    )
