"""The HTTP server: requests in pieces, in chunks, one after the other, and broken ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.loopback import LoopbackProvider, loopback_provider

BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n%s\r\n" % (10, BODY[:10])
    + b"%x\r\n%s\r\n" % (len(BODY) - 10, BODY[10:])
    + b"0\r\n\r\n"
)


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with loopback_provider() as provider:
        yield provider


def answers(provider: LoopbackProvider, pieces: list[bytes], expected: int) -> bytes:
    """Send the pieces and return what comes until so many answers are there, or the end."""
    with socket.create_connection(("127.0.0.1", provider.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while received.count(b'"total_tokens"') < expected:
            data = connection.recv(65536)
            if not data:
                break
            received += data
        return received


@pytest.mark.parametrize("request_bytes", [WHOLE, CHUNKED], ids=["whole", "chunked"])
def test_a_request_may_come_byte_by_byte(provider: LoopbackProvider, request_bytes: bytes) -> None:
    pieces = [request_bytes[place : place + 1] for place in range(len(request_bytes))]
    assert answers(provider, pieces, 1).startswith(b"HTTP/1.1 200 OK\r\n")
    assert provider.stats().bodies[0]["messages"][0]["content"] == "hi"


def test_requests_that_come_together_are_answered_in_order(provider: LoopbackProvider) -> None:
    received = answers(provider, [WHOLE + CHUNKED + WHOLE], 3)
    places = [received.index(b'"chatcmpl-%d"' % number) for number in (1, 2, 3)]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "request_bytes",
    [b"nonsense\r\n\r\n", HEAD + b"Content-Length: many\r\n\r\n", b"GET / HTTP/9\r\n\r\n"],
    ids=["no request line", "no length", "another version"],
)
def test_what_is_no_http_is_refused_and_the_connection_closed(
    provider: LoopbackProvider, request_bytes: bytes
) -> None:
    assert answers(provider, [request_bytes], 1).startswith(b"HTTP/1.1 400 ")
    assert provider.stats().requests == 0
