"""`ImageGenerationModel`: which model turns texts into images, and how to reach it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from llms.chat import Usage
from llms.config import Operational
from llms.model import Model, Remote
from llms.prices import rates_of
from llms.quota import Quota
from llms.spending import NANODOLLARS, Amount

if TYPE_CHECKING:
    from llms.gateway import Gateway

_MOST_TOKENS_OF_AN_IMAGE = 10_000


@dataclass(frozen=True, slots=True)
class Image:
    """A generated image: the bytes of a PNG, JPEG, GIF or WebP file, and the model as returned.

    Where `data` is empty the provider keeps it at `address`, and it is still to be fetched.
    """

    data: bytes
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class ImageReply:
    """What one call brought: the image, or the address where it is; and the provider's limits."""

    usage: Usage
    model: str
    data: bytes = b""
    address: str | None = None
    quota: Quota | None = None


class ImageGenerationModel(Model):
    """A model that turns texts into images, as frozen configuration.

    A provider is a subclass with `connect`, `send` and `close`; a call makes one image.
    `price_per_image` is in US dollars, for models that are not paid by the token.
    """

    timeout: Operational[float] = Field(default=300.0, gt=0)
    price_per_image: Operational[float | None] = Field(default=None, ge=0)

    registered: ClassVar[dict[str, type[ImageGenerationModel]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "provider" in cls.__dict__:
            ImageGenerationModel.registered[cls.provider] = cls

    @abstractmethod
    async def send(self, client: Any, prompt: str, seed: int) -> ImageReply:
        """Make one call and return what came back; `seed` differs from sample to sample.

        Raises:
            LLMError: translated from the provider's own errors.
        """

    def cost_of(self, usage: Usage) -> float | None:
        """Return what an image cost in US dollars, None where that is not known."""
        if self.price_per_image is not None or self.free:
            return self.price_per_image or 0.0
        rates = rates_of(self)
        return rates.cost(usage) if rates and usage.output_tokens else None

    def most_of(self, prompt: str) -> Amount:
        """Return the most that an image can cost; money only where the price is known."""
        if self.price_per_image is not None or self.free:
            return Amount(round((self.price_per_image or 0.0) * NANODOLLARS), len(prompt), 1)
        return self.amount_of(Usage(len(prompt.encode()), _MOST_TOKENS_OF_AN_IMAGE))

    def amount_of(self, usage: Usage) -> Amount:
        """Return what an image cost, as budgets count it."""
        cost = self.cost_of(usage) or 0.0
        return Amount(round(cost * NANODOLLARS), usage.input_tokens + usage.output_tokens, 1)

    def generate(
        self, prompts: Sequence[str], num_generations: int = 1, *, gateway: Gateway | None = None
    ) -> list[list[Image]]:
        """Return `num_generations` images for each prompt.

        Equal prompts get different images, and the same ones when called again: what has been made
        is read from the completion store.

        Raises:
            LLMError: an image could not be made.
        """
        from llms.home import default_gateway

        return (gateway or default_gateway()).generate_images(self, prompts, num_generations)


class RemoteImageGenerationModel(Remote, ImageGenerationModel):
    """An image generation model behind an HTTP API with a key."""
