"""Text-to-image at an endpoint of Hugging Face: the answer is the image itself."""

from __future__ import annotations

import base64
import json

from tests.loopback.dialects.dialect import Body, Dialect
from tests.loopback.faults import Status


def _read(body: Body) -> Body:
    parameters = body.get("parameters") or {}
    return {"model": "endpoint", "prompt": body["inputs"], "seed": parameters["seed"]}


def _write(answer: Body) -> bytes:
    return base64.b64decode(answer["data"][0]["b64_json"])


def _error(status: Status) -> Body:
    return {"error": json.loads(status.body)["message"]}


HUGGING_FACE = Dialect(_read, _write, _error)
