"""What can fail around a job: the whole of it, the API, the results, the store."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from llms import Answer, Gateway
from llms.errors import (
    AuthenticationFailed,
    LLMError,
    ProviderRefused,
    ServerFailed,
    StoreError,
    TransientError,
)
from tests.llms.batches.asking import answered, ask, batched, booked, words
from tests.llms.batches.conftest import watched_provider
from tests.llms.conftest import KEY
from tests.loopback import LoopbackProvider, Status, loopback_provider
from tests.loopback.http import Response


def errors_of(answers: list[Answer | Exception]) -> list[Exception]:
    return [answer for answer in answers if isinstance(answer, Exception)]


def change(gateway: Gateway, statement: str) -> None:
    """Change the store's tables behind its back."""
    with closing(sqlite3.connect(gateway.store.name)) as database, database:
        database.execute(statement)


def test_a_job_that_failed_as_a_whole_is_one_sentence_and_the_next_run_asks_anew(
    name: str, gateway: Gateway
) -> None:
    with loopback_provider(job_faults=["failed"]) as provider:
        answers = ask(gateway, batched(name, provider), words(5))
        assert {type(answer) for answer in answers} == {ProviderRefused}
        (said,) = {str(answer) for answer in answers}
        assert "came to nothing: the loopback provider was told to fail the file. Mend" in said
        assert booked(gateway).requests == 0
        assert answered(ask(gateway, batched(name, provider), words(5)), words(5)) == 5


def test_a_wrong_key_is_one_sentence_without_the_key(name: str, gateway: Gateway) -> None:
    with watched_provider() as provider:
        provider.before = lambda asked: Status(401, message=f"no such key: {KEY}").response()
        answers = ask(gateway, batched(name, provider), words(5))
        assert {type(answer) for answer in answers} == {AuthenticationFailed}
        (said,) = {str(answer) for answer in answers}
        assert "The API key was refused" in said
        assert KEY not in said
        provider.before = lambda asked: None
        assert answered(ask(gateway, batched(name, provider), words(5)), words(5)) == 5
        assert provider.stats().jobs == 1


def test_an_api_that_is_down_for_a_moment_costs_no_second_job(name: str, gateway: Gateway) -> None:
    with watched_provider() as provider:
        seen: dict[str, int] = {}

        def before(asked: str) -> Response | None:
            kind = asked.split("?")[0]
            seen[kind] = seen.get(kind, 0) + 1
            return Status(503).response() if seen[kind] == 1 else None

        provider.before = before
        assert answered(ask(gateway, batched(name, provider), words(5)), words(5)) == 5
        stats = provider.stats()
    assert (stats.jobs, stats.duplicate_lines) == (1, 0)


def test_when_the_answer_of_the_creating_request_is_lost_the_job_is_found(
    name: str, gateway: Gateway
) -> None:
    with loopback_provider(lose_creations=1) as provider:
        texts = words(10)
        assert answered(ask(gateway, batched(name, provider), texts), texts) == 10
        stats = provider.stats()
    assert (stats.jobs, stats.duplicate_lines) == (1, 0)
    assert booked(gateway).requests == 10


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda response: replace(response, share=0.5), TransientError),
        (lambda response: Status(500).response(), ServerFailed),
    ],
    ids=["cut", "500"],
)
def test_results_that_cannot_be_fetched_are_fetched_by_who_asks_next(
    spoil: Callable[[Response], Response], kind: type[LLMError], name: str, gateway: Gateway
) -> None:
    with watched_provider() as provider:
        provider.after = lambda asked, response: spoil(response) if "/content" in asked else None
        answers = ask(gateway, batched(name, provider), words(450))
        failed = errors_of(answers)
        assert failed
        assert all(isinstance(error, kind) for error in failed)
        assert all("\n" not in str(error) for error in failed)
        provider.after = lambda asked, response: None
        again = ask(gateway, batched(name, provider), words(450))
        assert answered(again, words(450)) == 450
        stats = provider.stats()
    assert (stats.jobs, stats.duplicate_lines) == (1, 0)
    assert booked(gateway).requests == 450


def test_a_line_of_the_results_that_is_no_json_is_asked_for_again(
    name: str, gateway: Gateway
) -> None:
    def spoil(asked: str, response: Response) -> Response | None:
        if "/content" not in asked or provider.stats().jobs > 1:
            return None
        first, rest = response.body.split(b"\n", 1)
        return replace(response, body=first[: len(first) // 2] + b"\n" + rest)

    with watched_provider() as provider:
        provider.after = spoil
        assert answered(ask(gateway, batched(name, provider), words(6)), words(6)) == 6
        stats = provider.stats()
    assert (stats.jobs, stats.job_lines) == (2, 7)


def test_a_job_that_the_provider_has_forgotten_is_one_sentence_and_asked_anew_after_it(
    name: str, gateway: Gateway
) -> None:
    with watched_provider() as provider:
        provider.before = lambda asked: (
            Status(404).response() if re.fullmatch(r"GET .*/(batch_|job-)1", asked) else None
        )
        answers = ask(gateway, batched(name, provider), words(5))
        assert all(isinstance(answer, ProviderRefused) for answer in answers)
        assert "does not know batch job" in str(answers[0])
        provider.before = lambda asked: None
        assert answered(ask(gateway, batched(name, provider), words(5)), words(5)) == 5


def test_a_store_that_cannot_be_written_is_told_and_nothing_is_submitted(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    change(gateway, "CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(FAIL, 'x'); END")
    answers = ask(gateway, batched("openai", provider), words(4))
    assert {type(answer) for answer in answers} == {StoreError}
    assert provider.stats().files == 0


def test_a_store_that_fails_at_the_results_costs_no_second_job(gateway: Gateway) -> None:
    def before(asked: str) -> None:
        if "/content" in asked:
            change(gateway, "ALTER TABLE completions RENAME TO elsewhere")

    with watched_provider() as provider:
        provider.before = before
        answers = ask(gateway, batched("openai", provider), words(4))
        assert {type(answer) for answer in answers} == {StoreError}
        provider.before = lambda asked: None
        change(gateway, "ALTER TABLE elsewhere RENAME TO completions")
        assert answered(ask(gateway, batched("openai", provider), words(4)), words(4)) == 4
        assert provider.stats().jobs == 1
    assert booked(gateway).requests == 4


def test_an_account_that_cannot_be_opened_is_tried_anew_by_who_asks_next(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    change(gateway, "ALTER TABLE jobs RENAME TO elsewhere")
    answers = ask(gateway, batched("openai", provider), words(3))
    assert {type(answer) for answer in answers} == {StoreError}
    change(gateway, "ALTER TABLE elsewhere RENAME TO jobs")
    assert answered(ask(gateway, batched("openai", provider), words(3)), words(3)) == 3
