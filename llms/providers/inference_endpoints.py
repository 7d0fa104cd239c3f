"""Models on Hugging Face: the router, dedicated endpoints, and TGI servers."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import model_validator

from llms.errors import AuthenticationFailed, ConfigurationError
from llms.providers.chat_completions import (
    ChatCompletionsLLM,
    ChatCompletionsParameters,
    from_environment,
)
from llms.providers.responses import one_line, shown

_ROUTER = "https://router.huggingface.co/v1"
_ENDPOINTS = "https://api.endpoints.huggingface.cloud/v2/endpoint"


class InferenceEndpointsParameters(ChatCompletionsParameters):
    """Sampling parameters of Hugging Face's chat API."""

    logit_bias: dict[str, float] | None = None


class InferenceEndpointsLLM(ChatCompletionsLLM):
    """A model on Hugging Face, or on any server of text-generation-inference (TGI).

    `model` (or `model_id`) alone is asked of Hugging Face's router, as `owner/name` or
    `owner/name:provider`. `endpoint_name`, with its `endpoint_namespace`, names a dedicated
    endpoint, whose address is looked up; `base_url` (or `HF_INFERENCE_BASE_URL`) is the address of
    an endpoint or of a TGI server, ending in `/v1`. Both of these serve one model, which need not
    be named. The key is `HF_TOKEN`.
    """

    provider: ClassVar = "inference-endpoints"
    key_variables: ClassVar = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")

    model: str = "tgi"
    endpoint_name: str | None = None
    endpoint_namespace: str | None = None
    base_url: str | None = from_environment("HF_INFERENCE_BASE_URL")
    generation_kwargs: InferenceEndpointsParameters = InferenceEndpointsParameters()

    @model_validator(mode="before")
    @classmethod
    def _take_model_id(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = dict(data)
        if (model := given.pop("model_id", None)) is not None:
            given.setdefault("model", model)
        if not given.keys() & {"model", "endpoint_name", "base_url"}:
            raise ConfigurationError(
                "InferenceEndpointsLLM needs one of model=, endpoint_name= and base_url=."
            )
        return given

    @property
    def model_name(self) -> str:
        return self.endpoint_name or self.model if self.model == "tgi" else self.model

    @property
    def url(self) -> str:
        if self.endpoint_name is None:
            return self.base_url or _ROUTER
        return f"{_ENDPOINTS}/{self.endpoint_namespace or 'my'}/{self.endpoint_name}"

    def connect(self) -> Any:
        if self.endpoint_name is None:
            return super().connect()
        return self.connect_to(self._endpoint_url(self.endpoint_name))

    def _endpoint_url(self, name: str) -> str:
        """Look an endpoint's address up.

        Raises:
            ConfigurationError: there is no such endpoint, or it does not run.
        """
        from huggingface_hub import get_inference_endpoint
        from huggingface_hub.errors import HfHubHTTPError

        try:
            endpoint = get_inference_endpoint(
                name, namespace=self.endpoint_namespace, token=self.key()
            )
        except HfHubHTTPError as error:
            said = one_line(error, self)
            if error.response.status_code in (401, 403):
                raise AuthenticationFailed(
                    f"The API key was refused; check HF_TOKEN or api_key=. {said}"
                ) from shown(error, self)
            raise ConfigurationError(
                f"The endpoint {name!r} cannot be found; check endpoint_name and "
                f"endpoint_namespace. {said}"
            ) from shown(error, self)
        if endpoint.url is None:
            raise ConfigurationError(
                f"The endpoint {name!r} is {endpoint.status}; start it at "
                f"https://endpoints.huggingface.co and try again."
            )
        return f"{endpoint.url.rstrip('/')}/v1"
