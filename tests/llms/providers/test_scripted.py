"""The scripted model: answers written down, and the gateway around it as around any other."""

from __future__ import annotations

import time

import pytest

from llms import ChatRequest, Gateway, ScriptedLLM, Usage
from llms.chat import text_content


def test_the_reply_holds_the_last_message(gateway: Gateway) -> None:
    [[completion]] = ScriptedLLM().generate(["two words"], gateway=gateway)
    assert completion.text == "A reply to: two words"
    assert completion.usage == Usage(2, 5)
    assert completion.finish_reason == "stop"
    assert completion.model == "scripted"


def test_the_first_rule_that_matches_the_last_message_answers(gateway: Gateway) -> None:
    llm = ScriptedLLM(rules={r"rate|score": "5", r"\d+ lines": "long", "": "anything"})
    chats = ["Please score this", "Write 12 lines", "hello"]
    assert [samples[0].text for samples in llm.generate(chats, gateway=gateway)] == [
        "5",
        "long",
        "anything",
    ]


def test_samples_draw_from_the_replies_and_the_same_ones_again(gateway: Gateway) -> None:
    llm = ScriptedLLM(replies=("red", "green", "blue"))
    drawn = [completion.text for completion in llm.generate(["colour?"], 60, gateway=gateway)[0]]
    assert set(drawn) == {"red", "green", "blue"}
    request = ChatRequest([{"role": "user", "content": "colour?"}])
    assert {llm.reply(request, seed) for seed in (3, 6, 9)} == {"red"}


@pytest.mark.parametrize(("delay", "limit", "shortest"), [(0.05, 8, 0.05), (0.05, 2, 0.2)])
def test_each_answer_takes_its_delay_and_as_many_run_at_once_as_allowed(
    delay: float, limit: int, shortest: float, gateway: Gateway
) -> None:
    llm = ScriptedLLM(delay=delay, max_concurrent_requests=limit)
    began = time.monotonic()
    llm.generate([str(number) for number in range(8)], gateway=gateway)
    assert time.monotonic() - began >= shortest


def test_a_subclass_may_answer_by_itself(gateway: Gateway) -> None:
    class Shouting(ScriptedLLM):
        def reply(self, request: ChatRequest, seed: int) -> str:
            return text_content(request.messages[-1]).upper()

    assert Shouting().generate(["hello"], gateway=gateway)[0][0].text == "HELLO"
