"""Embeddings, read by OpenAI's and Mistral's clients."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
from mistralai.client import Mistral
from openai import BadRequestError, OpenAI

from tests.loopback import LoopbackProvider, Status, loopback_provider, text_vector


def openai_vectors(provider: LoopbackProvider, texts: Any, **parameters: Any) -> list[list[float]]:
    with OpenAI(base_url=provider.url, api_key="key", max_retries=0) as client:
        answer = client.embeddings.create(model="m", input=texts, **parameters)
    assert [item.index for item in answer.data] == list(range(len(answer.data)))
    return [item.embedding for item in answer.data]


def mistral_vectors(provider: LoopbackProvider, texts: Any, **parameters: Any) -> list[list[float]]:
    with Mistral(server_url=provider.root, api_key="key") as client:
        answer = client.embeddings.create(model="m", inputs=texts, **parameters)
    return [cast("list[float]", item.embedding) for item in answer.data]


def test_equal_texts_get_equal_vectors_from_every_client() -> None:
    with loopback_provider() as provider:
        base64 = openai_vectors(provider, ["a", "b"])
        floats = openai_vectors(provider, ["a", "b"], encoding_format="float")
        mistral = mistral_vectors(provider, ["a", "b"])
        [single] = openai_vectors(provider, "a")
        assert provider.stats().embedded_texts == 7
    assert base64 == floats == mistral == [list(text_vector("a")), list(text_vector("b"))]
    assert single == base64[0] != base64[1]
    assert math.hypot(*single) == pytest.approx(1)


def test_the_dimension_is_as_the_request_asks_or_the_switch_says() -> None:
    with loopback_provider(dimension=5) as provider:
        assert len(openai_vectors(provider, "a")[0]) == 5
        assert len(openai_vectors(provider, "a", dimensions=3)[0]) == 3
        assert len(mistral_vectors(provider, ["a"], output_dimension=4)[0]) == 4


def test_an_empty_text_is_refused() -> None:
    with loopback_provider() as provider:
        with pytest.raises(BadRequestError, match="none of them empty"):
            openai_vectors(provider, ["a", ""])
        assert provider.stats().requests == 0


def test_faults_fail_embeddings_too() -> None:
    def by_body(number: int, body: dict[str, Any]) -> Status | None:
        return Status(400, message="not that one") if "bad" in body["input"] else None

    with loopback_provider(fault=by_body) as provider:
        with pytest.raises(BadRequestError, match="not that one"):
            openai_vectors(provider, ["good", "bad"])
        assert len(openai_vectors(provider, ["good"])) == 1
        assert provider.stats().embedded_texts == 1
