"""A ZeroGPU Space without its GPU: the real package `spaces`, and a stand-in of its device API.

`start()` has to come before anything imports `spaces`. The worker is a real fork, told of the GPU
that is not there as the package tells it; only what touches CUDA itself is left out, so that the
work runs on the CPU. The API is the one of `spaces/zero/api.py`, 0.51.
"""

import json
import os
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import torch

from tests.unit.hardware.hardware_standins import Card, StandInNvml

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

GRANTED = {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "GPU-0", "allowToken": "a-token"}


@dataclass
class DeviceApi:
    """What was asked, and what is to be answered.

    Attributes:
        durations_s: GPU seconds asked for, call by call.
        tokens: The visitor's token of each call, None where there was none.
        releases: For each release whether the call had failed.
        refusal: What the next requests for a GPU are answered; None grants one.
    """

    durations_s: list[int] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    releases: list[bool] = field(default_factory=list)
    refusal: Answer | None = None

    def refuse_quota(self, left_s: int, wait: str, auth: str = "") -> None:
        """Answer as for a visitor whose time is used up; a negative `wait`: asked for too much."""
        body = json.dumps({"left": left_s, "wait": wait}).encode()
        headers = {"content-type": "application/json", "X-Authenticated": auth}
        headers = {name: value for name, value in headers.items() if value}
        self.refusal = (429, headers, body)

    def refuse_in_queue(self) -> None:
        """Answer as where no GPU becomes free within a minute."""
        self.refusal = (200, {"content-type": "text/event-stream"}, b"event: failed\n\n")

    def refuse_status(self, status: int) -> None:
        """Answer with a status alone."""
        self.refusal = (status, {}, b"")

    def answer(self, path: str) -> Answer:
        """Return the answer to a request."""
        address = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path == "/schedule":
            self.durations_s.append(int(query["durationSeconds"]))
            self.tokens.append(query.get("token"))
            if self.refusal is not None:
                return self.refusal
            return 200, {"content-type": "application/json"}, json.dumps(GRANTED).encode()
        if address.path == "/release":
            self.releases.append(query["fail"] == "true")
        return 200, {"content-type": "application/json"}, b"{}"


def start() -> DeviceApi:
    """Make this process one of a ZeroGPU Space, and answer for its devices."""
    api = DeviceApi()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, headers, body = api.answer(self.path)
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{server.server_port}",
        "SPACE_ID": os.environ.get("SPACE_ID", "someone/iris"),
    }
    # What a build of PyTorch for CUDA says by itself.
    find_accelerator, torch.version.cuda = torch._C._accelerator_getAccelerator, "12.8"
    torch._C._cuda_init = torch.cuda._is_in_bad_fork = _answer_nothing
    torch._C._accelerator_getAccelerator = lambda: torch.device("cuda")
    import spaces.zero.torch as device

    def init(uuid: str) -> None:
        """Let the CPU pass for the GPU that a worker would now touch."""
        torch._C._accelerator_getAccelerator = find_accelerator
        os.environ["CUDA_VISIBLE_DEVICES"] = uuid
        sys.modules["pynvml"] = StandInNvml(Card("NVIDIA RTX PRO 6000", (12, 0), 48 * 1024, 1, 1))
        from iris_mlp import devices

        find = devices.resolve_device
        for name, module in list(sys.modules.items()):
            if name.startswith("iris_mlp.") and getattr(module, "resolve_device", None) is find:
                module.resolve_device = lambda name: find("cpu" if name == "cuda" else name)

    device.init = init
    device.move = lambda callback=None: None
    return api


def _answer_nothing() -> None: ...
