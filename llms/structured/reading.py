"""From a reply's text to the value it holds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NoReturn

from json_repair import repair_json
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match

from llms.digest import canonical_json

_LONGEST_REPAIR = 200_000
"""Characters beyond which a broken reply is not worth a repair."""

_LONGEST_INTEGER = 300
"""Digits beyond which an integer is a model that cannot stop."""

_OPENING = re.compile(r"""\{\s*(?:["'“}]|[\w$-]+\s*:|//|/\*|\#|$)""")
_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_COMMENTS = re.compile(
    r'("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\\n])*\')|(?<![^\s,{}\[\]])(?://[^\n]*|/\*.*?\*/|\#[^\n]*)',
    re.DOTALL,
)
_BROKEN_OFF = re.compile(
    r'"|[:,{\[]$|\b(?!(?:true|false|null|True|False|None)$)[^\W\d_]\w*$',
)
_ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf])")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_CONSTANTS = {"none": "null"}


class Unfit(Exception):
    """A reply that does not follow its schema; the text is the reason, for the model to act on."""


def read(text: str, schema: Mapping[str, Any], *, finish_reason: str = "stop") -> Any:
    """Return the object that a reply holds, valid against the schema.

    Reasoning, prose and fences around the object are cut away. Broken JSON is mended where that
    takes no word of the reply away and adds none; a reply that was cut is never closed.

    Raises:
        Unfit: the reply holds no such object, or several.
    """
    validator = _validator(canonical_json(schema))
    fitting: list[Any] = []
    problem = ""
    try:
        for value in _candidates(text, schema, cut=finish_reason == "length"):
            if found := _problem(validator, value):
                problem = found
            elif value not in fitting:
                fitting.append(value)
    except RecursionError as error:
        raise Unfit("It nests too deep.") from error
    except ValueError as error:
        raise Unfit(str(error)) from error
    if len(fitting) > 1:
        raise Unfit(f"It holds {len(fitting)} different JSON objects; give only the right one.")
    if not fitting:
        raise Unfit(problem)
    return _encodable(fitting[0]) if "\\ud" in text.lower() else fitting[0]


def after_reasoning(text: str) -> str:
    """Return a reply without the reasoning that stands before it between `<think>` tags."""
    answer = text.strip().lstrip("\ufeff")
    if answer.startswith(("{", "[")):
        return answer
    reasoning, closed, rest = answer.partition("</think>")
    if closed:
        return rest.strip()
    return "" if reasoning.startswith("<think>") else answer


def _candidates(text: str, schema: Mapping[str, Any], *, cut: bool) -> Iterator[Any]:
    """Yield the objects of a reply, in order; a broken one, mended, is the last."""
    try:
        yield _unwrapped(_DECODER.decode(text))
        return
    except json.JSONDecodeError:
        answer = after_reasoning(text)
    if not answer and not cut:
        raise Unfit("It is empty." if not text.strip() else "It has reasoning but no answer.")
    found = False
    place = 0
    while (place := answer.find("{", place)) >= 0:
        try:
            value, place = _DECODER.raw_decode(answer, place)
        except json.JSONDecodeError as error:
            if _OPENING.match(answer, place):
                yield _repaired(answer[place:], error, schema, cut=cut)
                return
            place += 1
        else:
            found = True
            yield value
    if not found:
        _refuse_cut(cut)
        raise Unfit("It holds no JSON object.")


def _refuse_cut(cut: bool) -> None:
    if cut:
        raise Unfit(
            "It was cut at the token limit before the JSON object was complete; be much shorter."
        )


def _repaired(
    text: str, error: json.JSONDecodeError, schema: Mapping[str, Any], *, cut: bool
) -> Any:
    """Mend the broken object that a text starts with; `error` says how it is broken."""
    complete = text[: text.rfind("}") + 1]
    bare = _STRINGS.sub("_", complete)
    if not complete or bare.count("{") > bare.count("}"):
        _refuse_cut(cut)
        complete = text.rstrip().removesuffix("```").rstrip()
        if _BROKEN_OFF.search(_STRINGS.sub("_", complete)):
            raise Unfit("It ends before the JSON object is complete.") from error
    for source in dict.fromkeys((complete, _COMMENTS.sub(r"\1", complete))):
        value = _mended(source)
        if value is not None and _is_faithful(value, source, schema):
            return value
    near = error.doc[max(0, error.pos - 20) : error.pos + 20]
    raise Unfit(f"Its JSON is broken near {near!r}: {error.msg}.") from error


def _mended(source: str) -> Any:
    if len(source) > _LONGEST_REPAIR:
        return None
    try:
        return _unwrapped(repair_json(source, return_objects=True, skip_json_loads=True))
    except (ValueError, RecursionError):
        return None


def _is_faithful(value: Any, source: str, schema: Mapping[str, Any]) -> bool:
    """Tell whether a repair changed punctuation only: the repairer would read anything."""
    if not isinstance(value, dict):
        return False
    is_open = "additionalProperties" in schema or "patternProperties" in schema
    if not is_open and not value.keys() <= schema.get("properties", value).keys():
        return False
    leaves = list(_leaves(value))
    bare = _STRINGS.sub("", source)
    return (
        [word for leaf in leaves for word in _words(leaf)] == _words(_unescaped(source))
        and ("" not in leaves or '""' in source or "''" in source)
        and not re.search(r"\.\.\.|…|\b(?:NaN|Infinity|undefined)\b", bare)
    )


def _leaves(value: Any) -> Iterator[str]:
    """Yield keys and values as they would be written, without quotes, in order."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


def _words(text: str) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    return [_CONSTANTS.get(word, word) for word in words]


def _unescaped(source: str) -> str:
    return _ESCAPES.sub(lambda match: chr(int(match[1], 16)) if match[1] else " ", source)


def _unwrapped(value: Any) -> Any:
    """Return the one object of a list, and anything else as it is."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return value[0]
    return value


def _encodable(value: Any) -> Any:
    """Replace halves of characters, which escapes can name and no file can hold."""
    if isinstance(value, str):
        return _LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value


# The hooks below raise ValueError, with the reason, for JSON that has no one meaning.
def _one_value_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"An object names {twice[:80]!r} twice; name every property once.")
    return value


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"The number {number[:40]} is too large.")
    return value


def _whole(number: str) -> int:
    if len(number) > _LONGEST_INTEGER:
        raise ValueError(f"The number {number[:20]}... is too long.")
    return int(number)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; give a number, or null where the schema allows it.")


_DECODER = json.JSONDecoder(
    strict=False,  # line breaks inside strings, which models write and which have one meaning
    object_pairs_hook=_one_value_each,
    parse_float=_finite,
    parse_int=_whole,
    parse_constant=_no_constant,
)


def _is_iso_time(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value))


_FORMATS = FormatChecker(formats=("date", "ipv4", "ipv6", "uuid"))
_FORMATS.checks("date-time", raises=ValueError)(_is_iso_time)


@lru_cache(maxsize=256)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), format_checker=_FORMATS)


def _problem(validator: Draft202012Validator, value: Any) -> str:
    """Say where a value leaves the schema: three places at most, empty when it is valid."""
    errors = islice(validator.iter_errors(value), 3)
    return " ".join(_sentence(best_match([error])) for error in errors)


def _sentence(error: ValidationError) -> str:
    given = repr(error.instance)
    message = error.message
    if len(given) > 60:
        message = message.replace(given, f"{given[:50]}...")
    return f"At {error.json_path[:120]}: {message[:240]}."
