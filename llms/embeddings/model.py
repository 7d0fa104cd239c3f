"""`EmbeddingModel`: which model turns texts into vectors, and how to reach it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from pydantic import Field

from llms.chat import Usage
from llms.config import Operational
from llms.model import Model, Remote
from llms.quota import Quota

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from llms.gateway import Gateway

Vectors: TypeAlias = "npt.NDArray[np.float32]"
"""One row for each text, float32."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vector of one text (float32), the model as returned, and its share of the cost."""

    vector: Vectors
    model: str
    input_tokens: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class EmbeddingReply:
    """What one call brought: the vectors in the order of the texts, and the provider's limits."""

    vectors: Vectors
    usage: Usage
    model: str
    quota: Quota | None = None


class EmbeddingModel(Model):
    """A model that turns texts into vectors, as frozen configuration.

    A provider is a subclass with `connect`, `send` and `close`. One call takes up to
    `texts_per_request` texts; a text is stored, and found again, by itself.
    """

    texts_per_request: Operational[int] = Field(default=64, ge=1)

    registered: ClassVar[dict[str, type[EmbeddingModel]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "provider" in cls.__dict__:
            EmbeddingModel.registered[cls.provider] = cls

    @abstractmethod
    async def send(self, client: Any, texts: Sequence[str]) -> EmbeddingReply:
        """Make one call and return what came back.

        Raises:
            LLMError: translated from the provider's own errors.
        """

    def encode(self, texts: Sequence[str], *, gateway: Gateway | None = None) -> Vectors:
        """Return the vectors of texts (float32, one row each), from the store where it has them.

        Raises:
            LLMError: a text could not be embedded.
        """
        from llms.home import default_gateway

        return (gateway or default_gateway()).encode(self, texts)


class RemoteEmbeddingModel(Remote, EmbeddingModel):
    """An embedding model behind an HTTP API with a key."""
