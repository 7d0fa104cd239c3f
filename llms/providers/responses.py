"""What HTTP providers have in common: status codes and headers to our errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ContentFiltered,
    ContextLengthExceeded,
    LLMError,
    ModelNotFound,
    RateLimited,
    ServerFailed,
)
from llms.llm import RemoteLLM

_RETRIED_STATUSES = {408, 409, 425}


def error_for_status(
    llm: RemoteLLM, status: int, message: str, code: str | None, headers: Mapping[str, str]
) -> LLMError:
    """Return the error that a failed HTTP status means; `code` is the provider's error code."""
    said = f"{llm.provider} answered {status} for model {llm.model!r}: {message[:300]}"
    wait = retry_after(headers)
    if status == 429:
        if code == "insufficient_quota":
            return AuthenticationFailed(f"The account has no credit left. {said}")
        return RateLimited(said, retry_after=wait)
    if status in _RETRIED_STATUSES or status >= 500:
        return ServerFailed(said, retry_after=wait)
    if status in (401, 403):
        places = " or ".join([*llm.key_variables, "api_key="])
        return AuthenticationFailed(f"The API key was refused; check {places}. {said}")
    if status == 404:
        return ModelNotFound(f"Check the model name and the base URL {llm.url}. {said}")
    if code in ("context_length_exceeded", "exceed_context_size_error"):
        return ContextLengthExceeded(said)
    if code in ("content_filter", "content_policy_violation"):
        return ContentFiltered(said)
    return BadRequest(said)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a provider asks to wait: `retry-after-ms`, or `Retry-After` as seconds
    or as a date.
    """
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return float(milliseconds) / 1000
        value = headers.get("retry-after")
        if value is None:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
