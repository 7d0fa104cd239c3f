"""Pipelines as plain values: what a YAML file of one holds, and what must hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import isabstract
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretBytes, SecretStr

from llms.digest import canonical_json
from llms.errors import ConfigurationError
from tasks.step import Step


def written(step: Step, sources: list[str]) -> dict[str, Any]:
    """Return a step as plain values, without secrets.

    Raises:
        ConfigurationError: a parameter cannot be written down.
    """
    try:
        secret = {
            field
            for field in type(step).model_fields
            if isinstance(getattr(step, field), (SecretStr, SecretBytes))
        }
        parameters = step.model_dump(mode="json", exclude={"name", *secret}, exclude_unset=True)
        for field, value in parameters.items():
            if isinstance(getattr(step, field), (set, frozenset)):
                parameters[field] = sorted(value, key=canonical_json)
    except Exception as error:
        raise ConfigurationError(
            f"Step {step.name!r} has a parameter that cannot be written to YAML: {error}"
        ) from error
    described: dict[str, Any] = {"name": step.name, "step": _public_name(type(step))}
    if sources:
        described["after"] = sources
    return {**described, "parameters": parameters} if parameters else described


def checked_entries(value: Any) -> list[Mapping[str, Any]]:
    """Return the steps of a pipeline file, each with `name`, `step`, `after` and `parameters`.

    Raises:
        ConfigurationError: something is missing or unknown.
    """
    steps = value.get("steps") if isinstance(value, Mapping) else None
    if not isinstance(steps, list) or not isinstance(value.get("name"), str):
        raise ConfigurationError(
            "A pipeline file needs `name:` and a list of `steps:`, each with `name:` and "
            "`step:`, and `after:` and `parameters:` where they apply."
        )
    if strange := set(value) - {"name", "description", "steps"}:
        raise ConfigurationError(
            f"A pipeline file has no entries {', '.join(sorted(map(str, strange)))}; it takes "
            f"`name:`, `description:` and `steps:`."
        )
    return [_checked_entry(entry) for entry in steps]


def _checked_entry(entry: Any) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping) or not {"name", "step"} <= set(entry):
        raise ConfigurationError(f"Each step needs `name:` and `step:`; found {entry!r}.")
    if unknown := set(entry) - {"name", "step", "after", "parameters"}:
        raise ConfigurationError(
            f"Step {entry['name']!r} has unknown entries: {', '.join(sorted(unknown))}; "
            f"what the step takes belongs under `parameters:`."
        )
    parameters = entry.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise ConfigurationError(
            f"Step {entry['name']!r} needs `parameters:` as names and values, not as "
            f"{parameters!r}."
        )
    if taken := {"name", "pipeline"} & set(parameters):
        raise ConfigurationError(
            f"Step {entry['name']!r} cannot have {', '.join(map(repr, sorted(taken)))} "
            f"under `parameters:`."
        )
    after = entry.get("after") or []
    return {
        "name": entry["name"],
        "step": entry["step"],
        "after": [after] if isinstance(after, str) else after,
        "parameters": parameters,
    }


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        ConfigurationError: the file is missing or not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The pipeline file {str(path)!r} cannot be read: {error.strerror}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{str(path)!r} is not valid YAML: {error}") from error


def _public_name(cls: type[Step]) -> str:
    import tasks

    name: str = cls.__name__
    if getattr(tasks, name, None) is cls:
        return name
    return f"{cls.__module__}:{cls.__qualname__}"


def class_named(name: Any) -> type[Step]:
    import tasks

    found: Any = None
    if isinstance(name, str) and ":" in name:
        module, _, qualname = name.partition(":")
        try:
            found = import_module(module)
            for part in qualname.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigurationError(f"The step {name!r} cannot be imported: {error}.") from error
    elif isinstance(name, str):
        found = getattr(tasks, name, None)
    if not (isinstance(found, type) and issubclass(found, Step)) or isabstract(found):
        raise ConfigurationError(
            f"There is no step {name!r}; `stillhouse steps` lists the steps, and a step of your "
            f"own is named 'module:Class'."
        )
    return found
