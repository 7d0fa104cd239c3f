"""The types of columns, found by looking at every value, and values that fit them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from functools import partial, reduce
from typing import Any, cast

import polars as pl

from llms.errors import ConfigurationError
from tasks.row import Row

Types = dict[str, pl.DataType]
"""Column name to polars type."""

Fitter = Callable[[Any], Any]
"""Turns a value into one that fits a column."""

_SCALARS: dict[type, pl.DataType] = {
    str: pl.String(),
    bool: pl.Boolean(),
    float: pl.Float64(),
    type(None): pl.Null(),
}
_PYTHON_TYPES: dict[pl.DataType, type] = {kind: plain for plain, kind in _SCALARS.items()}
_NAMED: dict[str, pl.DataType] = {
    str(kind): kind for kind in (pl.String(), pl.Int64(), pl.Float64(), pl.Boolean())
}
_LIST = re.compile(r"List\((.+)\)")


class Misfit(ValueError):
    """Values cannot share a column; the text says which."""


class ColumnTypes:
    """Gathers the types of columns row by row; the `given` ones are checked instead of found."""

    def __init__(self, given: Mapping[str, pl.DataType]) -> None:
        self.found: Types = {}
        self._fit_given = {name: fitter(kind) for name, kind in given.items()}
        self._given = given
        self._seen: set[tuple[str, Hashable]] = set()

    def see(self, row: Row) -> None:
        """Take in a row.

        Raises:
            Misfit: a value can share no type with the ones before it.
        """
        for name, value in row.items():
            try:
                if name in self._given:
                    self._fit_given[name](value)
                    self.found[name] = self._given[name]
                elif (shape := (name, _shape(value))) not in self._seen:
                    self.found[name] = merged(self.found.get(name, pl.Null()), type_of(value))
                    self._seen.add(shape)
            except Misfit as error:
                raise Misfit(f"the column {name!r} holds {error}") from error


def type_named(name: str) -> pl.DataType:
    """Return the type that a name as in `column_types` stands for.

    Raises:
        ConfigurationError: there is no such type.
    """
    if inner := _LIST.fullmatch(name):
        return pl.List(type_named(inner[1]))
    if name not in _NAMED:
        raise ConfigurationError(
            f"There is no column type {name!r}; it is one of {', '.join(_NAMED)}, or List(...) of "
            f"one of them."
        )
    return _NAMED[name]


def type_of(value: Any) -> pl.DataType:
    """Return the type of one value; whole numbers beyond 64 bits count as text."""
    if type(value) in _SCALARS:
        return _SCALARS[type(value)]
    if isinstance(value, int):
        return pl.Int64() if -(2**63) <= value < 2**63 else pl.String()
    if isinstance(value, (list, tuple)):
        nothing: pl.DataType = pl.Null()
        return pl.List(reduce(merged, map(type_of, value), nothing))
    if isinstance(value, Mapping):
        return pl.Struct({str(name): type_of(item) for name, item in value.items()})
    with suppress(TypeError, ValueError, pl.exceptions.PolarsError):
        if (kind := pl.Series([value]).dtype) != pl.Object:
            return kind
    raise Misfit(f"a {type(value).__name__}, which no column can hold")


def merged(first: pl.DataType, second: pl.DataType) -> pl.DataType:
    """Return the type that holds the values of both without loss.

    Numbers become floats beside floats; numbers, truth values and text become text beside each
    other; structs get the fields of both.

    Raises:
        Misfit: there is none.
    """
    first, second = _instance(first), _instance(second)
    if first == second or second == pl.Null:
        return first
    if first == pl.Null:
        return second
    if isinstance(first, pl.List) and isinstance(second, pl.List):
        return pl.List(merged(inner_of(first), inner_of(second)))
    if isinstance(first, pl.Struct) and isinstance(second, pl.Struct):
        fields = fields_of(first)
        for name, kind in fields_of(second).items():
            fields[name] = merged(fields.get(name, pl.Null()), kind)
        return pl.Struct(fields)
    if not first.is_nested() and type(first) is type(second):
        return _supertype(first, second)
    if first.is_numeric() and second.is_numeric():
        return _supertype(first, second)
    if all(kind.is_numeric() or kind in (pl.Boolean, pl.String) for kind in (first, second)):
        return pl.String()
    raise Misfit(f"values of the types {first} and {second}")


def fitter(kind: pl.DataType) -> Fitter:
    """Return what turns a value into one that a column of a type holds.

    In a column of text, what is no text becomes JSON. A value the type cannot hold is a `Misfit`.
    """
    if isinstance(kind, pl.List):
        fit_item = fitter(inner_of(kind))

        def fit_list(value: Any) -> Any:
            if not isinstance(value, (list, tuple)):
                return _checked(value, kind)
            return [fit_item(item) for item in value]

        return fit_list
    if isinstance(kind, pl.Struct):
        fit_fields = {name: fitter(inner) for name, inner in fields_of(kind).items()}

        def fit_struct(value: Any) -> Any:
            if not isinstance(value, Mapping):
                return _checked(value, kind)
            return {name: fit(value.get(name)) for name, fit in fit_fields.items()}

        return fit_struct
    return partial(_fitted_scalar, kind=kind, same=_PYTHON_TYPES.get(kind))


def frame_with(rows: Sequence[Row], types: Types) -> pl.DataFrame:
    """Build a frame of exactly these columns; what a row lacks is null."""
    fitters = {name: fitter(kind) for name, kind in types.items()}
    fitting = [{name: fit(row.get(name)) for name, fit in fitters.items()} for row in rows]
    return pl.from_dicts(fitting, schema=types)


def refuse_empty_structs(types: Types, source: str, remedy: str) -> None:
    """Raise `ConfigurationError` for a column of objects without any field: no file can hold it."""
    for name, kind in types.items():
        if _has_empty_struct(kind):
            raise ConfigurationError(
                f"The column {name!r} of {source} holds only objects without fields, which cannot "
                f"be stored; {remedy}."
            )


def inner_of(kind: pl.List) -> pl.DataType:
    """Return the type of a list's items."""
    return _instance(kind.inner)


