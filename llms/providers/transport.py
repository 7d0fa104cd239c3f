"""Failures of connections, whichever HTTP library an SDK is built on."""

from __future__ import annotations

from llms.errors import LLMError
from llms.model import Remote
from llms.providers.responses import not_connected, timed_out, unreadable


def transport_error(llm: Remote, error: Exception) -> LLMError | None:
    """Return the error that a failure below an SDK's own errors means, None if it is none."""
    import aiohttp
    import httpx
    import httpx2

    if isinstance(
        error, (httpx.ConnectTimeout, httpx2.ConnectTimeout, aiohttp.ConnectionTimeoutError)
    ):
        return not_connected(llm, f"no connection within {llm.connect_timeout:g} s")
    if isinstance(error, (TimeoutError, httpx.TimeoutException, httpx2.TimeoutException)):
        return timed_out(llm, llm.url)
    if isinstance(error, (httpx.TransportError, httpx2.TransportError, OSError)) or (
        isinstance(error, aiohttp.ClientError) and not isinstance(error, aiohttp.ContentTypeError)
    ):
        return not_connected(llm, error)
    if isinstance(error, (ValueError, LookupError, TypeError, AttributeError)):
        return unreadable(llm, error)
    return None
