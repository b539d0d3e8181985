"""The README's examples, run as they stand there against a real server."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860/"
ENDPOINTS = {"train", "sweep", "race", "classify", "hardware", "decode_gpu"}


def read_example(language: str, url: str) -> str:
    section = README.partition("## HTTP API and MCP")[2].partition("\n## ")[0]
    (code,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert ADDRESS in code
    return code.replace(ADDRESS, url)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_example_runs(url: str):
    said = run(sys.executable, "-c", read_example("python", url))
    label, loss, architecture = said.splitlines()[-1].split()
    assert (label, architecture) == ("setosa", "Ampere")
    assert 0 < float(loss) < 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_the_shell_example_runs(url: str):
    events = run("sh", "-euc", read_example("sh", url))
    assert events.startswith("event: complete")
    assert json.loads(events.partition("data: ")[2])[0]["label"] == "setosa"


async def use_tools(address: str) -> tuple[list, list]:
    async with (
        streamable_http_client(address) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = (await session.list_tools()).tools
        flower = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
        orders = [("classify", flower), ("train", {"epochs": 300}), ("train", {"epochs": 0})]
        return tools, [await session.call_tool(name, values) for name, values in orders]


def test_the_mcp_example_gives_an_agent_the_endpoints_and_nothing_else(url: str):
    servers = json.loads(read_example("json", url))["mcpServers"]
    with ThreadPoolExecutor(1) as pool:  # Playwright's event loop runs in this thread
        job = pool.submit(asyncio.run, use_tools(servers["iris-mlp"]["url"]))
        tools, answers = job.result()
    assert {tool.name for tool in tools} == ENDPOINTS
    for tool in tools:
        assert tool.description
        for name, parameter in tool.inputSchema["properties"].items():
            assert parameter["description"], (tool.name, name)
            assert parameter.keys() & {"type", "enum", "oneOf"}, (tool.name, name)
    assert [answer.isError for answer in answers] == [False, False, True]
    texts = [answer.content[0].text for answer in answers]
    for text, part in zip(texts, ("setosa", "iris_mlp.safetensors", "epochs must be a whole")):
        assert part in text
