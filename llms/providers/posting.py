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
from llms.providers.responses import error_for_status, read_error, shown, unreadable
from llms.providers.transport import transport_error
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
    if isinstance(error, sdk.APIStatusError):
        message, code = read_error(error.body, error.message)
        headers = error.response.headers
        quota = read_quota(headers)
        return error_for_status(llm, error.status_code, message, code, headers, quota)
    cause = _below(error) if isinstance(error, sdk.APIConnectionError) else error
    if found := transport_error(llm, cause):
        return found
    if isinstance(error, sdk.APIError):
        return unreadable(llm, error)
    raise error


def _below(error: Exception) -> Exception:
    """Return what went wrong below the SDK, as aiohttp says it where it is used.

    The SDK's transport calls a refused connection a time-out.
    """
    import aiohttp

    reported = error.__cause__ if isinstance(error.__cause__, Exception) else error
    behind = reported.__cause__
    return behind if isinstance(behind, aiohttp.ClientError) else reported
