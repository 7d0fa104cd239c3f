"""Images that a provider keeps at an address of its own, which is good for an hour or so."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llms.errors import (
    BadRequest,
    ConnectionFailed,
    LLMError,
    MalformedReply,
    RequestTimedOut,
    ServerFailed,
)
from llms.images import media_type
from llms.model import Model

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

_MOST_BYTES = 64 * 1024 * 1024
_MOST_REDIRECTS = 3
_PIECE = 64 * 1024
_WORTH_RETRYING = {408, 409, 425, 429}


async def download(address: str, model: Model) -> bytes:
    """Return the image at an address; nothing that tells who asks is sent there.

    Only `https:` addresses are fetched, and plain ones on the model's own host; redirects too.

    Raises:
        BadRequest: it is not there (any more), is too large, or may not be fetched.
        TransientError: it could not be fetched now.
    """
    if address.startswith("data:"):
        return decoded(address.partition(",")[2], model)
    import aiohttp

    timeout = aiohttp.ClientTimeout(model.timeout, sock_connect=30)
    try:
        async with aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            data = await _fetched(session, address, model)
    except LLMError:
        raise
    except TimeoutError as error:
        raise RequestTimedOut(f"{_host(address)} sent no image in time.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ConnectionFailed(f"The image at {_host(address)} could not be fetched.") from error
    return checked(data, model)


def decoded(text: object, model: Model) -> bytes:
    """Return the image that a base64 text holds.

    Raises:
        MalformedReply: it holds none.
    """
    try:
        data = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedReply(f"{model.provider} sent an image that is not base64.") from error
    return checked(data, model)


def checked(data: bytes, model: Model) -> bytes:
    """Return bytes that must be an image.

    Raises:
        MalformedReply: they are none.
    """
    if media_type(data) is None:
        raise MalformedReply(f"{model.provider} sent no PNG, JPEG, GIF or WebP image.")
    return data


async def _fetched(session: aiohttp.ClientSession, address: str, model: Model) -> bytes:
    from yarl import URL

    from llms.providers.wire import proxy_for

    url = URL(address)
    for _ in range(_MOST_REDIRECTS + 1):
        _check(url, model)
        async with session.get(url, allow_redirects=False, proxy=proxy_for(url)) as response:
            if response.status not in (301, 302, 303, 307, 308):
                return await _read(response, url)
            url = url.join(URL(response.headers.get("Location", "")))
    raise BadRequest(f"The image at {url.host} is behind more than {_MOST_REDIRECTS} redirects.")


def _check(url: URL, model: Model) -> None:
    own = model.address is not None and url.scheme == "http" and url.host == model.address[0]
    if url.scheme != "https" and not own:
        raise BadRequest(
            f"{model.provider} names an address for its image that is not fetched ({url.scheme}: "
            f"on {url.host}); only https: is."
        )


async def _read(response: aiohttp.ClientResponse, url: URL) -> bytes:
    status = response.status
    if status >= 500 or status in _WORTH_RETRYING:
        raise ServerFailed(f"{url.host} answered {status} for an image.")
    if status >= 400:
        raise BadRequest(f"The image at {url.host} is not there any more ({status}).")
    data = bytearray()
    async for piece in response.content.iter_chunked(_PIECE):
        data += piece
        if len(data) > _MOST_BYTES:
            raise BadRequest(f"The image at {url.host} has more than {_MOST_BYTES:,} bytes.")
    return bytes(data)


def _host(address: str) -> str:
    """Return the host alone: what follows it is as good as a key for an hour."""
    return urlsplit(address).hostname or "an address without a host"
