"""What HTTP providers have in common: status codes and headers to our errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

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
    message = one_line(message, llm)
    said = f"{llm.provider} answered {status} for model {llm.model!r}: {message}"
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
    if status == 402:
        return AuthenticationFailed(f"The account has no credit left. {said}")
    if status == 404:
        return ModelNotFound(f"Check the model name and the base URL {llm.url}. {said}")
    if code in ("context_length_exceeded", "exceed_context_size_error"):
        return ContextLengthExceeded(said)
    if code in ("content_filter", "content_policy_violation"):
        return ContentFiltered(said)
    return BadRequest(said)


def one_line(message: object, llm: RemoteLLM) -> str:
    """Return what a provider said as one short line, without the key should it repeat it."""
    return " ".join(str(message).replace(llm.key(), "[API key]").split())[:300]


def shown(error: Exception, llm: RemoteLLM) -> Exception | None:
    """Return the error to name as a cause, None where its text repeats the key."""
    return None if llm.key() in str(error) else error


def text_of(content: Any) -> str:
    """Join the text parts of a message's content.

    Raises:
        TypeError: it is not text.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return content.encode(errors="surrogatepass").decode(errors="replace")
    if not isinstance(content, list):
        raise TypeError(f"content is a {type(content).__name__}")
    parts = [part if isinstance(part, dict) else part.model_dump() for part in content]
    return "".join(part["text"] for part in parts if part.get("type") == "text")


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
