"""The ways in which a provider can fail a request."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.loopback.http import Response


@dataclass(frozen=True, slots=True)
class Status:
    """Answers with an HTTP status; `error` is the provider's own error code in the body."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    message: str = "the loopback provider was told to fail"

    @property
    def body(self) -> bytes:
        """The error in OpenAI's shape (nested) and in Mistral's (flat) at once."""
        error = {"message": self.message, "type": "error", "param": None, "code": self.error}
        return json.dumps({"object": "error", **error, "error": error}).encode()

    def response(self) -> Response:
        """The answer in OpenAI's and Mistral's shape."""
        return Response(self.body, self.code, self.headers)


@dataclass(frozen=True, slots=True)
class Reset:
    """Breaks the connection without a word (TCP RST)."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """Announces the whole answer and closes the connection after `share` of it."""

    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Body:
    """Answers 200 with this body: bytes as they are, anything else as JSON."""

    content: Any
    content_type: str = "application/json"

    @property
    def bytes(self) -> bytes:
        """The body as sent."""
        content = self.content
        return content if isinstance(content, bytes) else json.dumps(content).encode()


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answers; ends when the client leaves."""


Fault = Status | Reset | Truncated | Body | Hang

FaultPlan = Callable[[int, dict[str, Any]], Fault | None] | Iterable[Fault | None]
"""A function of request number (from 1) and body, or the faults of the first requests in order."""

MALFORMED = Body(b"<html>upstream says hello</html>")
EMPTY_CHOICES = Body(
    {
        "id": "chatcmpl-empty",
        "object": "chat.completion",
        "created": 1,
        "model": "loopback-model",
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1},
    }
)


def as_function(plan: FaultPlan | None) -> Callable[[int, dict[str, Any]], Fault | None]:
    """Return the plan as a function of request number and body."""
    if plan is None:
        return lambda number, body: None
    if callable(plan):
        return plan
    faults = iter(plan)
    return lambda number, body: next(faults, None)


def mixed_faults(shares: Mapping[str, float], seed: int = 0) -> FaultPlan:
    """Return a plan that fails these shares of all requests, at random and repeatable by the seed.

    The names are HTTP statuses ("429") and `reset`, `truncated`, `hang`, `malformed` and `empty`.
    """
    named: dict[str, Fault] = {
        "reset": Reset(),
        "truncated": Truncated(),
        "hang": Hang(),
        "malformed": MALFORMED,
        "empty": EMPTY_CHOICES,
    }
    faults = [named[name] if name in named else Status(int(name)) for name in shares]
    weights = [*shares.values(), 1 - sum(shares.values())]
    chance = random.Random(seed)
    return lambda number, body: chance.choices([*faults, None], weights)[0]
