"""Image models of OpenAI and of compatible servers."""

from __future__ import annotations

import os
from typing import Any, ClassVar, Literal

from pydantic import Field

from llms.chat import Usage
from llms.config import Config
from llms.errors import MalformedReply
from llms.image_generation.download import decoded
from llms.image_generation.model import ImageReply, RemoteImageGenerationModel
from llms.providers.http_api import HttpApi
from llms.providers.wire import Wire


class OpenAIImageParameters(Config):
    """Parameters of the images API; a model takes those that it knows.

    `response_format` is how the image comes. By default it comes with the answer ("b64_json");
    "url" is for servers that can only say where it is, from where it is fetched once the address is
    stored. `extra_body` is merged into the request as it is.
    """

    quality: str | None = None
    response_format: Literal["url", "b64_json"] | None = None
    size: str | None = None
    style: str | None = None
    extra_body: dict[str, Any] | None = None


class OpenAIImageGeneration(HttpApi, RemoteImageGenerationModel):
    """An image model of OpenAI or of any compatible server, named by `base_url`.

    `base_url` defaults to `OPENAI_BASE_URL`, then to OpenAI's own; it counts as part of the model's
    identity. The key is `OPENAI_API_KEY`. A model that is paid by the image needs `price_per_image`
    to be used with a budget in US dollars.
    """

    provider: ClassVar = "openai"
    price_list: ClassVar = "openai"
    key_variables: ClassVar = ("OPENAI_API_KEY",)

    base_url: str | None = Field(
        default_factory=lambda: os.environ.get("OPENAI_BASE_URL") or None,
    )
    generation_kwargs: OpenAIImageParameters = OpenAIImageParameters()

    @property
    def url(self) -> str:
        return self.base_url or "https://api.openai.com/v1"

    async def send(self, client: Wire, prompt: str, seed: int) -> ImageReply:
        posted = await self.post_json(client, "/images/generations", self.body(prompt))
        try:
            [item] = posted.reply["data"]
            usage = posted.reply.get("usage") or {}
            data, address = item.get("b64_json"), item.get("url")
            used = Usage(int(usage.get("input_tokens") or 0), int(usage.get("output_tokens") or 0))
            model = str(posted.reply.get("model") or self.model)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise MalformedReply(f"{self.url} sent a reply without an image.") from error
        if data:
            return ImageReply(used, model, decoded(data, self), quota=posted.quota)
        if not isinstance(address, str) or not address:
            raise MalformedReply(f"{self.url} sent a reply without an image.")
        return ImageReply(used, model, address=address, quota=posted.quota)

    def body(self, prompt: str) -> dict[str, Any]:
        """Return the JSON body that asks for an image."""
        parameters = self.generation_kwargs.model_dump(exclude_none=True)
        extra = parameters.pop("extra_body", {})
        if self.model.startswith("dall-e"):  # the others answer with the image, and refuse this
            parameters.setdefault("response_format", "b64_json")
        return {"model": self.model, "prompt": prompt, "n": 1, **parameters, **extra}
