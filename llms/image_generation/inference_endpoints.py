"""Image models on Hugging Face: its own inference, and dedicated endpoints."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from llms.chat import Usage
from llms.config import Config
from llms.image_generation.download import checked
from llms.image_generation.model import ImageReply, RemoteImageGenerationModel
from llms.providers.chat_completions import from_environment
from llms.providers.dedicated_endpoints import (
    ENDPOINTS,
    HuggingFaceModel,
    endpoint_address,
)
from llms.providers.http_api import HttpApi
from llms.providers.wire import Wire

_MODELS = "https://router.huggingface.co/hf-inference/models"


class InferenceEndpointsImageParameters(Config):
    """Parameters of Hugging Face's text-to-image API; sizes are in pixels."""

    negative_prompt: str | None = None
    height: int | None = Field(default=None, ge=1)
    width: int | None = Field(default=None, ge=1)
    num_inference_steps: int | None = Field(default=None, ge=1)
    guidance_scale: float | None = None


class InferenceEndpointsImageGeneration(HuggingFaceModel, HttpApi, RemoteImageGenerationModel):
    """An image model on Hugging Face.

    `model` (or `model_id`) alone is asked of Hugging Face's own inference. `endpoint_name`, with
    its `endpoint_namespace`, names a dedicated endpoint, whose address is looked up; `base_url` is
    the whole address of an endpoint. Both of these serve one model, which need not be named. The
    key is `HF_TOKEN`. Each sample is asked for with a seed of its own. Tokens are not counted: a
    budget in US dollars needs `price_per_image`.
    """

    provider: ClassVar = "inference-endpoints"
    unnamed: ClassVar = "endpoint"

    model: str = "endpoint"
    base_url: str | None = from_environment("HF_IMAGE_BASE_URL")
    generation_kwargs: InferenceEndpointsImageParameters = InferenceEndpointsImageParameters()

    @property
    def url(self) -> str:
        if self.endpoint_name is None:
            return self.base_url or f"{_MODELS}/{self.model}"
        return f"{ENDPOINTS}/{self.endpoint_namespace or 'my'}/{self.endpoint_name}"

    def connect(self) -> Wire:
        if self.endpoint_name is None:
            return super().connect()
        return self.connect_to(endpoint_address(self, self.endpoint_name, self.endpoint_namespace))

    async def send(self, client: Wire, prompt: str, seed: int) -> ImageReply:
        parameters = {**self.generation_kwargs.model_dump(exclude_none=True), "seed": seed}
        body = {"inputs": prompt, "parameters": parameters}
        headers = {**(self.default_headers or {}), "Accept": "image/png"}
        received = await client.receive(self, "", body, headers)
        data = checked(received.content, self)
        return ImageReply(Usage(0, 0), self.model_name, data, quota=received.quota)
