"""Models of Hugging Face: on its servers, or on a dedicated endpoint whose address is looked up."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import model_validator

from llms.errors import AuthenticationFailed, ConfigurationError
from llms.model import Remote
from llms.providers.responses import one_line, shown

ENDPOINTS = "https://api.endpoints.huggingface.cloud/v2/endpoint"


class HuggingFaceModel(Remote):
    """A model by `model` (or `model_id`), `endpoint_name` or `base_url`; the key is `HF_TOKEN`.

    An endpoint or a server of your own serves one model, which need not be named.
    """

    key_variables: ClassVar = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    unnamed: ClassVar[str]
    """What `model` is where it is not named."""

    endpoint_name: str | None = None
    endpoint_namespace: str | None = None
    base_url: str | None = None

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
                f"{cls.__name__} needs one of model=, endpoint_name= and base_url=."
            )
        return given

    @property
    def model_name(self) -> str:
        return self.endpoint_name or self.model if self.model == self.unnamed else self.model


def endpoint_address(model: Remote, name: str, namespace: str | None) -> str:
    """Look an endpoint's address up, for a model.

    Raises:
        ConfigurationError: there is no such endpoint, or it does not run.
    """
    from huggingface_hub import get_inference_endpoint
    from huggingface_hub.errors import HfHubHTTPError

    try:
        endpoint = get_inference_endpoint(name, namespace=namespace, token=model.key())
    except HfHubHTTPError as error:
        said = one_line(error, model)
        if error.response.status_code in (401, 403):
            raise AuthenticationFailed(
                f"The API key was refused; check HF_TOKEN or api_key=. {said}"
            ) from shown(error, model)
        raise ConfigurationError(
            f"The endpoint {name!r} cannot be found; check endpoint_name and "
            f"endpoint_namespace. {said}"
        ) from shown(error, model)
    if endpoint.url is None:
        raise ConfigurationError(
            f"The endpoint {name!r} is {endpoint.status}; start it at "
            f"https://endpoints.huggingface.co and try again."
        )
    return endpoint.url.rstrip("/")
