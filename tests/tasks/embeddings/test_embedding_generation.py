"""Texts to vectors: each paid for once, and one that is refused harms no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from llms import Gateway
from llms.embeddings.openai import OpenAIEmbeddings
from llms.embeddings.registry import as_embeddings
from llms.embeddings.wordllama import WordLlamaEmbeddings
from llms.errors import AuthenticationFailed, ConfigurationError, LLMError, ServerFailed
from llms.model import Price
from tasks.embeddings.embedding_generation import EmbeddingGeneration
from tasks.outcome import Accounts, Outcome, StepContext
from tasks.row import Row
from tests.loopback import LoopbackProvider, Status, loopback_provider, text_vector
from tests.tasks.conftest import applied, keyed, keys_of, rows_after


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with loopback_provider() as provider:
        yield provider


def texts(*values: str | None) -> list[Row]:
    return [{"text": value} for value in values]


def embedding(provider: LoopbackProvider, **parameters: Any) -> EmbeddingGeneration:
    """Return the step with a model at the provider."""
    model = OpenAIEmbeddings(
        **{"model": "m", "base_url": provider.url, "api_key": "k", **parameters}
    )
    return EmbeddingGeneration(name="embed", embeddings=model)


def sent(provider: LoopbackProvider) -> list[list[str]]:
    """Return the texts of each request, the first request first."""
    return [body["input"] for body in provider.stats().bodies]


def refuse(provider: LoopbackProvider, mark: str, status: int) -> None:
    """Let requests with a text that contains `mark` fail."""

    def fault(number: int, body: dict[str, Any]) -> Status | None:
        return Status(status) if any(mark in text for text in body["input"]) else None

    provider.fail_with(fault)


def vectors_of(outcome: Outcome) -> list[list[float]]:
    return outcome.frame["embedding"].to_list()


def test_each_row_gets_the_vector_of_its_text_and_the_name_of_the_model(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    outcome = applied(embedding(provider), texts("one", "two words", "日本語"), gateway)

    assert vectors_of(outcome) == [list(text_vector(t)) for t in ("one", "two words", "日本語")]
    assert outcome.frame.schema["embedding"] == pl.List(pl.Float32)
    assert set(outcome.frame["model_name"]) == {"m"}


def test_equal_texts_are_sent_once(provider: LoopbackProvider, gateway: Gateway) -> None:
    outcome = applied(embedding(provider), texts("a", "b", "a", "a"), gateway)

    assert sent(provider) == [["a", "b"]]
    assert vectors_of(outcome)[0] == vectors_of(outcome)[2] == list(text_vector("a"))


def test_a_text_that_was_embedded_before_is_not_paid_for_again(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    step = embedding(provider, price=Price(input=1_000_000.0))
    first = applied(step, texts("one", "two words"), gateway)
    again = applied(step, texts("one", "two words"), gateway)

    assert len(sent(provider)) == 1
    assert (first.calls.requests, first.calls.input_tokens, first.calls.cost_usd) == (1, 3, 3.0)
    assert first.calls.saved_usd == 0
    assert (again.calls.requests, again.calls.input_tokens) == (0, 3)
    assert (again.calls.cost_usd, again.calls.saved_usd) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(None, "the column 'text' is null", id="no text"),
        pytest.param("", "the column 'text' is empty", id="an empty text"),
        pytest.param(" \n", "the column 'text' is empty", id="a blank text"),
    ],
)
def test_a_row_without_a_text_is_a_rejection_and_is_not_sent(
    provider: LoopbackProvider, gateway: Gateway, text: str | None, reason: str
) -> None:
    rows = texts("one", text, "two")
    outcome = applied(embedding(provider), rows, gateway)

    assert [row["text"] for row in rows_after(outcome)] == ["one", "two"]
    (rejection,) = outcome.rejections
    assert (rejection.key, rejection.reason, rejection.row) == (
        keys_of(keyed(rows))[1],
        reason,
        {"text": text},
    )
    assert sent(provider) == [["one", "two"]]


def test_a_text_that_the_model_refuses_is_a_rejection_and_harms_no_other(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    refuse(provider, "bad", 400)
    rows = texts(*(f"text {n}" for n in range(7)), "bad", *(f"text {n}" for n in range(7, 20)))
    outcome = applied(embedding(provider, texts_per_request=8), rows, gateway)

    assert vectors_of(outcome) == [list(text_vector(f"text {n}")) for n in range(20)]
    (rejection,) = outcome.rejections
    assert rejection.row == {"text": "bad"}
    assert not rejection.unanswered
    books = outcome.accounts(keys_of(keyed(rows)))
    assert (books.rows_in, books.rows_out, books.rejected) == (21, 20, 1)


def test_a_failing_provider_fails_the_attempt_while_another_one_may_mend_it(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    refuse(provider, "ill", 500)
    step = embedding(provider, texts_per_request=1)
    context = StepContext(gateway, final_attempt=False)

    with pytest.raises(ServerFailed):
        step.apply(keyed(texts("one", "ill")), context)


def test_after_the_final_attempt_a_text_without_an_answer_is_tried_again_by_the_next_run(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    refuse(provider, "ill", 500)
    step = embedding(provider, texts_per_request=1)
    outcome = applied(step, texts("one", "ill", "two"), gateway)

    assert [row["text"] for row in rows_after(outcome)] == ["one", "two"]
    (rejection,) = outcome.rejections
    assert rejection.unanswered


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(500, ServerFailed, id="every request fails"),
        pytest.param(401, AuthenticationFailed, id="a wrong key"),
    ],
)
def test_what_fails_every_row_stops_the_run(
    provider: LoopbackProvider, gateway: Gateway, status: int, error: type[LLMError]
) -> None:
    provider.fail_with(lambda number, body: Status(status))

    with pytest.raises(error):
        applied(embedding(provider), texts("one", "two"), gateway)


def test_no_rows_need_no_call(provider: LoopbackProvider, gateway: Gateway) -> None:
    frame = keyed(texts("one")).clear()
    outcome = embedding(provider).apply(frame, StepContext(gateway))

    assert outcome.frame.schema["embedding"] == pl.List(pl.Float32)
    assert outcome.accounts([]) == Accounts()
    assert provider.stats().requests == 0


def test_vectors_do_not_depend_on_the_partition(gateway: Gateway) -> None:
    rows = texts("one", "two words", "a third text")
    whole = applied(EmbeddingGeneration(embeddings=WordLlamaEmbeddings()), rows, gateway)
    with_store_of_its_own = [
        next(
            EmbeddingGeneration(embeddings=as_embeddings("wordllama:l2-supercat-256")).process(
                [row]
            )
        )[0]
        for row in rows
    ]
    assert rows_after(whole) == with_store_of_its_own


def test_a_model_that_cannot_be_called_is_told_before_the_first_row() -> None:
    step = EmbeddingGeneration(embeddings=as_embeddings("wordllama:another"))
    with pytest.raises(ConfigurationError, match="has one model"):
        step.load()


def test_mappings_name_the_datasets_columns(provider: LoopbackProvider, gateway: Gateway) -> None:
    step = embedding(provider).model_copy(
        update={
            "input_mappings": {"text": "body"},
            "output_mappings": {"embedding": "vector", "model_name": "embedder"},
        }
    )
    outcome = applied(step, [{"body": "one", "model_name": "writer"}], gateway)
    (row,) = rows_after(outcome)
    assert row == {
        "body": "one",
        "model_name": "writer",
        "vector": list(text_vector("one")),
        "embedder": "m",
    }
