"""OpenAI's batch API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from llms.batches.api import ENDPOINT, TOKEN, Progress, Result, gone, read_results
from llms.providers.batched import BatchedLLM
from llms.providers.posting import translated
from llms.providers.responses import shown

_WINDOW = "24h"
_WORKING = {"validating", "in_progress", "finalizing", "cancelling"}
_NEWEST = 500


class OpenAIBatches:
    """Jobs of an OpenAI account, by the SDK's files and batches."""

    def __init__(self, llm: BatchedLLM) -> None:
        self._llm = llm

    def connect(self) -> Any:
        from openai import AsyncOpenAI, Timeout

        llm = self._llm
        return AsyncOpenAI(
            api_key=llm.key(),
            base_url=llm.url,
            default_headers=llm.default_headers,
            max_retries=0,
            timeout=Timeout(llm.timeout, connect=llm.connect_timeout),
        )

    async def close(self, client: Any) -> None:
        await client.close()

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        value = {"custom_id": key, "method": "POST", "url": ENDPOINT, "body": body}
        return json.dumps(value).encode() + b"\n"

    async def upload(self, client: Any, content: bytes) -> str:
        with self._translating():
            file = await client.files.create(file=("batch.jsonl", content), purpose="batch")
            return str(file.id)

    async def create(self, client: Any, file: str, token: str) -> str:
        with self._translating():
            job = await client.batches.create(
                input_file_id=file,
                endpoint=ENDPOINT,
                completion_window=_WINDOW,
                metadata={TOKEN: token},
            )
            return str(job.id)

    async def find(self, client: Any, token: str) -> str | None:
        with self._translating():
            looked_at = 0
            async for job in client.batches.list(limit=100):
                looked_at += 1
                if (job.metadata or {}).get(TOKEN) == token:
                    return str(job.id)
                if looked_at >= _NEWEST:
                    break
            return None

    async def progress(self, client: Any, job_id: str) -> Progress:
        with self._translating(f"batch job {job_id!r}"):
            job = await client.batches.retrieve(job_id)
            if job.status in _WORKING:
                return Progress(done=False)
            files = tuple(file for file in (job.error_file_id, job.output_file_id) if file)
            failure = None
            if job.status == "failed":
                said = [error.message or "" for error in (job.errors and job.errors.data) or []]
                failure = "; ".join(filter(None, said)) or "no reason given"
            return Progress(True, files, failure)

    async def results(self, client: Any, file: str) -> AsyncGenerator[Result, None]:
        with self._translating(f"result file {file!r}"):
            async with client.files.with_streaming_response.content(file) as reply:
                async for result in read_results(reply.iter_bytes()):
                    yield result

    @contextmanager
    def _translating(self, asked_for: str | None = None) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            import openai

            meant = gone(translated(self._llm, openai, error), self._llm, asked_for)
            raise meant from shown(error, self._llm)
