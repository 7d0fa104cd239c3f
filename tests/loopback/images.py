"""Images that depend on nothing but the request, and a shelf from which they are fetched."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterable
from typing import Any

from llms.image_generation.scripted import ScriptedImageGeneration
from tests.loopback.chat import UnreadableRequest
from tests.loopback.faults import Body, Fault, Status
from tests.loopback.http import Disconnect, Request, Response

_TOKENS = 272
_PAINTER = ScriptedImageGeneration(size=4)


def check_images(body: dict[str, Any]) -> None:
    """Raise `UnreadableRequest` unless the body asks for one image."""
    if not isinstance(body.get("model"), str):
        raise UnreadableRequest("model is missing")
    if not isinstance(body.get("prompt"), str) or not body["prompt"]:
        raise UnreadableRequest("prompt is no text")
    if body.get("n", 1) != 1:
        raise UnreadableRequest("n is not 1")


def picture(prompt: str, seed: int = 0, size: int = 0) -> bytes:
    """Return the PNG for a prompt; bytes that viewers skip make it at least `size` long."""
    drawn = _PAINTER.picture(prompt, seed)
    return drawn + random.Random(prompt).randbytes(max(0, size - len(drawn)))


class ImageShelf:
    """The images of one provider, by address; `headers` are those of the requests that fetched."""

    def __init__(self, size: int) -> None:
        self.headers: list[dict[str, str]] = []
        self._size = size
        self._kept: dict[str, bytes] = {}
        self._faults: list[Fault | None] = []

    def fail_with(self, faults: Iterable[Fault | None]) -> None:
        """Fail the next requests that fetch an image, in order."""
        self._faults = list(faults)

    def answer(self, body: dict[str, Any], name: str, root: str) -> dict[str, Any]:
        """Return the answer to a request, in OpenAI's shape."""
        data = picture(body["prompt"], body.get("seed", 0), self._size)
        if body.get("response_format") == "url":
            self._kept[name] = data
            item = {"url": f"{root}/images/{name}?sig=planted-signature"}
        else:
            item = {"b64_json": base64.b64encode(data).decode()}
        words = len(body["prompt"].split())
        usage = {"input_tokens": words, "output_tokens": _TOKENS, "total_tokens": words + _TOKENS}
        return {"created": 1, "data": [item], "usage": {**usage, "completion_tokens": _TOKENS}}

    def fetch(self, request: Request, name: str) -> Response | Disconnect:
        """Return a kept image."""
        self.headers.append(dict(request.headers))
        fault = self._faults.pop(0) if self._faults else None
        match fault:
            case Status():
                return fault.response()
            case Body():
                return Response(fault.bytes, content_type=fault.content_type)
            case None if name in self._kept:
                return Response(self._kept[name], content_type="image/png")
            case None:
                return Status(404, message="no such image").response()
        return Disconnect()
