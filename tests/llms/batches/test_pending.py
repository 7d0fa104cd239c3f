"""Jobs that are not waited for: whoever asks next fetches them."""

from __future__ import annotations

import pytest

from llms import Answer, Gateway, RemoteLLM, Sample
from llms.errors import BadRequest, BatchPending
from llms.gateway import together
from tests.llms.batches.asking import HALF, answered, ask, batched, booked, left_in, words
from tests.llms.batches.conftest import OpenBatchGateway
from tests.llms.conftest import chat_request, wait_until
from tests.loopback import LoopbackProvider, Status, loopback_provider

LONG = 600.0


def hurried(name: str, provider: LoopbackProvider) -> RemoteLLM:
    """Return a model that does not wait for its jobs."""
    return batched(name, provider, offline_batch_generation_block_until_done=None)


def test_who_does_not_wait_is_told_which_job_goes_on(name: str, gateway: Gateway) -> None:
    with loopback_provider(batch_seconds=LONG) as provider:
        answers = ask(gateway, hurried(name, provider), words(20))
        assert {type(answer) for answer in answers} == {BatchPending}
        pending = answers[0]
        assert isinstance(pending, BatchPending)
        assert pending.wait > 0
        assert pending.jobs == (
            f"{name} {'batch_1' if name == 'openai' else 'job-1'} (20 requests)",
        )
        assert pending.jobs[0] in str(pending)
        assert (provider.stats().jobs, provider.stats().job_lines) == (1, 20)


def test_a_later_process_fetches_the_job_and_counts_its_answers_as_bought(
    name: str, open_gateway: OpenBatchGateway
) -> None:
    with loopback_provider(batch_seconds=LONG) as provider:
        llm, texts = hurried(name, provider), words(20)
        ask(open_gateway(), llm, texts)
        gateway = open_gateway()
        still = ask(gateway, llm, texts)
        assert {type(answer) for answer in still} == {BatchPending}
        provider.batches.seconds = 0.0
        # the job is fetched for the first five; the others find their answers there
        answers = [*ask(gateway, llm, texts[:5]), *ask(gateway, llm, texts[5:])]
        assert answered(answers, texts) == 20
        assert not any(isinstance(answer, Answer) and answer.reused for answer in answers)
        again = ask(gateway, llm, texts)
        assert all(isinstance(answer, Answer) and answer.reused for answer in again)
        assert (provider.stats().jobs, provider.stats().duplicate_lines) == (1, 0)
    assert booked(gateway).usd == pytest.approx(20 * HALF)
    wait_until(lambda: left_in(gateway) == (0, 0))


def test_new_requests_beside_pending_ones_are_submitted_before_anybody_is_told(
    name: str, gateway: Gateway
) -> None:
    with loopback_provider(batch_seconds=LONG) as provider:
        llm = hurried(name, provider)
        ask(gateway, llm, words(10))

        async def ask_until_the_first_error() -> None:
            await together(
                [gateway.complete(llm, chat_request(text), Sample()) for text in words(25)]
            )

        with pytest.raises(BatchPending):
            gateway.run(ask_until_the_first_error())
        stats = provider.stats()
    assert (stats.jobs, stats.job_lines, stats.duplicate_lines) == (2, 25, 0)


def test_a_refusal_that_came_while_nobody_waited_is_told_to_who_asks(
    name: str, gateway: Gateway
) -> None:
    with loopback_provider(batch_seconds=LONG) as provider:
        llm, texts = hurried(name, provider), words(6)
        provider.batches.line_fault = lambda custom_id, body: (
            Status(400) if body["messages"][0]["content"] == "word-5" else None
        )
        ask(gateway, llm, texts)
        provider.batches.seconds = 0.0
        assert answered(ask(gateway, llm, texts[:5]), texts[:5]) == 5
        (refused,) = ask(gateway, llm, texts[5:])
        assert isinstance(refused, BadRequest)
        assert provider.stats().jobs == 1


def test_a_line_that_failed_meanwhile_goes_into_a_further_job(name: str, gateway: Gateway) -> None:
    with loopback_provider(batch_seconds=LONG, job_faults=["expired"]) as provider:
        llm, texts = hurried(name, provider), words(10)
        ask(gateway, llm, texts)
        provider.batches.seconds = 0.0
        assert answered(ask(gateway, llm, texts), texts) == 10
        stats = provider.stats()
    assert (stats.jobs, stats.job_lines) == (2, 15)
    assert booked(gateway).requests == 10
