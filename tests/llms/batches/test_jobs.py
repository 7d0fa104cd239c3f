"""Requests as lines of batch jobs: one job for many, each answer to its own request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llms import Answer, ChatRequest, Gateway, Sample
from llms.batches.timing import BatchTiming
from llms.errors import (
    BadRequest,
    ContentFiltered,
    LLMError,
    ServerFailed,
)
from llms.gateway import together
from tests.llms.batches.asking import HALF, answered, ask, batched, booked, words
from tests.llms.batches.conftest import OpenBatchGateway
from tests.loopback import LoopbackProvider, Status, loopback_provider
from tests.loopback.batches import LineFault

SCHEMA = {
    "type": "object",
    "properties": {"number": {"type": "integer"}},
    "required": ["number"],
    "additionalProperties": False,
}


def failing(word: str, *faults: Status | str) -> LineFault:
    """Return a plan that fails the line of a word so, once with each of the faults."""
    left = list(faults)

    def fault(custom_id: str, body: dict[str, Any]) -> Any:
        said = body["messages"][-1]["content"]
        return left.pop(0) if said == word and left else None

    return fault


def test_many_requests_become_one_job_and_each_gets_its_own_answer(
    name: str, gateway: Gateway, provider: LoopbackProvider
) -> None:
    texts = words(60)
    answers = ask(gateway, batched(name, provider), texts)
    assert answered(answers, texts) == 60
    stats = provider.stats()
    assert (stats.jobs, stats.job_lines, stats.requests) == (1, 60, 0)


def test_a_batch_costs_half_in_the_answers_and_in_the_books(
    name: str, gateway: Gateway, provider: LoopbackProvider
) -> None:
    answers = ask(gateway, batched(name, provider), words(10))
    costs = [answer.completion.cost_usd for answer in answers if isinstance(answer, Answer)]
    assert costs == pytest.approx([HALF] * 10)
    assert booked(gateway).usd == pytest.approx(10 * HALF)
    assert booked(gateway).requests == 10


def test_the_mode_is_no_part_of_a_request(
    name: str, gateway: Gateway, provider: LoopbackProvider
) -> None:
    ask(gateway, batched(name, provider), words(10))
    single = batched(name, provider, use_offline_batch_generation=False)
    again = ask(gateway, single, words(10))
    assert answered(again, words(10)) == 10
    assert all(isinstance(answer, Answer) and answer.reused for answer in again)
    assert provider.stats().requests == 0
    assert booked(gateway).requests == 10


def test_answers_that_do_not_follow_the_schema_are_asked_for_in_further_jobs(
    gateway: Gateway,
) -> None:
    def reply(body: dict[str, Any]) -> str:
        asked_again = len(body["messages"]) > 1
        wrong = body["messages"][0]["content"] in ("word-1", "word-4") and not asked_again
        return json.dumps({"number": "many" if wrong else 7})

    with loopback_provider(reply=reply) as provider:
        llm = batched("openai", provider)
        requests = [ChatRequest([{"role": "user", "content": word}], SCHEMA) for word in words(8)]

        async def ask_all() -> list[Answer]:
            return await together([gateway.complete(llm, one, Sample()) for one in requests])

        answers = gateway.run(ask_all())
        assert [answer.completion.structured for answer in answers] == [{"number": 7}] * 8
        assert [answer.calls.requests for answer in answers] == [1, 2, 1, 1, 2, 1, 1, 1]
        stats = provider.stats()
    assert (stats.jobs, stats.job_lines, stats.duplicate_lines) == (2, 10, 0)


@pytest.mark.parametrize(
    "timing",
    [
        BatchTiming(quiet=0.1, lines=10),
        BatchTiming(quiet=0.1, bytes=2_000),
    ],
    ids=["lines", "bytes"],
)
def test_a_job_that_would_be_too_large_is_cut(
    timing: BatchTiming, open_gateway: OpenBatchGateway, provider: LoopbackProvider
) -> None:
    gateway = open_gateway(timing)
    texts = words(35)
    assert answered(ask(gateway, batched("openai", provider), texts), texts) == 35
    stats = provider.stats()
    assert 4 <= stats.jobs <= 5
    assert (stats.job_lines, stats.duplicate_lines) == (35, 0)


def test_the_results_of_a_large_job_are_stored_some_at_a_time(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    texts = words(450)
    assert answered(ask(gateway, batched("openai", provider), texts), texts) == 450
    assert booked(gateway).requests == 450
    assert provider.stats().jobs == 1


def test_a_job_that_expires_half_done_is_followed_by_one_with_the_missing_half(
    name: str, gateway: Gateway
) -> None:
    with loopback_provider(job_faults=["expired"], answered_share=0.5) as provider:
        texts = words(20)
        assert answered(ask(gateway, batched(name, provider), texts), texts) == 20
        stats = provider.stats()
    assert (stats.jobs, stats.job_lines, stats.duplicate_lines) == (2, 30, 10)
    assert booked(gateway).requests == 20


@pytest.mark.parametrize(
    "fault", [Status(429), Status(500), "missing", "expired"], ids=["429", "500", "missing", "late"]
)
def test_a_line_that_another_try_may_mend_is_submitted_again(
    fault: Status | str, name: str, gateway: Gateway
) -> None:
    with loopback_provider(line_fault=failing("word-3", fault)) as provider:
        texts = words(10)
        assert answered(ask(gateway, batched(name, provider), texts), texts) == 10
        stats = provider.stats()
    assert (stats.jobs, stats.job_lines) == (2, 11)
    assert booked(gateway).requests == 10


def test_a_line_that_always_fails_is_given_up_after_its_tries(
    open_gateway: OpenBatchGateway,
) -> None:
    gateway = open_gateway(attempts=3)
    with loopback_provider(line_fault=failing("word-3", *[Status(500)] * 9)) as provider:
        answers = ask(gateway, batched("openai", provider), words(10))
        assert provider.stats().jobs == 3
    assert answered(answers, words(10)) == 9
    assert isinstance(answers[3], ServerFailed)
    assert "answered 500" in str(answers[3])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Status(400), BadRequest), (Status(400, error="content_filter"), ContentFiltered)],
    ids=["bad request", "content filter"],
)
def test_a_line_that_is_refused_harms_no_other(
    fault: Status, kind: type[LLMError], name: str, gateway: Gateway
) -> None:
    with loopback_provider(line_fault=failing("word-3", fault)) as provider:
        answers = ask(gateway, batched(name, provider), words(10))
        assert provider.stats().jobs == 1
    assert answered(answers, words(10)) == 9
    assert isinstance(answers[3], kind)
    assert booked(gateway).requests == 9


def test_a_reply_without_a_choice_is_asked_for_again(gateway: Gateway) -> None:
    with loopback_provider(line_fault=failing("word-0", Status(200))) as provider:
        answers = ask(gateway, batched("openai", provider), words(3))
        assert answered(answers, words(3)) == 3
        assert provider.stats().jobs == 2
