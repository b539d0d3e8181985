import ast
import errno
import json
import os
import pickle
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import gradio as gr
import pytest
from starlette.requests import Request

import iris_mlp
from iris_mlp import errors, strings
from iris_mlp.config import TrainConfig
from iris_mlp.errors import IrisMlpError, SettingsError, ShareError, WeightsError
from iris_mlp.strings import translator
from iris_mlp.ui.errors import translate_error, user_errors
from iris_mlp.ui.visitor import recall_run

PACKAGE = Path(iris_mlp.__file__).parent
ENTRIES = json.loads((Path(strings.__file__).parent / "errors.json").read_text("utf-8"))
MODULES = tuple(
    path.relative_to(PACKAGE).with_suffix("").as_posix()
    for path in sorted(PACKAGE.rglob("*.py"))
    # The command line speaks English alone; the rest may be met on the page.
    if "cli" not in path.parts
)


@cache
def parse(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))


@cache
def read_constants() -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for module in MODULES
        for node in parse(module).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def list_messages(module: str) -> Iterator[ast.expr]:
    """Yield the first argument of each of our errors that a module makes."""
    for node in ast.walk(parse(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = getattr(errors, node.func.id, None)
            if isinstance(kind, type) and issubclass(kind, IrisMlpError):
                message = node.args[0]
                if isinstance(message, ast.Call) and getattr(message.func, "id", "") == "t":
                    continue  # a text of the page, in the visitor's language already
                yield (
                    read_constants().get(message.id, message)
                    if isinstance(message, ast.Name)
                    else message
                )


def list_templates() -> list[str]:
    return sorted(
        {
            message.value
            for module in MODULES
            for message in list_messages(module)
            if isinstance(message, ast.Constant) and isinstance(message.value, str)
        }
    )


def list_fields(template: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def ask_in(language: str) -> gr.Request:
    """Return the request of a visitor whose browser asks for a language."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"accept-language", language.encode())],
    }
    return gr.Request(Request(scope))


@user_errors
def train_for(epochs: object, request: gr.Request | None = None) -> None:
    TrainConfig(epochs=epochs)  # type: ignore[arg-type]


@user_errors
def stream_for(epochs: object, request: gr.Request) -> Iterator[int]:
    yield 1
    TrainConfig(epochs=epochs)  # type: ignore[arg-type]


@pytest.mark.parametrize("module", MODULES)
def test_every_error_is_a_template_and_not_a_finished_sentence(module: str):
    for message in list_messages(module):
        assert isinstance(message, ast.Constant), f"{module}.py:{message.lineno}"


def test_every_template_has_chinese_with_the_same_fields():
    templates = list_templates()
    assert len(templates) > 50
    for template in templates:
        assert template in ENTRIES, template
        assert list_fields(ENTRIES[template]) == list_fields(template), template


def test_every_error_has_a_chinese_sentence():
    for template, text in ENTRIES.items():
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text)
        assert chinese or template in ("Space", "The {kind} {repo_id}"), template


def test_a_finished_sentence_is_not_formatted_again():
    assert str(SettingsError("{epochs} is no {number}")) == "{epochs} is no {number}"
    error = SettingsError("{name} has no value; give at least one.", name="{curly}")
    assert str(error) == "{curly} has no value; give at least one."


def test_an_error_that_crossed_a_process_is_still_translated():
    with pytest.raises(SettingsError) as raised:
        TrainConfig(epochs=0)
    sent = pickle.loads(pickle.dumps(raised.value))
    assert str(sent) == str(raised.value)
    t = translator("zh-CN")
    assert translate_error(sent, t) == translate_error(raised.value, t) != str(sent)


def test_chinese_visitor_reads_why_the_epochs_are_refused():
    with pytest.raises(gr.Error) as refused:
        train_for("<b>", ask_in("zh-CN,zh;q=0.9"))
    sentence = "训练轮数必须是 1 到 10,000,000 之间的整数，而不是 '&lt;b&gt;'。"
    assert (refused.value.title, refused.value.message) == ("出错了", sentence)


def test_chinese_visitor_reads_an_error_in_the_middle_of_a_run():
    with pytest.raises(gr.Error, match="训练轮数必须是 1 到 10,000,000 之间的整数，而不是 0。"):
        list(stream_for(0, ask_in("zh")))


@pytest.mark.parametrize("request_", [None, ask_in("en-GB"), ask_in("de")])
def test_others_read_english(request_):
    with pytest.raises(gr.Error) as refused:
        train_for(0, request_)
    sentence = "epochs must be a whole number from 1 to 10,000,000, not 0."
    assert (refused.value.title, refused.value.message) == ("Error", sentence)


def test_a_sentence_within_a_sentence_is_translated_too():
    inner = SettingsError("{name} has no value; give at least one.", name="lr")
    outer = ShareError("This shared address cannot be used. {reason}", reason=inner)
    assert str(outer) == "This shared address cannot be used. lr has no value; give at least one."
    chinese = "这个分享链接无法使用。学习率没有值；请至少给出一个。"
    assert translate_error(outer, translator("zh-CN")) == chinese


@pytest.mark.parametrize(
    "number",
    [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EISDIR, errno.EROFS, errno.ENAMETOOLONG],
)
def test_reasons_of_the_operating_system_are_chinese_too(number: int):
    error = WeightsError("Cannot read {path}: {reason}.", path="w", reason=os.strerror(number))
    sentence = translate_error(error, translator("zh-CN"))
    assert "\u4e00" <= sentence.removeprefix("无法读取 w：")[0] <= "\u9fff"


def test_settings_are_named_as_their_controls_are():
    labels = json.loads((Path(strings.__file__).parent / "train.json").read_text("utf-8"))
    t = translator("zh-CN")
    for name in ("epochs", "hidden", "seed"):
        error = SettingsError("{name} has no value; give at least one.", name=name)
        assert translate_error(error, t).startswith(labels[name]["zh-CN"])


def test_a_name_that_is_no_setting_stays_as_it_is():
    template = "{name} has shape {found}; {shape} is expected."
    error = WeightsError(template, name="fc1.bias", found="(1,)", shape="(2,)")
    assert translate_error(error, translator("zh-CN")) == "fc1.bias 的形状是 (1,)；应为 (2,)。"


def test_a_sentence_without_translation_is_shown_as_it_is():
    error = SettingsError("已经是中文 {0}")
    assert translate_error(error, translator("zh-CN")) == "已经是中文 {0}"


def test_a_damaged_link_warns_in_chinese(monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, title: shown.extend((title, text)))
    monkeypatch.setenv("SPACE_ID", "someone/iris")
    recall_run("%%%", None, ask_in("zh-CN"))
    assert shown == ["注意", "这个分享链接已损坏或不完整；请重新复制完整的链接。"]
