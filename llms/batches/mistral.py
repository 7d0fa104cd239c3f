"""Mistral's batch API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

from llms.batches.api import ENDPOINT, TOKEN, Progress, Result, gone, read_results
from llms.errors import LLMError
from llms.providers.batched import BatchedLLM
from llms.providers.responses import error_for_status, read_error, shown, unreadable
from llms.providers.transport import transport_error

_WORKING = {"QUEUED", "RUNNING", "CANCELLATION_REQUESTED"}


class MistralBatches:
    """Jobs of a Mistral account, by the SDK's files and batch jobs."""

    def __init__(self, llm: BatchedLLM) -> None:
        self._llm = llm

    def connect(self) -> Any:
        from mistralai.client import Mistral

        return Mistral(
            api_key=self._llm.key(),
            server_url=self._llm.url.removesuffix("/v1"),
            timeout_ms=int(self._llm.timeout * 1000),
        )

    async def close(self, client: Any) -> None:
        await client.__aexit__(None, None, None)

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        return json.dumps({"custom_id": key, "body": body}).encode() + b"\n"

    async def upload(self, client: Any, content: bytes) -> str:
        with self._translating():
            file = await client.files.upload_async(
                file={"file_name": "batch.jsonl", "content": content}, purpose="batch"
            )
            return str(file.id)

    async def create(self, client: Any, file: str, token: str) -> str:
        with self._translating():
            job = await client.batch.jobs.create_async(
                endpoint=ENDPOINT,
                model=self._llm.model,
                input_files=[file],
                metadata={TOKEN: token},
            )
            return str(job.id)

    async def find(self, client: Any, token: str) -> str | None:
        with self._translating():
            found = await client.batch.jobs.list_async(metadata={TOKEN: token})
            for job in found.data or []:
                if (job.metadata or {}).get(TOKEN) == token:
                    return str(job.id)
            return None

    async def progress(self, client: Any, job_id: str) -> Progress:
        with self._translating(f"batch job {job_id!r}"):
            job = await client.batch.jobs.get_async(job_id=job_id)
            if job.status in _WORKING:
                return Progress(done=False)
            files = tuple(str(file) for file in (job.error_file, job.output_file) if file)
            failure = None
            if job.status == "FAILED" and not files:
                said = [error.message for error in job.errors or []]
                failure = "; ".join(filter(None, said)) or "no reason given"
            return Progress(True, files, failure)

    async def results(self, client: Any, file: str) -> AsyncGenerator[Result, None]:
        with self._translating(f"result file {file!r}"):
            reply = await client.files.download_async(file_id=file)
            async with aclosing(reply):
                async for result in read_results(reply.aiter_bytes()):
                    yield result

    @contextmanager
    def _translating(self, asked_for: str | None = None) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            translated = gone(self._translated(error), self._llm, asked_for)
            raise translated from shown(error, self._llm)

    def _translated(self, error: Exception) -> LLMError:
        from mistralai.client import errors

        llm = self._llm
        if isinstance(error, errors.MistralError) and error.status_code >= 400:
            try:
                body = json.loads(error.body)
            except ValueError:
                body = None
            message, code = read_error(body, error.message)
            return error_for_status(llm, error.status_code, message, code, error.headers)
        if isinstance(error, (errors.MistralError, errors.NoResponseError)):
            return unreadable(llm, error)
        if translated := transport_error(llm, error):
            return translated
        raise error
