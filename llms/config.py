"""The base of every configuration object: frozen, strict, and with errors people can act on."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from llms.errors import ConfigurationError

T = TypeVar("T")


class _OperationalMark:
    """Marks a parameter that says how to work, not what to make."""


Operational = Annotated[T, _OperationalMark()]
"""A parameter that does not change results (time-out, batch size, key): no digest contains it."""


class Config(BaseModel):
    """A frozen pydantic model that knows its parameters and says so.

    Raises `ConfigurationError`, one sentence, for an unknown, missing or unfit parameter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    if not TYPE_CHECKING:  # type checkers keep the signature that pydantic derives from the fields

        def __init__(self, **data: Any) -> None:
            try:
                super().__init__(**data)
            except ValidationError as error:
                raise ConfigurationError(explain(type(self).__name__, error)) from error

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with other parameters, checked and with digests of its own."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**given, **(update or {})})

    @cached_property
    def content(self) -> dict[str, Any]:
        """The parameters that decide results, as plain values; unset ones are left out.

        Leaving them out lets a later release add a parameter without changing any digest.
        """
        return {
            name: _content_of(value)
            for name, field in type(self).model_fields.items()
            if not any(isinstance(mark, _OperationalMark) for mark in field.metadata)
            and (value := getattr(self, name)) is not None
        }

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_parameters(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = sorted(name for name in cls.model_fields if not name.startswith("_"))
        for name in data:
            if name not in cls.model_fields:
                close = get_close_matches(str(name), known, n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                listed = ", ".join(known) or "no parameters"
                raise ConfigurationError(
                    f"{cls.__name__} has no parameter {name!r}.{hint} It takes: {listed}."
                )
        return data


def _content_of(value: Any) -> Any:
    if isinstance(value, Config):
        return value.content
    if isinstance(value, (list, tuple)):
        return [_content_of(item) for item in value]
    if isinstance(value, dict):
        return {key: _content_of(item) for key, item in value.items()}
    return value


def explain(subject: str, error: ValidationError) -> str:
    """Put a pydantic error into one sentence about `subject`, without echoing the values."""
    problems = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] == "missing":
            problems.append(f"parameter {where!r} is missing")
        else:
            message = item["msg"].removeprefix("Value error, ")
            message = message[:1].lower() + message[1:]
            problems.append(f"parameter {where!r}: {message}" if where else message)
    return f"{subject}: " + "; ".join(problems) + "."
