"""How the server ends, what it leaves on the disk, and the hosts that it is started on."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from playwright.sync_api import Browser, expect

from iris_mlp.checkpoint import Checkpoint
from iris_mlp.strings import translator
from tests.app import copy_project, find_browser, find_free_port, wait_for_answer


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """Start the app so that a test can end it as it likes."""
    folder.mkdir(exist_ok=True)
    if not (folder / "app.py").exists():
        copy_project(folder)
    port, log = find_free_port(), folder / "log.txt"
    given = {"GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(folder / "cache")}
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=folder,
            env=os.environ | given | {"PYTHONPATH": str(folder)} | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for_answer(f"http://127.0.0.1:{port}/", process, log)
        yield f"http://127.0.0.1:{port}/", process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_run_is_stopped_and_answered_where_the_server_ends(tmp_path, number, status):
    with started(tmp_path) as (url, process):
        client = Client(url, verbose=False)
        client.predict(epochs=5, api_name="/train")  # so that all is loaded
        job = client.submit(epochs=100_000, api_name="/train")
        next(iter(job))
        process.send_signal(number)
        assert process.wait(60) == status
        assert job.outputs()[-1][0]["outcome"] == "stopped"
    assert list((tmp_path / "cache").glob("iris-mlp-*")) == []
    assert "terminate" not in (tmp_path / "log.txt").read_text()


def test_a_run_of_the_page_is_kept_where_the_server_ends(visit, tmp_path):
    with started(tmp_path) as (url, process), visit(address=url) as page:
        page.get_by_label("Epochs", exact=True).fill("1000000")
        page.get_by_label("Epochs", exact=True).press("Tab")
        page.click("#start")
        # Of the run itself, not of what the page opens on.
        begun = re.compile(r"[1-9][\d,]* / 1,000,000")
        expect(page.locator(".loss-chart-stats")).to_contain_text(begun)
        process.terminate()
        expect(page.locator(".loss-chart-note")).to_contain_text("Stopped")
        assert process.wait(60) == 0
    kept = Checkpoint.load(tmp_path / "weights" / "last_run.safetensors")
    assert kept.metrics["outcome"] == "stopped"


def test_two_servers_in_one_folder_leave_each_other_their_files(tmp_path):
    shared = str(tmp_path / "shared")
    with started(tmp_path / "a", GRADIO_TEMP_DIR=shared) as (url, _):
        answer = Client(url, verbose=False, download_files=False).predict(
            epochs=5, api_name="/train"
        )
        with started(tmp_path / "b", GRADIO_TEMP_DIR=shared) as (_, other):
            other.terminate()
            other.wait(60)
        assert httpx.get(answer[2]["url"]).status_code == 200
        assert len(list(Path(shared).glob("iris-mlp-*"))) == 1


def test_a_full_disk_takes_no_answer_away(tmp_path):
    with started(tmp_path) as (url, _):
        client = Client(url, verbose=False)
        (folder,) = (tmp_path / "cache").glob("iris-mlp-*")
        shutil.rmtree(folder)
        folder.write_text("no room")  # whatever is written below it fails
        summary, plot, weights = client.predict(epochs=5, api_name="/train")
        assert (summary["outcome"], plot, weights) == ("completed", None, None)
        reply = httpx.post(url + "gradio_api/upload", files={"files": ("w.csv", b"1,2,3,4")})
        assert reply.status_code == 507
        assert "has no room for this file (File exists)" in reply.json()["error"]


def test_a_proxy_that_cannot_be_used_is_named_in_a_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "iris_mlp", "pull", "ada/iris", "--output", str(tmp_path / "w")],
        env=os.environ | {"ALL_PROXY": "socks5h://me:secret@127.0.0.1:9", "HTTPS_PROXY": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "ALL_PROXY names cannot be used" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("prefix", ["/iris/", "/"])
def test_the_page_is_whole_behind_a_proxy_that_keeps_the_prefix_or_not(tmp_path, prefix: str):
    with started(tmp_path, GRADIO_ROOT_PATH="/iris") as (url, _):
        page = httpx.get(url.rstrip("/") + prefix + "?lang=zh-CN").text
    assert f"<title>{translator('zh-CN')('common.page_title')}</title>" in page
    assert "accessibility.js" in page


def test_the_page_works_where_the_browser_keeps_nothing(browser: Browser, url: str, tmp_path):
    settings = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(settings))
    context = browser.browser_type.launch_persistent_context(
        str(tmp_path), executable_path=find_browser(), args=["--no-sandbox"], locale="en-US"
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#loss-chart .loss-chart-stats > div")
    page.get_by_label("Epochs", exact=True).fill("12")
    page.get_by_label("Epochs", exact=True).press("Tab")
    page.click("#start")
    expect(page.locator(".loss-chart-note")).to_contain_text("Done: 12")
    context.close()
