"""Where a dedicated endpoint of Hugging Face is."""

from __future__ import annotations

from llms.errors import AuthenticationFailed, ConfigurationError
from llms.model import Remote
from llms.providers.responses import one_line, shown

ENDPOINTS = "https://api.endpoints.huggingface.cloud/v2/endpoint"


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
