"""From what a user gives as a schema to what a provider takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from llms.errors import ConfigurationError

_NAMED_PARTS = ("$defs", "definitions", "properties", "patternProperties", "dependentSchemas")
_LISTED_PARTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE_PARTS = (
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)

_NOTES = {"$comment", "$schema", "default", "deprecated", "examples", "readOnly", "writeOnly"}
_HINTS = {"title", "description"}
_STRICT_KEYWORDS = (
    _HINTS
    | {"$defs", "$ref", "anyOf", "const", "definitions", "enum", "type"}
    | {"additionalProperties", "properties", "required"}
    | {"items", "maxItems", "minItems"}
    | {"format", "pattern"}
    | {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"}
)
_STRICT_FORMATS = (
    {"date", "date-time", "duration", "time"} | {"email", "hostname", "ipv4", "ipv6"} | {"uuid"}
)
_LOOK_AROUND = re.compile(r"\(\?(?!:)|\\[1-9]")


def as_schema(schema: Mapping[str, Any] | type[BaseModel] | None) -> dict[str, Any] | None:
    """Return a JSON schema of an object, as plain values, from a schema or a pydantic model.

    Raises:
        ConfigurationError: it is neither, or describes something else than an object.
    """
    if schema is None:
        return None
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        try:
            return _checked(schema.model_json_schema(), f"The response schema {schema.__name__}")
        except PydanticInvalidForJsonSchema as error:
            raise ConfigurationError(
                f"The response schema {schema.__name__} has a field that no JSON schema can "
                f"describe: {error.message}."
            ) from error
    if isinstance(schema, Mapping):
        return _checked(schema, "The response schema")
    raise ConfigurationError(
        f"A response schema is a JSON schema as a mapping or a pydantic model class, "
        f"not {schema!r:.80}."
    )


def provider_schema(schema: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the schema as a provider takes it, and whether to ask for strict mode.

    Strict mode takes a part of JSON Schema only. A schema within that part comes back with its
    objects closed and without notes such as defaults; any other comes back as it is, not strict.
    """
    try:
        return _strict(schema, root=True), True
    except _NotStrict:
        return dict(schema), False


def _checked(schema: Mapping[str, Any], subject: str) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(
            json.dumps(schema, allow_nan=False, default=_plain_mapping)
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{subject} holds what JSON cannot: {error}.") from error
    try:
        Draft202012Validator.check_schema(plain)
    except SchemaError as error:
        raise ConfigurationError(
            f"{subject} is no valid JSON schema: at {error.json_path}, {error.message:.200}."
        ) from error
    _check_references(plain, subject)
    if "$ref" in plain:  # pydantic's form for a model that holds itself
        target = _resolver(plain).lookup(plain.pop("$ref")).contents
        plain = {**(target if isinstance(target, dict) else {}), **plain}
    if plain.get("type") != "object":
        raise ConfigurationError(
            f"{subject} must describe an object, with 'type': 'object' at its top; put other "
            f"values, such as a list, into a property of one."
        )
    return plain


def _plain_mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__}")


def _check_references(schema: dict[str, Any], subject: str) -> None:
    resolver = _resolver(schema)
    for part in _parts(schema):
        reference = part.get("$ref")
        try:
            if reference is not None:
                resolver.lookup(reference)
        except Unresolvable as error:
            raise ConfigurationError(
                f"{subject} refers to {reference!r}, which it does not define; put the "
                f"definition under '$defs'."
            ) from error


def _resolver(schema: dict[str, Any]) -> Any:
    resource = DRAFT202012.create_resource(schema)
    registry: Registry[Any] = Registry().with_resource("", resource)
    return registry.resolver()


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and every schema within it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in _NAMED_PARTS:
        for part in schema.get(keyword, {}).values():
            yield from _parts(part)
    for keyword in _LISTED_PARTS:
        for part in schema.get(keyword, ()):
            yield from _parts(part)
    for keyword in _SINGLE_PARTS:
        yield from _parts(schema.get(keyword))


class _NotStrict(Exception):
    """A schema that strict mode does not take."""


def _strict(schema: Any, *, root: bool = False) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise _NotStrict
    strict = {keyword: value for keyword, value in schema.items() if keyword not in _NOTES}
    if not strict.keys() <= _STRICT_KEYWORDS:
        raise _NotStrict
    for keyword in ("$defs", "definitions"):
        if keyword in strict:
            strict[keyword] = {name: _strict(part) for name, part in strict[keyword].items()}
    rest = strict.keys() - _HINTS
    if rest == {"$ref"}:
        return _reference(strict)
    if rest == {"anyOf"}:
        return {**strict, "anyOf": [_strict(part) for part in strict["anyOf"]]}
    types = strict.get("type", [])
    types = {types} if isinstance(types, str) else set(types)
    if not types or "$ref" in strict or "anyOf" in strict or (root and types != {"object"}):
        raise _NotStrict
    if "object" in types:
        strict |= _closed(strict)
    elif "properties" in strict or "required" in strict:
        raise _NotStrict
    if "array" in types or "items" in strict:
        strict["items"] = _strict(strict.get("items"))
    if strict.get("format", "date") not in _STRICT_FORMATS:
        raise _NotStrict
    if _LOOK_AROUND.search(strict.get("pattern", "")):
        raise _NotStrict
    return strict


def _reference(strict: dict[str, Any]) -> dict[str, Any]:
    """Wrap a reference that has a title or a description: it must stand alone."""
    if not re.match(r"#$|#/(\$defs|definitions)/[^/]+$", strict["$ref"]):
        raise _NotStrict
    if len(strict) == 1:
        return strict
    reference = {"$ref": strict.pop("$ref")}
    return {**strict, "anyOf": [reference]}


def _closed(strict: dict[str, Any]) -> dict[str, Any]:
    properties = strict.get("properties", {})
    if not properties or set(strict.get("required", ())) != set(properties):
        raise _NotStrict
    if strict.get("additionalProperties", False) is not False:
        raise _NotStrict
    return {
        "properties": {name: _strict(part) for name, part in properties.items()},
        "additionalProperties": False,
    }
