"""Structured answers through the gateway: native or instructed, corrected, stored, counted."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from llms import ChatRequest, Gateway, Sample, ScriptedLLM
from llms.chat import text_content
from llms.errors import UnfitAnswer
from llms.model import Supports
from tests.llms.conftest import openai_model
from tests.loopback import loopback_provider


class Rating(BaseModel):
    """What is asked for."""

    rating: int
    reason: str


SCHEMA = Rating.model_json_schema()
GOOD = json.dumps({"rating": 4, "reason": "clear"})


class Speaking(ScriptedLLM):
    """Says its lines one after the other, and remembers what it was asked."""

    asked: ClassVar[list[ChatRequest]] = []
    lines: ClassVar[list[str]] = []

    def reply(self, request: ChatRequest, seed: int) -> str:
        self.asked.append(request)
        return self.lines.pop(0)


class SpeakingNatively(Speaking):
    """Enforces schemas, or says that it does."""

    supports: ClassVar = Supports(structured_output=True)


@pytest.fixture(params=[Speaking, SpeakingNatively], ids=["instructed", "native"])
def llm(request: pytest.FixtureRequest) -> Speaking:
    """A model that is told what to say by its `lines`."""
    kind: type[Speaking] = request.param
    Speaking.asked.clear()
    Speaking.lines.clear()
    return kind()


def ask(gateway: Gateway, llm: Any, corrections: int = 2) -> Any:
    """Ask for a rating."""
    request = ChatRequest(
        [{"role": "user", "content": "Rate it."}], SCHEMA, corrections=corrections
    )
    return gateway.run(gateway.complete(llm, request, Sample()))


def test_a_fitting_answer_is_one_call_and_has_its_value(gateway: Gateway, llm: Speaking) -> None:
    llm.lines.append(GOOD)
    answer = ask(gateway, llm)
    assert answer.completion.structured == {"rating": 4, "reason": "clear"}
    assert (answer.calls.requests, answer.calls.reused, answer.reused) == (1, 0, False)


def test_a_model_that_enforces_nothing_is_told_the_schema_in_words(
    gateway: Gateway, llm: Speaking
) -> None:
    llm.lines.append(GOOD)
    ask(gateway, llm)
    (request,) = llm.asked
    told = "rating" in text_content(request.messages[0])
    assert told == (not llm.supports.structured_output)
    assert (request.response_schema is None) == told


def test_an_unfit_answer_is_asked_again_with_what_is_wrong(gateway: Gateway, llm: Speaking) -> None:
    llm.lines.extend(["I would say 4.", '{"rating": "four", "reason": "clear"}', GOOD])
    answer = ask(gateway, llm)
    assert answer.completion.structured["rating"] == 4
    assert answer.calls.requests == 3
    last = [text_content(message) for message in llm.asked[-1].messages]
    assert any("four" in text for text in last)
    assert "rating" in last[-1]


def test_each_of_its_calls_is_stored_so_the_same_again_costs_nothing(
    gateway: Gateway, llm: Speaking
) -> None:
    llm.lines.extend(["no", GOOD])
    ask(gateway, llm)
    again = ask(gateway, llm)
    assert again.reused
    assert (again.calls.requests, again.calls.reused) == (2, 2)
    assert again.completion.structured == {"rating": 4, "reason": "clear"}


def test_after_the_last_correction_the_answer_is_unfit_with_its_reply_and_all_its_calls(
    gateway: Gateway, llm: Speaking
) -> None:
    llm.lines.extend(["one", "two", "three"])
    with pytest.raises(UnfitAnswer, match="asked 3 times") as raised:
        ask(gateway, llm)
    assert raised.value.completion.text == "three"
    assert len(raised.value.receipts) == 3


def test_without_corrections_there_is_one_try(gateway: Gateway, llm: Speaking) -> None:
    llm.lines.append("one")
    with pytest.raises(UnfitAnswer, match="asked once"):
        ask(gateway, llm, corrections=0)


def test_a_pydantic_model_is_a_schema(gateway: Gateway) -> None:
    with loopback_provider(reply=lambda body: "```json\n" + GOOD + "\n```") as provider:
        ((completion,),) = openai_model(provider).generate(
            ["Rate it."], response_schema=Rating, gateway=gateway
        )
        body = provider.stats().bodies[0]
    assert Rating.model_validate(completion.structured) == Rating(rating=4, reason="clear")
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["schema"]["additionalProperties"] is False
