"""Several models that answer together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llms import LLM, ChatRequest, Completion, MixtureOfAgentsLLM, ScriptedLLM, Tool, Usage, as_llm
from llms.chat import text_content
from llms.errors import BadRequest, ConfigurationError, ContentFiltered, ServerFailed

_SCHEMA = {"type": "object", "properties": {}}


def _named(name: str) -> ScriptedLLM:
    return ScriptedLLM(model=name)


_MIXTURE = MixtureOfAgentsLLM(
    aggregator_llm=_named("judge"), proposers_llms=(_named("ada"), _named("bob"))
)


class _Sender:
    """Answers for the members with their names and the number of their call."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.asked: list[tuple[str, ChatRequest]] = []

    async def __call__(self, llm: LLM, request: ChatRequest) -> Completion:
        self.asked.append((llm.model, request))
        await asyncio.sleep(0)
        if llm.model in self.errors:
            raise self.errors[llm.model]
        return Completion(f"{llm.model} #{len(self.asked)}", Usage(1, 1), "stop", llm.model)


def _compose(mixture: MixtureOfAgentsLLM, send: _Sender, request: ChatRequest) -> Completion:
    return asyncio.run(mixture.compose(send, request))


def _request(*messages: dict[str, Any], **parts: Any) -> ChatRequest:
    return ChatRequest(messages or [{"role": "user", "content": "Why?"}], **parts)  # type: ignore[arg-type]  # plain dicts


def test_the_aggregator_sees_what_the_proposers_say_and_answers() -> None:
    send = _Sender()
    completion = _compose(_MIXTURE, send, _request())
    assert [model for model, _ in send.asked] == ["ada", "bob", "judge"]
    assert [list(request.messages) for _, request in send.asked[:2]] == [
        [{"role": "user", "content": "Why?"}]
    ] * 2
    system, user = send.asked[2][1].messages
    assert text_content(system).endswith("[1]\nada #2\n\n[2]\nbob #2")
    assert user == {"role": "user", "content": "Why?"}
    assert completion.model == "judge"


def test_in_later_rounds_every_proposer_sees_the_round_before_and_only_that() -> None:
    send = _Sender()
    _compose(_MIXTURE.model_copy(update={"rounds": 3}), send, _request())
    assert [model for model, _ in send.asked] == ["ada", "bob"] * 3 + ["judge"]
    third = text_content(send.asked[4][1].messages[0])
    assert "ada #4" in third
    assert "ada #2" not in third
    assert [len(request.messages) for _, request in send.asked] == [1, 1, 2, 2, 2, 2, 2]


def test_the_messages_of_the_user_are_never_edited() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    before = [dict(message) for message in messages]
    send = _Sender()
    _compose(_MIXTURE.model_copy(update={"rounds": 2}), send, _request(*messages))
    assert messages == before
    final = text_content(send.asked[-1][1].messages[0])
    assert final.startswith("Be brief.\n\n")
    assert final.count("Other assistants") == 1


def test_schema_and_tools_are_for_the_aggregator_alone() -> None:
    send = _Sender()
    tool = Tool("clock", "Tells the time.", {})
    request = _request(response_schema=_SCHEMA, tools=(tool,), tool_choice="clock", corrections=1)
    _compose(_MIXTURE, send, request)
    asked = [(each.response_schema, each.tools, each.tool_choice) for _, each in send.asked]
    assert asked == [(None, (), None), (None, (), None), (_SCHEMA, (tool,), "clock")]
    assert send.asked[-1][1].corrections == 1


def test_a_proposer_that_refuses_is_left_out() -> None:
    send = _Sender(ada=ContentFiltered("no"))
    _compose(_MIXTURE, send, _request())
    assert text_content(send.asked[-1][1].messages[0]).endswith("\n\n[1]\nbob #2")


def test_a_request_that_all_proposers_refuse_is_refused() -> None:
    with pytest.raises(BadRequest, match="first"):
        _compose(_MIXTURE, _Sender(ada=BadRequest("first"), bob=BadRequest("second")), _request())


def test_an_error_that_is_no_refusal_comes_through_as_it_is() -> None:
    with pytest.raises(ServerFailed, match="down"):
        _compose(_MIXTURE, _Sender(bob=ServerFailed("down")), _request())


def test_a_string_or_a_dict_names_each_member() -> None:
    named = as_llm(
        {
            "provider": "mixture-of-agents",
            "aggregator_llm": {"provider": "scripted", "model": "judge"},
            "proposers_llms": ["scripted:ada", {"provider": "scripted", "model": "bob"}],
        }
    )
    assert named == _MIXTURE
    assert as_llm(named.describe()).identity == _MIXTURE.identity


@pytest.mark.parametrize(
    "change",
    [
        {"aggregator_llm": _named("other")},
        {"proposers_llms": (_named("bob"), _named("ada"))},
        {"rounds": 2},
    ],
    ids=["aggregator", "order of the proposers", "rounds"],
)
def test_members_and_rounds_are_its_identity(change: dict[str, Any]) -> None:
    assert _MIXTURE.model_copy(update=change).identity != _MIXTURE.identity


def test_a_mixture_checks_its_members() -> None:
    mixture = _MIXTURE.model_copy(update={"proposers_llms": ("mistral:m",)})
    with pytest.raises(ConfigurationError, match="MISTRAL_API_KEY"):
        mixture.check()


def test_a_mixture_without_proposers_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="proposers_llms"):
        MixtureOfAgentsLLM(aggregator_llm=_named("judge"), proposers_llms=())
