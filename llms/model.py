"""What models of all kinds have in common: parameters, an account, limits and a price."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import ConfigDict, Field, SecretStr, model_validator

from llms.config import Config, Operational
from llms.credentials import find_key, fingerprint
from llms.digest import digest
from llms.errors import ConfigurationError

_SECRET_NAME = re.compile("key|token|secret|passw|pwd|auth|credential|^sig", re.IGNORECASE)
"""Names of query parameters that hold what nobody may read."""


class Price(Config):
    """US dollars for a million tokens; cached input costs as much as other input if not given."""

    input: float = Field(ge=0)
    output: float = Field(default=0.0, ge=0)
    cached_input: float | None = Field(default=None, ge=0)


@dataclass(frozen=True, slots=True)
class Supports:
    """What a provider's API offers: schemas it enforces, tools, images, token probabilities,
    repeatable samples, batch jobs and user's turns that the model writes.
    """

    structured_output: bool = False
    tools: bool = False
    images: bool = False
    logprobs: bool = False
    seed: bool = False
    batches: bool = False
    user_turns: bool = False


class Model(Config):
    """A model of one provider, as frozen configuration; the gateway does all that is common.

    `max_concurrent_requests` bounds the requests in flight; where it is not given the gateway finds
    out how many the provider bears. `requests_per_minute` and `tokens_per_minute` are kept beside
    the limits that the provider states. `timeout` is for one try, in seconds; `price` in US dollars
    for a million tokens, for models that no price list knows.
    """

    model_config = ConfigDict(validate_default=True)

    provider: ClassVar[str] = ""
    price_list: ClassVar[str | None] = None
    """The provider's name in the price list."""
    free: ClassVar[bool] = False
    """Whether the user's own machine answers, so that calls cost nothing."""

    model: str
    max_concurrent_requests: Operational[int | None] = Field(default=None, ge=1)
    requests_per_minute: Operational[int | None] = Field(default=None, ge=1)
    tokens_per_minute: Operational[int | None] = Field(default=None, ge=1)
    timeout: Operational[float] = Field(default=120.0, gt=0)
    price: Operational[Price | None] = None

    @property
    def model_name(self) -> str:
        """The model as the user names it."""
        return self.model

    @cached_property
    def content(self) -> dict[str, Any]:
        """What decides this model's answers: provider, model and parameters."""
        return {"provider": self.provider, **super().content}

    @cached_property
    def identity(self) -> str:
        """Digest of `content`."""
        return digest(self.content)

    @cached_property
    def account(self) -> str:
        """Names the connections and limits this model shares with others of the same account."""
        return f"{self.provider}:{self.model}"

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port that requests go to, None for a model inside this process."""
        return None

    def check(self) -> None:
        """Raise `ConfigurationError` if a call could not even be tried, without making one."""

    def describe(self) -> dict[str, Any]:
        """Return the configuration as plain values, without secrets; the registry reads it back."""
        return {"provider": self.provider, **self.model_dump(mode="json", exclude_unset=True)}

    @abstractmethod
    def connect(self) -> Any:
        """Return a new client, opened in a worker thread and kept by the gateway."""

    async def close(self, client: Any) -> None:
        """Release a client."""


class Remote(Model):
    """A model behind an HTTP API with a key.

    The key comes from `api_key`, from the secret block named by `api_key_block`, or from the
    environment; it is never part of a dump, a digest or a message. `connect_timeout` is in seconds.
    """

    key_variables: ClassVar[tuple[str, ...]] = ()

    api_key: Operational[SecretStr | None] = Field(default=None, exclude=True, repr=False)
    api_key_block: Operational[str | None] = None
    connect_timeout: Operational[float] = Field(default=10.0, gt=0)

    @property
    @abstractmethod
    def url(self) -> str:
        """Base URL that requests go to; it is written down, and holds no key and no password."""

    @property
    def address(self) -> tuple[str, int] | None:
        parts = urlsplit(self.url)
        port = parts.port or (80 if parts.scheme == "http" else 443)
        return (parts.hostname, port) if parts.hostname else None

    @cached_property
    def account(self) -> str:
        return f"{self.provider}:{self.model}@{self.url}#{fingerprint(self.key())}"

    def key(self) -> str:
        """Return the API key.

        Raises:
            MissingKeyError: there is none.
        """
        return find_key(self.provider, self.api_key, self.api_key_block, self.key_variables)

    def check(self) -> None:
        self.key()

    @model_validator(mode="after")
    def _refuse_an_address_with_a_secret(self) -> Self:
        try:
            parts = urlsplit(self.url)
        except (ConfigurationError, ValueError):
            return self  # that there is no address, or none that can be read, is told at its use
        named = [name for name, _ in parse_qsl(parts.query) if _SECRET_NAME.search(name)]
        if "@" in parts.netloc or named:
            raise ConfigurationError(
                f"The address of {type(self).__name__} holds a password or a key, and addresses "
                f"are written into datasets; take it out of the address and pass it as api_key= "
                f"or in default_headers=."
            )
        return self
