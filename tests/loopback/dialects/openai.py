"""The shape that OpenAI and Mistral share: requests and answers are as they are inside."""

from __future__ import annotations

import json

from tests.loopback.dialects.dialect import Body, Dialect
from tests.loopback.faults import Status


def _as_it_is(body: Body) -> Body:
    return body


def _error(status: Status) -> Body:
    return dict(json.loads(status.body))


OPENAI = Dialect(_as_it_is, _as_it_is, _error)
