"""The part of the Hub's API that publishing a dataset and reading it back needs.

Parquet files go by LFS, as on the real Hub to a client without Xet; the others inside the commit.
"""

from __future__ import annotations

import base64
import json
import socket
import struct
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

from tests.hub.repository import Commit, Repository, git_blob, is_large, object_id

WRITER = "hf_writer_7c41e0"
READER = "hf_reader_90b2aa"
_ROLES = {WRITER: "write", READER: "read"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Status:
    """Does nothing and answers with an HTTP status; by default as a proxy does, not in JSON."""

    code: int
    body: str = "<html>told to fail</html>"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """Does what was asked and breaks the connection (TCP RST) instead of saying so."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Lets somebody else commit these files just before."""

    files: Mapping[str, bytes]


Fault = Status | LostAnswer | Overtaken


class FakeHub:
    """Serves `repositories`, named owner/name; `calls` are the actions asked for, in order.

    An action is the name of a method: whoami, create, info, validate, preupload, batch, upload,
    commit, tree, history, resolve.
    """

    def __init__(self) -> None:
        self.port = 0
        self.repositories: dict[str, Repository] = {}
        self.calls: list[str] = []
        self._stored: dict[str, bytes] = {}
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)

    @property
    def url(self) -> str:
        """The address, as `HF_ENDPOINT` takes it."""
        return f"http://127.0.0.1:{self.port}"

    def fail(self, action: str, *faults: Fault) -> None:
        """Give the next requests of an action one fault each."""
        self._faults[action].extend(faults)

    def application(self) -> web.Application:
        """Return the Hub as an aiohttp application."""
        api, files = "/api/datasets/{owner}/{name}", "/datasets/{owner}/{name}"
        application = web.Application(middlewares=[self._guarded], client_max_size=2**30)
        application.add_routes(
            [
                web.get("/api/whoami-v2", self.whoami),
                web.post("/api/repos/create", self.create),
                web.post("/api/validate-yaml", self.validate),
                web.get(api, self.info),
                web.get(api + "/revision/{revision}", self.info),
                web.post(api + "/preupload/{revision}", self.preupload),
                web.post(files + ".git/info/lfs/objects/batch", self.batch),
                web.put("/storage/{oid}", self.upload),
                web.post(api + "/commit/{revision}", self.commit),
                web.get(api + "/tree/{revision}", self.tree),
                web.get(api + "/tree/{revision}/{path:.+}", self.tree),
                web.get(api + "/commits/{revision}", self.history),
                web.get(files + "/resolve/{revision}/{path:.+}", self.resolve),
            ]
        )
        return application

    async def whoami(self, request: web.Request) -> web.Response:
        role = _ROLES[_token(request)]
        token = {"displayName": "test", "role": role}
        auth = {"type": "access_token", "accessToken": token}
        return web.json_response({"type": "user", "name": "maker", "orgs": [], "auth": auth})

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = f"{asked['organization']}/{asked['name']}"
        address = {"url": f"{self.url}/datasets/{name}"}
        if name in self.repositories:
            return web.json_response({**address, "error": "You already created it"}, status=409)
        self.repositories[name] = Repository(private=asked.get("visibility") == "private")
        return web.json_response(address)

    async def validate(self, request: web.Request) -> web.Response:
        _, metadata, _ = (await request.json())["content"].split("---\n", 2)
        valid = isinstance(yaml.safe_load(metadata), dict)
        errors = [] if valid else [{"message": "the metadata is no mapping"}]
        return web.json_response({"errors": errors, "warnings": []}, status=200 if valid else 400)

    async def info(self, request: web.Request) -> web.Response:
        repository, commit = self._at(request)
        return web.json_response(
            {
                "id": _name(request),
                "sha": commit.id,
                "private": repository.private,
                "siblings": [{"rfilename": path} for path in commit.files],
            }
        )

    async def preupload(self, request: web.Request) -> web.Response:
        _, commit = self._at(request)
        answers = []
        for path in [file["path"] for file in (await request.json())["files"]]:
            mode = "lfs" if is_large(path) else "regular"
            answer = {"path": path, "uploadMode": mode, "shouldIgnore": False}
            if path in commit.files:
                answer["oid"] = object_id(path, commit.files[path])
            answers.append(answer)
        return web.json_response({"files": answers})

    async def batch(self, request: web.Request) -> web.Response:
        objects = (await request.json())["objects"]
        for item in objects:
            if item["oid"] not in self._stored:
                item["actions"] = {"upload": {"href": f"{self.url}/storage/{item['oid']}"}}
        answer = {"transfer": "basic", "objects": objects}
        return web.json_response(answer, content_type="application/vnd.git-lfs+json")

    async def upload(self, request: web.Request) -> web.Response:
        self._stored[request.match_info["oid"]] = await request.read()
        return web.Response()

    async def commit(self, request: web.Request) -> web.Response:
        repository, head = self._at(request)
        asked: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for line in map(json.loads, (await request.text()).splitlines()):
            asked[line["key"]].append(line["value"])
        (header,) = asked["header"]
        if header.get("parentCommit", head.id) != head.id:
            raise _failed(web.HTTPPreconditionFailed, "A commit has happened since")
        added = {file["path"]: base64.b64decode(file["content"]) for file in asked["file"]}
        added |= {file["path"]: self._stored[file["oid"]] for file in asked["lfsFile"]}
        deleted = [file["path"] for file in asked["deletedFile"]]
        if not head.files.keys() >= set(deleted):
            raise _failed(web.HTTPNotFound, "A file with this name doesn't exist", "EntryNotFound")
        commit = repository.commit(header["summary"], added, deleted)
        address = f"{self.url}/datasets/{_name(request)}/commit/{commit.id}"
        return web.json_response({"commitOid": commit.id, "commitUrl": address})

    async def tree(self, request: web.Request) -> web.Response:
        _, commit = self._at(request)
        folder = request.match_info.get("path", "")
        root = f"{folder}/" if folder else ""
        entries: dict[str, dict[str, Any]] = {}
        for path, content in sorted(commit.files.items()):
            if not path.startswith(root):
                continue
            size, large = len(content), {"oid": object_id(path, content), "pointerSize": 134}
            first, *rest = path.removeprefix(root).split("/")
            if rest:
                entries[root + first] = {"type": "directory", "oid": "", "size": 0}
            if not rest or request.query.get("recursive", "").lower() == "true":
                entries[path] = {"type": "file", "oid": git_blob(content), "size": size}
                entries[path] |= {"lfs": {**large, "size": size}} if is_large(path) else {}
        if not entries:
            raise _failed(web.HTTPNotFound, f"{folder} does not exist", "EntryNotFound")
        return web.json_response([{"path": path, **entry} for path, entry in entries.items()])

    async def history(self, request: web.Request) -> web.Response:
        repository, _ = self._at(request)
        made = {"message": "", "authors": [{"user": "maker"}], "date": "2026-01-01T00:00:00.000Z"}
        commits = [{"id": item.id, "title": item.title, **made} for item in repository.commits]
        return web.json_response(commits[::-1])

    async def resolve(self, request: web.Request) -> web.Response:
        _, commit = self._at(request)
        path, headers = request.match_info["path"], {"X-Repo-Commit": commit.id}
        if path not in commit.files:
            raise _failed(web.HTTPNotFound, "Entry not found", "EntryNotFound", **headers)
        content = commit.files[path]
        return web.Response(
            body=content, headers={**headers, "ETag": f'"{object_id(path, content)}"'}
        )

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            raise request.match_info.http_exception
        action = request.match_info.handler.__name__
        self.calls.append(action)
        self._check_token(request, action)
        fault = self._faults[action].popleft() if self._faults[action] else None
        if isinstance(fault, Status):
            return web.Response(status=fault.code, text=fault.body, headers=fault.headers)
        if isinstance(fault, Overtaken):
            self.repositories[_name(request)].commit("somebody else's", fault.files)
        response = await handler(request)
        if isinstance(fault, LostAnswer):
            _break(request)
        return response

    def _check_token(self, request: web.Request, action: str) -> None:
        token = _token(request)
        if token not in _ROLES and (token or action == "whoami"):
            raise _failed(web.HTTPUnauthorized, "Invalid credentials in Authorization header")
        if action in ("create", "preupload", "batch", "commit") and _ROLES.get(token) != "write":
            raise _failed(web.HTTPForbidden, "You don't have the rights")
        repository = self.repositories.get(_name(request))
        if not token and repository is not None and repository.private:
            raise _failed(web.HTTPUnauthorized, "Repository not found", "RepoNotFound")

    def _at(self, request: web.Request) -> tuple[Repository, Commit]:
        repository = self.repositories.get(_name(request))
        if repository is None:
            raise _failed(web.HTTPNotFound, "Repository not found", "RepoNotFound")
        commit = repository.at(request.match_info.get("revision", "main"))
        if commit is None:
            raise _failed(web.HTTPNotFound, "Invalid rev id", "RevisionNotFound")
        return repository, commit


def _name(request: web.Request) -> str:
    return f"{request.match_info.get('owner')}/{request.match_info.get('name')}"


def _token(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


def _failed(
    kind: type[web.HTTPException], message: str, code: str = "", **headers: str
) -> web.HTTPException:
    """Return an error as the Hub words it; the clients go by `X-Error-Code`."""
    told = {"X-Error-Code": code, "X-Error-Message": message, **headers}
    body = json.dumps({"error": message})
    return kind(headers=told, text=body, content_type="application/json")


def _break(request: web.Request) -> None:
    if request.transport is not None:
        no_farewell = struct.pack("ii", 1, 0)
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_farewell)
        request.transport.abort()
