"""How the replies of the chat completions API are read."""

from __future__ import annotations

from typing import Any

import pytest

from llms import GroqLLM, ToolCall, Usage
from llms.errors import RateLimited
from llms.quota import Allowance, Quota
from tests.llms.providers.compatible import COMPATIBLE, Provider, chat_reply
from tests.llms.providers.recorded import Answers, RecordedAPI, ask


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "yes", "reasoning_content": "hm"}, "yes", "hm"),
        ({"content": "yes", "reasoning": "hm"}, "yes", "hm"),
        ({"content": "<think>\nhm\n</think>\n\nyes"}, "yes", "hm"),
        ({"content": "say <think>hm</think>"}, "say <think>hm</think>", None),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "yes"},
                ]
            },
            "yes",
            "hm",
        ),
        ({"content": "yes"}, "yes", None),
    ],
    ids=["reasoning_content", "reasoning", "inline", "not at the start", "parts", "none"],
)
def test_reasoning_is_kept_apart_from_the_text(
    message: dict[str, Any], text: str, reasoning: str | None, api: RecordedAPI
) -> None:
    api.behaviour = Answers(chat_reply(message))
    completion = ask(COMPATIBLE[0].llm(api)).completion
    assert (completion.text, completion.reasoning) == (text, reasoning)


def test_reasoning_that_was_cut_is_no_text(api: RecordedAPI) -> None:
    api.behaviour = Answers(chat_reply({"content": "<think>let me see"}, finish_reason="length"))
    completion = ask(COMPATIBLE[0].llm(api)).completion
    assert (completion.text, completion.reasoning) == ("", "let me see")
    assert completion.finish_reason == "length"


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        (None, "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
    ],
)
def test_finish_reasons_are_the_same_four_everywhere(
    stated: str | None, reason: str, api: RecordedAPI
) -> None:
    api.behaviour = Answers(chat_reply(finish_reason=stated))
    assert ask(COMPATIBLE[0].llm(api)).completion.finish_reason == reason


def test_tool_calls_logprobs_and_the_details_of_the_usage_are_read(
    compatible: Provider, api: RecordedAPI
) -> None:
    function = {"name": "weather", "arguments": '{"city": "Bern"}'}
    likeliest = [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -2.5}]
    positions = [
        {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": likeliest},
        {"token": "z", "logprob": -9.0, "top_logprobs": likeliest},
        {"token": "c", "logprob": -0.5, "top_logprobs": []},
    ]
    api.behaviour = Answers(
        chat_reply(
            {
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": function}],
            },
            choice={"logprobs": {"content": positions}},
            usage={
                "prompt_tokens": 12,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
        )
    )
    completion = ask(compatible.llm(api)).completion
    assert completion.tool_calls == (ToolCall("c1", "weather", '{"city": "Bern"}'),)
    assert (completion.text, completion.finish_reason) == ("", "tool_calls")
    assert completion.usage == Usage(12, 5, 8, 2)
    assert completion.logprobs == [
        likeliest,
        [{"token": "z", "logprob": -9.0}, *likeliest],
        [{"token": "c", "logprob": -0.5}],
    ]


_HEADERS = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-tokens": "6m0s",
}


def _quota(compatible: Provider) -> Quota:
    by_day = compatible.cls is GroqLLM
    requests = Allowance(None if by_day else 60, 59, 1.0)
    return Quota(requests, Allowance(150000, 149984, 360.0))


def test_an_answer_s_headers_say_what_is_left(compatible: Provider, api: RecordedAPI) -> None:
    api.behaviour = Answers(chat_reply(), headers=_HEADERS)
    assert ask(compatible.llm(api)).quota == _quota(compatible)
    api.behaviour = Answers(chat_reply())
    assert ask(compatible.llm(api)).quota is None


def test_a_refusal_s_headers_say_what_is_left_and_how_long_to_wait(
    compatible: Provider, api: RecordedAPI
) -> None:
    headers = {**_HEADERS, "Retry-After": "3"}
    api.behaviour = Answers({"error": {"message": "slow down"}}, 429, headers)
    with pytest.raises(RateLimited, match="slow down") as caught:
        ask(compatible.llm(api))
    assert (caught.value.retry_after, caught.value.quota) == (3.0, _quota(compatible))
