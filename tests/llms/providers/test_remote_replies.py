"""How replies and failures of OpenAI's and Mistral's APIs become completions and typed errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from llms import Completion
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    ContentFiltered,
    ContextLengthExceeded,
    LLMError,
    MalformedReply,
    ModelNotFound,
    ProviderRefused,
    RateLimited,
    ServerFailed,
    TransientError,
)
from tests.llms.conftest import RemoteModel
from tests.llms.providers.recorded import ask
from tests.loopback import (
    EMPTY_CHOICES,
    MALFORMED,
    Body,
    Fault,
    LoopbackProvider,
    Reset,
    Status,
    Truncated,
)

AskOnce = Callable[[Fault | None], Completion]


@pytest.fixture
def ask_once(provider: LoopbackProvider, remote_model: RemoteModel) -> AskOnce:
    """Asks a question, which meets the given fault."""

    def ask_it(fault: Fault | None) -> Completion:
        provider.fail_with([fault])
        return ask(remote_model(provider)).completion

    return ask_it


def _reply(message: Any, finish_reason: str = "stop", **changes: Any) -> Body:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return Body({**EMPTY_CHOICES.content, "choices": [choice], **changes})


def _said(content: Any, finish_reason: str = "stop") -> Body:
    return _reply({"role": "assistant", "content": content}, finish_reason)


def test_the_model_is_the_one_the_provider_names(ask_once: AskOnce) -> None:
    reply = _reply({"role": "assistant", "content": "hi"}, model="m-2026-01")
    assert ask_once(reply).model == "m-2026-01"


@pytest.mark.parametrize(
    ("reply", "text", "finish_reason"),
    [
        pytest.param(_said("cut", "length"), "cut", "length", id="cut at the token limit"),
        pytest.param(_said("kept", "content_filter"), "kept", "content_filter", id="filtered late"),
        pytest.param(_said(""), "", "stop", id="empty"),
        pytest.param(_said(None), "", "stop", id="no content"),
        pytest.param(_said("  as it is \n"), "  as it is \n", "stop", id="white space"),
        pytest.param(
            _said([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
            "ab",
            "stop",
            id="text in parts",
        ),
    ],
)
def test_the_text_of_an_answer_is_a_string_as_the_model_wrote_it(
    reply: Body,
    text: str,
    finish_reason: str,
    ask_once: AskOnce,
) -> None:
    completion = ask_once(reply)
    assert (completion.text, completion.finish_reason) == (text, finish_reason)


_STATUSES = [
    pytest.param(Status(400), BadRequest, id="400"),
    pytest.param(Status(401), AuthenticationFailed, id="401"),
    pytest.param(Status(402), ProviderRefused, id="402 out of credit"),
    pytest.param(Status(403), AuthenticationFailed, id="403"),
    pytest.param(Status(404), ModelNotFound, id="404"),
    pytest.param(Status(408), ServerFailed, id="408"),
    pytest.param(Status(409), ServerFailed, id="409"),
    pytest.param(Status(413), BadRequest, id="413"),
    pytest.param(Status(422), BadRequest, id="422"),
    pytest.param(Status(425), ServerFailed, id="425"),
    pytest.param(Status(429), RateLimited, id="429"),
    pytest.param(
        Status(429, error="insufficient_quota"), AuthenticationFailed, id="429 out of credit"
    ),
    pytest.param(
        Status(400, error="context_length_exceeded"), ContextLengthExceeded, id="400 too long"
    ),
    pytest.param(Status(400, error="content_filter"), ContentFiltered, id="400 filtered"),
    pytest.param(Status(500), ServerFailed, id="500"),
    pytest.param(Status(502), ServerFailed, id="502"),
    pytest.param(Status(503), ServerFailed, id="503"),
    pytest.param(Status(529), ServerFailed, id="529"),
]


@pytest.mark.parametrize(("fault", "error"), _STATUSES)
def test_every_status_is_an_error_of_one_type(
    fault: Status,
    error: type[LLMError],
    ask_once: AskOnce,
) -> None:
    with pytest.raises(error, match=f"answered {fault.code} for model 'm': ") as caught:
        ask_once(fault)
    assert "the loopback provider was told to fail" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry-After": "3"}, 3.0, id="seconds"),
        pytest.param({"Retry-After": "0.5"}, 0.5, id="fraction"),
        pytest.param({"retry-after-ms": "250"}, 0.25, id="milliseconds"),
        pytest.param({"retry-after-ms": "250", "Retry-After": "1"}, 0.25, id="both"),
        pytest.param({"Retry-After": "soon"}, None, id="nonsense"),
        pytest.param({}, None, id="absent"),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_kept(
    status: int,
    headers: dict[str, str],
    seconds: float | None,
    ask_once: AskOnce,
) -> None:
    with pytest.raises(TransientError) as caught:
        ask_once(Status(status, headers))
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize(("offset", "seconds"), [(60, 60), (-60, 0)], ids=["ahead", "past"])
def test_a_wait_until_a_date_is_kept_in_seconds(
    offset: float,
    seconds: float,
    ask_once: AskOnce,
) -> None:
    date = datetime.now(UTC) + timedelta(seconds=offset)
    with pytest.raises(RateLimited) as caught:
        ask_once(Status(429, {"Retry-After": format_datetime(date, usegmt=True)}))
    assert caught.value.retry_after == pytest.approx(seconds, abs=10 if seconds else 0)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(Reset(), ConnectionFailed, id="connection reset"),
        pytest.param(Truncated(), (ConnectionFailed, MalformedReply), id="cut in the middle"),
        pytest.param(Truncated(0), (ConnectionFailed, MalformedReply), id="cut at once"),
        pytest.param(MALFORMED, MalformedReply, id="not JSON"),
        pytest.param(Body(b"<p>hello</p>", "text/html"), MalformedReply, id="HTML"),
        pytest.param(Body(b'{"id": "x", "choi'), MalformedReply, id="half of the JSON"),
        pytest.param(Body(b""), MalformedReply, id="nothing"),
        pytest.param(Body(b'{"id": "\xff"}'), MalformedReply, id="not UTF-8"),
        pytest.param(Body(None), MalformedReply, id="null"),
        pytest.param(Body([1]), MalformedReply, id="a list"),
        pytest.param(Body({"id": "x"}), MalformedReply, id="no choices"),
        pytest.param(EMPTY_CHOICES, MalformedReply, id="empty choices"),
        pytest.param(
            Body({**EMPTY_CHOICES.content, "choices": [None]}), MalformedReply, id="a null choice"
        ),
        pytest.param(
            Body({**EMPTY_CHOICES.content, "choices": [{}]}), MalformedReply, id="an empty choice"
        ),
        pytest.param(_reply(None), MalformedReply, id="no message"),
        pytest.param(_reply("hi"), MalformedReply, id="a message that is text"),
        pytest.param(_said(5), MalformedReply, id="a number for text"),
    ],
)
def test_a_reply_that_cannot_be_used_is_worth_another_try(
    fault: Fault,
    error: type[LLMError] | tuple[type[LLMError], ...],
    ask_once: AskOnce,
) -> None:
    with pytest.raises(error) as caught:
        ask_once(fault)
    assert isinstance(caught.value, TransientError)
    assert len(str(caught.value).splitlines()) == 1
    assert ask_once(None).text.startswith("Answer")
