"""What a chat completion may hold beside text, read by OpenAI's client."""

from __future__ import annotations

from typing import Any

import pytest
from openai import BadRequestError, OpenAI
from openai.types.chat import ChatCompletion

from tests.loopback import LoopbackProvider, loopback_provider

CALL = {"function": {"name": "weather", "arguments": '{"city": "Islay"}'}}


def run(provider: LoopbackProvider, **parameters: Any) -> ChatCompletion:
    with OpenAI(base_url=provider.url, api_key="key", max_retries=0) as client:
        messages = [{"role": "user", "content": "one two three four"}]
        answer = client.chat.completions.create(
            **{"model": "m", "messages": messages, **parameters}
        )
    assert isinstance(answer, ChatCompletion)
    return answer


def test_a_reply_may_call_tools() -> None:
    with loopback_provider(reply=lambda body: {"tool_calls": [CALL]}) as provider:
        [choice] = run(provider).choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    [call] = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Islay"}')
    assert call.id


def test_a_reply_may_think_aloud_and_be_cut_off() -> None:
    said = {"content": "a b", "reasoning_content": "x y z", "finish_reason": "length"}
    with loopback_provider(reply=lambda body: said, usage_details=True) as provider:
        answer = run(provider)
    [choice] = answer.choices
    assert choice.finish_reason == "length"
    assert choice.message.model_dump()["reasoning_content"] == "x y z"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.completion_tokens_details is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 5)
    assert answer.usage.prompt_tokens_details.cached_tokens == 2
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3


def test_logprobs_stand_for_each_word_with_the_likeliest_first() -> None:
    with loopback_provider(reply=lambda body: "so it is") as provider:
        [choice] = run(provider, logprobs=True, top_logprobs=3).choices
        [plain] = run(provider).choices
    assert plain.logprobs is None
    assert choice.logprobs is not None
    positions = choice.logprobs.content or []
    assert [position.token for position in positions] == ["so", "it", "is"]
    likeliest = [other.logprob for other in positions[0].top_logprobs]
    assert len(likeliest) == 3
    assert likeliest == sorted(likeliest, reverse=True)
    assert max(likeliest) == positions[0].logprob < 0


def test_a_reply_that_raises_is_a_bad_request() -> None:
    def raising(body: dict[str, Any]) -> str:
        raise RuntimeError("no answer to that")

    with loopback_provider(reply=raising) as provider:
        with pytest.raises(BadRequestError, match="no answer to that"):
            run(provider)
        assert (provider.stats().requests, provider.stats().answered) == (1, 0)


def test_a_request_that_comes_again_after_its_answer_is_counted() -> None:
    with loopback_provider() as provider:
        run(provider)
        assert provider.stats().after_answer == 0
        run(provider)
        run(provider, seed=1)
        assert provider.stats().after_answer == 1
        assert provider.stats().tokens == 3 * (4 + 7)
