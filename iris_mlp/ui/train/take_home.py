"""What a visitor takes home from a run: a script, a link, a repository on the Hub."""

import os
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

import gradio as gr

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.errors import HubError, SettingsError
from iris_mlp.hub.account import read_account
from iris_mlp.hub.client import find_token
from iris_mlp.hub.push import push as publish
from iris_mlp.take_home import link as run_link
from iris_mlp.take_home.script import render_notebook, render_script
from iris_mlp.training import History
from iris_mlp.ui.components.code_block import render_code
from iris_mlp.ui.components.prose import build_prose
from iris_mlp.ui.confirmation import Confirmation
from iris_mlp.ui.errors import translate_error, user_errors
from iris_mlp.ui.language import page_i18n, request_translator
from iris_mlp.ui.run_button import PRIVATE, QUICK
from iris_mlp.ui.visitor import SHARE_PARAMETER, read_settings

LOGIN_ROUTE = "login/huggingface"
# The server need not know under which address a proxy shows it.
ADD_ADDRESS = (
    "(checkpoint, _, ...rest) => [checkpoint, location.origin + location.pathname, ...rest]"
)


SCRIPT_NAME, NOTEBOOK_NAME = "iris_mlp.py", "iris_mlp.ipynb"
# A page that is not served securely may not write to the clipboard: then the code is selected.
COPY_SCRIPT = """
element.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-done]");
  if (!button) return;
  const code = element.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    element.querySelector("[role=status]").textContent = button.dataset.done;
  } catch {
    getSelection().selectAllChildren(code);
  }
});
"""


@user_errors
def write_script(request: gr.Request, *settings: Any) -> str:
    """Return the settings as a stand-alone script, with buttons to copy and to download it."""
    t = request_translator(request)
    config = TrainConfig.from_values(settings)
    code = render_script(config, t("common.language"))
    copy, copied = escape(t("train.script_copy")), escape(t("train.script_copied"))
    downloads = "".join(
        f'<a download="{name}" href="data:{kind};charset=utf-8,{quote(text)}">'
        f"{escape(t('train.script_download', name=name))}</a>"
        for name, kind, text in (
            (SCRIPT_NAME, "text/x-python", code),
            (NOTEBOOK_NAME, "application/x-ipynb+json", render_notebook(code)),
        )
    )
    return (
        f'<div class="code-actions"><button type="button" data-done="{copied}">{copy}</button>'
        f'{downloads}<span role="status"></span></div>{render_code(code, SCRIPT_NAME)}'
    )


@user_errors
def make_link(
    request: gr.Request, checkpoint: Checkpoint | None, address: str, *settings: Any
) -> str:
    """Return an address with the last run's settings and weights, else the settings alone."""
    if checkpoint is None:
        config = TrainConfig.from_values(settings)
        return f"{address}?{SHARE_PARAMETER}={run_link.encode(config)}"
    fitting = checkpoint if run_link.fits(checkpoint) else None
    return f"{address}?{SHARE_PARAMETER}={run_link.encode(read_settings(checkpoint), fitting)}"


@user_errors
def show_account(request: gr.Request, token: gr.OAuthToken | None) -> tuple[str, Any]:
    """Say under whose name a push goes, or how to sign in; let the button do what is left."""
    t = request_translator(request)
    if token is None and can_sign_in():
        sentence = t("train.hub_not_signed_in")
    else:
        try:
            name = read_account(token.token if token else None).name
            sentence = t("train.hub_signed_in", name=name)
        except HubError as error:
            sentence = translate_error(error, t)
    route, key = ("logout", "hub_logout") if token else (LOGIN_ROUTE, "hub_login")
    # Back to this page in its language, and to the model of a link that was opened.
    back = {"_target_url": f"/?{urlencode(dict(request.query_params))}"} if request else {}
    button = gr.update(value=t(f"train.{key}"), link=f"/{route}?{urlencode(back)}")
    return f'<p class="hub-answer">{escape(sentence)}</p>', button


