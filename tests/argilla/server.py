"""The part of Argilla's API that making a dataset and putting records into it needs."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

KEY = "argilla.apikey-3f9d"
_TIMES = {"inserted_at": "2026-01-01T00:00:00", "updated_at": "2026-01-01T00:00:00"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Item = dict[str, Any]


@dataclass(slots=True)
class Dataset:
    """A dataset; `records` are by the ids that clients gave them."""

    about: Item
    fields: list[Item] = field(default_factory=list)
    questions: list[Item] = field(default_factory=list)
    records: dict[str, Item] = field(default_factory=dict)


class FakeArgilla:
    """Serves `datasets`, by id; `calls` are the actions asked for, in order.

    An action is the name of a method: me, my_workspaces, workspace, listed, create, get, update,
    delete, add_field, fields, add_question, questions, none, publish, upsert.
    """

    def __init__(self) -> None:
        self.port = 0
        self.workspaces = [self._new(name="first"), self._new(name="second")]
        self.datasets: dict[str, Dataset] = {}
        self.calls: list[str] = []
        self._faults: defaultdict[str, deque[int]] = defaultdict(deque)

    @property
    def url(self) -> str:
        """The address, as the client takes it."""
        return f"http://127.0.0.1:{self.port}"

    def fail(self, action: str, *statuses: int) -> None:
        """Answer the next requests of an action with one status each."""
        self._faults[action].extend(statuses)

    def named(self, name: str) -> Dataset:
        """Return the one dataset of a name."""
        [found] = [item for item in self.datasets.values() if item.about["name"] == name]
        return found

    def application(self) -> web.Application:
        """Return the server as an aiohttp application."""
        datasets = "/api/v1/datasets"
        one = datasets + "/{id}"
        application = web.Application(middlewares=[self._guarded], client_max_size=2**28)
        application.add_routes(
            [
                web.get("/api/v1/me", self.me),
                web.get("/api/v1/me/workspaces", self.my_workspaces),
                web.get("/api/v1/workspaces/{id}", self.workspace),
                web.get("/api/v1/me/datasets", self.listed),
                web.post(datasets, self.create),
                web.get(one, self.get),
                web.patch(one, self.update),
                web.delete(one, self.delete),
                web.post(one + "/fields", self.add_field),
                web.get(one + "/fields", self.fields),
                web.post(one + "/questions", self.add_question),
                web.get(one + "/questions", self.questions),
                web.get(one + "/vectors-settings", self.none),
                web.get("/api/v1/me/datasets/{id}/metadata-properties", self.none),
                web.put(one + "/publish", self.publish),
                web.put(one + "/records/bulk", self.upsert),
            ]
        )
        return application

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response(self._new(username="maker", role="owner"))

    async def my_workspaces(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self.workspaces})

    async def workspace(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        return web.json_response(next(item for item in self.workspaces if item["id"] == wanted))

    async def listed(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [item.about for item in self.datasets.values()]})

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if any(
            item.about["name"] == asked["name"]
            and item.about["workspace_id"] == asked["workspace_id"]
            for item in self.datasets.values()
        ):
            return _refused(409, "there is a dataset of this name")
        about = self._new(**{**asked, "status": "draft"})
        self.datasets[about["id"]] = Dataset(about)
        return web.json_response(about, status=201)

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._of(request).about)

    async def update(self, request: web.Request) -> web.Response:
        about = self._of(request).about
        about |= {**(await request.json()), "status": about["status"]}
        return web.json_response(about)

    async def delete(self, request: web.Request) -> web.Response:
        return web.json_response(self.datasets.pop(self._of(request).about["id"]).about)

    async def add_field(self, request: web.Request) -> web.Response:
        return await self._add(request, self._of(request).fields)

    async def fields(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self._of(request).fields})

    async def add_question(self, request: web.Request) -> web.Response:
        return await self._add(request, self._of(request).questions)

    async def questions(self, request: web.Request) -> web.Response:
        return web.json_response({"items": self._of(request).questions})

    async def none(self, request: web.Request) -> web.Response:
        return web.json_response({"items": []})

    async def publish(self, request: web.Request) -> web.Response:
        dataset = self._of(request)
        required = [item for item in dataset.fields + dataset.questions if item["required"]]
        if len(required) < 2:
            return _refused(422, "a dataset needs a required field and a required question")
        dataset.about["status"] = "ready"
        return web.json_response(dataset.about)

    async def upsert(self, request: web.Request) -> web.Response:
        dataset, items = self._of(request), (await request.json())["items"]
        if problem := _problem(dataset, items):
            return _refused(422, problem)
        made, updated = [], []
        for item in items:
            known = dataset.records.get(item["external_id"])
            record = self._new(**item) if known is None else {**known, **item, "id": known["id"]}
            if known is not None:
                updated.append(record["id"])
            dataset.records[item["external_id"]] = record
            made.append({**record, "vectors": {}, "metadata": {}, "suggestions": []})
        return web.json_response({"items": made, "updated_item_ids": updated})

    async def _add(self, request: web.Request, items: list[Item]) -> web.Response:
        made = self._new(**(await request.json()))
        items.append(made)
        return web.json_response(made, status=201)

    def _new(self, **values: Any) -> Item:
        return {**values, "id": str(uuid4()), **_TIMES}

    def _of(self, request: web.Request) -> Dataset:
        dataset = self.datasets.get(request.match_info["id"])
        if dataset is None:
            raise web.HTTPNotFound(text="no such dataset")
        return dataset

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            raise request.match_info.http_exception
        action = request.match_info.handler.__name__
        self.calls.append(action)
        if request.headers.get("X-Argilla-Api-Key") != KEY:
            return _refused(401, "Could not validate credentials")
        if self._faults[action]:
            return _refused(self._faults[action].popleft(), "told to fail")
        return await handler(request)


def _problem(dataset: Dataset, items: list[Item]) -> str | None:
    """Return why the server refuses all of these records, None if it takes them."""
    if dataset.about["status"] != "ready":
        return "the dataset is not published"
    ids = [item["external_id"] for item in items]
    if not items or len(items) > 500 or len(set(ids)) < len(ids):
        return "between 1 and 500 records with different ids"
    names = {item["name"] for item in dataset.fields}
    required = {item["name"] for item in dataset.fields if item["required"]}
    questions = {item["id"]: item for item in dataset.questions}
    for item in items:
        texts = item["fields"]
        if not required <= texts.keys() <= names or not all(
            isinstance(text, str) for text in texts.values()
        ):
            return "a record has other fields than the dataset, or one that is no text"
        for suggestion in item["suggestions"]:
            options = questions[suggestion["question_id"]]["settings"].get("options")
            if options and suggestion["value"] not in [option["value"] for option in options]:
                return "a suggestion is no option of its question"
    return None


def _refused(status: int, said: str) -> web.Response:
    return web.json_response({"detail": said}, status=status)
