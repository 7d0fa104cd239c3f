"""The loopback provider itself: what it counts, how it fails, and that it ends."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.loopback import (
    EMPTY_CHOICES,
    MALFORMED,
    Fault,
    Hang,
    LoopbackProcess,
    LoopbackProvider,
    Reset,
    Status,
    Truncated,
    fixed_reply,
    loopback_process,
    loopback_provider,
)


def _ask(provider: LoopbackProvider | LoopbackProcess, text: str, timeout: float = 20) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    request = Request(
        provider.url + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer key"},
    )
    with urlopen(request, timeout=timeout) as response:
        return json.load(response)


def _text(reply: Any) -> str:
    return str(reply["choices"][0]["message"]["content"])


def test_equal_requests_get_equal_answers_and_others_different_ones() -> None:
    with loopback_provider() as provider:
        one, again, other = (_text(_ask(provider, text)) for text in ("one", "one", "other"))
    assert one == again
    assert one.endswith(" to: one")
    assert one.split()[1] != other.split()[1]


def test_a_reply_has_the_shape_of_the_api() -> None:
    with loopback_provider(reply=fixed_reply('said "so"')) as provider:
        reply = _ask(provider, "two words")
    assert reply == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": 'said "so"'},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4},
    }


def test_everything_that_arrives_is_counted() -> None:
    with loopback_provider(latency=0.2, fault=[Status(500)]) as provider:
        with pytest.raises(HTTPError):
            _ask(provider, "first")
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(lambda text: _ask(provider, text), ["a", "a", "b"]))
        stats = provider.stats()
        assert (stats.requests, stats.answered, stats.in_flight) == (4, 3, 0)
        assert stats.most_in_flight == 3
        assert stats.duplicates == 1
        assert sorted(stats.contents.values()) == [1, 1, 2]
        assert stats.authorizations == {"Bearer key": 4}
        assert stats.bodies[0]["messages"][0]["content"] == "first"
        assert stats.first_request is not None
        assert stats.last_answer is not None
        assert stats.last_answer - stats.first_request >= 0.4
        provider.reset()
        assert provider.stats().requests == 0
        assert provider.stats().bodies == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(429, {"Retry-After": "7"}), HTTPError),
        (Reset(), ConnectionResetError),
        (Truncated(), http.client.IncompleteRead),
        (MALFORMED, json.JSONDecodeError),
        (EMPTY_CHOICES, IndexError),
        (Hang(), TimeoutError),
    ],
    ids=["status", "reset", "truncated", "malformed", "empty choices", "hang"],
)
def test_a_fault_fails_one_request_and_the_next_is_answered(
    fault: Fault, error: type[Exception]
) -> None:
    with loopback_provider(fault=[fault]) as provider:
        with pytest.raises(error) as caught:
            _text(_ask(provider, "hi", timeout=0.5))
        if isinstance(caught.value, HTTPError):
            assert caught.value.headers["Retry-After"] == "7"
            caught.value.close()
        assert _text(_ask(provider, "hi")).endswith("to: hi")
        assert provider.stats().answered == 1


def test_a_fault_may_depend_on_number_and_body() -> None:
    def every_second(number: int, body: dict[str, Any]) -> Fault | None:
        return Status(503) if number % 2 == 0 and body["model"] == "m" else None

    with loopback_provider(fault=every_second) as provider:
        _ask(provider, "1")
        with pytest.raises(HTTPError, match="503"):
            _ask(provider, "2")
        _ask(provider, "3")


def test_what_is_no_chat_request_is_refused() -> None:
    with loopback_provider() as provider:
        with pytest.raises(HTTPError, match="400"):
            urlopen(Request(provider.url + "/chat/completions", b"{}", method="POST"), timeout=20)
        with pytest.raises(HTTPError, match="404"):
            urlopen(provider.url + "/elsewhere", timeout=20)
        with urlopen(provider.url + "/models", timeout=20) as response:
            assert json.load(response)["data"][0]["id"] == "loopback-model"
        assert provider.stats().requests == 0


def test_the_provider_in_a_process_counts_alike_and_can_be_reset() -> None:
    with loopback_process(latency=0.1, keep_bodies=True) as provider:
        assert _text(_ask(provider, "hi")).endswith("to: hi")
        stats = provider.stats()
        assert (stats.requests, stats.answered, stats.duplicates) == (1, 1, 0)
        assert stats.bodies[0]["model"] == "m"
        provider.reset()
        assert provider.stats().requests == 0


def test_the_process_ends_when_its_input_closes() -> None:
    command = [sys.executable, "-m", "tests.loopback"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert json.loads(process.stdout.readline())["port"] > 0
        process.stdin.close()
        assert process.wait(timeout=20) == 0
