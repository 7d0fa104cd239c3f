"""What the failures of the chat completions API become."""

from __future__ import annotations

import socket
import time
import traceback
from contextlib import ExitStack, closing
from typing import Any

import pytest

from llms import OpenAILLM
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    ContentFiltered,
    ContextLengthExceeded,
    LLMError,
    MalformedReply,
    ModelNotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
    TransientError,
)
from tests.llms.conftest import KEY
from tests.llms.providers.compatible import COMPATIBLE, Provider, chat_reply
from tests.llms.providers.recorded import Answers, Behaviour, RecordedAPI, ask
from tests.loopback import Hang, Reset

_NESTED = {"error": {"message": "told to fail", "type": "some_error", "code": None}}
_FAILURES: list[tuple[str, Behaviour, type[LLMError]]] = [
    ("400", Answers(_NESTED, 400), BadRequest),
    ("401", Answers(_NESTED, 401), AuthenticationFailed),
    ("404", Answers(_NESTED, 404), ModelNotFound),
    ("429", Answers(_NESTED, 429), RateLimited),
    ("500", Answers(_NESTED, 500), ServerFailed),
    ("cut", Answers(chat_reply(), share=0.5), TransientError),
    ("malformed", Answers(b"<html>told to fail</html>"), MalformedReply),
    ("no choice", Answers({"id": "x", "choices": []}), MalformedReply),
    ("reset", Reset(), ConnectionFailed),
    ("hang", Hang(), RequestTimedOut),
]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [(behaviour, error) for _, behaviour, error in _FAILURES],
    ids=[name for name, *_ in _FAILURES],
)
def test_every_failure_is_an_error_of_one_type_and_one_line_without_the_key(
    compatible: Provider, behaviour: Behaviour, error: type[LLMError], api: RecordedAPI
) -> None:
    api.behaviour = behaviour
    with pytest.raises(error) as caught:
        ask(compatible.llm(api, timeout=0.4 if isinstance(behaviour, Hang) else 20))
    assert len(str(caught.value).splitlines()) == 1
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert len(api.sent) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "so sad", "code": None}}, "so sad"),
        ({"object": "error", "message": "so sad", "type": "x", "code": "3"}, "so sad"),
        ({"detail": "so sad"}, "so sad"),
        ({"detail": [{"loc": ["body"], "msg": "so sad"}]}, "so sad"),
        ({"error": "so sad"}, "so sad"),
        (b"so sad", "so sad"),
        ({}, "Bad Request"),
    ],
    ids=["nested", "flat", "detail", "details", "text", "no JSON", "nothing"],
)
def test_the_message_is_found_in_every_shape_of_error(
    body: Any, message: str, api: RecordedAPI
) -> None:
    api.behaviour = Answers(body, 400)
    with pytest.raises(BadRequest, match=rf"openai answered 400 for model 'm': .*{message}"):
        ask(COMPATIBLE[0].llm(api))


@pytest.mark.parametrize(
    ("status", "named", "error"),
    [
        (400, {"code": "context_length_exceeded"}, ContextLengthExceeded),
        (400, {"type": "exceed_context_size_error", "code": 400}, ContextLengthExceeded),
        (400, {"code": "content_filter"}, ContentFiltered),
        (400, {"innererror": {"code": "ResponsibleAIPolicyViolation"}}, ContentFiltered),
        (400, {"type": "invalid_model", "code": "1500"}, ModelNotFound),
        (403, {"code": "model_not_found"}, ModelNotFound),
        (429, {"code": "insufficient_quota"}, AuthenticationFailed),
        (402, {}, AuthenticationFailed),
        (400, {"code": "json_validate_failed"}, MalformedReply),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_provider_s_own_code_tells_more_than_the_status(
    status: int, named: dict[str, Any], error: type[LLMError], api: RecordedAPI
) -> None:
    api.behaviour = Answers({"error": {"message": "no", **named}}, status)
    with pytest.raises(error):
        ask(COMPATIBLE[0].llm(api))


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (chat_reply({"content": None}, finish_reason="content_filter"), ContentFiltered),
        (chat_reply({"content": None, "refusal": "I will not."}), ContentFiltered),
        (chat_reply(finish_reason="error"), ServerFailed),
        ({"error": {"message": "upstream", "code": 503}}, ServerFailed),
        ({"error": {"message": "upstream"}}, MalformedReply),
    ],
    ids=["filtered", "refused", "broken off", "an error with a code", "an error"],
)
def test_a_reply_may_be_a_failure_in_disguise(
    reply: dict[str, Any], error: type[LLMError], api: RecordedAPI
) -> None:
    api.behaviour = Answers(reply)
    with pytest.raises(error):
        ask(COMPATIBLE[0].llm(api))


def test_a_connection_that_does_not_come_about_fails_within_the_connect_timeout() -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = full.getsockname()[1]
        for _ in range(3):  # the queue of connections that nobody accepts
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        llm = OpenAILLM(
            model="m", base_url=f"http://127.0.0.1:{port}/v1", connect_timeout=0.3, timeout=60
        )
        began = time.monotonic()
        with pytest.raises(ConnectionFailed, match=r"no connection within 0\.3 s"):
            ask(llm)
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("scheme", ["Bearer ", "Token ", ""])
def test_the_headers_of_a_user_are_masked_like_the_key(scheme: str, api: RecordedAPI) -> None:
    api.behaviour = Answers({"error": {"message": "refused: planted-token"}}, 400)
    headers = {"x-gateway": f"{scheme}planted-token"}
    with pytest.raises(BadRequest) as caught:
        ask(COMPATIBLE[0].llm(api, default_headers=headers))
    assert "planted-token" not in "".join(traceback.format_exception(caught.value))
