"""Models on Hugging Face: the router, dedicated endpoints, and TGI servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from llms.chat import ChatMessage
from llms.errors import ConfigurationError
from llms.providers.chat_completions import ChatCompletionsParameters, from_environment
from llms.providers.completions import CompletionsLLM
from llms.providers.dedicated_endpoints import (
    ENDPOINTS,
    HuggingFaceModel,
    endpoint_address,
)

_ROUTER = "https://router.huggingface.co/v1"


class InferenceEndpointsParameters(ChatCompletionsParameters):
    """Sampling parameters of Hugging Face's chat API."""

    logit_bias: dict[str, float] | None = None


class InferenceEndpointsLLM(HuggingFaceModel, CompletionsLLM):
    """A model on Hugging Face, or on any server of text-generation-inference (TGI).

    `model` (or `model_id`) alone is asked of Hugging Face's router, as `owner/name` or
    `owner/name:provider`. `endpoint_name`, with its `endpoint_namespace`, names a dedicated
    endpoint, whose address is looked up; `base_url` (or `HF_INFERENCE_BASE_URL`) is the address of
    an endpoint or of a TGI server, ending in `/v1`. Both of these serve one model, which need not
    be named, and by both it can write user's turns, with a `magpie_pre_query_template`. The key is
    `HF_TOKEN`.
    """

    provider: ClassVar = "inference-endpoints"
    unnamed: ClassVar = "tgi"

    model: str = "tgi"
    base_url: str | None = from_environment("HF_INFERENCE_BASE_URL")
    generation_kwargs: InferenceEndpointsParameters = InferenceEndpointsParameters()

    @property
    def url(self) -> str:
        if self.endpoint_name is None:
            return self.base_url or _ROUTER
        return f"{ENDPOINTS}/{self.endpoint_namespace or 'my'}/{self.endpoint_name}"

    def check_user_turns(self, messages: Sequence[ChatMessage] = ()) -> None:
        if self.url == _ROUTER:
            raise ConfigurationError(
                "Hugging Face's router takes conversations only, so a model cannot write the "
                "user's turn by it; name a dedicated endpoint (endpoint_name=) or a server "
                "(base_url=)."
            )
        super().check_user_turns(messages)

    def connect(self) -> Any:
        if self.endpoint_name is None:
            return super().connect()
        address = endpoint_address(self, self.endpoint_name, self.endpoint_namespace)
        return self.connect_to(f"{address}/v1")
