"""From `"provider:model"` strings and plain dicts to the models of one kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from llms.errors import ConfigurationError
from llms.model import Model

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class NamedModels(Generic[M]):
    """The providers of one kind of model: name to module, and name to class once it is imported.

    `called` is what such a model is called in a sentence ("An image model"), `made` what it makes
    ("images"; empty for models that answer), `example` a provider and a model of it.
    """

    base: type[M]
    modules: Mapping[str, str]
    registered: Mapping[str, type[M]]
    called: str
    made: str
    example: tuple[str, str]

    def find(self, value: Any) -> M:
        """Return the model that a string, a dict or a model of this kind names.

        Raises:
            ConfigurationError: unknown provider, or a parameter the class does not take.
        """
        if isinstance(value, self.base):
            return value
        provider, model = self.example
        if isinstance(value, str):
            named, separator, its_model = value.partition(":")
            if not separator:
                raise ConfigurationError(
                    f"{self.called} is named 'provider:model', for example '{provider}:{model}'; "
                    f"{value!r} has no provider. Providers: {', '.join(sorted(self.modules))}."
                )
            return self.provider_class(named)(model=its_model)
        if isinstance(value, Mapping):
            parameters = dict(value)
            named = parameters.pop("provider", None)
            if not isinstance(named, str):
                raise ConfigurationError(
                    f"{self.called} given as a mapping needs 'provider' and 'model', for example "
                    f"{{'provider': {provider!r}, 'model': {model!r}}}."
                )
            return self.provider_class(named)(**parameters)
        raise ConfigurationError(
            f"{self.called} is an {self.base.__name__}, a 'provider:model' string or a mapping, "
            f"not a {type(value).__name__}."
        )

    def provider_class(self, provider: str) -> type[M]:
        """Return the class of a provider.

        Raises:
            ConfigurationError: there is no such provider.
        """
        if provider in self.modules:
            import_module(self.modules[provider])
        if provider not in self.registered:
            known = sorted({*self.modules, *self.registered})
            kind = f" of {self.made}" if self.made else ""
            raise ConfigurationError(
                f"There is no provider {provider!r}{kind}; it is one of: {', '.join(known)}."
            )
        return self.registered[provider]
