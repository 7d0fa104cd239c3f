"""The gate `columns`: which columns there are, and their types."""

import re
from collections.abc import Iterator
from typing import Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from flows.gates.columns_of_a_version import columns_named, no_such_column
from flows.gates.gate import Gate, require_one_of
from flows.gates.verdict import Verdict
from flows.versions.saved import SavedVersion

_FIELD_NAME = re.compile(r"'[^']*'")


class Columns(Gate):
    """Which columns a version has.

    Types are named as polars names them: String, Int64, Float64, Boolean, List(String),
    Struct({'role': String, 'content': String}).
    """

    types: dict[str, str] = Field(
        default_factory=dict,
        description="Columns that must be there, with their types, such as String, Int64, Float64, "
        "Boolean or List(String)",
    )
    unchanged: bool = Field(
        default=False, description="Columns and types must be those of the last version"
    )

    @field_validator("types")
    @classmethod
    def _know_the_types(cls, value: dict[str, str]) -> dict[str, str]:
        for column, name in value.items():
            for part in re.findall(r"\b[A-Z]\w*", _FIELD_NAME.sub("", name)) or [name]:
                kind = getattr(pl, part, None)
                known = isinstance(kind, type) and issubclass(kind, pl.DataType)
                if not known and part != "None":
                    raise ValueError(
                        f"{name!r}, wanted for {column!r}, is no type of polars; types are named "
                        f"String, Int64, Float64, Boolean, List(String) and so on"
                    )
        return value

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "types", "unchanged")
        return self

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        for name, wanted in self.types.items():
            columns = columns_named(version, name)
            if not columns:
                yield no_such_column("columns", version, name)
            for column in columns:
                has = str(column.kind)
                passed = has.replace(" ", "") == wanted.replace(" ", "")
                sentence = f"The column {column.subject!r} has the type {has}"
                sentence += "." if passed else f", and {wanted} is wanted."
                yield Verdict("columns", column.subject, passed, has, wanted, sentence)
        if self.unchanged:
            yield from _changes(version, before)


def _changes(version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
    wanted = "as in the last version"
    if before is None:
        yield Verdict("columns", "", True, None, wanted, "There is no earlier version.")
        return
    several = len({*version.configurations, *before.configurations}) > 1
    for name in dict.fromkeys([*before.configurations, *version.configurations]):
        changes = _differences(_types(before, name), _types(version, name))
        subject = name if several else ""
        place = f" of {name!r}" if several else ""
        sentence = f"The columns{place} are those of the last version."
        if changes:
            sentence = f"The columns{place} are not those of the last version: {changes}."
        yield Verdict("columns", subject, not changes, changes, wanted, sentence)


def _types(version: SavedVersion, configuration: str) -> dict[str, str]:
    if configuration not in version.configurations:
        return {}
    schema = version.scan(configuration).collect_schema()
    return {name: str(kind) for name, kind in schema.items()}


def _differences(then: dict[str, str], now: dict[str, str]) -> str:
    said = [f"{name!r} is gone" for name in then if name not in now]
    said += [f"{name!r} is new ({kind})" for name, kind in now.items() if name not in then]
    said += [
        f"{name!r} was {then[name]} and is {kind}"
        for name, kind in now.items()
        if name in then and then[name] != kind
    ]
    return "; ".join(said)
