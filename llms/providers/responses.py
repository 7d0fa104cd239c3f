"""What HTTP providers have in common: status codes, error bodies and headers to our errors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConfigurationError,
    ConnectionFailed,
    ContentFiltered,
    ContextLengthExceeded,
    LLMError,
    MalformedReply,
    ModelNotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
)
from llms.model import Model, Remote
from llms.quota import Quota

NO_KEY = "none"
"""Stands for the key of a server that asks for none."""

_RETRIED_STATUSES = {408, 409, 425}
_NO_CREDIT = {
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
}
_WRONG_KEY = {"invalid_api_key", "authentication_error", "API_KEY_INVALID"}
_NO_SUCH_MODEL = {"model_not_found", "invalid_model", "DeploymentNotFound"}
_TOO_LONG = {"context_length_exceeded", "exceed_context_size_error", "3051"}
_FILTERED = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
_BADLY_SAMPLED = {"json_validate_failed", "tool_use_failed"}
_KNOWN = _NO_CREDIT | _WRONG_KEY | _NO_SUCH_MODEL | _TOO_LONG | _FILTERED | _BADLY_SAMPLED


def error_for_status(
    llm: Remote,
    status: int,
    message: str,
    code: str | None,
    headers: Mapping[str, str],
    quota: Quota | None = None,
) -> LLMError:
    """Return the error that a failed HTTP status means; `code` is the provider's error code."""
    said = f"{llm.provider} answered {status} for model {llm.model!r}: {one_line(message, llm)}"
    wait = retry_after(headers)
    if status == 402 or (status < 500 and code in _NO_CREDIT):
        return AuthenticationFailed(f"The account has no credit left. {said}")
    if status == 429:
        return RateLimited(said, retry_after=wait, quota=quota)
    if status in _RETRIED_STATUSES or status >= 500:
        return ServerFailed(said, retry_after=wait, quota=quota)
    if code in _NO_SUCH_MODEL or status == 404:
        return ModelNotFound(f"Check the model name and the base URL {llm.url}. {said}")
    if status in (401, 403) or code in _WRONG_KEY:
        places = " or ".join([*llm.key_variables, "api_key="])
        return AuthenticationFailed(f"The API key was refused; check {places}. {said}")
    if code in _TOO_LONG:
        return ContextLengthExceeded(said)
    if code in _FILTERED:
        return ContentFiltered(said)
    if code in _BADLY_SAMPLED:
        return MalformedReply(said, quota=quota)
    return BadRequest(said)


def read_error(body: Any, otherwise: str) -> tuple[str, str | None]:
    """Return message and code of an error body, in whichever shape a provider sends it."""
    if isinstance(body, str):
        return body or otherwise, None
    if not isinstance(body, Mapping):
        return otherwise, None
    if "error" in body:
        return read_error(body["error"], otherwise)
    message = body.get("message") or body.get("detail") or otherwise
    named = [str(value) for name in ("code", "type", "status") if (value := body.get(name))]
    if isinstance(inner := body.get("innererror"), Mapping):
        named.append(str(inner.get("code")))
    known = [value for value in named if value in _KNOWN]
    return str(message), next(iter(known or named), None)


def timed_out(llm: Model, address: str) -> RequestTimedOut:
    """Return the error for an answer that did not come within the model's time-out."""
    return RequestTimedOut(f"{address} sent no answer within {llm.timeout:g} s.")


def not_connected(llm: Remote, error: object) -> ConnectionFailed:
    """Return the error for a connection that could not be made, or that broke."""
    said = one_line(error, llm) or type(error).__name__
    return ConnectionFailed(f"{llm.url} could not be reached: {said.rstrip('.')}.")


def unreadable(llm: Remote, error: object) -> MalformedReply:
    """Return the error for a reply that is not what the API promises."""
    return MalformedReply(f"{llm.url} sent a reply that cannot be read: {one_line(error, llm)}.")


def one_line(message: object, llm: Remote) -> str:
    """Return what a provider said as one short line, without secrets should it repeat them."""
    text = str(message)
    for secret in _secrets(llm):
        text = text.replace(secret, "[API key]")
    return " ".join(text.split())[:300]


def shown(error: BaseException, llm: Remote) -> BaseException | None:
    """Return the error to name as a cause, None where it or one behind it repeats a secret."""
    texts = [str(link) for link in _chain(error)]
    repeated = any(secret in text for secret in _secrets(llm) for text in texts)
    return None if repeated else error


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


def _secrets(llm: Remote) -> Iterator[str]:
    try:
        key = llm.key()
    except ConfigurationError:
        key = NO_KEY
    if key != NO_KEY:
        yield from (key, quote(key, safe=""))
    for value in (getattr(llm, "default_headers", None) or {}).values():
        for secret in (value, value.rpartition(" ")[2]):
            if len(secret) >= 8:
                yield secret


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
