"""The files API that OpenAI and Mistral share: upload, look, list, download, delete."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from tests.loopback.chat import UnreadableRequest
from tests.loopback.faults import Status
from tests.loopback.http import Request, Response, json_response
from tests.loopback.stats import Counters

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_FIELD = re.compile(r'[; ]name="([^"]*)"')


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded or a written file."""

    id: str
    filename: str
    purpose: str
    content: bytes
    created: int = field(default_factory=lambda: int(time.time()))

    def as_json(self) -> dict[str, Any]:
        """Return what OpenAI and Mistral say of a file, in one object."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "sample_type": "batch_request" if self.purpose == "batch" else "batch_result",
            "source": "upload",
            "num_lines": self.content.count(b"\n"),
            "deleted": False,
        }


class FileShelf:
    """Keeps files in memory and answers for `/v1/files`."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._files: dict[str, StoredFile] = {}
        self._made = 0

    def __getitem__(self, file_id: str) -> StoredFile:
        return self._files[file_id]

    def __contains__(self, file_id: str) -> bool:
        return file_id in self._files

    def write(self, filename: str, purpose: str, content: bytes) -> StoredFile:
        """Keep a file under a new id."""
        self._made += 1
        file = StoredFile(f"file-{self._made}", filename, purpose, content)
        self._files[file.id] = file
        return file

    def handle(self, request: Request, parts: list[str]) -> Response | None:
        """Answer a request for the files, None where the API has no such path."""
        match request.method, parts:
            case "POST", []:
                form = _read_form(request)
                filename, content = form["file"]
                self._counters.uploaded()
                purpose = form.get("purpose", ("", b"batch"))[1].decode()
                return json_response(self.write(filename, purpose, content).as_json())
            case "GET", []:
                files = [file.as_json() for file in reversed(self._files.values())]
                return json_response(page_after(files, request.query))
            case _, [file_id, *_] if file_id not in self._files:
                return Status(404, message=f"no such file: {file_id}").response()
            case "GET", [file_id]:
                return json_response(self._files[file_id].as_json())
            case "GET", [file_id, "content"]:
                content = self._files[file_id].content
                return Response(content, content_type="application/octet-stream")
            case "DELETE", [file_id]:
                del self._files[file_id]
                return json_response({"id": file_id, "object": "file", "deleted": True})
        return None


def page_after(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """Return one page of a list as OpenAI pages: after an id, at most `limit` items."""
    ids = [item["id"] for item in items]
    start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    page = items[start : start + int(query.get("limit", "20"))]
    return {
        "object": "list",
        "data": page,
        "total": len(items),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + len(page) < len(items),
    }


def _read_form(request: Request) -> dict[str, tuple[str, bytes]]:
    """Return the file name (or nothing) and the content of each field of a multipart form."""
    boundary = _BOUNDARY.search(request.headers.get("content-type", ""))
    if boundary is None:
        raise UnreadableRequest("the body is not a multipart form")
    form = {}
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        disposition = head.decode()
        name = _FIELD.search(disposition)
        filename = re.search(r'filename="([^"]*)"', disposition)
        if name is not None:
            form[name[1]] = (filename[1] if filename else "", content)
    if "file" not in form:
        raise UnreadableRequest("the form has no file")
    return form
