"""Batch jobs and files as Mistral's client drives them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest
from mistralai.client import Mistral
from mistralai.client.models import BatchJob, BatchRequest

from tests.loopback import LoopbackProvider, Status, loopback_provider

CHAT: Final = "/v1/chat/completions"


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with loopback_provider() as provider:
        yield provider


@pytest.fixture
def client(provider: LoopbackProvider) -> Iterator[Mistral]:
    with Mistral(server_url=provider.root, api_key="key") as client:
        yield client


def line(custom_id: str) -> dict[str, Any]:
    return {"custom_id": custom_id, "body": {"messages": [{"role": "user", "content": custom_id}]}}


def submit(client: Mistral, lines: list[dict[str, Any]], **metadata: str) -> BatchJob:
    content = "".join(json.dumps(one) + "\n" for one in lines).encode()
    file = client.files.upload(
        file={"file_name": "lines.jsonl", "content": content}, purpose="batch"
    )
    assert (file.size_bytes, file.num_lines) == (len(content), len(lines))
    return client.batch.jobs.create(
        endpoint=CHAT, input_files=[file.id], model="m", metadata=metadata
    )


def read(client: Mistral, file_id: Any) -> dict[str, Any]:
    """Return the lines of a file by their custom id, in the order of the file."""
    if not isinstance(file_id, str):
        return {}
    response = client.files.download(
        file_id=file_id, http_headers={"accept": "application/octet-stream"}
    )
    lines = map(json.loads, response.read().splitlines())
    return {one["custom_id"]: one for one in lines}


def test_a_job_is_queued_then_done_and_its_lines_are_answered(
    provider: LoopbackProvider, client: Mistral
) -> None:
    job = submit(client, [line(f"c{number}") for number in range(9)], run="one")
    assert (job.status, job.output_file) == ("QUEUED", None)
    job = client.batch.jobs.get(job_id=job.id)
    assert job.status == "SUCCESS"
    assert (job.total_requests, job.succeeded_requests, job.failed_requests) == (9, 9, 0)
    output = read(client, job.output_file)
    assert list(output) != sorted(output) == [f"c{number}" for number in range(9)]
    response = output["c4"]["response"]
    assert (response["status_code"], response["body"]["model"]) == (200, "m")
    assert response["body"]["choices"][0]["message"]["content"].endswith("to: c4")
    assert (provider.stats().jobs, provider.stats().job_lines) == (1, 9)


def test_failed_lines_are_in_the_error_file_and_missing_ones_in_none(
    provider: LoopbackProvider, client: Mistral
) -> None:
    provider.batches.line_fault = lambda custom_id, body: (
        Status(422, message="not this one")
        if custom_id == "a"
        else "expired"
        if custom_id == "b"
        else None
    )
    job = client.batch.jobs.get(job_id=submit(client, [line("a"), line("b"), line("c")]).id)
    errors = read(client, job.error_file)
    assert set(read(client, job.output_file)) == {"c"}
    assert set(errors) == {"a"}
    assert errors["a"]["response"]["status_code"] == 422
    assert (job.completed_requests, job.succeeded_requests, job.failed_requests) == (2, 1, 1)


def test_an_expired_job_leaves_lines_out(provider: LoopbackProvider, client: Mistral) -> None:
    provider.batches.fail_jobs(["expired"])
    lines = [line(f"c{number}") for number in range(8)]
    job = client.batch.jobs.get(job_id=submit(client, lines).id)
    assert job.status == "TIMEOUT_EXCEEDED"
    assert len(read(client, job.output_file)) == 4
    assert job.error_file is None


def test_a_bad_file_fails_its_job(client: Mistral) -> None:
    job = client.batch.jobs.get(job_id=submit(client, [{"custom_id": "a"}]).id)
    assert job.status == "FAILED"
    assert "not a request" in job.errors[0].message


def test_requests_may_be_given_inline(client: Mistral) -> None:
    job = client.batch.jobs.create(endpoint=CHAT, requests=[BatchRequest(**line("a"))], model="m")
    job = client.batch.jobs.get(job_id=job.id, inline=True)
    assert isinstance(job.outputs, list)
    assert job.outputs[0]["custom_id"] == "a"
    assert set(read(client, job.output_file)) == {"a"}


def test_jobs_are_listed_by_metadata_and_page(client: Mistral) -> None:
    made = [submit(client, [line("a")], run=str(number % 2)).id for number in range(5)]
    listed = client.batch.jobs.list(page_size=2, page=1)
    assert (listed.total, [job.id for job in listed.data or []]) == (5, made[2:0:-1])
    found = client.batch.jobs.list(metadata={"run": "1"})
    assert [job.id for job in found.data or []] == [made[3], made[1]]
    succeeded = client.batch.jobs.list(status=["SUCCESS"], order_by="created")
    assert [job.id for job in succeeded.data or []] == made


def test_a_job_can_be_cancelled(provider: LoopbackProvider, client: Mistral) -> None:
    provider.batches.seconds = 60
    job = client.batch.jobs.cancel(job_id=submit(client, [line("a")]).id)
    assert job.status == "CANCELLATION_REQUESTED"
    assert client.batch.jobs.get(job_id=job.id).status == "CANCELLED"


def test_a_job_is_made_though_its_answer_is_lost(
    provider: LoopbackProvider, client: Mistral
) -> None:
    provider.batches.lose_creations = 1
    with pytest.raises(httpx2.TransportError):
        submit(client, [line("a")], mark="mine")
    [found] = client.batch.jobs.list(metadata={"mark": "mine"}).data or []
    assert found.total_requests == provider.stats().jobs == 1


def test_a_file_can_be_looked_at_and_deleted(client: Mistral) -> None:
    file = client.files.upload(file={"file_name": "a.jsonl", "content": b"{}\n"}, purpose="batch")
    assert client.files.retrieve(file_id=file.id).filename == "a.jsonl"
    assert client.files.delete(file_id=file.id).deleted
