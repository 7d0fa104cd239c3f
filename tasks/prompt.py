"""Prompt templates: Jinja2, sandboxed, with no undefined names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from llms.errors import ConfigurationError, RowRejected

_ENVIRONMENT = SandboxedEnvironment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)


class Prompt:
    """A template in a file beside the class that names it, as a class attribute.

    Its text is part of the step's signature: changing a prompt recomputes the step's rows.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._folder = Path()

    def __set_name__(self, owner: type, name: str) -> None:
        module = sys.modules[owner.__module__]
        self._folder = Path(module.__file__ or "").parent

    @property
    def text(self) -> str:
        """The template as written."""
        return _read(self._folder / self.file)

    def render(self, **values: Any) -> str:
        """Fill the template."""
        return render(self.text, values)


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template.

    Raises:
        RowRejected: a value is missing or cannot be used as the template wants.
    """
    try:
        return compiled(template).render(values).strip()
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise RowRejected(f"the prompt cannot be filled: {error}") from error


def variables(template: str) -> set[str]:
    """Return the names a template needs."""
    compiled(template)
    return meta.find_undeclared_variables(_ENVIRONMENT.parse(template))


@lru_cache(maxsize=256)
def compiled(template: str) -> Template:
    """Compile a template.

    Raises:
        ConfigurationError: it is not valid Jinja2.
    """
    try:
        return _ENVIRONMENT.from_string(template)
    except TemplateError as error:
        raise ConfigurationError(f"The template is not valid Jinja2: {error}.") from error


@lru_cache(maxsize=256)
def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The prompt file {str(path)!r} cannot be read: {error.strerror}."
        ) from error
