"""What is Mistral's alone."""

from __future__ import annotations

from typing import Any

import pytest

from llms import ChatRequest, MistralLLM
from llms.errors import BadRequest, ContextLengthExceeded, ModelNotFound
from tests.llms.conftest import KEY
from tests.llms.providers.recorded import Answers, RecordedAPI, ask

_USER: dict[str, Any] = {"role": "user", "content": "Count."}


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (None, "https://api.mistral.ai/v1"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
    ],
)
def test_an_endpoint_may_end_in_v1_or_not(endpoint: str | None, url: str) -> None:
    assert MistralLLM(model="m", endpoint=endpoint).url == url


def test_the_safety_prompt_is_asked_for() -> None:
    llm = MistralLLM.model_validate({"model": "m", "generation_kwargs": {"safe_prompt": True}})
    body = llm.batch_body(ChatRequest([_USER]), 1)  # type: ignore[list-item]  # a dict
    assert body == {"model": "m", "messages": [_USER], "safe_prompt": True}


def test_a_conversation_that_ends_with_the_assistant_is_continued() -> None:
    begun = {"role": "assistant", "content": "One, two,"}
    request = ChatRequest([_USER, begun])  # type: ignore[list-item]  # dicts
    body = MistralLLM(model="m").batch_body(request, 1)
    assert body["messages"] == [_USER, {**begun, "prefix": True}]
    assert request.messages == [_USER, {"role": "assistant", "content": "One, two,"}]


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
    [
        (
            400,
            {"object": "error", "message": "Too long.", "type": "x", "code": "3051"},
            ContextLengthExceeded,
            r"Too long\.",
        ),
        (
            400,
            {"object": "error", "message": "No model.", "type": "invalid_model", "code": "1500"},
            ModelNotFound,
            r"No model\.",
        ),
        (
            422,
            {"object": "error", "message": {"detail": [{"loc": ["body"], "msg": "so wrong"}]}},
            BadRequest,
            "so wrong",
        ),
        (422, {"detail": [{"loc": ["body"], "msg": "so wrong"}]}, BadRequest, "so wrong"),
    ],
    ids=["context", "model", "details in the message", "details"],
)
def test_the_flat_errors_of_mistral_are_read(
    status: int, body: dict[str, Any], error: type[Exception], message: str, api: RecordedAPI
) -> None:
    api.behaviour = Answers(body, status)
    with pytest.raises(error, match=message):
        ask(MistralLLM.model_validate({"model": "m", "endpoint": api.root, "api_key": KEY}))
