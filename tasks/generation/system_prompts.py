"""System prompts to draw from: a text, several, or several by name, each with its probability."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from random import Random
from typing import Any

from llms.errors import ConfigurationError
from tasks.row import Row

SystemPrompts = str | tuple[str, ...] | Mapping[str, str] | Mapping[str, tuple[str, float]]

_ROUNDING = 0.005
_FORMS = "a text, a list of texts, {name: text} or {name: (text, probability)}"


def check_system_prompts(prompts: Any) -> None:
    """Raise `ConfigurationError` if a value that a user gives is no `SystemPrompts`."""
    given = list(prompts.values()) if isinstance(prompts, Mapping) else prompts
    if isinstance(given, str):
        return
    if not isinstance(given, (list, tuple)) or not given:
        raise ConfigurationError(f"system_prompt is {_FORMS}, not {prompts!r:.80}.")
    if all(isinstance(prompt, str) for prompt in given):
        return
    pairs = [pair for pair in given if isinstance(pair, (list, tuple)) and len(pair) == 2]
    if not isinstance(prompts, Mapping) or len(pairs) != len(given):
        raise ConfigurationError(f"system_prompt is {_FORMS}, all of one kind.")
    shares = [share for _, share in pairs]
    if not all(isinstance(share, (int, float)) and share >= 0 for share in shares):
        raise ConfigurationError("A probability in system_prompt is a number from 0 to 1.")
    if not isclose(sum(shares), 1, abs_tol=_ROUNDING):
        raise ConfigurationError(
            f"The probabilities in system_prompt add up to {sum(shares):.4g}, not to 1."
        )


def drawn_prompt(prompts: SystemPrompts, random: Random) -> Row:
    """Return a `system_prompt` and, where prompts have names, its name as `system_prompt_key`."""
    if isinstance(prompts, str):
        return {"system_prompt": prompts}
    if isinstance(prompts, tuple):
        return {"system_prompt": random.choice(prompts)}
    names = sorted(prompts)  # in the order in which they are given they would draw differently
    pairs = [value if isinstance(value, tuple) else (value, 1.0) for value in prompts.values()]
    known = dict(zip(prompts, pairs, strict=True))
    (name,) = random.choices(names, [known[name][1] for name in names])
    return {"system_prompt": known[name][0], "system_prompt_key": name}
