import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from iris_mlp.strings import translator


def ask(address: str, **headers: str):
    request = urllib.request.Request(address, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


@pytest.mark.parametrize("path", ["", "config", "gradio_api/info", "theme.css", "nowhere"])
def test_every_answer_carries_the_strict_headers(url: str, path: str):
    headers = ask(url + path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "en-US", "en"),
        ("", "zh-CN,zh;q=0.9", "zh-CN"),
        ("?lang=zh-CN", "en", "zh-CN"),
        ("?lang=en", "zh-CN", "en"),
        ("?lang=<script>", "en", "en"),
        ("?lang=%00&lang=zh", "en", "en"),
    ],
)
def test_page_title_and_lang_are_in_the_visitors_language(url, query, accepted, language):
    answer = ask(
        url + query.replace("<", "%3C").replace(">", "%3E"), **{"Accept-Language": accepted}
    )
    page = answer.read().decode()
    assert f'lang="{language}"' in page
    assert f"<title>{translator(language)('common.page_title')}</title>" in page
    assert answer.headers["content-language"] == language
    assert "<script>" not in query or "lang=<script>" not in page


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=../../../../etc/passwd",
        "gradio_api/file=app.py",
        "gradio_api/file=iris_mlp/config.py",
        "gradio_api/file=weights/iris_mlp.safetensors",
        "gradio_api/file=%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "file=/proc/self/environ",
        "static/../../../app.py",
        "assets/..%2f..%2f..%2fapp.py",
    ],
)
def test_no_path_trick_reads_a_file(url: str, path: str):
    answer = ask(url + path)
    assert answer.status in (403, 404, 400, 405), answer.read()[:200]


def test_the_title_is_seen_before_gradio_has_built_the_page(browser, url: str):
    page = browser.new_context(locale="zh-CN").new_page()
    with page.expect_request("**/assets/Blocks*"):
        page.route("**/assets/Blocks*", lambda _: None)  # held back
        page.goto(url, wait_until="commit")
    first = page.locator("#first-paint")
    expect(first).to_contain_text(translator("zh-CN")("common.tagline"))
    expect(first).to_be_visible()
    page.unroute_all()
    page.reload(wait_until="commit")
    expect(page.locator("#masthead h1")).to_be_visible()
    expect(first).to_be_hidden()
    page.context.close()


@pytest.mark.parametrize("path", ["", "config"])
def test_the_page_is_sent_compressed(url: str, path: str):
    assert ask(url + path, **{"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_private_events_are_not_in_the_described_api(url: str):
    described = json.load(ask(url + "gradio_api/info"))
    assert set(described["named_endpoints"]) >= {"/train", "/classify", "/hardware", "/decode_gpu"}
    assert described["unnamed_endpoints"] == {}
    assert all(len(name) < 20 for name in described["named_endpoints"])


def test_a_port_in_use_is_answered_with_a_sentence(app, url: str):
    port = url.rstrip("/").rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=app.folder,
        env=os.environ | {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": port},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert f"error: cannot serve on port {port}" in done.stderr
    assert "Traceback" not in done.stderr
