"""From the arguments of a call to those that a function's signature takes."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any

from tasks.function_calling.calls import Call
from tasks.function_calling.library import CallFailed, Definition

_KINDS: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "dict": dict,
    "float": (int, float),
    "int": int,
    "list": list,
    "None": type(None),
    "str": str,
}
_ALIASES = {
    **dict.fromkeys(("Dict", "Mapping", "MutableMapping"), "dict"),
    **dict.fromkeys(("List", "Sequence", "Iterable", "Collection", "MutableSequence"), "list"),
}
_UNIONS = ("Optional", "Union")


@dataclass(frozen=True, slots=True)
class Bound:
    """The arguments of a call as they are passed: by name wherever the signature allows it."""

    positional: list[Any]
    named: dict[str, Any]


def bound(call: Call, definition: Definition) -> Bound:
    """Return the arguments of a call in the form that a function takes.

    A text for a parameter that takes none is read as JSON, or as a Python literal. Only
    annotations made of bool, int, float, str, list, dict and None are looked at.

    Raises:
        CallFailed: an argument is missing, unknown or of another type than the annotation says.
    """
    spec = definition.args
    only_positional = [parameter.arg for parameter in spec.posonlyargs]
    ordinary = [*spec.posonlyargs, *spec.args]
    parameters = {parameter.arg: parameter for parameter in [*ordinary, *spec.kwonlyargs]}
    optional = {parameter.arg for parameter in ordinary[len(ordinary) - len(spec.defaults) :]}
    optional |= {
        parameter.arg
        for parameter, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
        if default is not None
    }
    unknown = [name for name in call.arguments if name not in parameters]
    if unknown and spec.kwarg is None:
        raise CallFailed(
            f"{call.name!r} has no parameter {_listed(unknown)}; it takes "
            f"{_listed(list(parameters)) or 'none'}"
        )
    if missing := [name for name in parameters if name not in {*call.arguments, *optional}]:
        raise CallFailed(f"{call.name!r} needs {_listed(missing)}")
    values = {
        name: _fitted(value, parameters[name], call.name) if name in parameters else value
        for name, value in call.arguments.items()
    }
    given = [name for name in only_positional if name in values]
    if given != only_positional[: len(given)]:
        raise CallFailed(f"{call.name!r} takes {_listed(only_positional)} in this order only")
    return Bound([values.pop(name) for name in given], values)


def _fitted(value: Any, parameter: ast.arg, function: str) -> Any:
    kinds = _kinds(parameter.annotation)
    if kinds is None:
        return value
    if isinstance(value, str) and "str" not in kinds:
        for candidate in _readings(value):
            if _fits(candidate, kinds):
                return _whole(candidate, kinds)
    elif _fits(value, kinds):
        return _whole(value, kinds)
    wanted = " or ".join(sorted(kinds))
    raise CallFailed(
        f"{parameter.arg!r} of {function!r} is to be {wanted}, not {type(value).__name__}: "
        f"{value!r:.80}"
    )


def _kinds(annotation: ast.expr | None) -> frozenset[str] | None:
    """Return the names of the types that an annotation allows; None for one that says more."""
    parts: list[frozenset[str] | None]
    match annotation:
        case ast.Constant(value=None):
            return frozenset({"None"})
        case ast.Constant(value=str(text)):
            try:
                return _kinds(ast.parse(text, mode="eval").body)
            except SyntaxError:
                return None
        case ast.Name(id=name) | ast.Attribute(attr=name):
            name = _ALIASES.get(name, name)
            return frozenset({name}) if name in _KINDS else None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            parts = [_kinds(left), _kinds(right)]
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            if name not in _UNIONS:
                found = _kinds(ast.Name(id=name))
                return found if found and found <= {"dict", "list"} else None
            members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            parts = [_kinds(member) for member in members]
            parts += [frozenset({"None"})] if name == "Optional" else []
        case _:
            return None
    known = [part for part in parts if part is not None]
    return frozenset().union(*known) if len(known) == len(parts) else None


def _fits(value: Any, kinds: frozenset[str]) -> bool:
    if isinstance(value, bool):
        return "bool" in kinds
    if isinstance(value, float) and value.is_integer() and "int" in kinds:
        return True
    return any(isinstance(value, _KINDS[kind]) for kind in kinds if kind != "bool")


def _whole(value: Any, kinds: frozenset[str]) -> Any:
    """Return 2 for 2.0 where a whole number is wanted: JSON knows no difference."""
    return int(value) if isinstance(value, float) and "float" not in kinds else value


def _readings(text: str) -> list[Any]:
    found = []
    for read in (json.loads, ast.literal_eval):
        try:
            found.append(read(text.strip()))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(f"{name!r:.80}" for name in names)
