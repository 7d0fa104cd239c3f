"""What a provider's batch API does, whoever the provider is."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from llms.errors import LLMError, ModelNotFound, ProviderRefused
from llms.providers.batched import BatchedLLM

TOKEN = "stillhouse"
"""The key in a job's metadata under which our own name for it stands."""

ENDPOINT = "/v1/chat/completions"


class JobGone(ProviderRefused):
    """The provider does not know a job or a file of it any more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; `failure` is why it came to nothing."""

    done: bool
    files: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one line: HTTP status, and reply or error; status None if not reached."""

    key: str
    status: int | None
    body: Any


class BatchApi(Protocol):
    """A provider's batch API. Every method raises our own errors only."""

    def connect(self) -> Any:
        """Return a new client."""

    async def close(self, client: Any) -> None:
        """Release a client."""

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return one request of a job: the key of its answer, and the body as it is posted."""

    async def upload(self, client: Any, content: bytes) -> str:
        """Upload the lines of a job and return the file's id."""

    async def create(self, client: Any, file: str, token: str) -> str:
        """Make a job that bears a token, and return its id."""

    async def find(self, client: Any, token: str) -> str | None:
        """Return the id of the job that bears a token, None if there is none."""

    async def progress(self, client: Any, job_id: str) -> Progress:
        """Return how far a job is.

        Raises:
            JobGone: there is no such job.
        """

    def results(self, client: Any, file: str) -> AsyncGenerator[Result, None]:
        """Return the results in a file; what is no result is left out.

        Raises:
            JobGone: there is no such file.
        """


async def read_results(content: AsyncIterable[bytes]) -> AsyncGenerator[Result, None]:
    """Read the results in a file that arrives in pieces; a line that is none is left out."""
    waiting = b""
    async for piece in content:
        *lines, waiting = (waiting + piece).split(b"\n")
        for line in lines:
            if (result := _read(line)) is not None:
                yield result
    if (result := _read(waiting)) is not None:
        yield result


def gone(error: LLMError, llm: BatchedLLM, asked_for: str | None) -> LLMError:
    """Return what an error means for those who asked for a job or for a file of it."""
    if asked_for is None or not isinstance(error, ModelNotFound):
        return error
    return JobGone(
        f"{llm.provider} does not know {asked_for} any more; run again, and what it has not "
        f"brought is asked anew."
    )


def _read(line: bytes) -> Result | None:
    try:
        value = json.loads(line)
        key, response = str(value["custom_id"]), value.get("response")
        if response is None:
            return Result(key, None, {"error": value["error"]})
        return Result(key, int(response["status_code"]), response["body"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
