"""Batch jobs and files as OpenAI's client drives them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import pytest
from openai import APIConnectionError, NotFoundError, OpenAI
from openai.types import Batch

from tests.loopback import LoopbackProvider, Status, loopback_provider

CHAT: Final = "/v1/chat/completions"


@contextmanager
def openai_client(provider: LoopbackProvider) -> Iterator[OpenAI]:
    with OpenAI(base_url=provider.url, api_key="key", max_retries=0) as client:
        yield client


def line(custom_id: str, text: str = "hi", url: str = CHAT) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": f"{text} {custom_id}"}]}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def submit(client: OpenAI, lines: list[dict[str, Any]], **metadata: str) -> Batch:
    content = "".join(json.dumps(one) + "\n" for one in lines).encode()
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    assert (file.bytes, file.filename, file.purpose) == (len(content), "lines.jsonl", "batch")
    assert client.files.content(file.id).content == content
    return client.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata=metadata
    )


def read(client: OpenAI, file_id: str | None) -> dict[str, Any]:
    """Return the lines of a file by their custom id, in the order of the file."""
    if file_id is None:
        return {}
    lines = map(json.loads, client.files.content(file_id).text.splitlines())
    return {one["custom_id"]: one for one in lines}


def done(provider: LoopbackProvider, client: OpenAI, lines: int) -> tuple[Batch, Any, Any]:
    job = submit(client, [line(f"c{number}") for number in range(lines)])
    job = client.batches.retrieve(job.id)
    return job, read(client, job.output_file_id), read(client, job.error_file_id)


def test_a_job_is_validated_then_worked_on_then_completed() -> None:
    with loopback_provider(batch_seconds=100) as provider, openai_client(provider) as client:
        seconds = [0.0]
        provider.batches.clock = lambda: seconds[-1]
        job = submit(client, [line("a"), line("b")], run="one")
        assert (job.status, job.output_file_id) == ("validating", None)
        seen = []
        for elapsed in (20.0, 50.0, 99.0, 101.0):
            seconds.append(elapsed)
            job = client.batches.retrieve(job.id)
            seen.append(job.status)
        assert seen == ["validating", "in_progress", "in_progress", "completed"]
        assert job.request_counts is not None
        assert (job.request_counts.total, job.request_counts.completed) == (2, 2)
        assert (job.metadata, job.error_file_id) == ({"run": "one"}, None)


def test_each_line_is_answered_like_a_single_request_in_shuffled_order() -> None:
    with loopback_provider() as provider, openai_client(provider) as client:
        _, output, errors = done(provider, client, 20)
        single = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi c7"}]
        )
        assert errors == {}
        assert sorted(output) == sorted(f"c{number}" for number in range(20))
        assert list(output) != [f"c{number}" for number in range(20)]
        response = output["c7"]["response"]
        assert response["status_code"] == 200
        said = response["body"]["choices"][0]["message"]["content"]
        assert said == single.choices[0].message.content
        assert output["c7"]["error"] is None
        stats = provider.stats()
        assert (stats.jobs, stats.job_lines, stats.duplicate_lines, stats.files) == (1, 20, 0, 1)
        assert stats.requests == 1


def test_lines_fail_one_by_one() -> None:
    def fault(
        custom_id: str, body: dict[str, Any]
    ) -> Status | Literal["missing", "expired"] | None:
        named: dict[str, Status | Literal["missing", "expired"]] = {
            "c0": Status(400, message="not this one"),
            "c1": "missing",
            "c2": "expired",
        }
        return named.get(custom_id)

    with loopback_provider(line_fault=fault) as provider, openai_client(provider) as client:
        job, output, errors = done(provider, client, 5)
    assert job.status == "completed"
    assert set(output) == {"c3", "c4"}
    assert set(errors) == {"c0", "c2"}
    assert errors["c0"]["response"]["status_code"] == 400
    assert errors["c0"]["response"]["body"]["error"]["message"] == "not this one"
    assert errors["c2"]["response"] is None
    assert errors["c2"]["error"]["code"] == "batch_expired"
    assert job.request_counts is not None
    assert (job.request_counts.completed, job.request_counts.failed) == (2, 2)


def test_an_expired_job_has_answered_a_share() -> None:
    with (
        loopback_provider(job_faults=["expired"], answered_share=0.25) as provider,
        openai_client(provider) as client,
    ):
        job, output, errors = done(provider, client, 8)
        assert (job.status, len(output), len(errors)) == ("expired", 2, 6)
        assert {one["error"]["code"] for one in errors.values()} == {"batch_expired"}
        job, output, _ = done(provider, client, 8)
        assert (job.status, len(output)) == ("completed", 8)
        assert provider.stats().duplicate_lines == 8


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line("a"), line("a", "other")], "duplicate_custom_id"),
        ([line("a", url="/v1/embeddings")], "mismatched_endpoint"),
        ([{"custom_id": "a"}], "invalid_json_line"),
    ],
    ids=["twice the same id", "another endpoint", "no request"],
)
def test_a_bad_file_fails_its_job(lines: list[dict[str, Any]], code: str) -> None:
    with loopback_provider() as provider, openai_client(provider) as client:
        job = client.batches.retrieve(submit(client, lines).id)
    assert job.status == "failed"
    assert job.errors is not None
    assert job.errors.data is not None
    assert job.errors.data[0].code == code
    assert job.output_file_id is None


def test_a_job_may_be_told_to_fail() -> None:
    with loopback_provider() as provider, openai_client(provider) as client:
        provider.batches.fail_jobs(["failed"])
        assert client.batches.retrieve(submit(client, [line("a")]).id).status == "failed"
        assert client.batches.retrieve(submit(client, [line("a")]).id).status == "completed"


def test_a_cancelled_job_is_cancelling_first() -> None:
    with loopback_provider(batch_seconds=60) as provider, openai_client(provider) as client:
        job = client.batches.cancel(submit(client, [line("a")]).id)
        assert job.status == "cancelling"
        job = client.batches.retrieve(job.id)
        assert job.status == "cancelled"
        [error] = read(client, job.error_file_id).values()
        assert error["error"]["code"] == "batch_cancelled"


def test_jobs_are_listed_newest_first_over_pages() -> None:
    with loopback_provider() as provider, openai_client(provider) as client:
        made = [submit(client, [line("a")], number=str(number)).id for number in range(5)]
        page = client.batches.list(limit=2)
        assert [job.id for job in page.data] == made[:2:-1]
        assert [job.id for job in client.batches.list(limit=2)] == made[::-1]


def test_a_job_is_made_though_its_answer_is_lost() -> None:
    with loopback_provider(lose_creations=1) as provider, openai_client(provider) as client:
        with pytest.raises(APIConnectionError):
            submit(client, [line("a")], mark="mine")
        assert provider.stats().jobs == 1
        [found] = client.batches.list()
        assert found.metadata == {"mark": "mine"}
        assert submit(client, [line("b")]).status == "validating"


def test_files_are_listed_and_deleted() -> None:
    with loopback_provider() as provider, openai_client(provider) as client:
        file = client.files.create(file=("a.jsonl", b"{}\r\n{}\n"), purpose="batch")
        assert [one.id for one in client.files.list()] == [file.id]
        assert client.files.retrieve(file.id).bytes == 7
        assert client.files.delete(file.id).deleted
        with pytest.raises(NotFoundError, match=file.id):
            client.files.content(file.id)


def test_embeddings_are_batched_too() -> None:
    body = {"model": "m", "input": ["a", "b"]}
    one = {"custom_id": "e", "method": "POST", "url": "/v1/embeddings", "body": body}
    with loopback_provider() as provider, openai_client(provider) as client:
        file = client.files.create(file=json.dumps(one).encode(), purpose="batch")
        job = client.batches.create(
            input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h"
        )
        job = client.batches.retrieve(job.id)
        answer = read(client, job.output_file_id)["e"]["response"]["body"]
    assert [len(item["embedding"]) for item in answer["data"]] == [8, 8]