@user_errors
def push_run(
    request: gr.Request,
    token: gr.OAuthToken | None,
    checkpoint: Checkpoint | None,
    history: History | None,
    repository: str,
    private: bool,
    code: str = "",
    confirmation: Confirmation | None = None,
) -> Iterator[tuple[str, Any, Any]]:
    """Publish the last run under the visitor's name; their token lives in this call alone.

    With the login that is stored on this machine only once the code in its terminal was typed.
    """
    t = request_translator(request)
    if checkpoint is None:
        raise SettingsError(t("train.hub_no_run"))
    if token is None and can_sign_in():
        raise HubError(t("train.hub_not_signed_in"))
    if token is None and find_token():
        confirmation = confirmation or Confirmation()
        if not confirmation.accept(code):
            asked = f'<p class="hub-answer" role="status">{escape(t("train.hub_code_asked"))}</p>'
            yield asked, gr.update(value="", visible=True), confirmation
            return
    pushing = f'<p class="hub-answer" role="status">{escape(t("train.hub_pushing"))}</p>'
    yield pushing, gr.update(visible=False), confirmation
    address = publish(
        repository.strip(),
        checkpoint,
        history,
        private=private,
        token=token.token if token else None,
    )
    link = f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(address)}</a>'
    pushed = f'<p class="hub-answer" role="status">{escape(t("train.hub_pushed"))} {link}</p>'
    yield pushed, gr.skip(), gr.skip()


def can_sign_in() -> bool:
    """Tell whether this host offers to sign in, as a Space does with `hf_oauth: true`."""
    return bool(os.environ.get("OAUTH_CLIENT_ID"))


def make_sign_in() -> gr.Button:
    """Return the button to sign in with Hugging Face; on one's own machine it is not shown.

    It is made before the page that it stands in. Inside a page Gradio wires it: with a script that
    tells who is signed in by comparing the label with a text, which a translated one never is, and
    with a check that would be an endpoint and a tool for everyone.
    """
    if not can_sign_in():
        return gr.Button(visible=False, render=False)
    label: Any = page_i18n()("train.hub_login")
    return gr.LoginButton(
        label,
        variant="secondary",
        size="md",
        link=f"/{LOGIN_ROUTE}",
        elem_id="sign-in",
        render=False,
    )


Refresh = tuple[Any, list[Any], Any]
"""A handler, its inputs and its output."""


def build(
    checkpoint: gr.State, history: gr.State, settings: list[Any], sign_in: gr.Button
) -> tuple[Refresh, Refresh]:
    """Lay out and wire the panel; return what renews the script and the link after a run.

    Args:
        checkpoint: The visitor's last weights.
        history: The losses of that run.
        settings: The Train tab's controls, in the order of `TrainConfig`.
        sign_in: What `make_sign_in` returned.
    """
    i18n = page_i18n()
    with gr.Accordion(i18n("train.script"), open=False) as script_panel:
        code = gr.HTML(elem_id="script", js_on_load=COPY_SCRIPT, apply_default_css=False)
    script_panel.expand(write_script, settings, code, **PRIVATE)

    with gr.Accordion(i18n("train.share"), open=False) as share_panel:
        build_prose("train.share_help")
        link = gr.Textbox(
            label=i18n("train.share_link"),
            interactive=True,  # a disabled field is out of a keyboard's reach
            lines=3,
            max_lines=3,
            buttons=["copy"],
            elem_id="share",
        )
    share_panel.expand(make_link, [checkpoint, link, *settings], link, js=ADD_ADDRESS, **PRIVATE)

    with gr.Accordion(i18n("train.hub"), open=False) as hub_panel:
        account = gr.HTML(apply_default_css=False, elem_id="hub-account")
        sign_in.render()
        with gr.Row(elem_classes="hub-row"):
            repository = gr.Textbox(
                "iris-mlp", label=i18n("train.hub_repository"), max_lines=1, scale=3
            )
            is_private = gr.Checkbox(
                label=i18n("train.hub_private"), min_width=120, container=False
            )
            push = gr.Button(i18n("train.hub_push"), elem_id="push")
        answer = gr.HTML(apply_default_css=False, elem_id="hub-answer")
        code = gr.Textbox(
            label=i18n("train.hub_code"), max_lines=1, visible=False, elem_id="hub-code"
        )
        confirmation = gr.State()
    hub_events: dict[str, Any] = PRIVATE | {"concurrency_id": "hub", "concurrency_limit": 4}
    hub_panel.expand(show_account, None, [account, sign_in], **hub_events)
    pushed = push.click(
        push_run,
        [checkpoint, history, repository, is_private, code, confirmation],
        [answer, code, confirmation],
        trigger_mode="once",
        **hub_events,
    )
    # An error leaves its sentence in a message; the line that said "publishing" goes.
    pushed.failure(lambda: "", None, answer, **QUICK)
    return (write_script, settings, code), (make_link, [checkpoint, link, *settings], link)
