"""Step signatures: a digest of what a step does, and of nothing else."""

from __future__ import annotations

import inspect
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llms.digest import canonical_json, digest
from llms.errors import ConfigurationError
from tasks.prompt import Prompt

if TYPE_CHECKING:
    from tasks.step import Step


def step_signature(step: Step) -> str:
    """Return the digest of a step: class, parameters, prompts, model and, without a version, code.

    A class that states a `version` of its own is known by it. Any other class is known by its
    source, with the functions and constants of the user's own modules that the source uses.
    Time-outs, batch sizes, retries and keys are `Operational` and left out.
    """
    private = step.__pydantic_private__ or {}
    return digest(
        {
            "class": f"{type(step).__module__}:{type(step).__qualname__}",
            "code": [_code_of(cls) for cls in _lineage(type(step))],
            "name": step.name,
            "parameters": step.content,
            "private": {name: _plain(value) for name, value in sorted(private.items())},
            "prompts": _prompts(type(step)),
        }
    )


def _lineage(cls: type) -> Iterator[type]:
    """Yield the classes that define a step, up to the bases every step has."""
    for base in cls.__mro__:
        if base.__module__ in ("tasks.step", "tasks.task", "llms.config"):
            return
        yield base


def _code_of(cls: type) -> Any:
    if "version" in cls.__dict__:
        return ["version", cls.__dict__["version"]]
    written = cls.__dict__.get("function", cls)
    return ["source", _source(_unwrapped(written)), sorted(_used_by(cls).items())]


def _unwrapped(thing: Any) -> Any:
    return thing.__func__ if isinstance(thing, staticmethod) else thing


def _source(thing: Any) -> str:
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError) as error:
        raise ConfigurationError(
            f"The source of {thing.__qualname__} cannot be read, so nothing would notice a change "
            f"of it; give the class a `version: ClassVar = 1` and raise it with each change."
        ) from error


def _used_by(cls: type) -> dict[str, str]:
    """Return what a class's methods use of the user's own modules, by name."""
    used: dict[str, str] = {}
    waiting = [function for value in cls.__dict__.values() for function in _functions_in(value)]
    while waiting:
        function = waiting.pop()
        for name in _names_in(function.__code__):
            value = function.__globals__.get(name)
            label = f"{function.__module__}.{name}"
            if label in used or name not in function.__globals__:
                continue
            if isinstance(value, types.FunctionType) and _is_own(value):
                used[label] = _source(value)
                waiting.append(value)
            elif isinstance(value, type) and value is not cls and _is_own(value):
                used[label] = _source(value)
            elif isinstance(value, (str, int, float, bool, bytes, tuple, list, dict, frozenset)):
                used[label] = canonical_json(_plain(value))
    return used


def _functions_in(value: Any) -> Iterator[types.FunctionType]:
    if isinstance(value, types.FunctionType):
        yield value
    elif isinstance(value, (classmethod, staticmethod)):
        yield from _functions_in(value.__func__)
    elif isinstance(value, property):
        for accessor in (value.fget, value.fset):
            yield from _functions_in(accessor)


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)


def _is_own(thing: Any) -> bool:
    """Tell whether a function or class is the user's: neither installed nor Python's nor ours."""
    if thing.__module__.partition(".")[0] in ("llms", "tasks", "flows"):
        return False
    module = sys.modules.get(thing.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        return bool(thing.__module__ == "__main__")
    path = Path(file).resolve()
    return not any(path.is_relative_to(folder) for folder in _INSTALLED)


_INSTALLED = tuple(
    Path(folder).resolve()
    for name, folder in sysconfig.get_paths().items()
    if name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def _plain(value: Any) -> Any:
    """Return a value that has a digest; what has none is known by its type alone."""
    try:
        canonical_json(value)
    except (TypeError, ValueError):
        return f"<{type(value).__module__}.{type(value).__qualname__}>"
    return value


def _prompts(cls: type) -> dict[str, str]:
    return {
        name: value.text
        for base in reversed(cls.__mro__)
        for name, value in base.__dict__.items()
        if isinstance(value, Prompt)
    }
