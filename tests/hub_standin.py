"""A Hugging Face Hub small enough for a test: a real HTTP server that huggingface_hub talks to.

It keeps repositories in memory and speaks what the client of version 2.4 really asks: whoami,
create, validate-yaml, preupload, LFS batch, upload and verify, commit, tree, info and resolve; of
a Space also its runtime, stage by stage, and its logs.
Large files lie on a second server, as on the real Hub, so that a test can see what crosses to it.
"""

import base64
import hashlib
import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import SpaceHardware, constants

OWNER = "ada"
ORGANIZATION = "botanists"
WRITE_TOKEN = "hf_WriteTokenOfAda"
READ_TOKEN = "hf_ReadTokenOfAda"
OAUTH_TOKEN = "hf_oauth_eyJhbGciOiJ.TokenOfA.Visitor-_"
STRANGER_TOKEN = "hf_WriteTokenOfSomebodyElse"
TOKENS = (WRITE_TOKEN, READ_TOKEN, OAUTH_TOKEN, STRANGER_TOKEN)

_USERS = {
    WRITE_TOKEN: (OWNER, [ORGANIZATION], "write"),
    READ_TOKEN: (OWNER, [ORGANIZATION], "read"),
    OAUTH_TOKEN: ("visitor", [], None),
    STRANGER_TOKEN: ("mallory", [], "write"),
}


@dataclass
class Repo:
    """A repository: its files, and which of them are kept as large files."""

    private: bool = False
    gated: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    lfs: set[str] = field(default_factory=set)
    commits: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    stages: list[str] = field(default_factory=lambda: ["NO_APP_FILE"])
    """Of a Space: the stage of each further question; the last one stays."""
    running_sha: str | None = None
    error_message: str | None = None

    @property
    def sha(self) -> str:
        return hashlib.sha1(str((self.commits, sorted(self.files))).encode()).hexdigest()


@dataclass
class Request:
    """What the server was asked, for the tests to look at."""

    origin: str
    method: str
    path: str
    authorization: str | None
    body: bytes


