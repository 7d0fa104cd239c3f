"""Schemas from users to providers, and replies from text to values."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, RootModel

from llms.chat import ChatMessage, ChatRequest, Tool
from llms.errors import ConfigurationError
from llms.structured import Unfit, as_schema, correction, instructed, provider_schema, read


class Grade(BaseModel):
    """A grade with its reason."""

    reason: str
    score: int = Field(ge=1, le=5)


class Review(BaseModel):
    verdict: Literal["good", "bad"]
    grades: list[Grade]
    overall: Grade = Field(description="all in all")
    note: str | None


class Branch(BaseModel):
    name: str
    branches: list[Branch]


class Names(RootModel[list[str]]):
    """Not an object."""


class Clock(BaseModel):
    tick: Callable[[], int]


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT = an_object(a={"type": "string"})
NUMBER = an_object(a={"type": "number"})
ANYTHING = {"type": "object"}
PAIR = an_object(a={}, b={})


def test_a_pydantic_model_becomes_its_json_schema() -> None:
    assert as_schema(Grade) == Grade.model_json_schema()
    assert as_schema(None) is None


def test_a_model_that_holds_itself_becomes_an_object_schema() -> None:
    schema = as_schema(Branch)
    assert schema is not None
    assert schema["type"] == "object"
    tree = {"name": "oak", "branches": [{"name": "twig", "branches": []}]}
    assert read(json.dumps(tree), schema) == tree
    with pytest.raises(Unfit, match=r"At \$\.branches\[0\]: 'branches' is a required property"):
        read('{"name": "oak", "branches": [{"name": "twig"}]}', schema)


def test_a_schema_of_read_only_mappings_becomes_plain_values() -> None:
    given = MappingProxyType(
        {"type": "object", "properties": MappingProxyType({"a": MappingProxyType({})})}
    )
    assert as_schema(given) == {"type": "object", "properties": {"a": {}}}


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        ({"type": "array"}, "The response schema must describe an object, with 'type': 'object'"),
        ({}, "The response schema must describe an object"),
        (Names, "The response schema Names must describe an object"),
        ({"type": "objekt"}, "The response schema is no valid JSON schema: at $.type, 'objekt'"),
        (
            an_object(a={"type": "string", "pattern": "("}),
            "The response schema is no valid JSON schema: at $.properties.a.pattern, ",
        ),
        (
            an_object(a={"$ref": "#/$defs/missing"}),
            "The response schema refers to '#/$defs/missing', which it does not define",
        ),
        (
            an_object(a={"$ref": "https://example.org/schema"}),
            "The response schema refers to 'https://example.org/schema', which it does not",
        ),
        (an_object(a={"const": float("nan")}), "The response schema holds what JSON cannot: "),
        (an_object(a={"enum": {1, 2}}), "The response schema holds what JSON cannot: a set."),
        (Clock, "The response schema Clock has a field that no JSON schema can describe: "),
        ("object", "A response schema is a JSON schema as a mapping or a pydantic model class, "),
        (Grade(reason="x", score=1), "A response schema is a JSON schema as a mapping or a "),
    ],
    ids=[
        *("array", "any", "root list", "bad type", "bad pattern", "dangling", "remote", "nan"),
        *("set", "no schema", "a string", "an instance"),
    ],
)
def test_what_is_no_schema_of_an_object_is_a_configuration_error(
    schema: Any, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        as_schema(schema)
    assert str(caught.value).startswith(sentence)


def test_a_property_that_is_called_like_a_reference_is_none() -> None:
    schema = an_object(**{"$ref": {"const": {"$ref": "#/nowhere"}}})
    assert as_schema(schema) == schema


def test_a_strict_schema_is_closed_without_its_defaults() -> None:
    schema = as_schema(Review)
    assert schema is not None
    before = copy.deepcopy(schema)
    strict, is_strict = provider_schema(schema)
    assert is_strict
    assert strict["additionalProperties"] is False
    assert strict["$defs"]["Grade"]["additionalProperties"] is False
    assert strict["properties"]["note"] == schema["properties"]["note"]
    assert strict["properties"]["overall"] == {
        "anyOf": [{"$ref": "#/$defs/Grade"}],
        "description": "all in all",
    }
    assert schema == before


def test_a_strict_schema_keeps_the_order_of_its_properties() -> None:
    strict, _ = provider_schema(an_object(z={"type": "string"}, a={"type": "string"}))
    assert list(strict["properties"]) == ["z", "a"]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "string", "enum": ["x", "y"]},
        {"type": ["string", "null"], "format": "date-time"},
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^(?:a|b)$"}]},
    ],
    ids=["enum", "nullable", "number", "array", "union"],
)
def test_strict_mode_takes(part: dict[str, Any]) -> None:
    schema = an_object(a=part)
    assert provider_schema(schema) == ({**schema, "additionalProperties": False}, True)


@pytest.mark.parametrize(
    "schema",
    [
        {**an_object(a={"type": "string"}, b={"type": "string"}), "required": ["a"]},
        {**TEXT, "additionalProperties": True},
        {**TEXT, "additionalProperties": {"type": "string"}},
        {**TEXT, "patternProperties": {"^x": {}}},
        {**TEXT, "minProperties": 1},
        {**TEXT, "required": ["a", "b"]},
        an_object(a={"type": "object"}),
        an_object(a={}),
        an_object(a=True),
        an_object(a={"type": "array"}),
        an_object(a={"type": "array", "prefixItems": [{"type": "string"}]}),
        an_object(a={"type": "string", "minLength": 2}),
        an_object(a={"type": "string", "format": "uri"}),
        an_object(a={"type": "string", "pattern": "^(?!x)"}),
        an_object(a={"oneOf": [{"type": "string"}, {"type": "null"}]}),
        an_object(a={"allOf": [{"type": "string"}]}),
        an_object(a={"$ref": "#/properties/b"}, b={"type": "string"}),
        {"type": ["object", "null"], "properties": {}},
    ],
    ids=[
        *("optional", "open", "map", "patterns", "minProperties", "unknown required"),
        *("free object", "any", "true", "array of any", "tuple", "minLength", "format"),
        *("look-ahead", "oneOf", "allOf", "pointer", "nullable root"),
    ],
)
def test_a_schema_that_strict_mode_does_not_take_stays_as_it_is(schema: dict[str, Any]) -> None:
    before = copy.deepcopy(schema)
    assert provider_schema(schema) == (before, False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "x"}', {"a": "x"}),
        (' \n{"a": "x"}\n', {"a": "x"}),
        ('\ufeff{"a": "x"}', {"a": "x"}),
        ('{"a": "é\\u00e9 😀"}', {"a": "éé 😀"}),
        ('{"a": "```json {} ```"}', {"a": "```json {} ```"}),
        ('{"a": "<think>not yet</think>"}', {"a": "<think>not yet</think>"}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('```json\n{"a": "x"}\n```', {"a": "x"}),
        ('```\n{"a": "x"}\n```', {"a": "x"}),
        ('Here:\n```json\n{"a": "```py\\nx```"}\n```\nDone.', {"a": "```py\nx```"}),
        ('Sure! {"a": "x"} Hope that helps.', {"a": "x"}),
        ('With {braces} and [1] first: {"a": "x"}', {"a": "x"}),
        ('<think>{"a": "draft"} or so</think>{"a": "x"}', {"a": "x"}),
        ('a thought without its opening tag {"a": 1}</think>\n{"a": "x"}', {"a": "x"}),
        ('[{"a": "x"}]', {"a": "x"}),
        ('As a list: [{"a": "x"}]', {"a": "x"}),
        ('{"a": "x"} and again {"a": "x"}', {"a": "x"}),
        ('{"b": "an example"} {"a": "x"}', {"a": "x"}),
        ('{"a": "x"}}', {"a": "x"}),
        ('{"a": "half \\ud83d"}', {"a": "half �"}),
        ('{"a": "whole \\ud83d\\ude00"}', {"a": "whole 😀"}),
    ],
    ids=[
        *("plain", "space", "byte order mark", "unicode", "fence in a string", "tag in a string"),
        *("line break in a string", "json fence", "fence", "fence in a fence", "prose"),
        *("brackets in prose", "reasoning", "end of reasoning", "list of one", "list in prose"),
        *("twice the same", "one fits", "brace too many", "half a character", "surrogates"),
    ],
)
def test_the_object_of_a_reply_is_read(text: str, value: Any) -> None:
    assert read(text, TEXT) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'x', 'b': 1}", {"a": "x", "b": 1}),
        ("{'a': \"it's\", 'b': 1}", {"a": "it's", "b": 1}),
        ('{"a": [1, 2,], "b": {"c": 1,},}', {"a": [1, 2], "b": {"c": 1}}),
        ('{"a": True, "b": None}', {"a": True, "b": None}),
        ('{"a": false, "b": False, }', {"a": False, "b": False}),
        ('{"a": 1, // the first\n "b": 2 /* the last */}', {"a": 1, "b": 2}),
        ('{"a": 1, # the first\n "b": 2}', {"a": 1, "b": 2}),
        ('{"a": "http://x.org/#y", "b": 2,}', {"a": "http://x.org/#y", "b": 2}),
        ('{a: 1, b: "two"}', {"a": 1, "b": "two"}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ('{"a": "say "hi" now", "b": 2}', {"a": 'say "hi" now', "b": 2}),
        ("{“a”: “x”, “b”: 1}", {"a": "x", "b": 1}),
        ('{"a": "café\\n\\u00e9", "b": 1.5,}', {"a": "café\né", "b": 1.5}),
        ('{"a": 1, "b": {"c": 2}', {"a": 1, "b": {"c": 2}}),
        ('{"a": {"c": 2}, "b": 1', {"a": {"c": 2}, "b": 1}),
        ('```json\n{"a": 1, "b": [2]\n```', {"a": 1, "b": [2]}),
        ('{"a": 1, "b": true', {"a": 1, "b": True}),
        ("Well: {'a': 'x', 'b': ''} there.", {"a": "x", "b": ""}),
        ("[{'a': 1, 'b': 2}]", {"a": 1, "b": 2}),
        ('{"a": 12345678901234567890123, "b": 0,}', {"a": 12345678901234567890123, "b": 0}),
    ],
    ids=[
        *("single quotes", "mixed quotes", "trailing commas", "Python literals", "mixed literals"),
        *("comments", "hash comment", "not a comment", "bare keys", "missing comma"),
        *("inner quotes", "curly quotes", "escapes", "missing brace", "early brace"),
        *("missing brace in a fence", "after a literal", "in prose", "in a list", "big integer"),
    ],
)
def test_broken_json_is_mended_where_no_word_changes(text: str, value: Any) -> None:
    assert read(text, PAIR) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "It is empty."),
        (" \n", "It is empty."),
        ("<think>hm</think>", "It has reasoning but no answer."),
        ('<think>{"a": "x"}', "It has reasoning but no answer."),
        ("I cannot help with that.", "It holds no JSON object."),
        ("The value of a: b is {unknown}.", "It holds no JSON object."),
        ("null", "At $: None is not of type 'object'."),
        ('"a"', "At $: 'a' is not of type 'object'."),
        ("[]", "At $: [] is not of type 'object'."),
        ('[{"a": "x"}, {"a": "y"}]', "At $: [{'a': 'x'}, {'a': 'y'}] is not of type 'object'."),
        ('{"a": "x"}\n{"a": "y"}', "It holds 2 different JSON objects; give only the right one."),
        ("{}", "At $: 'a' is a required property."),
        ('{"a": 7}', "At $.a: 7 is not of type 'string'."),
        ('{"a": "x", "a": "y"}', "An object names 'a' twice; name every property once."),
        ('{"a": NaN}', "NaN is not JSON; give a number, or null where the schema allows it."),
        ('{"a": -Infinity}', "-Infinity is not JSON; give a number, or null where the schema "),
        ('{"a": 1e999}', "The number 1e999 is too large."),
        ('{"a": NaN,}', "NaN is not JSON; give a number"),
    ],
    ids=[
        *("empty", "blank", "only reasoning", "unfinished reasoning", "a sentence", "braces"),
        *("null", "string", "list", "list of two", "two objects", "no property", "wrong type"),
        *("named twice", "nan", "infinity", "huge", "nan and a comma"),
    ],
)
def test_a_reply_that_does_not_fit_says_why(text: str, reason: str) -> None:
    with pytest.raises(Unfit) as caught:
        read(text, TEXT)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    "text",
    [
        "A plain sentence, with a comma: and a colon.",
        "Use {placeholder} here.",
        "{'a', 'b'}",
        "{a: , b: 2}",
        '{"a" 1}',
        '{"a": 12 apples}',
        '{"a": "x", "a": "y",}',
        '{"a": [1, 2, ...]}',
        '{"a": "x"… "b": "y"}',
        "{'a': NaN}",
        "{'a': undefined}",
        '{"a": """two\nlines"""}',
        "{'a': 1} or {'a': 2}",
        "{'a': 'x'\nI stop here, sorry.",
        '{"a": ' + "1" * 5000 + "}",
        '{"a": ' + "[" * 5000 + "]" * 5000 + "}",
        "{'a': '" + "x" * 200_000 + "'}",
    ],
    ids=[
        *("sentence", "placeholder", "set", "no value", "no colon", "units", "named twice"),
        *("ellipsis", "ellipsis sign", "nan", "undefined", "triple quotes", "two objects"),
        *("prose inside", "too many digits", "too deep", "too long"),
    ],
)
def test_what_only_a_guess_could_mend_is_unfit_even_for_a_schema_that_takes_anything(
    text: str,
) -> None:
    with pytest.raises(Unfit) as caught:
        read(text, {"type": "object", "properties": {"a": {}, "b": {}}})
    assert 10 < len(str(caught.value)) < 200


def test_broken_json_says_where_it_breaks() -> None:
    with pytest.raises(Unfit) as caught:
        read('Well: {"a": 12 apples}', ANYTHING)
    assert str(caught.value) == (
        """Its JSON is broken near 'Well: {"a": 12 apples}': Expecting ',' delimiter."""
    )


@pytest.mark.parametrize(
    "text",
    ['{"a": "a long te', '```json\n{"a": "x"', "Let me think of", '<think>{"a": "x"}', "", "{"],
    ids=["in a string", "before a brace", "before the object", "in reasoning", "empty", "brace"],
)
def test_a_reply_cut_at_the_token_limit_is_never_closed(text: str) -> None:
    with pytest.raises(Unfit, match="cut at the token limit before the JSON object was complete"):
        read(text, {"type": "object"}, finish_reason="length")


@pytest.mark.parametrize(
    "text",
    ['{"a": "a long te', '{"a": "x",', '{"a":', '{"a": [', "{", '{"a": [true, nu'],
    ids=["in a string", "after a comma", "after a colon", "in a list", "brace", "in a word"],
)
def test_an_object_that_breaks_off_is_never_closed(text: str) -> None:
    with pytest.raises(Unfit, match="It ends before the JSON object is complete"):
        read(text, {"type": "object"})


@pytest.mark.parametrize(
    "text",
    ['{"a": "x"}', '{"a": "x"} And now I shall expl', "{'a': 'x'} And now I shall expl"],
    ids=["complete", "prose was cut", "mended"],
)
def test_a_complete_object_is_read_though_the_reply_was_cut_after_it(text: str) -> None:
    assert read(text, TEXT, finish_reason="length") == {"a": "x"}


def test_a_draft_does_not_stand_for_the_object_that_was_cut() -> None:
    with pytest.raises(Unfit, match="cut at the token limit"):
        read('First {"a": "draft"}, better: {"a": "fi', TEXT, finish_reason="length")


def test_a_reason_never_holds_the_whole_document() -> None:
    with pytest.raises(Unfit) as caught:
        read(json.dumps({"a": ["long"] * 10_000, "b" * 9_000: 1}), TEXT)
    assert str(caught.value).startswith("At $.a: ['long', 'long'")
    assert len(str(caught.value)) < 400


def test_a_reason_names_at_most_three_places() -> None:
    with pytest.raises(Unfit) as caught:
        read(json.dumps({"a": ["x"] * 9}), an_object(a={"items": {"type": "number"}}))
    assert [place for place in range(9) if f"$.a[{place}]" in str(caught.value)] == [0, 1, 2]


def test_big_integers_stay_exact() -> None:
    assert read('{"a": 9007199254740993}', NUMBER) == {"a": 9007199254740993}


@pytest.mark.parametrize(
    ("format_name", "fit", "unfit"),
    [
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-02-28T10:00:00Z", "last Tuesday"),
        ("uuid", "12345678-1234-5678-1234-567812345678", "1234"),
        ("ipv4", "127.0.0.1", "localhost"),
        ("colour", "any", None),
    ],
)
def test_dates_and_ids_are_checked(format_name: str, fit: str, unfit: str | None) -> None:
    schema = an_object(a={"type": "string", "format": format_name})
    assert read(json.dumps({"a": fit}), schema) == {"a": fit}
    if unfit is not None:
        with pytest.raises(Unfit, match=f"is not a '{format_name}'"):
            read(json.dumps({"a": unfit}), schema)


def test_an_instruction_joins_the_system_turn() -> None:
    messages: list[ChatMessage] = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hi"},
    ]
    before = copy.deepcopy(messages)
    tools = (Tool("f", "does", {}),)
    asked = instructed(ChatRequest(messages, TEXT, tools=tools, tool_choice="none", corrections=1))
    assert asked.response_schema is None
    assert (asked.tools, asked.tool_choice, asked.corrections) == (tools, "none", 1)
    system, user = asked.messages
    assert str(system["content"]).startswith("Be kind.\n\nReply with exactly one JSON object")
    assert str(system["content"]).endswith(json.dumps(TEXT))
    assert user == messages[1]
    assert messages == before


def test_an_instruction_is_a_system_turn_of_its_own_where_there_is_none() -> None:
    schema: Mapping[str, Any] = MappingProxyType(an_object(é={"type": "string"}))
    image: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    content = [image, {"type": "text", "text": "What is this?"}]
    asked = instructed(ChatRequest([{"role": "user", "content": content}], schema))
    assert [message["role"] for message in asked.messages] == ["system", "user"]
    assert json.dumps(dict(schema), ensure_ascii=False) in str(asked.messages[0]["content"])
    assert asked.messages[1]["content"] == content


def test_an_instruction_joins_a_system_turn_of_parts() -> None:
    parts: Any = [{"type": "text", "text": "Be kind."}]
    asked = instructed(ChatRequest([{"role": "system", "content": parts}], TEXT))
    [system] = asked.messages
    assert system["content"][0] == parts[0]
    assert len(system["content"]) == 2
    assert len(parts) == 1


def test_a_request_without_a_schema_needs_no_instruction() -> None:
    request = ChatRequest([{"role": "user", "content": "hi"}])
    assert instructed(request) is request


def test_a_correction_adds_the_reply_and_the_reason() -> None:
    messages: list[ChatMessage] = [{"role": "user", "content": "hi"}]
    request = ChatRequest(messages, TEXT, corrections=1)
    asked = correction(request, '<think>so</think>{"a": 7}', "At $.a: 7 is not of type 'string'.")
    assert asked.response_schema == TEXT
    assert asked.corrections == 1
    assert asked.messages[0] is messages[0]
    assert asked.messages[1] == {"role": "assistant", "content": '{"a": 7}'}
    assert asked.messages[2]["role"] == "user"
    assert "At $.a: 7 is not of type 'string'." in str(asked.messages[2]["content"])
    assert len(messages) == 1


def test_corrections_can_follow_each_other() -> None:
    request = ChatRequest([{"role": "user", "content": "hi"}], TEXT)
    asked = correction(correction(request, "one", "It is not JSON."), "two", "It is not JSON.")
    roles = [message["role"] for message in asked.messages]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


@pytest.mark.parametrize("reply", ["", "  ", "<think>for ever"], ids=["empty", "blank", "thought"])
def test_a_correction_of_an_empty_reply_has_no_empty_turn(reply: str) -> None:
    asked = correction(ChatRequest([], TEXT), reply, "It is empty.")
    assert asked.messages[0]["content"] == "(no text)"


def test_a_correction_shows_both_ends_of_a_very_long_reply() -> None:
    asked = correction(ChatRequest([], TEXT), "start" + "x" * 100_000 + "end", "It is long.")
    shown = str(asked.messages[0]["content"])
    assert shown.startswith("start")
    assert shown.endswith("end")
    assert len(shown) < 8_100


PARTS = [
    True,
    {},
    {"type": "integer", "minimum": 0, "exclusiveMaximum": 3},
    {"type": ["number", "null"], "maximum": 1.5, "exclusiveMinimum": -1},
    {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^x"},
    {"enum": ["x", "xy", 1]},
    {"const": True},
    {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "string"}}]},
    {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer"}},
    {"type": "array", "uniqueItems": True},
    {"$ref": "#/$defs/node"},
    {"type": "object", "additionalProperties": {"type": "integer"}, "required": ["x"]},
    {"type": "object", "additionalProperties": False, "properties": {"x": {}}},
    {"not": {"type": "string"}},
]
VALUES = [
    *(0, 1, 2, 3, -1, 1.0, 1.5, True, False, None, "", "x", "xy", "xyz", "y"),
    *([], [1], [1, 1], [1, 2, 3], ["x"], [True], {}, {"x": 1}, {"x": "y"}, {"y": 1}),
    *({"next": None}, {"next": {"next": None}}, {"next": {"next": 1}}),
]


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_what_is_valid_is_what_json_schema_says(part: Any) -> None:
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}},
        "required": ["next"],
    }
    schema = {**an_object(a=part), "$defs": {"node": node}}
    full = Draft202012Validator(schema)

    def fits(value: Any) -> bool:
        try:
            return bool(read(json.dumps({"a": value}), schema) == {"a": value})
        except Unfit:
            return False

    expected = [value for value in VALUES if full.is_valid({"a": value})]
    assert [value for value in VALUES if fits(value)] == expected
