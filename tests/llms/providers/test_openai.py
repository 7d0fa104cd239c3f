"""What is OpenAI's alone."""

from __future__ import annotations

import asyncio

import pytest

from llms import AzureOpenAILLM, ChatRequest, Gateway, OpenAILLM, Sample
from llms.errors import ContentFiltered
from tests.llms.conftest import OpenGateway, openai_model
from tests.llms.providers.recorded import Answers, RecordedAPI, ask
from tests.loopback import EMPTY_CHOICES, Body, LoopbackProvider


def test_the_extra_body_is_merged_into_the_request(
    provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    extra = {"extra_body": {"top_k": 4, "chat_template_kwargs": {"thinking": False}}}
    openai_model(provider, generation_kwargs=extra).generate(["hi"], gateway=open_gateway())
    [body] = provider.stats().bodies
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "top_k": 4,
        "chat_template_kwargs": {"thinking": False},
    }


def test_models_that_share_an_account_send_their_own_headers(
    provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    gateway = open_gateway()
    for number, token in enumerate(["Bearer one", "Bearer two"]):
        llm = openai_model(provider, default_headers={"Authorization": token})
        llm.generate([f"hi {number}"], gateway=gateway)
    assert provider.stats().authorizations == {"Bearer one": 1, "Bearer two": 1}


def test_no_view_of_a_model_shows_the_value_of_a_header(provider: LoopbackProvider) -> None:
    llm = openai_model(provider, default_headers={"api-key": "planted-header"})
    views = [repr(llm), str(llm), llm.model_dump_json(), repr(llm.describe()), llm.account]
    assert [view for view in views if "planted-header" in view] == []


def test_an_answer_withheld_by_the_filter_is_refused(
    provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None},
        "finish_reason": "content_filter",
    }
    provider.fail_with([Body({**EMPTY_CHOICES.content, "choices": [choice]})])
    with pytest.raises(ContentFiltered):
        openai_model(provider).generate(["hi"], gateway=open_gateway())
    assert provider.stats().requests == 1


@pytest.mark.parametrize("absent", ["id", "object", "created", "usage"])
def test_a_compatible_server_may_leave_out_what_the_text_does_not_need(
    absent: str, provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "hi"},
        "finish_reason": "stop",
    }
    reply = {**EMPTY_CHOICES.content, "choices": [choice]}
    del reply[absent]
    provider.fail_with([Body(reply)])
    [[completion]] = openai_model(provider).generate(["hi"], gateway=open_gateway())
    assert completion.text == "hi"


def test_text_with_half_of_an_emoji_is_stored_like_any_other(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    cut = '{"id":"x","choices":[{"message":{"content":"good \\ud83d"},"finish_reason":"length"}]}'
    provider.fail_with([Body(cut.encode())])
    request = ChatRequest([{"role": "user", "content": "hi"}])

    async def ask() -> str:
        async with asyncio.timeout(10):
            return (
                await gateway.complete(openai_model(provider), request, Sample())
            ).completion.text

    text = gateway.run(ask())
    assert text.startswith("good ")
    assert gateway.run(ask()) == text
    assert provider.stats().requests == 1


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        (None, "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://models.example/v1", "max_tokens"),
    ],
    ids=["OpenAI", "OpenAI in Europe", "a compatible server"],
)
def test_the_limit_has_the_name_that_the_server_knows(base_url: str | None, name: str) -> None:
    llm = OpenAILLM.model_validate(
        {"model": "m", "base_url": base_url, "generation_kwargs": {"max_new_tokens": 9}}
    )
    request = ChatRequest([{"role": "user", "content": "hi"}])
    body = llm.batch_body(request, 1)
    assert {key: value for key, value in body.items() if "tokens" in key} == {name: 9}


def test_a_line_of_a_batch_is_what_a_call_sends_and_its_reply_is_read_alike(
    provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    llm = openai_model(provider, generation_kwargs={"temperature": 0.5})
    [[completion]] = llm.generate(["hi"], gateway=open_gateway())
    request = ChatRequest([{"role": "user", "content": "hi"}])
    assert provider.stats().bodies == [llm.batch_body(request, 7)]
    message = {"role": "assistant", "content": completion.text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    reply = {"id": "chatcmpl-1", "model": "m", "choices": [choice], "usage": {"prompt_tokens": 1}}
    assert llm.read_reply(reply).text == completion.text


def test_azure_takes_the_version_that_is_asked_for(api: RecordedAPI) -> None:
    choice = {"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    api.behaviour = Answers({"choices": [choice]})
    ask(AzureOpenAILLM(model="mine", base_url=api.root, api_version="2026-01-01"))
    assert api.sent[0].path == "/openai/deployments/mine/chat/completions"
    assert api.sent[0].query == {"api-version": "2026-01-01"}