def fields_of(kind: pl.Struct) -> Types:
    """Return the types of a struct's fields."""
    return {field.name: _instance(field.dtype) for field in kind.fields}


def _fitted_scalar(value: Any, kind: pl.DataType, same: type | None) -> Any:
    if value is None or type(value) is same:
        return value
    if kind == pl.String:
        return json.dumps(value, ensure_ascii=False, default=str)
    if kind == pl.Float64 and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _checked(value, kind)


def _checked(value: Any, kind: pl.DataType) -> Any:
    if merged(kind, type_of(value)) != kind:
        raise Misfit(f"{value!r:.80}, which is not of the type {kind}")
    return value


def _shape(value: Any) -> Hashable:
    """Return what a value's type depends on, without building the type."""
    if isinstance(value, int):
        return type(value), -(2**63) <= value < 2**63
    if isinstance(value, (list, tuple)):
        return list, frozenset(map(_shape, value))
    if isinstance(value, dict):
        return dict, tuple((name, _shape(item)) for name, item in value.items())
    return type(value).__name__ if type(value) in _SCALARS else repr(type_of(value))


def _instance(kind: Any) -> pl.DataType:
    """Return a type as an instance; polars lets people write `pl.String` for `pl.String()`."""
    return cast(pl.DataType, kind() if isinstance(kind, type) else kind)


def _supertype(first: pl.DataType, second: pl.DataType) -> pl.DataType:
    try:
        empty = [pl.DataFrame(schema={"column": kind}) for kind in (first, second)]
        return pl.concat(empty, how="vertical_relaxed").schema["column"]
    except pl.exceptions.PolarsError as error:
        raise Misfit(f"values of the types {first} and {second}") from error


def _has_empty_struct(kind: pl.DataType) -> bool:
    if isinstance(kind, pl.List):
        return _has_empty_struct(inner_of(kind))
    if isinstance(kind, pl.Struct):
        return not kind.fields or any(map(_has_empty_struct, fields_of(kind).values()))
    return False
