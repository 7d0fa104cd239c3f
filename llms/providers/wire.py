"""JSON over HTTP on connections that stay open.

aiohttp directly, and not an SDK: of what a call costs this process, an SDK's own part (models made
of dicts and back, requests and URLs built anew) is several times the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

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
from llms.quota import Quota

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

ReadQuota = Callable[[Mapping[str, str]], Quota | None]


@dataclass(frozen=True, slots=True)
class Received:
    """What came back: the bytes, and what the headers say of the limits."""

    content: bytes
    quota: Quota | None


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back: the reply's JSON value, and what its headers say of the limits."""

    reply: Any
    quota: Quota | None


class Wire:
    """Posts to the paths below a base URL; connections are opened as they are needed."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        from yarl import URL

        self._base = URL(url)
        self._headers = headers
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self,
        model: Remote,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        read_quota: ReadQuota = quota_of,
    ) -> Posted:
        """Post a JSON body for a model and read the JSON that comes back.

        Raises:
            LLMError: no answer came, or one that is an error or cannot be read.
        """
        received = await self.receive(model, path, body, headers, read_quota)
        try:
            return Posted(json.loads(received.content), received.quota)
        except ValueError as error:
            raise unreadable(model, error) from shown(error, model)

    async def receive(
        self,
        model: Remote,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        read_quota: ReadQuota = quota_of,
    ) -> Received:
        """Post a JSON body for a model and return the bytes that come back.

        Raises:
            LLMError: no answer came, or one that is an error.
        """
        import aiohttp

        try:
            timeout = aiohttp.ClientTimeout(model.timeout, sock_connect=model.connect_timeout)
            async with self._opened().post(
                self._url(path), data=_json(body), headers=headers, timeout=timeout
            ) as response:
                content = await response.read()
        except Exception as error:
            raise _translated(model, error) from shown(error, model)
        if response.status >= 400:
            message, code = read_error(_read(content), response.reason or "no reason given")
            quota = read_quota(response.headers)
            raise error_for_status(model, response.status, message, code, response.headers, quota)
        return Received(content, read_quota(response.headers))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                    "User-Agent": "stillhouse",
                    **self._headers,
                },
                proxy=proxy_for(self._base),
            )
        return self._session

    def _url(self, path: str) -> URL:
        if path not in self._urls:
            whole = self._base.path.rstrip("/") + path
            self._urls[path] = self._base.with_path(whole, keep_query=True)
        return self._urls[path]


def proxy_for(url: URL) -> str | None:
    """Return the proxy that the environment names for an address, looked up once."""
    if url.host is None or proxy_bypass(url.host):
        return None
    return getproxies().get(url.scheme)


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _translated(model: Remote, error: Exception) -> LLMError:
    import aiohttp

    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return not_connected(model, f"no connection within {model.connect_timeout:g} s")
    if isinstance(error, TimeoutError):
        return timed_out(model, model.url)
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return not_connected(model, error)
    if isinstance(error, ValueError):
        return unreadable(model, error)
    raise error
