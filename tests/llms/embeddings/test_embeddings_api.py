"""OpenAI's and Mistral's embeddings, and servers that differ a little."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from llms.embeddings.embeddings_api import EmbeddingsAPI
from llms.embeddings.mistral import MistralEmbeddings
from llms.embeddings.openai import OpenAIEmbeddings
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    LLMError,
    MalformedReply,
    MissingKeyError,
    ModelNotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
)
from tests.llms.conftest import KEY
from tests.llms.embeddings.conftest import embed
from tests.loopback import Body, Fault, Hang, LoopbackProvider, Reset, Status
from tests.loopback.embeddings import text_vector

Make = Callable[..., EmbeddingsAPI]


def openai(provider: LoopbackProvider, **parameters: Any) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(
        **{"model": "m", "base_url": provider.url, "api_key": KEY, **parameters}
    )


def mistral(provider: LoopbackProvider, **parameters: Any) -> MistralEmbeddings:
    return MistralEmbeddings(
        **{"model": "m", "endpoint": provider.root, "api_key": KEY, **parameters}
    )


BOTH = pytest.mark.parametrize("make", [openai, mistral])


@BOTH
def test_texts_come_back_as_vectors_in_their_order(provider: LoopbackProvider, make: Make) -> None:
    texts = ["one", "two words", "one", "日本語"]
    reply = embed(make(provider), texts)
    np.testing.assert_allclose(reply.vectors, [text_vector(text) for text in texts], rtol=1e-6)
    assert reply.vectors.dtype == np.float32
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.model) == (5, 0, "m")


def test_openai_is_asked_for_base64_and_mistral_as_its_api_wants_it(
    provider: LoopbackProvider,
) -> None:
    embed(openai(provider, dimensions=4), ["x"])
    embed(mistral(provider, dimensions=4), ["x"])
    assert provider.stats().bodies == [
        {"model": "m", "input": ["x"], "encoding_format": "base64", "dimensions": 4},
        {"model": "m", "input": ["x"], "output_dimension": 4},
    ]


@BOTH
def test_vectors_have_the_dimensions_asked_for(provider: LoopbackProvider, make: Make) -> None:
    assert embed(make(provider, dimensions=5), ["x"]).vectors.shape == (1, 5)


@BOTH
def test_no_text_needs_no_call(provider: LoopbackProvider, make: Make) -> None:
    assert len(embed(make(provider), []).vectors) == 0
    assert provider.stats().requests == 0


@BOTH
def test_an_empty_text_harms_none_of_its_neighbours(provider: LoopbackProvider, make: Make) -> None:
    assert len(embed(make(provider), ["one", "", "half \ud83d"]).vectors) == 3
    assert provider.stats().bodies[0]["input"] == ["one", " ", "half ?"]


def answer(*embeddings: Any, **others: Any) -> Body:
    data = [{"index": index, "embedding": value} for index, value in enumerate(embeddings)]
    return Body({"data": data, **others})


def packed(*numbers: float) -> str:
    return base64.b64encode(np.array(numbers, "<f4").tobytes()).decode()


def test_a_compatible_server_may_send_lists_in_any_order_and_no_usage(
    provider: LoopbackProvider,
) -> None:
    data = [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1.5, 2]}]
    provider.fail_with([Body({"data": data})])
    reply = embed(openai(provider), ["a", "b"])
    assert reply.vectors.tolist() == [[1.5, 2], [3, 4]]
    assert (reply.usage.input_tokens, reply.model) == (0, "m")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (Body({}), "sent a reply without vectors."),
        (Body({"data": None}), "sent a reply without vectors."),
        (answer(packed(1, 2)), "sent 1 vectors for 2 texts."),
        (answer([1], [2], [3]), "sent 3 vectors for 2 texts."),
        (answer([1, 2], [3]), "sent a reply without vectors."),
        (answer([], []), "sent a reply without vectors."),
        (answer("not base64!", packed(1)), "sent a reply without vectors."),
        (answer([[1]], [[2]]), "sent a reply without vectors."),
        (answer(["x"], ["y"]), "sent a reply without vectors."),
        (answer(packed(1, float("nan")), packed(1, 2)), "that is not finite."),
        (
            Body({"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}]}),
            "sent 2 vectors for 2 texts.",
        ),
    ],
    ids=[
        *("no data", "null data", "too few", "too many", "ragged", "empty", "no base64", "nested"),
        *("words", "nan", "same index"),
    ],
)
def test_a_reply_that_is_not_what_the_api_promises_is_malformed(
    provider: LoopbackProvider, body: Body, sentence: str
) -> None:
    provider.fail_with([body])
    with pytest.raises(MalformedReply) as caught:
        embed(openai(provider), ["a", "b"])
    assert str(caught.value).endswith(sentence)


def test_a_server_that_ignores_dimensions_is_refused(provider: LoopbackProvider) -> None:
    provider.fail_with([answer(packed(1, 2, 3))])
    with pytest.raises(BadRequest, match="sent vectors of 3 numbers where dimensions=2 was asked"):
        embed(openai(provider, dimensions=2), ["a"])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(401, message=f"wrong key {KEY}"), AuthenticationFailed),
        (Status(404), ModelNotFound),
        (Status(400), BadRequest),
        (Status(429), RateLimited),
        (Status(503), ServerFailed),
        (Reset(), ConnectionFailed),
    ],
    ids=["401", "404", "400", "429", "503", "reset"],
)
@BOTH
def test_a_failure_is_translated_without_the_key(
    provider: LoopbackProvider, make: Make, fault: Fault, error: type[LLMError]
) -> None:
    provider.fail_with([fault])
    with pytest.raises(error) as caught:
        embed(make(provider), ["a"])
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.__cause__)
    assert provider.stats().requests == 1


def test_a_server_that_does_not_answer_in_time_is_a_time_out(provider: LoopbackProvider) -> None:
    provider.fail_with([Hang()])
    with pytest.raises(RequestTimedOut):
        embed(openai(provider, timeout=0.2), ["a"])


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with pytest.raises(ConnectionFailed):
        embed(OpenAIEmbeddings(model="m", base_url="http://127.0.0.1:9/v1"), ["a"])


def test_only_a_server_on_this_machine_needs_no_key() -> None:
    OpenAIEmbeddings(model="m", base_url="http://127.0.0.1:9/v1").check()
    with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
        OpenAIEmbeddings(model="m").check()
    with pytest.raises(MissingKeyError, match="MISTRAL_API_KEY"):
        MistralEmbeddings(model="m").check()


def test_addresses_come_from_the_environment_and_count(monkeypatch: pytest.MonkeyPatch) -> None:
    public = [OpenAIEmbeddings(model="m"), MistralEmbeddings(model="m")]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    monkeypatch.setenv("MISTRAL_ENDPOINT", "http://localhost:2")
    own = [OpenAIEmbeddings(model="m"), MistralEmbeddings(model="m")]
    assert [model.url for model in own] == ["http://localhost:1/v1", "http://localhost:2/v1"]
    assert {model.identity for model in public}.isdisjoint(model.identity for model in own)
