"""Providers that need an optional package: what they say without it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from llms.errors import MissingPackageError
from llms.providers.packages import OptionalPackage
from llms.registry import PROVIDERS, provider_class

_OPTIONAL = [name for name in PROVIDERS if issubclass(provider_class(name), OptionalPackage)]


@pytest.mark.parametrize("name", _OPTIONAL)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cls: Any = provider_class(name)
    for package in cls.packages:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError) as caught:
        cls(model="m", **({"api_key": "k"} if "api_key" in cls.model_fields else {})).check()
    assert str(caught.value) == (
        f"{cls.__name__} needs the package {cls.packages[0]}: "
        f"pip install 'stillhouse[{cls.extra}]'."
    )


def test_all_that_need_a_package_are_known() -> None:
    assert set(_OPTIONAL) == {"anthropic", "cohere", "gemini", "ollama", "transformers", "vertex"}
