"""Calls over HTTP with the SDKs of OpenAI and Anthropic, which are built alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from llms.errors import LLMError
from llms.model import Remote
from llms.providers.quotas import quota_of
from llms.providers.responses import (
    error_for_status,
    not_connected,
    read_error,
    shown,
    timed_out,
    unreadable,
)
from llms.providers.wire import Posted, ReadQuota


async def post(
    llm: Remote,
    sdk: ModuleType,
    client: Any,
    path: str,
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    read_quota: ReadQuota = quota_of,
) -> Posted:
    """Post a JSON body with a client of the SDK.

    This is the SDK's call below its typed ones, which spend most of their time on taking dicts to
    models and back.

    Raises:
        LLMError: translated from the SDK's errors.
    """
    import httpx2

    timeout = httpx2.Timeout(llm.timeout, connect=llm.connect_timeout)
    try:
        async with asyncio.timeout(llm.timeout):
            response = await client.post(
                path,
                body=body,
                cast_to=httpx2.Response,
                options={"timeout": timeout, "headers": headers or {}},
            )
        return Posted(json.loads(response.content), read_quota(response.headers))
    except Exception as error:
        raise translated(llm, sdk, error, read_quota) from shown(error, llm)


def translated(
    llm: Remote, sdk: ModuleType, error: Exception, read_quota: ReadQuota = quota_of
) -> LLMError:
    """Return the error that an error of the SDK means; what is none of its errors is raised."""
    if isinstance(error, TimeoutError):
        return timed_out(llm, llm.url)
    if isinstance(error, sdk.APIConnectionError):
        return _not_connected(llm, error)
    if isinstance(error, sdk.APIStatusError):
        message, code = read_error(error.body, error.message)
        headers = error.response.headers
        quota = read_quota(headers)
        return error_for_status(llm, error.status_code, message, code, headers, quota)
    if isinstance(error, (sdk.APIError, ValueError, OSError)):
        return unreadable(llm, error)
    raise error


def _not_connected(llm: Remote, error: Exception) -> LLMError:
    import aiohttp
    import httpx2

    reported = error.__cause__ or error
    behind = reported.__cause__
    if isinstance(behind, aiohttp.SocketTimeoutError) or (
        behind is None and isinstance(reported, httpx2.ReadTimeout)
    ):
        return timed_out(llm, llm.url)
    if isinstance(behind, aiohttp.ServerTimeoutError):
        return not_connected(llm, f"no connection within {llm.connect_timeout:g} s")
    return not_connected(llm, reported)
