"""A gateway that is offline gives what is stored and sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from llms import CompletionStore, Gateway, MixtureOfAgentsLLM, RetryPolicy
from llms.chat import Sample
from llms.embeddings.openai import OpenAIEmbeddings
from llms.errors import NotStored
from llms.image_generation.openai import OpenAIImageGeneration
from tests.llms.conftest import KEY, chat_request, openai_model
from tests.loopback import LoopbackProvider


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that asks."""
    store = CompletionStore(tmp_path / "answers.sqlite")
    with closing(Gateway(store, retries=RetryPolicy(attempts=1, patience=0))) as gateway:
        yield gateway


@pytest.fixture
def offline(gateway: Gateway) -> Gateway:
    """One that does not, with the same store."""
    return Gateway(gateway.store, offline=True)


def test_a_stored_answer_is_given_and_another_is_not_asked_for(
    gateway: Gateway, offline: Gateway, provider: LoopbackProvider
) -> None:
    model = openai_model(provider)
    answered = gateway.generate(model, ["Say one."])
    assert offline.generate(model, ["Say one."]) == answered
    with pytest.raises(NotStored, match="openai:m has not answered this request yet") as error:
        offline.generate(model, ["Say something."])
    assert error.value.characters == len("Say something.")
    assert error.value.model is model
    assert provider.stats().requests == 1


def test_another_sample_another_parameter_and_another_model_are_other_answers(
    gateway: Gateway, offline: Gateway, provider: LoopbackProvider
) -> None:
    model = openai_model(provider)
    request = chat_request("Say one.")
    gateway.run(gateway.complete(model, request, Sample("row", 0)))
    answer = offline.run(offline.complete(model, request, Sample("row", 0)))
    assert answer.reused
    for other, sample in (
        (model, Sample("row", 1)),
        (model, Sample("other", 0)),
        (model.sampling(temperature=0.5), Sample("row", 0)),
        (openai_model(provider, model="n"), Sample("row", 0)),
    ):
        with pytest.raises(NotStored):
            offline.run(offline.complete(other, request, sample))
    assert provider.stats().requests == 1


def test_requests_at_once_are_each_told_apart(
    gateway: Gateway, offline: Gateway, provider: LoopbackProvider
) -> None:
    model = openai_model(provider)
    gateway.generate(model, [f"Say {number}." for number in range(0, 40, 2)])

    async def ask(number: int) -> bool:
        try:
            await offline.complete(model, chat_request(f"Say {number}."), Sample("", 0))
        except NotStored:
            return False
        return True

    async def ask_all() -> list[bool]:
        return await asyncio.gather(*map(ask, range(40)))

    assert offline.run(ask_all()) == [True, False] * 20


class Person(BaseModel):
    """Somebody."""

    name: str


def test_a_correction_that_is_stored_is_found_behind_its_first_reply(
    gateway: Gateway, offline: Gateway, provider: LoopbackProvider
) -> None:
    replies = iter(["My name is Ada.", '{"name": "Ada"}', "Call me Bob."])
    provider.reply = lambda body: next(replies)
    model = openai_model(provider)
    answered = gateway.generate(model, ["Who?"], response_schema=Person)
    found = offline.generate(model, ["Who?"], response_schema=Person)
    assert found == answered
    assert found[0][0].structured == {"name": "Ada"}
    assert provider.stats().requests == 2
    with pytest.raises(NotStored):
        offline.generate(model, ["Who are you?"], response_schema=Person)


def test_a_mixture_is_given_as_far_as_its_members_are_stored(
    gateway: Gateway, offline: Gateway, provider: LoopbackProvider
) -> None:
    def mixture(aggregator: str) -> MixtureOfAgentsLLM:
        return MixtureOfAgentsLLM(
            aggregator_llm=openai_model(provider, model=aggregator),
            proposers_llms=(openai_model(provider, model="a"), openai_model(provider, model="b")),
        )

    answered = gateway.generate(mixture("c"), ["Say one."])
    assert offline.generate(mixture("c"), ["Say one."]) == answered
    with pytest.raises(NotStored, match="openai:d"):
        offline.generate(mixture("d"), ["Say one."])
    assert provider.stats().requests == 3


def test_vectors(gateway: Gateway, offline: Gateway, provider: LoopbackProvider) -> None:
    model = OpenAIEmbeddings(model="e", base_url=provider.url, api_key=SecretStr(KEY))
    vectors = gateway.encode(model, ["one", "two"])
    assert (offline.encode(model, ["two", "one"]) == vectors[::-1]).all()
    with pytest.raises(NotStored) as error:
        offline.encode(model, ["one", "three", "four"])
    assert error.value.characters == len("threefour")
    assert provider.stats().requests == 1


def test_images(gateway: Gateway, offline: Gateway, provider: LoopbackProvider) -> None:
    model = OpenAIImageGeneration(model="i", base_url=provider.url, api_key=SecretStr(KEY))
    made = gateway.generate_images(model, ["a cat"])
    assert offline.generate_images(model, ["a cat"]) == made
    with pytest.raises(NotStored):
        offline.generate_images(model, ["a cat"], 2)
    assert provider.stats().requests == 1


def test_looking_is_no_use_of_an_answer(
    gateway: Gateway, offline: Gateway, provider: LoopbackProvider
) -> None:
    model = openai_model(provider)
    embeddings = OpenAIEmbeddings(model="e", base_url=provider.url, api_key=SecretStr(KEY))
    gateway.generate(model, ["Say one."])
    gateway.encode(embeddings, ["one"])
    for _ in range(3):
        offline.generate(model, ["Say one."])
        offline.encode(embeddings, ["one"])
    gateway.generate(model, ["Say one."])
    gateway.close()
    with closing(CompletionStore(gateway.store.name)) as store:
        assert store.totals().hits == 1
