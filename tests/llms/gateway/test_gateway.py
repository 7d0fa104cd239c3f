"""Answers: paid for once, in the order of the chats, the same ones again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from llms import (
    Completion,
    CompletionStore,
    Gateway,
    Sample,
)
from llms.chat import Answer
from tests.llms.conftest import OpenGateway, chat_request, openai_model
from tests.loopback import (
    LoopbackProvider,
)


def _texts(completions: list[list[Completion]]) -> list[list[str]]:
    return [[completion.text for completion in samples] for samples in completions]


@pytest.fixture
def numbered(provider: LoopbackProvider) -> LoopbackProvider:
    """A provider that never says the same twice."""
    numbers: Iterator[int] = itertools.count(1)
    provider.reply = lambda body: f"answer {next(numbers)}"
    return provider


def test_every_chat_gets_its_answers_in_the_order_of_the_chats(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    chats = [f"question {number}" for number in range(40)]
    answers = gateway.generate(openai_model(provider), chats, 2)
    assert [len(samples) for samples in answers] == [2] * 40
    for chat, samples in zip(chats, answers, strict=True):
        assert all(completion.text.endswith(f"to: {chat}") for completion in samples)
    assert gateway.generate(openai_model(provider), []) == []


def test_equal_chats_get_different_samples_and_the_same_again_without_a_request(
    numbered: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    llm = openai_model(numbered)
    first = llm.generate(["hi", "hi", "ho"], 2, gateway=open_gateway())
    assert len({completion.text for samples in first for completion in samples}) == 6
    numbered.reset()
    assert llm.generate(["hi", "hi", "ho"], 2, gateway=open_gateway()) == first
    assert numbered.stats().requests == 0


def test_asking_for_more_samples_pays_only_for_the_new_ones(
    numbered: LoopbackProvider, gateway: Gateway
) -> None:
    llm = openai_model(numbered)
    [first] = llm.generate(["hi"], 2, gateway=gateway)
    [more] = llm.generate(["hi"], 5, gateway=gateway)
    assert more[:2] == first
    assert numbered.stats().requests == 5


def test_a_string_is_one_user_turn(provider: LoopbackProvider, gateway: Gateway) -> None:
    llm = openai_model(provider)
    as_string = llm.generate(["hi"], gateway=gateway)
    as_turn = llm.generate([[{"role": "user", "content": "hi"}]], gateway=gateway)
    assert as_turn == as_string
    assert provider.stats().requests == 1


def test_rows_that_send_the_same_request_get_samples_of_their_own(
    numbered: LoopbackProvider, gateway: Gateway
) -> None:
    llm = openai_model(numbered)

    async def ask() -> list[Answer]:
        samples = [Sample("row 1"), Sample("row 2"), Sample("row 2", 1), Sample("row 1")]
        return [await gateway.complete(llm, chat_request("hi"), sample) for sample in samples]

    answers = gateway.run(ask())
    assert len({answer.completion.text for answer in answers}) == 3
    assert [answer.reused for answer in answers] == [False, False, False, True]


def test_an_answer_survives_closing_and_reopening_the_store(
    numbered: LoopbackProvider, store_path: Path
) -> None:
    llm = openai_model(numbered)
    gateway = Gateway(CompletionStore(store_path))
    first = llm.generate(["hi"], gateway=gateway)
    gateway.close()
    gateway = Gateway(CompletionStore(store_path))
    assert llm.generate(["hi"], gateway=gateway) == first
    gateway.close()
    assert numbered.stats().requests == 1


def test_models_of_different_identity_do_not_share_answers(
    numbered: LoopbackProvider, gateway: Gateway
) -> None:
    llms = [openai_model(numbered, generation_kwargs={"temperature": t}) for t in (0.1, 0.2)]
    assert _texts(llms[0].generate(["hi"], gateway=gateway)) == [["answer 1"]]
    assert _texts(llms[1].generate(["hi"], gateway=gateway)) == [["answer 2"]]
