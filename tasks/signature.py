"""Step signatures: a digest of what a step does, and of nothing else."""

from __future__ import annotations

import inspect
import re
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

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
    return digest(signature_parts(step))


def signature_parts(step: Step) -> dict[str, Any]:
    """Return what a step's signature is made of, to tell which part of it changed."""
    private = {
        name: value
        for name, value in (step.__pydantic_private__ or {}).items()
        if _is_constant(type(step).__private_attributes__[name])
    }
    return {
        "class": f"{type(step).__module__}:{type(step).__qualname__}",
        "code": [_code_of(cls) for cls in _lineage(type(step))],
        "name": step.name,
        "parameters": step.content,
        "private": {name: _plain(value) for name, value in sorted(private.items())},
        "prompts": _prompts(type(step)),
    }


_BASES = (
    "llms.config",
    "tasks.fan_in",
    "tasks.row_step",
    "tasks.step",
    "tasks.task",
    "tasks.generator_task",
)


def _lineage(cls: type) -> Iterator[type]:
    """Yield the classes that define a step, up to the bases every step has."""
    for base in cls.__mro__:
        if base.__module__ not in _BASES and (
            base is cls or base.__module__.startswith("tasks.") or _is_own(base)
        ):
            yield base


def _is_constant(attribute: Any) -> bool:
    """Tell a private attribute that says what a step does from one that its work fills."""
    return attribute.default_factory is None and attribute.default not in (None, PydanticUndefined)


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
    """Return what a class uses of the user's own modules, by name."""
    used: dict[str, str] = {}
    waiting: list[types.FunctionType] = []

    def use(label: str, value: Any) -> None:
        if label in used:
            return
        value = inspect.unwrap(value) if callable(value) else value
        if isinstance(value, types.FunctionType):
            if _is_own(value):
                used[label] = _source(value)
                waiting.append(value)
        elif isinstance(value, type):
            if value is not cls and _is_own(value):
                used[label] = _source(value)
                waiting.extend(f for item in value.__dict__.values() for f in _functions_in(item))
        elif (constant := _constant(value)) is not None:
            used[label] = constant

    for name, value in cls.__dict__.items():
        waiting.extend(_functions_in(value))
        if not name.startswith("_") and not callable(value):
            use(f"{cls.__qualname__}.{name}", value)
    while waiting:
        function = waiting.pop()
        around = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
        if _is_own(function):
            for name, value in around.items():
                use(f"{function.__module__}.{function.__qualname__}.{name}", value)
        names = set(_names_in(function.__code__))
        for name in names & set(function.__globals__):
            value = function.__globals__[name]
            if isinstance(value, types.ModuleType):
                if _is_own_module(value):
                    for inner in names & set(vars(value)):
                        use(f"{value.__name__}.{inner}", vars(value)[inner])
            else:
                use(f"{function.__module__}.{name}", value)
    return used


def _constant(value: Any) -> str | None:
    """Write a constant down; None for what is no constant."""
    if isinstance(value, re.Pattern):
        return canonical_json([value.pattern, value.flags])
    if isinstance(value, (str, int, float, bytes, tuple, list, dict, set, frozenset)):
        return canonical_json(_plain(value))
    return None


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
    return _is_own_module(sys.modules.get(thing.__module__), thing.__module__ == "__main__")


def _is_own_module(module: types.ModuleType | None, without_file: bool = False) -> bool:
    if module is not None and module.__name__.partition(".")[0] in ("llms", "tasks", "flows"):
        return False
    file = getattr(module, "__file__", None)
    if file is None:
        return without_file
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