@dataclass
class Answer:
    """An answer that a fault gives instead of the right one; `drop` cuts the connection."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    hang: bool = False
    times: int | None = None  # without a number, until `mend`


class HubStandin:
    """The two servers and what they hold; see `run_hub`."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.lfs_pattern = r"\.(safetensors|png)$"
        self.plan, self.account_age_days = "pro", 400
        self.stages_of_a_start = ["BUILDING", "APP_STARTING", "RUNNING"]
        self.logs: dict[str, list[str]] = {"build": [], "run": []}
        self.stopping = threading.Event()
        self._faults: list[tuple[str, Answer]] = []
        self._servers = [self._start("hub"), self._start("storage")]
        self.endpoint, self.storage = (
            f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers
        )

    def fail(self, pattern: str, **answer: Any) -> None:
        """From now on answer requests `METHOD path` that match a pattern in this way."""
        self._faults.append((pattern, Answer(**answer)))

    def mend(self) -> None:
        """Forget the faults."""
        self._faults.clear()

    def find_fault(self, request: str) -> Answer | None:
        for pattern, answer in self._faults:
            if answer.times != 0 and re.search(pattern, request):
                answer.times = None if answer.times is None else answer.times - 1
                return answer
        return None

    def stop(self) -> None:
        self.stopping.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _start(self, origin: str) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"hub": self, "origin": origin})
        server = _Server(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server


@contextmanager
def run_hub() -> Iterator[HubStandin]:
    """Serve a Hub on free ports of 127.0.0.1; it is stopped whatever happens."""
    hub = HubStandin()
    try:
        yield hub
    finally:
        hub.stop()


def point_client_at(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make huggingface_hub ask another Hub for as long as a test takes."""
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A connection that was cut is no error of the server's.
        if not isinstance(sys.exception(), ConnectionError | ValueError):
            super().handle_error(request, client_address)


class _Refusal(Exception):
    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        self.status, self.message, self.code = status, message, code


class _Handler(BaseHTTPRequestHandler):
    hub: HubStandin
    origin: str
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        path = unquote(urlsplit(self.path).path)
        fault = self.hub.find_fault(f"{self.command} {path}")
        if fault and fault.drop:
            self.rfile.read(length // 2)
            return self._cut()
        body = (
            self._read_chunks()
            if self.headers.get("Transfer-Encoding")
            else self.rfile.read(length)
        )
        authorization = self.headers.get("Authorization")
        self.hub.requests.append(Request(self.origin, self.command, path, authorization, body))
        if fault and fault.hang:
            self.hub.stopping.wait()
            return self._cut()
        if fault:
            return self._send(fault.status, fault.body, fault.headers)
        try:
            routes = _STORAGE_ROUTES if self.origin == "storage" else _ROUTES
            for method, pattern, answer in routes:
                match = re.fullmatch(pattern, path)
                if match and self.command in method:
                    return answer(self, body, **match.groupdict())
            raise _Refusal(404, f"no route for {self.command} {path}")
        except _Refusal as refusal:
            headers = {"X-Error-Message": refusal.message}
            if refusal.code:
                headers["X-Error-Code"] = refusal.code
            self._send_json({"error": refusal.message}, refusal.status, headers)

    def _cut(self) -> None:
        # With a linger of zero the close is a reset, which is what a broken line looks like.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            # A client may hang up when it has seen enough.
            with suppress(ConnectionError):
                self.wfile.write(body)

    def _send_json(self, value: Any, status: int = 200, headers: dict | None = None) -> None:
        headers = {"Content-Type": "application/json", **(headers or {})}
        self._send(status, json.dumps(value).encode(), headers)

    def _find_user(self) -> tuple[str, list[str], str | None] | None:
        authorization = self.headers.get("Authorization")
        if authorization is None:
            return None
        user = _USERS.get(authorization.removeprefix("Bearer "))
        if user is None:
            raise _Refusal(401, "Invalid credentials in Authorization header")
        return user

    def _find_repo(self, kind: str, repo_id: str, write: bool = False) -> Repo:
        """Return a repository as the real Hub would: one that may not be seen does not exist."""
        user = self._find_user()
        repo = self.hub.repos.get((kind, repo_id))
        owns = user is not None and repo_id.split("/")[0] in (user[0], *user[1])
        if repo is None or (repo.private and not owns):
            raise _Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
        if repo.gated and not owns:
            raise _Refusal(403 if user else 401, "Access to model is restricted", "GatedRepo")
        if write and not (owns and user and user[2] != "read"):
            raise _Refusal(403, "Forbidden: pass `create_pr=1` as a query parameter")
        return repo

    def whoami(self, body: bytes) -> None:
        user = self._find_user()
        if user is None:
            raise _Refusal(401, "Invalid username or password.")
        name, organizations, role = user
        auth = {"type": "oauth"}
        if role:
            auth = {"type": "access_token", "accessToken": {"displayName": "test", "role": role}}
        orgs = [{"type": "org", "name": org} for org in organizations]
        self._send_json({"type": "user", "name": name, "orgs": orgs, "auth": auth})

    def create(self, body: bytes) -> None:
        order = json.loads(body)
        user = self._find_user()
        if user is None:
            raise _Refusal(401, "Invalid username or password.")
        namespace = order.get("organization") or user[0]
        kind, repo_id = order.get("type", "model"), f"{namespace}/{order['name']}"
        if namespace not in (user[0], *user[1]) or user[2] == "read":
            raise _Refusal(
                403,
                f'You don\'t have the rights to create a {kind} under the namespace "{namespace}"',
            )
        if kind == "space":
            self._check_hardware(namespace, order.get("hardware", "cpu-basic"))
        prefix = {"model": "", "space": "spaces/", "dataset": "datasets/"}[kind]
        answer = {"url": f"{self.hub.endpoint}/{prefix}{repo_id}", "name": repo_id}
        # A name that another type of repository has is taken as well.
        if any((other, repo_id) in self.hub.repos for other in ("model", "space", "dataset")):
            headers = {"X-Error-Message": f"You already created this {kind} repo: {repo_id}"}
            return self._send_json(answer | {"error": "exists"}, 409, headers)
        repo = Repo(private=order.get("visibility") == "private", settings=order)
        repo.files[".gitattributes"] = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
        self.hub.repos[kind, repo_id] = repo
        self._send_json(answer)

    def validate_yaml(self, body: bytes) -> None:
        import yaml

        block = re.match(r"---\n(.*?)\n---\n", json.loads(body)["content"], re.DOTALL)
        metadata = yaml.safe_load(block.group(1)) if block else None
        if not isinstance(metadata, dict):
            error = {"errors": [{"message": "metadata is missing"}], "warnings": []}
            return self._send_json(error, 400)
        self._send_json({"errors": [], "warnings": []})

    def preupload(self, body: bytes, kind: str, repo_id: str, revision: str) -> None:
        repo = self._find_repo(kind, repo_id, write=True)
        files = []
        for file in json.loads(body)["files"]:
            path = file["path"]
            large = bool(re.search(self.hub.lfs_pattern, path)) and file["size"] > 0
            mode = "lfs" if large else "regular"
            oid = self._name_content(repo, path) if path in repo.files else None
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._send_json({"files": files})

    def batch(self, body: bytes, prefix: str | None, repo_id: str) -> None:
        self._find_repo(_KINDS[prefix or ""], repo_id, write=True)
        objects: list[dict[str, Any]] = []
        for wanted in json.loads(body)["objects"]:
            entry = dict(wanted)
            if wanted["oid"] not in self.hub.objects:
                verify = f"{self.hub.endpoint}/{repo_id}.git/info/lfs/objects/verify"
                upload = f"{self.hub.storage}/objects/{wanted['oid']}?signature=1"
                entry["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
            objects.append(entry)
        self._send_json({"transfer": "basic", "objects": objects})

    def verify(self, body: bytes, repo_id: str) -> None:
        wanted = json.loads(body)
        if len(self.hub.objects.get(wanted["oid"], b"")) != wanted["size"]:
            raise _Refusal(400, "the object was not uploaded whole")
        self._send_json({})

    def store(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            raise _Refusal(400, "the content does not have this hash")
        self.hub.objects[oid] = body
        self._send(200, b"")

    def fetch(self, body: bytes, oid: str) -> None:
        self._send(200, self.hub.objects[oid])

    def commit(self, body: bytes, kind: str, repo_id: str, revision: str) -> None:
        repo = self._find_repo(kind, repo_id, write=True)
        for line in body.splitlines():
            step = json.loads(line)
            value = step["value"]
            match step["key"]:
                case "file":
                    repo.files[value["path"]] = base64.b64decode(value["content"])
                    repo.lfs.discard(value["path"])
                case "lfsFile":
                    repo.files[value["path"]] = self.hub.objects[value["oid"]]
                    repo.lfs.add(value["path"])
                case "deletedFile":
                    del repo.files[value["path"]]
        repo.running_sha, repo.commits = repo.running_sha or repo.sha, repo.commits + 1
        if repo.stages[0] not in ("PAUSED", "STOPPED"):  # which a commit does not end
            repo.stages = [*repo.stages[:1], *self.hub.stages_of_a_start]
        self._send_json(
            {"commitUrl": f"{self.hub.endpoint}/{repo_id}/commit/{repo.sha}", "commitOid": repo.sha}
        )

    def tree(self, body: bytes, kind: str, repo_id: str, revision: str) -> None:
        repo = self._find_repo(kind, repo_id)
        self._send_json(
            [
                {"type": "file", "path": path, "size": len(data), "oid": _git_hash(data)}
                for path, data in repo.files.items()
            ]
        )

    def info(self, body: bytes, kind: str, repo_id: str, revision: str | None = None) -> None:
        repo = self._find_repo(kind, repo_id)
        siblings = [{"rfilename": path} for path in repo.files]
        self._send_json(
            {"id": repo_id, "sha": repo.sha, "private": repo.private, "siblings": siblings}
        )

    def resolve(
        self, body: bytes, prefix: str | None, repo_id: str, revision: str, path: str
    ) -> None:
        repo = self._find_repo(_KINDS[prefix or ""], repo_id)
        if revision not in ("main", repo.sha):
            raise _Refusal(404, "Revision not found", "RevisionNotFound")
        if path not in repo.files:
            raise _Refusal(404, "Entry not found", "EntryNotFound")
        data = repo.files[path]
        headers = {"X-Repo-Commit": repo.sha, "ETag": f'"{self._name_content(repo, path)}"'}
        if path not in repo.lfs:
            return self._send(200, data, headers)
        oid = hashlib.sha256(data).hexdigest()
        self.hub.objects[oid] = data
        headers |= {
            "X-Linked-Size": str(len(data)),
            "X-Linked-Etag": f'"{oid}"',
            "Location": f"{self.hub.storage}/objects/{oid}?signature=1",
        }
        self._send(302, b"", headers)

    def _check_hardware(self, namespace: str, hardware: str) -> None:
        """Refuse what an account may not host, before it is known whether the Space exists.

        The text of 402 is the Hub's (huggingface/agents-course#733); those of 400 and 403 are ours.
        """
        if hardware not in set(SpaceHardware):
            raise _Refusal(400, f"Invalid option: hardware {hardware!r}")
        if self.hub.plan == "pro":
            return
        if hardware != SpaceHardware.ZERO_A10G:
            raise _Refusal(
                402,
                "Static Spaces are free for everyone, but hosting Gradio and Docker Spaces on "
                "free cpu-basic requires a PRO subscription.",
            )
        if self.hub.account_age_days < 30:
            raise _Refusal(403, "Your account is too recent to host ZeroGPU Spaces")
        hosted = [repo.settings.get("hardware") for repo in self.hub.repos.values()]
        if hosted.count(hardware) >= 2:
            raise _Refusal(403, "You have reached the limit of 2 ZeroGPU Spaces")

    def runtime(self, body: bytes, repo_id: str) -> None:
        repo = self._find_repo("space", repo_id)
        stage = repo.stages[0]
        if len(repo.stages) > 1:
            repo.stages.pop(0)
        elif stage in ("RUNNING", "BUILD_ERROR", "RUNTIME_ERROR", "CONFIG_ERROR"):
            repo.running_sha = repo.sha
        hardware = repo.settings.get("hardware", "cpu-basic")
        answer = {
            "stage": stage,
            # While a Space is built for the first time it has none yet.
            "hardware": {"current": None if stage == "BUILDING" else hardware}
            | {"requested": hardware},
            "storage": None,
            "gcTimeout": 172800,
            "replicas": {"current": int(stage == "RUNNING"), "requested": 1},
            "devMode": False,
            "domains": [{"domain": f"{repo_id.replace('/', '-')}.localhost", "stage": "READY"}],
            "sha": repo.running_sha,
        }
        if repo.error_message:
            answer["errorMessage"] = repo.error_message
        self._send_json(answer)

    def logs(self, body: bytes, repo_id: str, kind: str) -> None:
        """Send the log of what has ended as server-sent events, one of them empty to keep alive."""
        self._find_repo("space", repo_id, write=True)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data:\n\n")
        for line in self.hub.logs[kind]:
            event = {"data": line, "timestamp": "2026-11-24T10:00:00.000Z"}
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

    @staticmethod
    def _name_content(repo: Repo, path: str) -> str:
        data = repo.files[path]
        return hashlib.sha256(data).hexdigest() if path in repo.lfs else _git_hash(data)


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


_KINDS = {"": "model", "spaces/": "space", "datasets/": "dataset"}
_REPO = r"(?P<repo_id>[^/]+/[^/]+)"
_API = rf"/api/(?P<kind>model|space|dataset)s/{_REPO}"
_PREFIX = r"(?P<prefix>spaces/|datasets/)?"
_Route = tuple[str, str, Callable[..., None]]
_ROUTES: list[_Route] = [
    ("GET", "/api/whoami-v2", _Handler.whoami),
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate_yaml),
    ("POST", rf"{_API}/preupload/(?P<revision>[^/]+)", _Handler.preupload),
    ("POST", rf"{_API}/commit/(?P<revision>[^/]+)", _Handler.commit),
    ("GET", rf"{_API}/tree/(?P<revision>[^/]+)", _Handler.tree),
    ("GET", rf"{_API}/revision/(?P<revision>[^/]+)", _Handler.info),
    ("GET", _API, _Handler.info),
    ("GET", rf"/api/spaces/{_REPO}/runtime", _Handler.runtime),
    ("GET", rf"/api/spaces/{_REPO}/logs/(?P<kind>build|run)", _Handler.logs),
    ("POST", rf"/{_REPO}\.git/info/lfs/objects/verify", _Handler.verify),
    ("POST", rf"/{_PREFIX}{_REPO}\.git/info/lfs/objects/batch", _Handler.batch),
    ("GET HEAD", rf"/{_PREFIX}{_REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _Handler.resolve),
]
_STORAGE_ROUTES: list[_Route] = [
    ("PUT", "/objects/(?P<oid>[0-9a-f]{64})", _Handler.store),
    ("GET HEAD", "/objects/(?P<oid>[0-9a-f]{64})", _Handler.fetch),
]
