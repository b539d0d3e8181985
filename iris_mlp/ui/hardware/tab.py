"""The Hardware tab: this machine, what its names mean, and the lesson's cards side by side."""

from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import gradio as gr

from iris_mlp.hardware import detect_hardware, list_gpus, render_text
from iris_mlp.strings import Translate
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.hardware.gpu_comparison import render_cases, render_comparison
from iris_mlp.ui.hardware.name_anatomy import MAX_NAME_LENGTH, render_choices, render_name
from iris_mlp.ui.hardware.report_card import describe_machine, render_report
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE

FIRST_NAME = "GeForce RTX 4070 Ti SUPER"
EXAMPLES = (
    "3090 Ti",
    "RTX 4070 Laptop",
    "H100",
    "RX 7900 XTX",
    "RTX 6090",
    "i7-12800HX",
    "EPYC 9654",
)

# A click on any name puts it into the text box.
_CHOOSE_NAME = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-name]");
  if (button) trigger("choose", { name: button.dataset.name });
});
"""
_SUGGEST_NAMES = """
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("#hardware-name input")) target.setAttribute("list", "hardware-names");
});
"""
_SORT_TABLE = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-column]");
  if (!button) return;
  const table = button.closest("table");
  const column = Number(button.dataset.column);
  const head = button.parentElement;
  // Numbers are first sorted with the largest on top, names from A.
  const cells = [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.order);
  const numeric = cells.every((text) => !Number.isNaN(Number(text)));
  const first = numeric ? "descending" : "ascending";
  const second = numeric ? "ascending" : "descending";
  const order = head.getAttribute("aria-sort") === first ? second : first;
  for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const compare = (a, b) => (numeric ? a - b : a.localeCompare(b));
  const value = (row) => row.cells[column].dataset.order;
  const rows = [...table.tBodies[0].rows].sort((a, b) => sign * compare(value(a), value(b)));
  table.tBodies[0].append(...rows);
});
"""
_COPY_TEXT = """
async (text) => {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    // Without HTTPS there is no clipboard; the old way still copies.
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  const status = document.querySelector("#hardware-copied [role=status]");
  if (!done || !status) return;
  status.classList.add("shown");
  setTimeout(() => status.classList.remove("shown"), 2500);
}
"""


class View(NamedTuple):
    """What the tab shows, in the order of the components."""

    report: str
    text: str
    copied: str
    name: str
    meaning: str
    examples: str
    cases: str
    comparison: str


@dataclass(frozen=True)
class HardwareTab:
    """What the layout needs of this tab.

    Attributes:
        on_load: Handler that looks at the machine and fills the tab in the visitor's language.
        on_load_outputs: Its outputs; it has no inputs.
    """

    on_load: Any
    on_load_outputs: list[Any]


def load_page(request: gr.Request) -> View:
    """Fill the whole tab."""
    t = request_translator(request)
    report, text = show_machine(request)
    status = f'<span role="status">{escape(t("hardware.copied"))}</span>'
    return View(
        report=report,
        text=text,
        copied=status,
        name=FIRST_NAME,
        meaning=render_name(FIRST_NAME, t),
        examples=render_examples(t),
        cases=render_cases(t),
        comparison=render_comparison(t),
    )


def show_machine(request: gr.Request) -> tuple[str, str]:
    """Look at the machine now; return the report as HTML and as text."""
    report = detect_hardware()
    return render_report(report, request_translator(request)), render_text(report)


def read_name(request: gr.Request, name: str | None) -> str:
    """Say what the name in the text box means, as HTML."""
    return render_name(name or "", request_translator(request))


def choose_name(event: gr.EventData) -> str:
    """Return the name that was clicked, for the text box."""
    return str(getattr(event, "name", ""))[:MAX_NAME_LENGTH]


def render_examples(t: Translate) -> str:
    """Return the example buttons and the catalogue's names, which the text box suggests."""
    options = "".join(f'<option value="{escape(card.name or "")}">' for card in list_gpus())
    return (
        f"{render_choices(t('hardware.examples'), EXAMPLES)}"
        f'<datalist id="hardware-names">{options}</datalist>'
    )


def describe_badge(t: Translate) -> str:
    """Return the machine in one line of plain text; the caller escapes it."""
    return describe_machine(detect_hardware(), t)


def build() -> HardwareTab:
    """Lay out and wire the tab."""
    i18n = page_i18n()

    def add_heading(key: str) -> None:
        build_prose(f"hardware.{key}")

    def add_html(name: str, script: str | None = None) -> gr.HTML:
        return gr.HTML(elem_id=f"hardware-{name}", js_on_load=script, apply_default_css=False)

    with gr.Column(elem_classes="hardware"):
        with gr.Row(elem_classes="hw-top"):
            add_heading("heading_machine")
            copied = add_html("copied")
            refresh = gr.Button(i18n("hardware.refresh"), size="sm", elem_id="hardware-refresh")
            copy = gr.Button(i18n("hardware.copy"), size="sm", elem_id="hardware-copy")
        report = add_html("report")
        with gr.Accordion(i18n("hardware.as_text"), open=False, elem_id="hardware-as-text"):
            text = gr.Textbox(
                show_label=False, lines=12, max_lines=24, container=False, elem_id="hardware-text"
            )
        add_heading("heading_read")
        name = gr.Textbox(
            label=i18n("hardware.name"),
            placeholder=i18n("hardware.name_hint"),
            max_lines=1,
            max_length=MAX_NAME_LENGTH,
            elem_id="hardware-name",
        )
        examples = add_html("examples", _CHOOSE_NAME + _SUGGEST_NAMES)
        meaning = add_html("meaning", _CHOOSE_NAME)
        add_heading("heading_cases")
        cases = add_html("cases", _CHOOSE_NAME)
        add_heading("heading_compare")
        comparison = add_html("comparison", _SORT_TABLE)

    wiring: dict[str, Any] = PRIVATE | {"concurrency_id": "hardware", "concurrency_limit": 2}
    refresh.click(show_machine, None, [report, text], **wiring)
    copy.click(None, text, None, js=_COPY_TEXT, api_visibility="private")
    # Not `input`, which a Textbox sends for keys alone: pasting is the usual way to bring a name.
    name.change(read_name, name, meaning, trigger_mode="always_last", **wiring)
    for clickable in (examples, meaning, cases):
        clickable.choose(choose_name, None, name, **wiring)
    view = [report, text, copied, name, meaning, examples, cases, comparison]
    return HardwareTab(load_page, view)
