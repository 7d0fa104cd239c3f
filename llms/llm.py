"""`LLM`: which model, how to reach it and how to sample from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, Field

from llms.chat import ChatMessage, ChatRequest, ChatType, Completion, Sample
from llms.config import Config
from llms.digest import digest
from llms.errors import ConfigurationError
from llms.model import Model, Remote, Supports
from llms.quota import Quota

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


@dataclass(frozen=True, slots=True)
class Reply:
    """What one call brought: the answer, and what the provider said of its limits."""

    completion: Completion
    quota: Quota | None = None


Send = Callable[["LLM", ChatRequest], Awaitable[Completion]]
"""Sends a request to another model through the gateway, for a sample of the same owner."""


class LLM(Model):
    """A language model of one provider, as frozen configuration.

    A provider is a subclass with `connect`, `send` and `close`. Everything else of a call (storing,
    paying, limiting, retrying) is the gateway's.
    """

    supports: ClassVar[Supports] = Supports()

    generation_kwargs: GenerationParameters = GenerationParameters()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "provider" in cls.__dict__:
            registered_providers[cls.provider] = cls

    def sampling(self, **parameters: Any) -> Self:
        """Return the same model with other generation parameters."""
        kept = self.generation_kwargs.model_dump(exclude_unset=True)
        changed = type(self.generation_kwargs)(**{**kept, **parameters})
        return self.model_copy(update={"generation_kwargs": changed})

    @abstractmethod
    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        """Make one call and return what came back.

        Raises:
            LLMError: translated from the provider's own errors.
        """

    def check_user_turns(self, messages: Sequence[ChatMessage] = ()) -> None:
        """Raise `ConfigurationError` if the model cannot write the user's turn after some others.

        Only a model whose prompt can be left open where the user's words begin can do it.
        """
        if not self.supports.user_turns:
            from llms.registry import providers_with

            raise ConfigurationError(
                f"{type(self).__name__} answers users and cannot write their turns; name a model "
                f"of one of the providers that can: {', '.join(providers_with('user_turns'))}."
            )

    def generate(
        self,
        chats: Sequence[ChatType | str],
        num_generations: int = 1,
        *,
        response_schema: Mapping[str, Any] | type[BaseModel] | None = None,
        gateway: Gateway | None = None,
    ) -> list[list[Completion]]:
        """Answer every chat `num_generations` times; a plain string is one user turn.

        Equal chats get different samples, and the same ones when called again: what has been
        answered is read from the completion store. With a `response_schema` (JSON schema, or a
        pydantic model) each completion has a `structured` value that follows it.

        Raises:
            LLMError: a chat could not be answered.
        """
        from llms.home import default_gateway

        return (gateway or default_gateway()).generate(
            self, chats, num_generations, response_schema=response_schema
        )


class RemoteLLM(Remote, LLM):
    """A language model behind an HTTP API with a key."""


class CompositeLLM(LLM):
    """A model made of others: each of its calls goes through the gateway, and is stored there."""

    @property
    @abstractmethod
    def members(self) -> tuple[LLM, ...]:
        """The models it asks."""

    @abstractmethod
    async def compose(self, send: Send, request: ChatRequest) -> Completion:
        """Answer a request with the answers of the members."""

    def check(self) -> None:
        for member in self.members:
            member.check()

    def connect(self) -> Any:
        raise NotImplementedError("a composite model has no connection of its own")

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        raise NotImplementedError("a composite model sends through its members")


registered_providers: dict[str, type[LLM]] = {}
"""Provider name to class, filled as the classes are defined."""


def own_sample(owner: str, seen: dict[str, int], request: ChatRequest) -> Sample:
    """Return the next sample of a request for an owner; `seen` counts its equal requests."""
    asked = digest(request.content)
    index = seen.get(asked, 0)
    seen[asked] = index + 1
    return Sample(owner, index)
