"""`LLM`: which model, how to reach it and how to sample from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr

from llms.chat import ChatRequest, ChatType, Completion, Sample
from llms.config import Config, Operational
from llms.credentials import find_key, fingerprint
from llms.digest import digest

if TYPE_CHECKING:
    from llms.gateway import Gateway


class GenerationParameters(Config):
    """How to sample. What is left out is left to the provider.

    `max_new_tokens` bounds the answer in tokens, `stop` are texts that end it, `seed` makes the
    samples repeatable where the provider offers it: each sample gets a seed of its own from it.
    """

    max_new_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: tuple[str, ...] | None = None
    seed: int | None = None


class LLM(Config):
    """A model of one provider, as frozen configuration.

    A provider is a subclass with `connect`, `send` and `close`. Everything else of a call (storing,
    limiting, retrying) is the gateway's.
    """

    model_config = ConfigDict(validate_default=True)

    provider: ClassVar[str] = ""

    model: str
    generation_kwargs: GenerationParameters = GenerationParameters()
    max_concurrent_requests: Operational[int] = Field(default=64, ge=1)
    timeout: Operational[float] = Field(default=120.0, gt=0)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "provider" in cls.__dict__:
            registered_providers[cls.provider] = cls

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

    def sampling(self, **parameters: Any) -> Self:
        """Return the same model with other generation parameters."""
        kept = self.generation_kwargs.model_dump(exclude_unset=True)
        changed = type(self.generation_kwargs)(**{**kept, **parameters})
        return self.model_copy(update={"generation_kwargs": changed})

    def check(self) -> None:
        """Raise `ConfigurationError` if a call could not even be tried, without making one."""

    def describe(self) -> dict[str, Any]:
        """Return the configuration as plain values, without secrets; `as_llm` reads it back."""
        return {"provider": self.provider, **self.model_dump(mode="json", exclude_unset=True)}

    @abstractmethod
    def connect(self) -> Any:
        """Return a new client, opened in a worker thread and kept by the gateway."""

    @abstractmethod
    async def send(self, client: Any, request: ChatRequest, seed: int) -> Completion:
        """Make one call and return its answer.

        Raises:
            LLMError: translated from the provider's own errors.
        """

    async def close(self, client: Any) -> None:
        """Release a client."""

    def generate(
        self,
        chats: Sequence[ChatType | str],
        num_generations: int = 1,
        *,
        response_schema: Mapping[str, Any] | None = None,
        gateway: Gateway | None = None,
    ) -> list[list[Completion]]:
        """Answer every chat `num_generations` times; a plain string is one user turn.

        Equal chats get different samples, and the same ones when called again: what has been
        answered is read from the completion store.

        Raises:
            LLMError: a chat could not be answered.
        """
        from llms.home import default_gateway

        return (gateway or default_gateway()).generate(
            self, chats, num_generations, response_schema=response_schema
        )


class RemoteLLM(LLM):
    """A model behind an HTTP API with a key.

    The key comes from `api_key`, from the secret block named by `api_key_block`, or from the
    environment; it is never part of a dump, a digest or a message.
    """

    key_variables: ClassVar[tuple[str, ...]] = ()

    api_key: Operational[SecretStr | None] = Field(default=None, exclude=True, repr=False)
    api_key_block: Operational[str | None] = None

    @property
    def url(self) -> str:
        """Base URL that requests go to."""
        raise NotImplementedError(f"{type(self).__name__} names no URL")

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


registered_providers: dict[str, type[LLM]] = {}
"""Provider name to class, filled as the classes are defined."""


def own_sample(owner: str, seen: dict[str, int], request: ChatRequest) -> Sample:
    """Return the next sample of a request for an owner; `seen` counts its equal requests."""
    asked = digest([list(request.messages), request.response_schema])
    index = seen.get(asked, 0)
    seen[asked] = index + 1
    return Sample(owner, index)
