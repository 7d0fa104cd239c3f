"""Reading calls from JSON."""

from __future__ import annotations

import pytest

from llms.errors import RowRejected
from tasks.function_calling.calls import Call, as_json, calls_in


def test_calls_are_read_with_arguments_of_any_json_type() -> None:
    text = '[{"name": "f", "arguments": {"a": 1, "b": [true, null], "c": {"d": "x"}}}]'

    assert calls_in(text, "it") == [Call("f", {"a": 1, "b": [True, None], "c": {"d": "x"}})]


def test_what_is_written_is_read_again() -> None:
    calls = [Call("f", {"a": "é", "b": 0.5}), Call("g", {})]

    assert calls_in(as_json(calls), "it") == calls


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "f"}]',
        '[{"name": "f", "arguments": null}]',
        '[{"name": "f", "arguments": "{}"}]',
    ],
    ids=["missing", "null", "an object as text"],
)
def test_a_call_may_have_no_arguments(text: str) -> None:
    assert calls_in(text, "it") == [Call("f", {})]


def test_arguments_written_as_text_are_read_as_chat_apis_mean_them() -> None:
    assert calls_in('[{"name": "f", "arguments": "{\\"a\\": 1}"}]', "it") == [Call("f", {"a": 1})]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[{", "it is no JSON"),
        ("9" * 5000, "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ('{"name": "f"}', "it is no list of calls but {'name': 'f'}"),
        ("[null]", "call 1 of it has no name of a function: None"),
        ('[{"name": "f"}, {"arguments": {}}]', "call 2 of it has no name of a function"),
        ('[{"name": 7}]', "call 1 of it has no name of a function"),
        ('[{"name": "f", "arguments": [1]}]', r"the arguments of call 1 of it are no object"),
        ('[{"name": "f", "arguments": "x"}]', r"the arguments of call 1 of it are no object"),
        ('[{"name": "f", "arguments": {"a": %s}}]' % ("[" * 500 + "]" * 500), "nest too deep"),
    ],
    ids=[
        "broken",
        "a number without end",
        "nested without end",
        "one object",
        "null for a call",
        "no name",
        "a number for a name",
        "a list of arguments",
        "text for arguments",
        "deep arguments",
    ],
)
def test_what_are_no_calls_is_rejected(text: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        calls_in(text, "it")
