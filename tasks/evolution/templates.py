"""Mutation templates: Jinja2, or texts with the marks that distilabel puts into its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

from llms.errors import ConfigurationError
from tasks.prompt import render, variables

_MARKS = re.compile("<(PROMPT|RESPONSE)>")
_NAMES = {"PROMPT": "instruction", "RESPONSE": "response"}


def filled(template: str, values: Mapping[str, str]) -> str:
    """Fill a template; one with `<PROMPT>` or `<RESPONSE>` in it is taken as plain text otherwise.

    Raises:
        RowRejected: it cannot be filled.
    """
    if _MARKS.search(template):
        return _MARKS.sub(lambda mark: values.get(_NAMES[mark[1]], mark[0]), template)
    return render(template, values)


def check_template(name: str, template: str, needed: str, known: Set[str]) -> None:
    """Check that a template takes the value it cannot do without, and no unknown one.

    Raises:
        ConfigurationError: it does not.
    """
    used = {_NAMES[mark] for mark in _MARKS.findall(template)} or variables(template)
    if needed not in used:
        marks = [f"<{mark}>" for mark, variable in _NAMES.items() if variable == needed]
        raise ConfigurationError(
            f"The mutation template {name!r} does not use {needed!r}; write "
            f"{' or '.join([f'{{{{ {needed} }}}}', *marks])} where it belongs."
        )
    for variable in sorted(used - known):
        raise ConfigurationError(
            f"The mutation template {name!r} uses {variable!r}, which it does not get; it may use "
            f"{', '.join(map(repr, sorted(known)))}."
        )
