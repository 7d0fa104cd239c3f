"""The batch API of one account: each call is tried again as long as that is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from llms.batches.api import BatchApi, Progress, Result
from llms.batches.mistral import MistralBatches
from llms.batches.openai import OpenAIBatches
from llms.errors import TransientError
from llms.providers.batched import BatchedLLM
from llms.retries import RetryPolicy

T = TypeVar("T")

_APIS: dict[str, type[OpenAIBatches] | type[MistralBatches]] = {
    "openai": OpenAIBatches,
    "mistral": MistralBatches,
}
_RESULTS_AT_ONCE = 200


class BatchConnection:
    """Submits, finds and reads the jobs of one account.

    Every method raises the provider's error once the tries of the policy are over.
    """

    def __init__(self, llm: BatchedLLM, policy: RetryPolicy) -> None:
        self.api: BatchApi = _APIS[llm.provider](llm)
        self._policy = policy
        self._client: Any = None

    async def open(self) -> None:
        """Make the client, in a thread: its package is large."""
        self._client = await asyncio.to_thread(self.api.connect)

    async def close(self) -> None:
        """Release the client."""
        if self._client is not None:
            await self.api.close(self._client)

    async def upload(self, content: bytes) -> str:
        """Upload the lines of a job; a file that is uploaded twice costs nothing."""
        return await self._with_tries(lambda: self.api.upload(self._client, content))

    async def create(self, file: str, token: str) -> str:
        """Make a job that bears a token, at most once, whatever becomes of the answers."""
        attempt = 1
        while True:
            try:
                return await self.api.create(self._client, file, token)
            except TransientError as error:
                await asyncio.sleep(self._policy.wait_after(attempt, error))
                if found := await self.find(token):
                    return found
                if attempt >= self._policy.attempts:
                    raise
                attempt += 1

    async def find(self, token: str) -> str | None:
        """Return the id of the job that bears a token, None if there is none."""
        return await self._with_tries(lambda: self.api.find(self._client, token))

    async def progress(self, job_id: str) -> Progress:
        """Return how far a job is."""
        return await self._with_tries(lambda: self.api.progress(self._client, job_id))

    async def results(self, file: str, take: Callable[[list[Result]], Awaitable[None]]) -> None:
        """Read a file of results and hand them over, some at a time; some may come twice."""

        async def read() -> None:
            some: list[Result] = []
            async with aclosing(self.api.results(self._client, file)) as results:
                async for result in results:
                    some.append(result)
                    if len(some) >= _RESULTS_AT_ONCE:
                        await take(some)
                        some = []
            await take(some)

        await self._with_tries(read)

    async def _with_tries(self, call: Callable[[], Awaitable[T]]) -> T:
        attempt = 1
        while True:
            try:
                return await call()
            except TransientError as error:
                if attempt >= self._policy.attempts:
                    raise
                await asyncio.sleep(self._policy.wait_after(attempt, error))
                attempt += 1
