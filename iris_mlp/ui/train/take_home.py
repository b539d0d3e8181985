"""What a visitor takes home from a run: a script, a link, a repository on the Hub."""

import os
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from iris_mlp import hub, share
from iris_mlp.checkpoint import Checkpoint
from iris_mlp.config import TrainConfig
from iris_mlp.errors import HubError, SettingsError
from iris_mlp.script import render_script
from iris_mlp.training import History
from iris_mlp.ui.errors import translate_error, user_errors
from iris_mlp.ui.strings import page_i18n, request_translator
from iris_mlp.ui.visitor import SHARE_PARAMETER, read_settings

LOGIN_ROUTE = "login/huggingface"
# The server need not know under which address a proxy shows it.
ADD_ADDRESS = (
    "(checkpoint, _, ...rest) => [checkpoint, location.origin + location.pathname, ...rest]"
)


@user_errors
def write_script(request: gr.Request, *settings: Any) -> str:
    """Return the settings as a stand-alone script."""
    return render_script(TrainConfig(**dict(zip(TrainConfig.__dataclass_fields__, settings))))


@user_errors
def make_link(
    request: gr.Request, checkpoint: Checkpoint | None, address: str, *settings: Any
) -> str:
    """Return an address with the last run's settings and weights, else the settings alone."""
    if checkpoint is None:
        config = TrainConfig(**dict(zip(TrainConfig.__dataclass_fields__, settings)))
        return f"{address}?{SHARE_PARAMETER}={share.encode(config)}"
    fitting = checkpoint if share.fits(checkpoint) else None
    return f"{address}?{SHARE_PARAMETER}={share.encode(read_settings(checkpoint), fitting)}"


@user_errors
def show_account(request: gr.Request, token: gr.OAuthToken | None) -> tuple[str, Any]:
    """Say under whose name a push goes, or how to sign in; let the button do what is left."""
    t = request_translator(request)
    if token is None and can_sign_in():
        sentence = t("train.hub_not_signed_in")
    else:
        try:
            name = hub.read_account(token.token if token else None).name
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
) -> Iterator[str]:
    """Publish the last run under the visitor's name; their token lives in this call alone."""
    t = request_translator(request)
    if checkpoint is None:
        raise SettingsError(t("train.hub_no_run"))
    yield f'<p class="hub-answer" role="status">{escape(t("train.hub_pushing"))}</p>'
    address = hub.push(
        repository.strip(),
        checkpoint,
        history,
        private=private,
        token=token.token if token else None,
    )
    link = f'<a href="{escape(address)}" target="_blank" rel="noopener">{escape(address)}</a>'
    yield f'<p class="hub-answer" role="status">{escape(t("train.hub_pushed"))} {link}</p>'


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
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Accordion(i18n("train.script"), open=False) as script_panel:
        code = gr.Code(
            language="python",
            label=i18n("train.script"),
            show_label=False,
            interactive=False,
            wrap_lines=True,
            elem_id="script",
        )
    script_panel.expand(write_script, settings, code, **private)

    with gr.Accordion(i18n("train.share"), open=False) as share_panel:
        gr.Markdown(i18n("train.share_help"))
        link = gr.Textbox(
            label=i18n("train.share_link"),
            interactive=True,  # a disabled field is out of a keyboard's reach
            lines=3,
            max_lines=3,
            buttons=["copy"],
            elem_id="share",
        )
    share_panel.expand(make_link, [checkpoint, link, *settings], link, js=ADD_ADDRESS, **private)

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
    hub_events: dict[str, Any] = private | {"concurrency_id": "hub", "concurrency_limit": 4}
    hub_panel.expand(show_account, None, [account, sign_in], **hub_events)
    pushed = push.click(
        push_run,
        [checkpoint, history, repository, is_private],
        answer,
        trigger_mode="once",
        **hub_events,
    )
    # An error leaves its sentence in a message; the line that said "publishing" goes.
    pushed.failure(lambda: "", None, answer, queue=False, **private)
    return (write_script, settings, code), (make_link, [checkpoint, link, *settings], link)
