"""Every public name of distilabel 1.5.3 is ours too, with its parameters and their defaults."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import tasks
from tests.differential.cases import CASES
from tests.differential.in_stillhouse import step_named
from tests.differential.other_parameters import (
    MISSING_NAMES,
    MISSING_PARAMETERS,
    OTHER_DEFAULTS,
)
from tests.differential.record import RECORD

PUBLIC: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))["public"]

STEPS = {
    name: found["parameters"]
    for name, found in PUBLIC.items()
    if found["kind"] == "step" and name not in MISSING_NAMES
}

FUNCTIONS = {n: found["parameters"] for n, found in PUBLIC.items() if found["kind"] == "function"}

BASES = {"GeneratorStep", "GeneratorTask", "GlobalStep", "Step", "Task"}

NOT_RUN = {
    "GenerateEmbeddings": "It needs torch and weights, which the tests go without.",
    "LoadDataFromHub": "It reads a repository; its own tests have one.",
    "PairRM": "It needs torch and weights, which the tests go without.",
    "PreferenceToArgilla": "It writes to a server.",
    "PushToHub": "It writes to a repository; its own tests have one.",
    "RewardModelScore": "It needs torch and weights, which the tests go without.",
    "TextGenerationToArgilla": "It writes to a server.",
    "UMAP": "Its numbers are other ones in each release, and the first take it half a minute.",
}
"""Classes without a case, each with its reason."""


def test_no_public_name_is_missing() -> None:
    assert set(PUBLIC) - set(tasks.__all__) == set(MISSING_NAMES)


def test_every_class_has_a_case_or_a_reason() -> None:
    assert {case.step for case in CASES} == set(STEPS) - BASES - set(NOT_RUN)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_class_has_the_parameters_of_distilabels_or_a_reason(name: str) -> None:
    assert set(missing_parameters(name)) <= set(MISSING_PARAMETERS)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_parameter_has_the_default_of_distilabels_or_a_reason(name: str) -> None:
    assert set(other_defaults(name)) <= set(OTHER_DEFAULTS)


def test_every_reason_is_still_needed() -> None:
    functions = {entry for name in FUNCTIONS for entry in missing_in_function(name)}
    missing = {entry for name in STEPS for entry in missing_parameters(name)}
    assert missing | functions == set(MISSING_PARAMETERS)
    assert {entry for name in STEPS for entry in other_defaults(name)} == set(OTHER_DEFAULTS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_parameters_of_distilabels_or_a_reason(name: str) -> None:
    assert set(missing_in_function(name)) <= set(MISSING_PARAMETERS)


def missing_in_function(name: str) -> Iterator[str]:
    """Yield the parameters of a function of distilabel's that ours lacks."""
    ours = inspect.signature(getattr(tasks, name)).parameters
    for parameter in FUNCTIONS[name]:
        if parameter not in ours:
            yield listed(f"{name}.{parameter}", MISSING_PARAMETERS)


def missing_parameters(name: str) -> Iterator[str]:
    """Yield the parameters of a class of distilabel's that ours lacks."""
    fields = step_named(name).model_fields
    for parameter in STEPS[name]:
        if parameter not in fields:
            yield listed(f"{name}.{parameter}", MISSING_PARAMETERS)


def other_defaults(name: str) -> Iterator[str]:
    """Yield the parameters whose default is not that of distilabel's, where that is recorded."""
    fields = step_named(name).model_fields
    for parameter, theirs in STEPS[name].items():
        if parameter not in fields:
            continue
        ours = fields[parameter]
        needed = theirs.get("required", False)
        if needed or ours.is_required():
            if needed != ours.is_required():
                yield listed(f"{name}.{parameter}", OTHER_DEFAULTS)
        elif "default" in theirs:
            default = ours.get_default(call_default_factory=True)
            if plain(default) != theirs["default"]:
                yield listed(f"{name}.{parameter}", OTHER_DEFAULTS)


def listed(entry: str, reasons: Mapping[str, str]) -> str:
    """Return the name under which a parameter is listed: its own, or that for every class."""
    everywhere = f"*.{entry.partition('.')[2]}"
    return everywhere if everywhere in reasons else entry


def plain(value: Any) -> Any:
    """Return a default as JSON has it."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
